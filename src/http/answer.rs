//! From a GraphQL answer to an HTTP answer: body, status, headers.

use async_graphql::{Response as Answer, ServerError, Value};
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};

use super::{State, layers::RequestId, negotiate::Media, rates::Told};
use crate::{
    base::error::{Code, Error},
    graphql::ready,
};

/// How far a request came: decides what `application/json` says in its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It was not a GraphQL request that may be run here.
    Refused,
    /// It was well formed and reached the schema.
    Reached,
}

/// What the request log says about an operation. Travels in the extensions of the answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    /// `query`, `mutation`, `subscription`.
    pub(super) kind: Option<&'static str>,
    /// The name the document gives it.
    pub(super) operation: Option<String>,
    /// The codes of its errors, each once.
    pub(super) codes: Vec<&'static str>,
}

/// The body of an answer: `errors`, `data`, `extensions`. `data` is left out, not null, when nothing ran (GraphQL specification,
/// section 7.1).
pub(super) fn json(answer: &Answer) -> String {
    let mut out = Vec::with_capacity(1024);
    let begin = |out: &mut Vec<u8>, key: &str| {
        out.push(if out.is_empty() { b'{' } else { b',' });
        out.extend_from_slice(key.as_bytes());
    };
    if !answer.errors.is_empty() {
        begin(&mut out, "\"errors\":");
        // Into memory, and of values whose keys are texts: it cannot fail.
        let _ = serde_json::to_writer(&mut out, &answer.errors);
    }
    if !is_request_error(answer) {
        begin(&mut out, "\"data\":");
        ready::write_value(&answer.data, &mut out);
    }
    if !answer.extensions.is_empty() {
        begin(&mut out, "\"extensions\":");
        let _ = serde_json::to_writer(&mut out, &answer.extensions);
    }
    out.push(b'}');
    String::from_utf8(out).unwrap_or_else(|error| {
        tracing::error!(%error, "an answer could not be written as JSON");
        r#"{"errors":[{"message":"Something went wrong on our side.","extensions":{"code":"INTERNAL","status":500}}]}"#
            .to_owned()
    })
}

/// True when nothing ran: no data, and errors that belong to no field.
pub(super) fn is_request_error(answer: &Answer) -> bool {
    answer.data == Value::Null && !answer.errors.is_empty() && answer.errors.iter().all(|error| error.path.is_empty())
}

/// True for an item after which a subscription cannot go on: its source could not be made or has failed, or an event could not be told
/// at all or only in part because something was out of reach. To go on would be to pass over that event; who resumes from the last
/// cursor gets it. A partial answer for any other reason belongs to its event alone, and would be the same the next time.
pub(super) fn is_fatal(answer: &Answer) -> bool {
    let is_out_of_reach = |error: &ServerError| code(error) == Some(Code::ServiceUnavailable);
    !answer.errors.is_empty() && (answer.data == Value::Null || answer.errors.iter().any(is_out_of_reach))
}

/// A fatal item as the errors alone: what came before it stands, and nothing of it does.
pub(super) fn only_errors(mut answer: Answer) -> Answer {
    answer.data = Value::Null;
    for error in &mut answer.errors {
        error.path.clear();
    }
    answer
}

/// The code of an error.
pub(super) fn code(error: &ServerError) -> Option<Code> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(text) => Code::ALL.iter().copied().find(|code| code.as_str() == text),
        _ => None,
    }
}

/// The status an error says it has.
fn told(error: &ServerError) -> Option<u16> {
    match error.extensions.as_ref()?.get("status")? {
        Value::Number(status) => u16::try_from(status.as_u64()?).ok(),
        _ => None,
    }
}

/// The codes of an answer, each once.
pub(super) fn codes(answer: &Answer) -> Vec<&'static str> {
    let mut codes = Vec::new();
    for code in answer.errors.iter().filter_map(code).map(Code::as_str) {
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    codes
}

