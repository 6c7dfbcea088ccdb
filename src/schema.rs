//! Floor 6, the roof: the rooms' roots merged into one schema, and the one way to run an operation against it.
//!
//! Everything generic ends here: [`Api`] hands out boxed futures and streams, so that transports and tests compile without the
//! schema's types.

mod asked;
mod follow;
mod node;
mod resume;
mod roots;

pub use asked::Asked;
pub use follow::Told;
pub use node::Node;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_graphql::{
    MergedObject, MergedSubscription, Name, Positioned, Request, Response, SDLExportOptions, Schema, SchemaBuilder,
    ValidationMode, Value, Variables,
    parser::types::{ExecutableDocument, Field, OperationDefinition, OperationType, Selection},
    value,
};
use futures_util::{
    FutureExt, StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};

use crate::{
    access::Op,
    base::error::{Code, Error},
    config::{Config, limits::Limits},
    domains::{
        auth::graphql::{AuthMutation, AuthQuery, RolesMutation},
        conversations::graphql::{
            ConversationsMutation, ConversationsQuery, ConversationsSubscription, MessagesMutation,
        },
        operations::graphql::{OperationsMutation, OperationsQuery},
        users::graphql::{UsersMutation, UsersQuery},
    },
    graphql::{
        access::AccessNotes,
        codes,
        cost::{self, Price},
        documents::{Document, DocumentId, Documents},
        error,
        execution::{Execution, Timed, ValidatedOnly},
        inputs, introspection,
        loader::loaders,
        ready::AtOnce,
        shape::Shape,
        share::Shares,
        trusted::Trusted,
    },
    platform::cache::Cache,
};

/// Everything that can be read.
#[derive(MergedObject, Default)]
pub struct Query(UsersQuery, AuthQuery, ConversationsQuery, OperationsQuery, node::NodeQuery);

/// Everything that can be changed. The fields of one operation run one after the other, in order; the first that fails ends the operation
/// and leaves `data` null, although what ran before it is done. Send one at a time unless that is all right.
#[derive(MergedObject, Default)]
pub struct Mutation(
    UsersMutation,
    AuthMutation,
    RolesMutation,
    ConversationsMutation,
    MessagesMutation,
    OperationsMutation,
);

/// Everything that can be followed.
#[derive(MergedSubscription, Default)]
pub struct Subscription(ConversationsSubscription);

type Polyphony = Schema<Query, Mutation, Subscription>;

fn builder(config: &Config) -> SchemaBuilder<Query, Mutation, Subscription> {
    let limits = &config.limits;
    let schema = Schema::build(Query::default(), Mutation::default(), Subscription::default())
        .register_output_type::<codes::ErrorCode>()
        .register_output_type::<AccessNotes>()
        .limit_recursive_depth(limits.document_nesting);
    if config.app.introspection { schema } else { schema.disable_introspection().disable_suggestions() }
}

/// The schema that keeps to the specification in everything.
fn exact(config: &Config) -> Polyphony {
    builder(config).extension(Execution).finish()
}

/// The same schema without what costs time and matters only when something is wrong: for documents known to be valid, until there is
/// an error.
fn swift(config: &Config) -> Polyphony {
    builder(config).validation_mode(ValidationMode::Fast).finish()
}

/// The schema in the schema definition language, as `schema.graphql` keeps it.
pub fn sdl(config: &Config) -> String {
    let options = SDLExportOptions::new()
        .sorted_fields()
        .sorted_arguments()
        .sorted_enum_items()
        .include_specified_by()
        .prefer_single_line_descriptions();
    exact(config).sdl_with_options(options)
}

/// What kind of operation a document asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Reads.
    Query,
    /// Changes something.
    Mutation,
    /// Follows something.
    Subscription,
}

