//! Which media types a client takes and sends (RFC 9110, sections 8.3 and 12.5.1; GraphQL over HTTP, "Accept").
//!
//! Without `Accept`, or with `*/*`, the answer is `application/json`: what the published audits ask for and what a person with curl
//! expects. Whoever names `application/graphql-response+json` gets it, with its stricter status codes.

use axum::http::{HeaderMap, header};

use crate::base::error::{Code, Error, Result};

/// The form of an answer that is not a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/graphql-response+json`: the status says how the request went.
    GraphqlResponse,
    /// `application/json`: 200 for all that is well formed, because an intermediary may have made any other status.
    Json,
}

impl Media {
    /// The content type.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }
}

/// What a client takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Accepted {
    /// The best form of a single answer, if any is taken.
    pub(super) media: Option<Media>,
    /// Takes `text/event-stream`, by name.
    pub(super) events: bool,
    /// Would rather have `text/event-stream` than a single answer.
    pub(super) prefers_events: bool,
}

/// Reads `Accept`.
pub(super) fn accepted(headers: &HeaderMap) -> Accepted {
    let values = || headers.get_all(header::ACCEPT).iter().map(|value| value.to_str().unwrap_or_default());
    let ranges: Vec<_> = values().flat_map(|value| value.split(',')).filter_map(range).collect();
    if values().all(|value| value.trim().is_empty()) {
        return Accepted { media: Some(Media::Json), events: false, prefers_events: false };
    }
    let modern = weigh(&ranges, "application", "graphql-response+json");
    let legacy = weigh(&ranges, "application", "json");
    let stream = weigh(&ranges, "text", "event-stream");
    let media = match (modern, legacy) {
        (Some(modern), Some(legacy)) if modern == legacy && modern.exactness < EXACT => Some(Media::Json),
        (Some(modern), legacy) if legacy.is_none_or(|legacy| modern >= legacy) => Some(Media::GraphqlResponse),
        (_, Some(_)) => Some(Media::Json),
        _ => None,
    };
    // A wildcard is no wish for a stream.
    let stream = stream.filter(|weight| weight.exactness == EXACT);
    let single = modern.max(legacy);
    Accepted {
        media,
        events: stream.is_some(),
        prefers_events: stream.is_some_and(|stream| single.is_none_or(|single| stream.quality > single.quality)),
    }
}

/// Refuses a body that is not `application/json` in UTF-8: every other type can be sent by a form of a foreign page.
pub(super) fn check_content_type(headers: &HeaderMap) -> Result<()> {
    let sentence = "Send the request as `Content-Type: application/json`, in UTF-8 and without Content-Encoding.";
    let unsupported = || Error::new(Code::UnsupportedMediaType, sentence);
    // Two of them are read differently by whoever stands between us and the client.
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (types.next(), types.next()) else { return Err(unsupported()) };
    let value = value.to_str().map_err(|_| unsupported())?;
    let mut parts = value.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    // A packed body may unpack into gigabytes; nobody needs one for a request.
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    let plain = encodings.all(|value| value.as_bytes().eq_ignore_ascii_case(b"identity"));
    if is_json && plain && parts.all(is_utf8) { Ok(()) } else { Err(unsupported()) }
}

/// Refuses who takes an answer neither packed as we pack nor as it is, before anything is run for nothing (RFC 9110, section 12.5.3).
///
/// # Errors
/// NOT_ACCEPTABLE.
pub(super) fn check_encodings(headers: &HeaderMap) -> Result<()> {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().map(|value| value.to_str().unwrap_or_default());
    let codings: Vec<_> = values.flat_map(|value| value.split(',')).map(coding).collect();
    let taken =
        |name: &str| codings.iter().find(|(coding, _)| coding.eq_ignore_ascii_case(name)).map(|(_, taken)| *taken);
    let any = taken("*");
    if taken("identity").or(any).unwrap_or(true) || ["gzip", "br"].iter().any(|name| taken(name).or(any) == Some(true))
    {
        return Ok(());
    }
    Err(Error::new(
        Code::NotAcceptable,
        "Answers come as they are, or packed by gzip or br; accept one in Accept-Encoding.",
    ))
}

/// A coding, and whether it is taken.
fn coding(text: &str) -> (&str, bool) {
    let (name, parameter) = text.split_once(';').unwrap_or((text, ""));
    let quality = parameter.split_once('=').and_then(|(_, value)| value.trim().parse::<f32>().ok());
    (name.trim(), quality != Some(0.0))
}

const EXACT: u8 = 2;

/// How much a client wants something: by quality, then by how exactly it named it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Weight {
    quality: u16,
    exactness: u8,
}

struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    quality: u16,
}

fn range(text: &str) -> Option<Range<'_>> {
    let mut parts = text.split(';').map(str::trim);
    let (kind, subtype) = parts.next()?.split_once('/')?;
    let mut quality = 1000;
    for parameter in parts {
        match parameter.split_once('=') {
            // Three decimals at the most (RFC 9110, section 12.4.2).
            Some((name, value)) if name.trim().eq_ignore_ascii_case("q") => {
                let value: f32 = value.trim().parse().ok().filter(|value| (0.0..=1.0).contains(value))?;
                quality = (value * 1000.0).round() as u16;
            }
            _ if !is_utf8(parameter) => return None,
            _ => {}
        }
    }
    Some(Range { kind, subtype, quality })
}

