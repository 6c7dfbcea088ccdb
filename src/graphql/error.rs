//! Errors on the wire: `extensions { code status field errors details retryAfter requestId timestamp }`.
//!
//! Every error leaves through [`finish`]. What it cannot name as ours or as the library's own complaint about the document is masked.

use std::sync::Arc;

use async_graphql::{ErrorExtensionValues, Pos, Response, ServerError, Value, indexmap::IndexMap};
use chrono::{DateTime, SecondsFormat, Utc};

use super::scalars;
use crate::{
    base::error::{Code, Error},
    platform::metrics,
};

impl From<Error> for async_graphql::Error {
    fn from(error: Error) -> Self {
        Self { message: error.message().to_owned(), source: Some(Arc::new(error)), extensions: None }
    }
}

/// Turns our error into one of the whole request.
pub fn request_error(error: Error) -> ServerError {
    let mut wire = ServerError::new(error.message(), None);
    wire.source = Some(Arc::new(error));
    wire
}

/// Gives every error of an answer its code, masks and logs what is internal, and stamps request id and time.
pub fn finish(response: &mut Response, request_id: &str, now: DateTime<Utc>) {
    for error in &mut response.errors {
        let known = match error.source::<Error>() {
            Some(ours) => ours.clone(),
            None => foreign(error),
        };
        metrics::error(known.code().as_str());
        if known.code() == Code::Internal {
            tracing::error!(
                request_id,
                path = ?error.path,
                location = %known.location(),
                chain = known.chain(),
                "an operation failed inside"
            );
        }
        error.message = known.message().to_owned();
        if !known.places().is_empty() {
            error.locations =
                known.places().iter().map(|(line, column)| Pos { line: *line, column: *column }).collect();
        }
        // The library gives no place as the zeroth column of the zeroth line.
        error.locations.retain(|place| place.line > 0);
        error.source = None;
        error.extensions = Some(extensions(&known, request_id, now));
    }
}

/// An error of the library, which tells the document's faults apart only by where they arose.
fn foreign(error: &ServerError) -> Error {
    if error.source.is_some() {
        // A resolver let some other error through by a question mark: its text is not for clients.
        return Error::internal(error.message.clone());
    }
    let message = scalars::plain(&error.message).to_owned();
    let lower = message.to_ascii_lowercase();
    let code = if !error.path.is_empty() {
        Code::ValidationFailed
    } else if lower.contains("too complex")
        || lower.contains("too deep")
        || lower.contains("too many")
        || lower.contains("recursion depth")
    {
        Code::QueryTooComplex
    } else {
        Code::GraphqlValidationFailed
    };
    Error::new(code, message)
}

fn extensions(error: &Error, request_id: &str, now: DateTime<Utc>) -> ErrorExtensionValues {
    let mut values = ErrorExtensionValues::default();
    values.set("code", error.code().as_str());
    values.set("status", i32::from(error.status()));
    if !error.fields().is_empty() {
        let fields = error.fields().iter().map(|fault| {
            Value::Object(IndexMap::from_iter([
                (async_graphql::Name::new("field"), Value::from(fault.field.as_str())),
                (async_graphql::Name::new("message"), Value::from(fault.message.as_str())),
            ]))
        });
        values.set("errors", Value::List(fields.collect()));
        if let [only] = error.fields() {
            values.set("field", only.field.as_str());
        }
    }
    if let Some(details) = error.details().and_then(|details| Value::from_json(details.clone()).ok()) {
        values.set("details", details);
    }
    if let Some(wait) = error.retry_after() {
        values.set("retryAfter", i32::try_from(wait.as_secs()).unwrap_or(i32::MAX).max(1));
    }
    values.set("requestId", request_id);
    values.set("timestamp", now.to_rfc3339_opts(SecondsFormat::Millis, true));
    values
}