/// A request whose document has been bounded, parsed and found to name one operation.
#[derive(Clone)]
pub struct Prepared {
    /// What is to be kept when the document proves valid; nothing when it is known already.
    unknown: Option<Unknown>,
    document: Arc<Document>,
    variables: Variables,
    /// It is priced and validated, and not run.
    is_priced_only: bool,
    /// What it asks for. Asking for a price alone is reading.
    pub kind: Kind,
    /// The name the document gives the operation.
    pub name: Option<String>,
    /// What it costs.
    pub price: Price,
    /// The one field at its root; nothing when there are several, or a fragment.
    pub sole: Option<Name>,
}

/// The text of a document that has not been found valid yet.
#[derive(Clone)]
struct Unknown {
    text: String,
    /// The id the client gave with it.
    id: Option<DocumentId>,
    /// It came from what another process has shared.
    is_shared: bool,
}

/// The schema, ready to run operations.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    exact: Polyphony,
    swift: Polyphony,
    documents: Documents,
    shares: Shares<follow::Basis>,
    /// The only documents that are run, where a file lists them.
    trusted: Option<Trusted>,
    shape: Shape,
    config: Arc<Config>,
    /// Operations run.
    count: AtomicU64,
}

/// Of so many operations one has its fields timed: enough to see what is slow, and the others pay nothing.
const SAMPLED: u64 = 16;

impl Api {
    /// Builds the schema, and reads the file of trusted documents where there is one.
    ///
    /// # Errors
    /// INTERNAL when the schema does not read its own text, or naming the trusted documents that cannot be run.
    pub async fn new(config: Arc<Config>) -> Result<Self, Error> {
        let exact = exact(&config);
        let shape = Shape::read(&exact.sdl())?;
        let mut inner = Inner {
            exact,
            swift: swift(&config),
            documents: Documents::default(),
            shares: Shares::default(),
            trusted: None,
            shape,
            config,
            count: AtomicU64::new(0),
        };
        inner.trusted = inner.read_trusted().await?;
        Ok(Self(Arc::new(inner)))
    }

    /// How many documents are trusted; `None` where any may be run.
    pub fn trusted_documents(&self) -> Option<usize> {
        self.0.trusted.as_ref().map(Trusted::count)
    }

    /// Makes a subscription go on behind this cursor, whatever the document says of where to begin.
    ///
    /// # Errors
    /// BAD_REQUEST when it cannot be taken up again.
    pub fn resume_after(&self, prepared: &mut Prepared, cursor: &str) -> Result<(), Error> {
        let mut document = prepared.document.parsed.clone();
        match resume::resume(&mut document, prepared.name.as_deref(), &self.0.shape, cursor) {
            Some(resume::Place::Written) => {
                prepared.document = Arc::new(Document::new(&prepared.document.text, document));
                // It is no longer what its text says.
                prepared.unknown = None;
            }
            Some(resume::Place::Variable(name)) => drop(prepared.variables.insert(name, Value::from(cursor))),
            None => {
                let sentence = "Last-Event-ID: this subscription has no `after`, so it cannot be taken up again.";
                return Err(Error::new(Code::BadRequest, sentence));
            }
        }
        Ok(())
    }