/// True unless it is a charset other than UTF-8.
fn is_utf8(parameter: &str) -> bool {
    parameter.split_once('=').is_none_or(|(name, value)| {
        !name.trim().eq_ignore_ascii_case("charset") || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
    })
}

/// The weight of a type by the most exact range that covers it; `None` when it is not taken.
fn weigh(ranges: &[Range<'_>], kind: &str, subtype: &str) -> Option<Weight> {
    let weights = ranges.iter().filter_map(|range| {
        let exactness = match (range.kind, range.subtype) {
            ("*", "*") => 0,
            (of, "*") if of.eq_ignore_ascii_case(kind) => 1,
            (of, sub) if of.eq_ignore_ascii_case(kind) && sub.eq_ignore_ascii_case(subtype) => EXACT,
            _ => return None,
        };
        Some(Weight { quality: range.quality, exactness })
    });
    weights.max_by_key(|weight| (weight.exactness, weight.quality)).filter(|weight| weight.quality > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(accept: &str) -> Accepted {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().unwrap());
        accepted(&headers)
    }

    #[test]
    fn the_best_form_is_found() {
        for (accept, media) in [
            ("application/graphql-response+json", Some(Media::GraphqlResponse)),
            ("application/json", Some(Media::Json)),
            ("*/*", Some(Media::Json)),
            ("application/*", Some(Media::Json)),
            ("application/graphql-response+json, application/json", Some(Media::GraphqlResponse)),
            ("application/json, application/graphql-response+json", Some(Media::GraphqlResponse)),
            (
                "application/graphql-response+json; charset=utf-8, application/json; charset=utf-8",
                Some(Media::GraphqlResponse),
            ),
            ("application/json, application/graphql-response+json;q=0.9", Some(Media::Json)),
            ("application/graphql-response+json;q=0.1, */*;q=0.5", Some(Media::Json)),
            ("application/json, */*", Some(Media::Json)),
            ("application/graphql-response+json, */*", Some(Media::GraphqlResponse)),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Some(Media::Json)),
            ("application/json;q=0, */*", Some(Media::GraphqlResponse)),
            ("APPLICATION/JSON", Some(Media::Json)),
            ("text/plain", None),
            ("application/json;q=0", None),
            ("application/json; charset=utf-16", None),
            ("text/event-stream", None),
        ] {
            assert_eq!(of(accept).media, media, "{accept}");
        }
        assert_eq!(accepted(&HeaderMap::new()).media, Some(Media::Json));
    }

    #[test]
    fn a_stream_is_named_or_not_wanted() {
        for (accept, events, prefers) in [
            ("text/event-stream", true, true),
            ("text/event-stream, application/json;q=0.5", true, true),
            ("application/json, text/event-stream", true, false),
            ("*/*", false, false),
            ("text/*", false, false),
        ] {
            let found = of(accept);
            assert_eq!((found.events, found.prefers_events), (events, prefers), "{accept}");
        }
    }

    #[test]
    fn only_json_is_taken() {
        for (content_type, fits) in [
            ("application/json", true),
            ("application/json; charset=utf-8", true),
            ("Application/JSON;charset=\"UTF-8\"", true),
            ("application/json; charset=latin1", false),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("multipart/form-data; boundary=x", false),
            ("application/graphql", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
            assert_eq!(check_content_type(&headers).is_ok(), fits, "{content_type}");
            headers.insert(header::CONTENT_ENCODING, "gzip".parse().unwrap());
            assert!(check_content_type(&headers).is_err(), "{content_type} packed");
        }
        assert!(check_content_type(&HeaderMap::new()).is_err());
        for (name, values) in [
            (header::CONTENT_TYPE, ["application/json", "text/plain"]),
            (header::CONTENT_ENCODING, ["identity", "gzip"]),
        ] {
            let mut headers = HeaderMap::from_iter([(header::CONTENT_TYPE, "application/json".parse().unwrap())]);
            headers.remove(&name);
            for value in values {
                headers.append(&name, value.parse().unwrap());
            }
            headers.entry(header::CONTENT_TYPE).or_insert("application/json".parse().unwrap());
            assert!(check_content_type(&headers).is_err(), "{name} twice");
        }
    }

    #[test]
    fn an_answer_has_to_be_taken_in_some_coding() {
        for (accepted, fits) in [
            ("", true),
            ("gzip, br", true),
            ("zstd", true),
            ("identity;q=0", false),
            ("identity;q=0, gzip", true),
            ("*;q=0", false),
            ("*;q=0, identity;q=0.5", true),
            ("identity; q=0.0, *", true),
            ("identity;q=0, zstd", false),
            ("gzip;q=0, identity;q=0", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, accepted.parse().unwrap())]);
            assert_eq!(check_encodings(&headers).is_ok(), fits, "{accepted}");
        }
        assert!(check_encodings(&HeaderMap::new()).is_ok());
    }
}
