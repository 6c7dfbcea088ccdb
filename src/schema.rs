//! Floor 6, the roof: the rooms' roots merged into one schema, and the one way to run an operation against it.
//!
//! Everything generic ends here: [`Api`] hands out boxed futures and streams, so that transports and tests compile without the
//! schema's types.

mod node;
mod resume;

pub use node::Node;

use std::{collections::HashSet, sync::Arc, time::Duration};

use async_graphql::{
    MergedObject, MergedSubscription, Name, Request, Response, SDLExportOptions, Schema, ServerError, Value,
    parser::types::{ExecutableDocument, Field, OperationDefinition, OperationType, Selection},
    value,
};
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::BoxStream};

use crate::{
    access::Op,
    base::error::{Code, Error},
    config::Config,
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
        error,
        execution::Execution,
        inputs, introspection,
        loader::loaders,
        precheck::{PrecheckLimits, precheck},
        shape::Shape,
    },
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

fn build(config: &Config) -> Polyphony {
    let limits = &config.limits;
    let mut schema = Schema::build(Query::default(), Mutation::default(), Subscription::default())
        .register_output_type::<codes::ErrorCode>()
        .register_output_type::<AccessNotes>()
        .limit_recursive_depth(limits.document_nesting)
        .extension(Execution);
    if !config.app.introspection {
        schema = schema.disable_introspection().disable_suggestions();
    }
    schema.finish()
}

