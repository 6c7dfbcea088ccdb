//! From a body, a query string or a socket's payload to a GraphQL request, and what is wrong with it otherwise.
//!
//! A document may be named by its id instead of sent: as `documentId` (GraphQL over HTTP, appendix A, "Persisted Documents") or as
//! stock clients do it, in `extensions.persistedQuery`.

use async_graphql::Variables;
use axum::{extract::Query, http::Uri};
use serde_json::{Map, Value as Json};

use crate::{
    base::error::{Code, Error, Result},
    graphql::{documents::DocumentId, precheck::precheck_json},
    schema::Asked,
};

/// Bytes of an id: a hash in hexadecimal digits is at most half of it.
const ID_BYTES: usize = 256;

/// The body of a POST.
#[derive(Debug)]
pub(super) enum Posted {
    /// One request.
    One(Box<Asked>),
    /// A batch: each request, or what is wrong with it.
    Several(Vec<Result<Asked>>),
}

/// Reads the body of a POST. `batch` is how many requests it may have at the most; 0 for no batches.
///
/// # Errors
/// BAD_REQUEST naming what is wrong; QUERY_TOO_COMPLEX when values are nested too deep.
pub(super) fn from_body(body: &[u8], nesting: usize, batch: usize) -> Result<Posted> {
    if body.trim_ascii().is_empty() {
        return Err(bad("The body is empty; send a JSON object with `query`."));
    }
    let body = str::from_utf8(body).map_err(|_| bad("The body is not UTF-8."))?;
    if body.starts_with('\u{feff}') {
        return Err(bad("The body begins with a byte order mark; send UTF-8 without one (RFC 8259, section 8.1)."));
    }
    match json(body, nesting).map_err(|fault| fault.named("The body"))? {
        Json::Object(fields) => Ok(Posted::One(Box::new(from_object(fields)?))),
        Json::Array(_) if batch == 0 => {
            Err(bad("Batching is switched off here: send one operation a request, as a JSON object."))
        }
        Json::Array(all) => from_list(all, batch).map(Posted::Several),
        _ => Err(bad("The body is not a JSON object with `query`.")),
    }
}

/// Reads a batch (GraphQL over HTTP, appendix "Request Batching"): what is no object spoils all of it, what is no request only itself.
fn from_list(all: Vec<Json>, most: usize) -> Result<Vec<Result<Asked>>> {
    if all.is_empty() {
        return Err(bad("The batch is empty; send JSON objects with `query`."));
    }
    if all.len() > most {
        return Err(bad(format!("The batch has {} requests, at most {most} are taken at once.", all.len())));
    }
    let requests = all.into_iter().map(|each| match each {
        Json::Object(fields) => Ok(from_object(fields)),
        _ => Err(bad("A batch is a list of JSON objects, each with `query`.")),
    });
    requests.collect()
}