    /// Finds, bounds and parses the document and finds its operation, before anything runs. `cache` is where other processes share
    /// documents.
    ///
    /// # Errors
    /// PERSISTED_QUERY_NOT_FOUND, DOCUMENT_NOT_TRUSTED, QUERY_TOO_COMPLEX, GRAPHQL_PARSE_FAILED, GRAPHQL_VALIDATION_FAILED
    /// when a variable is of no type, BAD_REQUEST when an id is not that of its text or `operationName` does not name an operation of the document, VALIDATION_FAILED naming each input that is missing or
    /// not of its type, or INTROSPECTION_DISABLED.
    pub async fn prepare(&self, cache: &Cache, asked: Asked) -> Result<Prepared, Error> {
        let Inner { shape, config, .. } = &*self.0;
        let Asked { text, id, operation_name, mut variables, price_only } = asked;
        let (document, unknown) = self.0.find(cache, text, id).await?;
        let parsed = &document.parsed;
        let (known, operation) = named(parsed, operation_name.as_deref())?;
        // What the operation does not take is not kept: a subscription would hold it for as long as it is followed.
        let takes = |name: &Name| operation.variable_definitions.iter().any(|taken| taken.node.name.node == *name);
        variables.retain(|name, _| takes(name));
        let price = cost::price(parsed, operation, &variables, &config.limits, shape)?;
        if !config.app.introspection {
            introspection::refuse(parsed, operation)?;
        }
        inputs::known_types(parsed, shape)?;
        inputs::check(parsed, operation, &variables, shape)?;
        // What is left out has its default everywhere (specification, section 6.1.2); the library forgets it in @skip and @include.
        for taken in &operation.variable_definitions {
            if let Some(default) = &taken.node.default_value {
                variables.entry(taken.node.name.node.clone()).or_insert_with(|| default.node.clone());
            }
        }
        let kind = match operation.ty {
            _ if price_only => Kind::Query,
            OperationType::Query => Kind::Query,
            OperationType::Mutation => Kind::Mutation,
            OperationType::Subscription => Kind::Subscription,
        };
        let name = known.map(ToString::to_string);
        let sole = match operation.selection_set.node.items.as_slice() {
            [Positioned { node: Selection::Field(field), .. }] => Some(field.node.name.node.clone()),
            _ => None,
        };
        Ok(Prepared { unknown, document, variables, is_priced_only: price_only, kind, name, price, sole })
    }

    /// Runs a query or mutation to its end.
    pub fn execute(&self, op: Arc<Op>, prepared: Prepared) -> BoxFuture<'static, Response> {
        let api = self.0.clone();
        let limit = api.config.limits.request_timeout;
        let Price { cost, depth, .. } = prepared.price;
        if let Err(error) = op.viewer.may_run(false) {
            return std::future::ready(self.refusal(error, &op.request_id, op.platform.clock.now())).boxed();
        }
        op.viewer.id().into_iter().for_each(|user| op.platform.presence.seen(user));
        let cost = value!({ "requested": cost, "limit": api.config.limits.complexity, "depth": depth });
        async move {
            let answering = async {
                if prepared.is_priced_only { api.weigh(&op, &prepared).await } else { api.run(&op, &prepared).await }
            };
            let mut response = match tokio::time::timeout(limit, answering).await {
                Ok(response) => response,
                Err(_) => too_long(limit),
            };
            response.extensions.insert("cost".to_owned(), cost);
            error::finish(&mut response, &op.request_id, op.platform.clock.now());
            response
        }
        .boxed()
    }

    /// Runs a subscription; each item is what is told of one event, and the stream ends when the subscription does.
    pub fn stream(&self, op: Arc<Op>, prepared: Prepared) -> BoxStream<'static, Told> {
        if let Err(error) = op.viewer.may_run(true) {
            let refusal = self.refusal(error, &op.request_id, op.platform.clock.now());
            return stream::once(std::future::ready(Told::Answer(Box::new(refusal)))).boxed();
        }
        follow::follow(self.0.clone(), op, prepared)
    }

    /// An answer that is nothing but this error: for a request that cannot be run.
    pub fn refusal(&self, error: Error, request_id: &str, now: chrono::DateTime<chrono::Utc>) -> Response {
        let mut response = Response::from_errors(vec![error::request_error(error)]);
        error::finish(&mut response, request_id, now);
        response
    }
}

impl Inner {
    /// Runs a query or mutation: a query whose document is known to be valid without the exact schema's care, and with it only when
    /// that brought an error. Reading twice changes nothing, but costs: one that brought an error last time is run with care at once.
    async fn run(&self, op: &Arc<Op>, prepared: &Prepared) -> Response {
        let is_timed = self.count.fetch_add(1, Ordering::Relaxed).is_multiple_of(SAMPLED);
        let document = &prepared.document;
        if prepared.kind == Kind::Query && document.is_valid() && document.is_clean() && !is_timed {
            let request = prepared.request(op);
            let request = if document.merges() { request } else { request.data(AtOnce) };
            let response = self.swift.execute(request).await;
            if response.errors.is_empty() {
                self.learn_from(op, &response, prepared);
                return response;
            }
        }
        let request = prepared.request(op);
        let request = if is_timed { request.data(Timed) } else { request };
        let response = self.exact.execute(request).await;
        self.learn_from(op, &response, prepared);
        response
    }