/// The schema in the schema definition language, as `schema.graphql` keeps it.
pub fn sdl(config: &Config) -> String {
    let options = SDLExportOptions::new()
        .sorted_fields()
        .sorted_arguments()
        .sorted_enum_items()
        .include_specified_by()
        .prefer_single_line_descriptions();
    build(config).sdl_with_options(options)
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
pub struct Prepared {
    request: Request,
    /// What it asks for.
    pub kind: Kind,
    /// The name the document gives the operation.
    pub name: Option<String>,
    /// What it costs.
    pub price: Price,
}

/// The schema, ready to run operations.
#[derive(Clone)]
pub struct Api {
    schema: Polyphony,
    shape: Arc<Shape>,
    config: Arc<Config>,
    /// The subscriptions that can be taken up again.
    resumable: Arc<HashSet<String>>,
}

impl Api {
    /// Builds the schema.
    ///
    /// # Errors
    /// INTERNAL when the schema does not read its own text.
    pub fn new(config: Arc<Config>) -> Result<Self, Error> {
        let schema = build(&config);
        let sdl = schema.sdl();
        let resumable = Arc::new(resume::resumable(&sdl));
        let shape = Arc::new(Shape::read(&sdl)?);
        Ok(Self { schema, shape, config, resumable })
    }

    /// Makes a subscription go on behind this cursor, whatever the document says of where to begin.
    ///
    /// # Errors
    /// BAD_REQUEST when it cannot be taken up again.
    pub fn resume_after(&self, prepared: &mut Prepared, cursor: &str) -> Result<(), Error> {
        let mut document = prepared.request.parsed_query().map_err(unparsable)?.clone();
        match resume::resume(&mut document, prepared.name.as_deref(), &self.resumable, cursor) {
            Some(resume::Place::Written) => prepared.request.set_parsed_query(document),
            Some(resume::Place::Variable(name)) => drop(prepared.request.variables.insert(name, Value::from(cursor))),
            None => {
                let sentence = "Last-Event-ID: this subscription has no `after`, so it cannot be taken up again.";
                return Err(Error::new(Code::BadRequest, sentence));
            }
        }
        Ok(())
    }

    /// Bounds and parses the document and finds its operation, before anything runs.
    ///
    /// # Errors
    /// QUERY_TOO_COMPLEX, GRAPHQL_PARSE_FAILED, BAD_REQUEST when `operationName` does not name an operation of the document, or
    /// VALIDATION_FAILED naming each input that is missing or not of its type, or INTROSPECTION_DISABLED.
    pub fn prepare(&self, mut request: Request) -> Result<Prepared, Error> {
        let limits = &self.config.limits;
        let bounds = PrecheckLimits {
            bytes: limits.document_bytes,
            tokens: limits.document_tokens,
            nesting: limits.document_nesting,
            aliases: limits.aliases,
            directives: limits.directives,
        };
        precheck(&request.query, &bounds).map_err(|refusal| {
            let code = if refusal.is_syntax() { Code::GraphqlParseFailed } else { Code::QueryTooComplex };
            Error::new(code, refusal.message()).with_places(refusal.location())
        })?;
        let name = request.operation_name.clone();
        let mut variables = std::mem::take(&mut request.variables);
        let document = request.parsed_query().map_err(unparsable)?;
        let (known, operation) = named(document, name.as_deref())?;
        // What the operation does not take is not kept: a subscription would hold it for as long as it is followed.
        let takes = |name: &Name| operation.variable_definitions.iter().any(|taken| taken.node.name.node == *name);
        variables.retain(|name, _| takes(name));
        let price = cost::price(document, operation, &variables, limits, &self.shape)?;
        if !self.config.app.introspection {
            introspection::refuse(document, operation)?;
        }
        inputs::check(document, operation, &variables, &self.shape)?;
        let kind = match operation.ty {
            OperationType::Query => Kind::Query,
            OperationType::Mutation => Kind::Mutation,
            OperationType::Subscription => Kind::Subscription,
        };
        let name = known.map(ToString::to_string);
        request.variables = variables;
        Ok(Prepared { request, kind, name, price })
    }

    /// Runs a query or mutation to its end.
    pub fn execute(&self, op: Arc<Op>, prepared: Prepared) -> BoxFuture<'static, Response> {
        let (schema, limit) = (self.schema.clone(), self.config.limits.request_timeout);
        let Price { cost, depth, .. } = prepared.price;
        op.viewer.id().into_iter().for_each(|user| op.platform.presence.seen(user));
        let cost = value!({ "requested": cost, "limit": self.config.limits.complexity, "depth": depth });
        async move {
            let request = prepared.request.data(op.clone()).data(loaders(op.clone()));
            let mut response = match tokio::time::timeout(limit, schema.execute(request)).await {
                Ok(response) => response,
                Err(_) => too_long(limit),
            };
            response.extensions.insert("cost".to_owned(), cost);
            error::finish(&mut response, &op.request_id, op.platform.clock.now());
            response
        }
        .boxed()
    }

    /// Runs a subscription; each item is one answer, and the stream ends when the subscription does.
    pub fn stream(&self, op: Arc<Op>, prepared: Prepared) -> BoxStream<'static, Response> {
        let mut request = prepared.request.data(op.clone()).data(loaders(op.clone()));
        // The source of a subscription is made outside of what `Execution` sees.
        let (asked, variables) = (root_fields(&mut request), request.variables.clone());
        // Whoever follows something is here for as long as they follow it.
        let stay = op.viewer.id().map(|user| op.platform.presence.stay(user));
        self.schema
            .execute_stream(request)
            .map(move |mut response| {
                let _ = &stay;
                for error in &mut response.errors {
                    let known = asked.iter().find_map(|field| inputs::blame(error, &field.arguments, &variables));
                    if let Some(known) = known {
                        error.source = Some(Arc::new(known));
                    }
                }
                error::finish(&mut response, &op.request_id, op.platform.clock.now());
                response
            })
            .boxed()
    }

    /// An answer that is nothing but this error: for a request that cannot be run.
    pub fn refusal(&self, error: Error, request_id: &str, now: chrono::DateTime<chrono::Utc>) -> Response {
        let mut response = Response::from_errors(vec![error::request_error(error)]);
        error::finish(&mut response, request_id, now);
        response
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

/// The fields at the root of the operation, those of fragments left out.
fn root_fields(request: &mut Request) -> Vec<Field> {
    let name = request.operation_name.clone();
    let Ok((_, operation)) = request.parsed_query().map_err(unparsable).and_then(|found| named(found, name.as_deref()))
    else {
        return Vec::new();
    };
    let items = operation.selection_set.node.items.iter();
    let fields = items.filter_map(|item| match &item.node {
        Selection::Field(field) => Some(field.node.clone()),
        _ => None,
    });
    fields.collect()
}

/// The parser draws a picture of the place; what a client needs is the last line of it.
fn unparsable(fault: ServerError) -> Error {
    let expected = fault.message.lines().last().unwrap_or_default().trim().trim_start_matches("= ").to_owned();
    let sentence = match fault.locations.first() {
        Some(place) => format!("Line {}, column {}: {expected}.", place.line, place.column),
        None => format!("{expected}."),
    };
    Error::new(Code::GraphqlParseFailed, sentence).with_places(fault.locations.iter().map(|at| (at.line, at.column)))
}

fn too_long(limit: Duration) -> Response {
    let sentence = format!("The operation took longer than {} seconds; ask for less at once.", limit.as_secs());
    Response::from_errors(vec![error::request_error(Error::new(Code::Timeout, sentence))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Env;

    #[test]
    fn the_schema_builds() {
        let config = Config::read(&mut Env::of([])).unwrap();
        assert!(sdl(&config).contains("type Query"));
    }
}