/// Reads the parameters of a GET.
///
/// # Errors
/// The same as of a body.
pub(super) fn from_query(uri: &Uri, nesting: usize) -> Result<Asked> {
    let Query(parameters) =
        Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(|_| bad("The query string cannot be read."))?;
    let mut fields = Map::new();
    for (name, value) in parameters {
        let value = match name.as_str() {
            "query" | "documentId" => Json::String(value),
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
pub(super) fn from_object(mut fields: Map<String, Json>) -> Result<Asked> {
    let mut asked = Asked {
        text: match fields.remove("query") {
            Some(Json::String(query)) => Some(query),
            None | Some(Json::Null) => None,
            Some(_) => return Err(bad("query: takes a string.")),
        },
        ..Asked::default()
    };
    match fields.remove("documentId") {
        None | Some(Json::Null) => {}
        Some(Json::String(name)) => asked.id = Some(id("documentId", &name)?),
        Some(_) => return Err(bad("documentId: takes a string.")),
    }
    match fields.remove("operationName") {
        None | Some(Json::Null) => {}
        Some(Json::String(name)) => asked.operation_name = Some(name),
        Some(_) => return Err(bad("operationName: takes a string or null.")),
    }
    match fields.remove("variables") {
        None | Some(Json::Null) => {}
        Some(variables @ Json::Object(_)) => asked.variables = Variables::from_json(variables),
        Some(_) => return Err(bad("variables: takes an object or null.")),
    }
    match fields.remove("extensions") {
        None | Some(Json::Null) => {}
        Some(Json::Object(extensions)) => read_extensions(extensions, &mut asked)?,
        Some(_) => return Err(bad("extensions: takes an object or null.")),
    }
    match (&asked.text, &asked.id) {
        (None, None) => Err(bad("query: missing; send the document as a string, or its `documentId`.")),
        // Some clients send an empty text with a hash, rather than none.
        (Some(text), Some(_)) if text.is_empty() => Ok(Asked { text: None, ..asked }),
        _ => Ok(asked),
    }
}

/// Reads the extensions that are known here; what is not read is not kept.
fn read_extensions(mut extensions: Map<String, Json>, asked: &mut Asked) -> Result<()> {
    match extensions.remove("persistedQuery") {
        None | Some(Json::Null) => {}
        Some(Json::Object(named)) => {
            let is_first = named.get("version").and_then(Json::as_u64) == Some(1);
            let (true, Some(Json::String(hash))) = (is_first, named.get("sha256Hash")) else {
                return Err(bad("extensions.persistedQuery: takes `version`, which is 1, and `sha256Hash`."));
            };
            let id = id("extensions.persistedQuery.sha256Hash", hash)?;
            if asked.id.as_ref().is_some_and(|other| *other != id) {
                return Err(bad("extensions.persistedQuery: names another document than documentId does."));
            }
            asked.id = Some(id);
        }
        Some(_) => return Err(bad("extensions.persistedQuery: takes an object.")),
    }
    match extensions.remove("cost") {
        None | Some(Json::Null) => {}
        Some(Json::String(what)) if what == "ONLY" => asked.price_only = true,
        Some(_) => return Err(bad("extensions.cost: takes \"ONLY\", to be told the price without running anything.")),
    }
    Ok(())
}

/// Reads the id of a document.
fn id(name: &str, id: &str) -> Result<DocumentId> {
    match id.len() {
        1..=ID_BYTES => Ok(DocumentId::named(id)),
        _ => Err(bad(format!("{name}: takes 1 to {ID_BYTES} bytes."))),
    }
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
            ("\u{feff}{\"query\":\"{ version }\"}", "byte order mark"),
            (r#"{"query":"{ version(a: \"\ud800\") }"}"#, "not JSON"),
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
            (r#"{"documentId":7}"#, "documentId"),
            (r#"{"documentId":""}"#, "documentId"),
            (r#"{"extensions":{"persistedQuery":true}}"#, "persistedQuery"),
            (r#"{"extensions":{"persistedQuery":{"sha256Hash":"ab"}}}"#, "version"),
            (r#"{"extensions":{"persistedQuery":{"version":2,"sha256Hash":"ab"}}}"#, "version"),
            (r#"{"extensions":{"persistedQuery":{"version":1,"sha256Hash":7}}}"#, "sha256Hash"),
            (r#"{"documentId":"cd","extensions":{"persistedQuery":{"version":1,"sha256Hash":"ab"}}}"#, "another"),
            (r#"{"query":"{ version }","extensions":{"cost":true}}"#, "extensions.cost"),
            (r#"{"query":"{ version }","extensions":{"cost":"only"}}"#, "extensions.cost"),
        ] {
            let error = from_body(body.as_bytes(), 64, 0).unwrap_err();
            assert_eq!(error.code(), Code::BadRequest, "{body}");
            assert!(error.message().contains(named), "{body}: {}", error.message());
        }
        assert_eq!(from_body(b"{\"query\":\"\xff\"}", 64, 0).unwrap_err().code(), Code::BadRequest);
        let nested = format!(r#"{{"query":"{{ version }}","variables":{{"a":{}}}}}"#, "[".repeat(100_000));
        assert_eq!(from_body(nested.as_bytes(), 64, 0).unwrap_err().code(), Code::QueryTooComplex);
    }

    #[test]
    fn every_form_of_a_body_is_taken() {
        for body in [
            r#"{"query":"{ version }"}"#,
            r#" {"query":"{ version }","variables":null,"operationName":null,"extensions":null} "#,
            r#"{"query":"{ version }","variables":{"a":[1,{"b":null}]},"operationName":"A","extensions":{"x":1},"new":true}"#,
        ] {
            assert_eq!(one(body).text.as_deref(), Some("{ version }"), "{body}");
        }
    }

    fn one(body: &str) -> Asked {
        match from_body(body.as_bytes(), 64, 0).unwrap() {
            Posted::One(asked) => *asked,
            Posted::Several(_) => panic!("{body} is no batch"),
        }
    }

    #[test]
    fn a_document_may_be_named_instead_of_sent() {
        let hash = "0123456789abcdef".repeat(4);
        for body in [
            format!(r#"{{"documentId":"sha256:{hash}"}}"#),
            format!(r#"{{"documentId":"{hash}","query":null}}"#),
            format!(r#"{{"extensions":{{"persistedQuery":{{"version":1,"sha256Hash":"{hash}"}}}}}}"#),
            format!(
                r#"{{"query":"","extensions":{{"persistedQuery":{{"version":1,"sha256Hash":"{hash}","miss":true}}}}}}"#
            ),
        ] {
            let asked = one(&body);
            assert_eq!((asked.text, asked.id), (None, Some(DocumentId::named(&hash))), "{body}");
        }
        let both = one(&format!(r#"{{"query":"{{ a }}","documentId":"sha256:{hash}"}}"#));
        assert!(both.text.is_some() && both.id.is_some() && !both.price_only);
        assert!(one(r#"{"query":"{ a }","extensions":{"cost":"ONLY","other":[1]}}"#).price_only);
    }

    #[test]
    fn a_batch_is_read_where_it_is_taken() {
        let batch = |body: &str, most: usize| match from_body(body.as_bytes(), 64, most) {
            Ok(Posted::Several(all)) => Ok(all.into_iter().map(|each| each.is_ok()).collect::<Vec<_>>()),
            Ok(Posted::One(_)) => panic!("{body} is a batch"),
            Err(error) => Err(error.message().to_owned()),
        };
        let two = r#"[{"query":"{ a }"},{"qeury":"{ b }"}]"#;
        assert_eq!(batch(two, 2), Ok(vec![true, false]));
        for (body, most, named) in
            [(two, 0, "switched off"), (two, 1, "at most 1"), ("[]", 2, "empty"), ("[7]", 2, "objects")]
        {
            let why = batch(body, most).unwrap_err();
            assert!(why.contains(named), "{body}: {why}");
        }
    }

    #[test]
    fn a_query_string_is_read() {
        let uri = |text: &str| format!("/graphql?{text}").parse::<Uri>().unwrap();
        let request =
            from_query(&uri("query=query%20A(%24a:Int)%7Bversion%7D&variables=%7B%22a%22:1%7D&operationName="), 64)
                .unwrap();
        assert_eq!(request.text.as_deref(), Some("query A($a:Int){version}"));
        assert_eq!(request.operation_name, None);
        assert_eq!(request.variables.into_value().to_string(), "{a: 1}");
        assert_eq!(from_query(&uri("documentId=sha256:ab"), 64).unwrap().id, Some(DocumentId::named("ab")));
        for text in [
            "",
            "documentId=",
            "query=a&query=b",
            "query=a&variables=7",
            "query=a&variables=%7B",
            "query=a&extensions=%5B%5D",
        ] {
            assert_eq!(from_query(&uri(text), 64).unwrap_err().code(), Code::BadRequest, "{text}");
        }
    }
}