/// The status of an answer. Variables that cannot be coerced are 400, as the draft of GraphQL over HTTP and its published audit (86EE)
/// have it; a document that does not fit the schema is 422, which the draft is about to take up (graphql-over-http, number 354).
pub(super) fn status(answer: &Answer, media: Media, stage: Stage) -> StatusCode {
    if !is_request_error(answer) {
        return StatusCode::OK;
    }
    let code = answer.errors.iter().find_map(code).unwrap_or(Code::Internal);
    let about_the_document = matches!(
        code,
        Code::GraphqlParseFailed
            | Code::GraphqlValidationFailed
            | Code::QueryTooComplex
            | Code::PersistedQueryNotFound
            | Code::BadRequest
            | Code::ValidationFailed
    );
    if media == Media::Json && stage == Stage::Reached && about_the_document {
        return StatusCode::OK;
    }
    let told = answer.errors.iter().find_map(told).unwrap_or_else(|| code.status());
    StatusCode::from_u16(told).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Writes an answer, with the headers its resolvers set.
pub(super) fn write(answer: Answer, media: Media, stage: Stage) -> Response {
    let mut response = Response::new(Body::from(json(&answer)));
    *response.status_mut() = status(&answer, media, stage);
    let codes = codes(&answer);
    let retry_after = answer.errors.iter().find_map(retry_after);
    let limit = answer.errors.iter().find_map(limit);
    let headers = response.headers_mut();
    headers.extend(answer.http_headers);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.append(header::VARY, HeaderValue::from_static("accept"));
    if let Some(seconds) = retry_after {
        headers.insert(header::RETRY_AFTER, seconds);
    }
    if response.status() == StatusCode::UNAUTHORIZED {
        let challenge = match codes.contains(&Code::InvalidToken.as_str()) {
            true => r#"Bearer error="invalid_token""#,
            false => "Bearer",
        };
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    response.extensions_mut().insert(Facts { codes, ..Facts::default() });
    if let Some(told) = limit {
        response.extensions_mut().insert(told);
    }
    response
}

/// Writes an error as the whole answer.
pub(super) fn refuse(state: &State, request_id: &RequestId, error: Error, media: Media, stage: Stage) -> Response {
    write(state.api.refusal(error, &request_id.0, state.platform.clock.now()), media, stage)
}

fn retry_after(error: &ServerError) -> Option<HeaderValue> {
    match error.extensions.as_ref()?.get("retryAfter")? {
        Value::Number(seconds) => HeaderValue::from_str(&seconds.to_string()).ok(),
        _ => None,
    }
}

/// The limit by which something was refused.
fn limit(error: &ServerError) -> Option<Told> {
    let Some(Value::Object(details)) = error.extensions.as_ref()?.get("details") else { return None };
    let number = |name: &str| match details.get(name) {
        Some(Value::Number(number)) => number.as_u64(),
        _ => None,
    };
    let Some(Value::String(name)) = details.get("limit").filter(|_| code(error) == Some(Code::RateLimitExceeded))
    else {
        return None;
    };
    let (count, seconds) = (number("count")?, number("seconds")?);
    Some(Told { name: name.clone(), count, seconds, remaining: number("remaining")?, reset: number("reset")? })
}

#[cfg(test)]
mod tests {
    use async_graphql::{PathSegment, value};

    use super::*;

    fn failed(code: Code, path: &[&str]) -> Answer {
        let mut error = ServerError::new("it failed", None);
        error.path = path.iter().map(|name| PathSegment::Field((*name).to_owned())).collect();
        let mut extensions = async_graphql::ErrorExtensionValues::default();
        extensions.set("code", code.as_str());
        error.extensions = Some(extensions);
        Answer::from_errors(vec![error])
    }

    #[test]
    fn the_status_follows_the_media_type() {
        use Media::{GraphqlResponse, Json};
        for (code, media, stage, expected) in [
            (Code::GraphqlParseFailed, GraphqlResponse, Stage::Reached, 400),
            (Code::GraphqlParseFailed, Json, Stage::Reached, 200),
            (Code::GraphqlValidationFailed, GraphqlResponse, Stage::Reached, 422),
            (Code::GraphqlValidationFailed, Json, Stage::Reached, 200),
            (Code::BadRequest, Json, Stage::Refused, 400),
            (Code::PersistedQueryNotFound, GraphqlResponse, Stage::Reached, 400),
            (Code::PersistedQueryNotFound, Json, Stage::Reached, 200),
            (Code::DocumentNotTrusted, Json, Stage::Reached, 403),
            (Code::InvalidToken, Json, Stage::Refused, 401),
            (Code::Timeout, Json, Stage::Reached, 504),
            (Code::RateLimitExceeded, Json, Stage::Reached, 429),
        ] {
            let answer = failed(code, &[]);
            assert_eq!(status(&answer, media, stage).as_u16(), expected, "{code:?} {media:?}");
            assert!(!json(&answer).contains("\"data\""));
        }
        // What ran is 200 even when a null bubbled up to the top.
        let ran = failed(Code::Internal, &["me"]);
        assert_eq!(status(&ran, GraphqlResponse, Stage::Reached), StatusCode::OK);
        assert!(json(&ran).contains("\"data\":null"));
    }

    #[test]
    fn only_some_items_end_a_subscription() {
        assert!(is_fatal(&failed(Code::GraphqlValidationFailed, &[])));
        for code in [Code::CursorExpired, Code::ValidationFailed, Code::Internal] {
            assert!(is_fatal(&failed(code, &["messageEvents"])), "{code:?}");
        }
        for (code, fatal) in [(Code::NotFound, false), (Code::Internal, false), (Code::ServiceUnavailable, true)] {
            let mut partial = failed(code, &["messageEvents", "message"]);
            partial.data = value!({ "messageEvents": { "message": null } });
            assert_eq!(is_fatal(&partial), fatal, "{code:?}");
            assert!(!json(&only_errors(partial)).contains("\"data\""));
        }
    }
}
