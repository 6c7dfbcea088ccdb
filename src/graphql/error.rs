//! Errors on the wire: `extensions { code status errors details retryAfter requestId timestamp }`.
//!
//! Every error leaves through [`finish`]. What it cannot name as ours or as the library's own complaint about the document is masked.

use std::sync::Arc;

use async_graphql::{ErrorExtensionValues, Response, ServerError, Value, indexmap::IndexMap};
use chrono::{DateTime, SecondsFormat, Utc};

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
    // `Failed to parse "ID": expected …`: the library's words about its own types say nothing to a client.
    let message = match error.message.strip_prefix("Failed to parse \"").and_then(|rest| rest.split_once("\": ")) {
        Some((_, what)) => what.to_owned(),
        None => error.message.clone(),
    };
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

/// The stable code of an error, in `errors[].extensions.code`. Decide by it, never by the message.
#[derive(Clone, Copy)]
pub struct ErrorCode(pub Code);

impl async_graphql::OutputType for ErrorCode {
    fn type_name() -> std::borrow::Cow<'static, str> {
        "ErrorCode".into()
    }

    fn create_type_info(registry: &mut async_graphql::registry::Registry) -> String {
        use async_graphql::registry::{Deprecation, MetaEnumValue, MetaType, MetaTypeId};
        registry.create_output_type::<Self, _>(MetaTypeId::Enum, |_| MetaType::Enum {
            name: "ErrorCode".into(),
            description: Some(
                "The stable code of an error, in `errors[].extensions.code`. Decide by it, never by the message."
                    .into(),
            ),
            enum_values: Code::ALL
                .iter()
                .map(|code| {
                    let value = MetaEnumValue {
                        name: code.as_str().into(),
                        description: Some(format!("{} (HTTP status {})", code.meaning(), code.status())),
                        deprecation: Deprecation::NoDeprecated,
                        visible: None,
                        inaccessible: false,
                        tags: Vec::new(),
                        directive_invocations: Vec::new(),
                    };
                    (code.as_str().to_owned(), value)
                })
                .collect(),
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            rust_typename: Some(std::any::type_name::<Self>()),
            directive_invocations: Vec::new(),
            requires_scopes: Vec::new(),
        })
    }

    async fn resolve(
        &self,
        _: &async_graphql::ContextSelectionSet<'_>,
        _: &async_graphql::Positioned<async_graphql::parser::types::Field>,
    ) -> async_graphql::ServerResult<Value> {
        Ok(Value::Enum(async_graphql::Name::new(self.0.as_str())))
    }
}
