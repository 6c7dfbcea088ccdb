//! From a body, a query string or a socket's payload to a GraphQL request, and what is wrong with it otherwise.

use async_graphql::{Request, Variables};
use axum::{extract::Query, http::Uri};
use serde_json::{Map, Value as Json};

use crate::{
    base::error::{Code, Error, Result},
    graphql::precheck::precheck_json,
};

/// Reads the body of a POST.
///
/// # Errors
/// BAD_REQUEST naming what is wrong; QUERY_TOO_COMPLEX when values are nested too deep.
pub(super) fn from_body(body: &[u8], nesting: usize) -> Result<Request> {
    if body.trim_ascii().is_empty() {
        return Err(bad("The body is empty; send a JSON object with `query`."));
    }
    let body = str::from_utf8(body).map_err(|_| bad("The body is not UTF-8."))?;
    match json(body, nesting).map_err(|fault| fault.named("The body"))? {
        Json::Object(fields) => from_object(fields),
        Json::Array(_) => Err(bad("Batching is not taken: send one operation a request, as a JSON object.")),
        _ => Err(bad("The body is not a JSON object with `query`.")),
    }
}

/// Reads the parameters of a GET.
///
/// # Errors
/// The same as of a body.
pub(super) fn from_query(uri: &Uri, nesting: usize) -> Result<Request> {
    let Query(parameters) =
        Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(|_| bad("The query string cannot be read."))?;
    let mut fields = Map::new();
    for (name, value) in parameters {
        let value = match name.as_str() {
            "query" => Json::String(value),
            // The empty string is the way to write null here.
            "operationName" if value.is_empty() => Json::Null,
            "operationName" => Json::String(value),
            "variables" | "extensions" if value.is_empty() => Json::Null,
            "variables" | "extensions" => json(&value, nesting).map_err(|fault| fault.named(&name))?,
            _ => continue,
        };
        if fields.insert(name.clone(), value).is_some() {
            return Err(bad(format!("{name}: given more than once.")));
        }
    }
    from_object(fields)
}

/// Reads the fields of a request. Names that are reserved for the future are passed over.
///
/// # Errors
/// BAD_REQUEST naming the field.
pub(super) fn from_object(mut fields: Map<String, Json>) -> Result<Request> {
    let mut request = match fields.remove("query") {
        Some(Json::String(query)) => Request::new(query),
        None | Some(Json::Null) => return Err(bad("query: missing; send the document as a string.")),
        Some(_) => return Err(bad("query: takes a string.")),
    };
    match fields.remove("operationName") {
        None | Some(Json::Null) => {}
        Some(Json::String(name)) => request.operation_name = Some(name),
        Some(_) => return Err(bad("operationName: takes a string or null.")),
    }
    match fields.remove("variables") {
        None | Some(Json::Null) => {}
        Some(variables @ Json::Object(_)) => request.variables = Variables::from_json(variables),
        Some(_) => return Err(bad("variables: takes an object or null.")),
    }
    match fields.remove("extensions") {
        None | Some(Json::Null) => {}
        // None is known here, and what is not read is not kept.
        Some(Json::Object(_)) => {}
        Some(_) => return Err(bad("extensions: takes an object or null.")),
    }
    Ok(request)
}

/// Why a text is not taken as JSON.
pub(super) enum Fault {
    /// Nested too deep.
    TooDeep(String),
    /// Not JSON.
    Syntax(serde_json::Error),
}

impl Fault {
    /// The error of the whole request, with the name of what was read.
    pub(super) fn named(self, name: &str) -> Error {
        match self {
            Self::TooDeep(why) => Error::new(Code::QueryTooComplex, format!("{name}: {why}")),
            Self::Syntax(why) => bad(format!("{name} is not JSON: {why}.")),
        }
    }
}

/// Bounds a text, then parses it.
pub(super) fn json(text: &str, nesting: usize) -> Result<Json, Fault> {
    precheck_json(text.as_bytes(), nesting).map_err(|refusal| Fault::TooDeep(refusal.message()))?;
    serde_json::from_str(text).map_err(Fault::Syntax)
}

fn bad(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(Code::BadRequest, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_names_what_is_wrong_with_it() {
        for (body, named) in [
            ("", "empty"),
            ("NONSENSE", "not JSON"),
            (r#"{"query":"#, "not JSON"),
            (r#"[{"query":"{ version }"}]"#, "Batching"),
            ("\"{ version }\"", "JSON object"),
            (r#"{"qeury":"{ version }"}"#, "query"),
            (r#"{"query":null}"#, "query"),
            (r#"{"query":{"version":1}}"#, "query"),
            (r#"{"query":"{ version }","operationName":1}"#, "operationName"),
            (r#"{"query":"{ version }","variables":[7]}"#, "variables"),
            (r#"{"query":"{ version }","variables":"{}"}"#, "variables"),
            (r#"{"query":"{ version }","extensions":[]}"#, "extensions"),
        ] {
            let error = from_body(body.as_bytes(), 64).unwrap_err();
            assert_eq!(error.code(), Code::BadRequest, "{body}");
            assert!(error.message().contains(named), "{body}: {}", error.message());
        }
        assert_eq!(from_body(b"{\"query\":\"\xff\"}", 64).unwrap_err().code(), Code::BadRequest);
        let nested = format!(r#"{{"query":"{{ version }}","variables":{{"a":{}}}}}"#, "[".repeat(100_000));
        assert_eq!(from_body(nested.as_bytes(), 64).unwrap_err().code(), Code::QueryTooComplex);
    }

    #[test]
    fn every_form_of_a_body_is_taken() {
        for body in [
            r#"{"query":"{ version }"}"#,
            r#" {"query":"{ version }","variables":null,"operationName":null,"extensions":null} "#,
            r#"{"query":"{ version }","variables":{"a":[1,{"b":null}]},"operationName":"A","extensions":{"x":1},"new":true}"#,
        ] {
            assert_eq!(from_body(body.as_bytes(), 64).unwrap().query, "{ version }", "{body}");
        }
    }

    #[test]
    fn a_query_string_is_read() {
        let uri = |text: &str| format!("/graphql?{text}").parse::<Uri>().unwrap();
        let request =
            from_query(&uri("query=query%20A(%24a:Int)%7Bversion%7D&variables=%7B%22a%22:1%7D&operationName="), 64)
                .unwrap();
        assert_eq!(request.query, "query A($a:Int){version}");
        assert_eq!(request.operation_name, None);
        assert_eq!(request.variables.into_value().to_string(), "{a: 1}");
        for text in ["", "query=a&query=b", "query=a&variables=7", "query=a&variables=%7B", "query=a&extensions=%5B%5D"]
        {
            assert_eq!(from_query(&uri(text), 64).unwrap_err().code(), Code::BadRequest, "{text}");
        }
    }
}
