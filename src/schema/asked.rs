//! What a client asks for, and where its document comes from: the text it sent, a document it named by its id, or the file of trusted
//! documents.

use std::{sync::Arc, time::Duration};

use async_graphql::{
    Request, Response, ServerError, Variables,
    parser::{parse_query, types::ExecutableDocument},
};

use super::{Inner, Unknown, roots};
use crate::{
    access::Op,
    base::error::{Code, Error},
    config::limits::Limits,
    graphql::{
        documents::{self, Document, DocumentId},
        precheck::{PrecheckLimits, Refusal, precheck, unescaped},
        trusted::{self, Trusted},
    },
    platform::cache::Cache,
};

/// How long other processes find a document that was shared with them.
const SHARED_FOR: Duration = Duration::from_secs(24 * 3600);
/// Documents shared in that time, over all processes. A front end has some hundreds; what is past it costs its clients a second
/// request to each process, and whoever makes up documents fills at most 32 MiB of Redis.
const SHARED: u32 = 2_000;
/// What stock clients look for: not only the code, some of them the message.
const NOT_FOUND: &str = "PersistedQueryNotFound";

/// A request as a transport reads it.
#[derive(Debug, Default)]
pub struct Asked {
    /// The text of the document; `None` when the client counts on its id.
    pub text: Option<String>,
    /// The id of the document, if the client gives one.
    pub id: Option<DocumentId>,
    /// The operation of the document to run.
    pub operation_name: Option<String>,
    /// Values for its variables.
    pub variables: Variables,
    /// The client wants to know the price, and nothing is to be run.
    pub price_only: bool,
}

impl Asked {
    /// Asks for a document without variables.
    pub fn of(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }
}

impl Inner {
    /// The document that is asked for, and what is to be kept of it when it proves valid.
    pub(super) async fn find(
        &self,
        cache: &Cache,
        text: Option<String>,
        id: Option<DocumentId>,
    ) -> Result<(Arc<Document>, Option<Unknown>), Error> {
        if let Some(trusted) = &self.trusted {
            let sentence = "This server runs only the documents it was given beforehand; this is none of them.";
            let found = trusted.find(id.as_ref(), text.as_deref());
            return Ok((found.ok_or_else(|| Error::new(Code::DocumentNotTrusted, sentence))?, None));
        }
        // What is too long is refused for that, and not hashed first.
        let most = self.config.limits.document_bytes;
        let (text, is_shared) = match (text, &id) {
            (Some(text), Some(id)) if text.len() <= most && *id != DocumentId::of(&text) => {
                let sentence = "The hash of the document is not that of its text: send the SHA-256 of `query`, in lower-case \
                                hexadecimal digits.";
                return Err(Error::new(Code::BadRequest, sentence));
            }
            (Some(text), _) => (text, false),
            (None, Some(id)) => match self.documents.named(id) {
                Some(document) => return Ok((document, None)),
                None => (shared(cache, id).await.ok_or_else(not_found)?, true),
            },
            (None, None) => return Err(not_found()),
        };
        let document = match self.documents.get(&text) {
            Some(document) => document,
            None => Arc::new(Document::new(&text, parse(&text, &self.config.limits)?)),
        };
        Ok((document, Some(Unknown { text, id, is_shared })))
    }

    /// Keeps a document that ran: whatever error belongs to a field came after validation.
    pub(super) fn learn(&self, op: &Op, response: &Response, document: &Arc<Document>, unknown: &Unknown) {
        if response.errors.iter().any(|error| error.path.is_empty()) {
            return;
        }
        let is_new = self.documents.keep(&unknown.text, document, unknown.id.as_ref());
        let cache = &op.platform.cache;
        if let (true, false, true, Some(id)) = (is_new, unknown.is_shared, cache.is_shared(), &unknown.id) {
            let (cache, key, text) = (cache.clone(), key(id), unknown.text.clone());
            op.platform.tasks.spawn(async move {
                if cache.count("documents", SHARED_FOR).await.0 <= SHARED {
                    cache.share(&key, &text, SHARED_FOR).await;
                }
            });
        }
    }

    /// Reads the file of trusted documents, if there is one, and validates each.
    ///
    /// # Errors
    /// INTERNAL naming each document that cannot be run.
    pub(super) async fn read_trusted(&self) -> Result<Option<Trusted>, Error> {
        let Some(path) = &self.config.app.trusted_documents else { return Ok(None) };
        let fault = |text: String| Error::internal(format!("TRUSTED_DOCUMENTS: {}: {text}", path.display()));
        let file = tokio::fs::read_to_string(path).await.map_err(|error| fault(error.to_string()))?;
        let (mut trusted, mut faults) = (Trusted::default(), Vec::new());
        for (id, text) in trusted::read(&file).map_err(fault)? {
            match self.check(&text).await {
                Ok(document) => trusted.add(&id, &text, &document),
                Err(error) => faults.push(format!("document {id}: {error}")),
            }
        }
        if faults.is_empty() { Ok(Some(trusted)) } else { Err(fault(faults.join("\n"))) }
    }

    /// Parses a text and validates it, without values for its variables.
    async fn check(&self, text: &str) -> Result<Arc<Document>, String> {
        let parsed = parse(text, &self.config.limits).map_err(|error| error.message().to_owned())?;
        let mut request = Request::new("");
        request.set_parsed_query(parsed.clone());
        match self.validate(request).await.errors.first() {
            Some(error) => Err(match error.locations.first() {
                Some(place) => format!("line {}, column {}: {}", place.line, place.column, error.message),
                None => error.message.clone(),
            }),
            None => Ok(Arc::new(Document::valid(text, parsed))),
        }
    }
}

fn not_found() -> Error {
    Error::new(Code::PersistedQueryNotFound, NOT_FOUND)
}

/// A document that another process has shared. What is kept in Redis is not ours alone: its hash says whether it is what was asked for.
async fn shared(cache: &Cache, id: &DocumentId) -> Option<String> {
    let text = cache.shared(&key(id)).await?;
    (text.len() <= documents::LONGEST && *id == DocumentId::of(&text)).then_some(text)
}

fn key(id: &DocumentId) -> String {
    format!("document:{}", id.as_str())
}

/// Bounds a document, then parses it.
fn parse(text: &str, limits: &Limits) -> Result<ExecutableDocument, Error> {
    let bounds = PrecheckLimits {
        bytes: limits.document_bytes,
        tokens: limits.document_tokens,
        nesting: limits.document_nesting,
        aliases: limits.aliases,
        directives: limits.directives,
    };
    let refused = |refusal: Refusal| {
        let code = if refusal.is_syntax() { Code::GraphqlParseFailed } else { Code::QueryTooComplex };
        Error::new(code, refusal.message()).with_places(refusal.location())
    };
    precheck(text, &bounds).map_err(refused)?;
    let unescaped = unescaped(text).map_err(refused)?;
    let document = parse_query(unescaped.as_deref().unwrap_or(text)).map_err(|fault| unparsable(fault.into()))?;
    Ok(roots::unfolded(&document)?.unwrap_or(document))
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