    /// Answers that a document is valid, and runs nothing.
    async fn weigh(&self, op: &Arc<Op>, prepared: &Prepared) -> Response {
        if prepared.document.is_valid() {
            return Response::new(Value::Null);
        }
        let response = self.validate(prepared.request(op)).await;
        self.learn_from(op, &response, prepared);
        response
    }

    fn learn_from(&self, op: &Op, response: &Response, prepared: &Prepared) {
        if let Some(unknown) = &prepared.unknown {
            self.learn(op, response, &prepared.document, unknown);
        }
    }

    /// Validates and stops there: no data, and errors only if the document is not valid.
    async fn validate(&self, request: Request) -> Response {
        self.exact.execute(request.data(ValidatedOnly)).await
    }
}

impl Prepared {
    /// What it weighs against the viewer's limits: one, when nothing but its price is asked for.
    pub fn weight(&self, limits: &Limits) -> u32 {
        if self.is_priced_only { 1 } else { limits.weight(self.price.cost) }
    }

    /// As the library takes it, with what resolvers find in their context.
    fn request(&self, op: &Arc<Op>) -> Request {
        // The text has been parsed and is not looked at again.
        let mut request = Request::new("").variables(self.variables.clone());
        request.operation_name.clone_from(&self.name);
        request.set_parsed_query(self.document.parsed.clone());
        request.data(op.clone()).data(loaders(op.clone()))
    }
}

/// The operation the request asks for.
fn named<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Result<(Option<&'a Name>, &'a OperationDefinition), Error> {
    let mut operations = document.operations.iter().map(|(known, operation)| (known, &operation.node));
    let found = match name {
        Some(name) => operations.find(|(known, _)| known.is_some_and(|known| known == name)),
        None => operations.next().filter(|_| operations.next().is_none()),
    };
    found.ok_or_else(|| {
        let sentence = match name {
            Some(name) => format!("operationName: the document has no operation called {name:?}."),
            None => "operationName: the document has several operations; name the one to run.".to_owned(),
        };
        Error::new(Code::BadRequest, sentence)
    })
}

/// The fields at the root of the operation. Those in fragments stand beside them: see [`roots`].
fn root_fields(prepared: &Prepared) -> Vec<Field> {
    let Ok((_, operation)) = named(&prepared.document.parsed, prepared.name.as_deref()) else { return Vec::new() };
    let items = operation.selection_set.node.items.iter();
    let fields = items.filter_map(|item| match &item.node {
        Selection::Field(field) => Some(field.node.clone()),
        _ => None,
    });
    fields.collect()
}

fn too_long(limit: Duration) -> Response {
    let sentence = format!("The operation took longer than {} seconds; ask for less at once.", limit.as_secs());
    Response::from_errors(vec![error::request_error(Error::new(Code::Timeout, sentence))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Env;

    fn size<A, B, F>(_: impl FnOnce(A, B) -> F) -> usize {
        size_of::<F>()
    }

    /// Every field of every row has a future of this size made, moved and dropped.
    #[test]
    fn the_futures_of_fields_are_small() {
        use async_graphql::ContainerType;

        use crate::domains::{
            conversations::graphql::{Conversation, ConversationMember, Message},
            users::graphql::User,
        };
        let sizes = [
            ("Message", size(<Message as ContainerType>::resolve_field)),
            ("Conversation", size(<Conversation as ContainerType>::resolve_field)),
            ("ConversationMember", size(<ConversationMember as ContainerType>::resolve_field)),
            ("User", size(<User as ContainerType>::resolve_field)),
        ];
        assert!(sizes.iter().all(|(_, size)| *size <= 1536), "box what is long in fields: {sizes:?}");
    }

    #[test]
    fn the_schema_builds() {
        let config = Config::read(&mut Env::of([])).unwrap();
        assert!(sdl(&config).contains("type Query"));
    }
}
