//! Scalars that check their form at the edge.

use async_graphql::{InputType, InputValueError, InputValueResult, Pos, Scalar, ScalarType, Value};
use chrono::{NaiveDate, SecondsFormat, Utc};

use crate::base::text;

/// What is wrong with a value given for a scalar; `None` when nothing is, and for scalars that are not of this file.
pub fn fault(scalar: &str, value: &Value) -> Option<String> {
    match scalar {
        "DateTime" => refusal::<DateTime>(value),
        "Date" => refusal::<Date>(value),
        "URL" => refusal::<Url>(value),
        "EmailAddress" => refusal::<EmailAddress>(value),
        "JSON" => refusal::<Json>(value),
        _ => None,
    }
}

fn refusal<T: InputType>(value: &Value) -> Option<String> {
    let refused = T::parse(Some(value.clone())).err()?.into_server_error(Pos::default());
    Some(plain(&refused.message).to_owned())
}

/// `Failed to parse "ID": expected … (occurred while parsing "Input")`: what the library says around our own words about a value
/// tells a client nothing.
pub fn plain(message: &str) -> &str {
    let inner = message.strip_prefix("Failed to parse \"").and_then(|rest| rest.split_once("\": "));
    let inner = inner.map_or(message, |(_, inner)| inner);
    inner.split_once(" (occurred while parsing ").map_or(inner, |(inner, _)| inner)
}

/// A moment in UTC, RFC 3339 with a `Z` and up to microseconds: `2026-11-21T09:30:00.123456Z`. An input in another offset is turned
/// into UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DateTime(pub chrono::DateTime<Utc>);

/// A moment in UTC, RFC 3339 with a `Z` and up to microseconds: `2026-11-21T09:30:00.123456Z`. An input in another offset is turned
/// into UTC.
#[Scalar(name = "DateTime", specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339#section-5.6")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => chrono::DateTime::parse_from_rfc3339(text)
                .map(|moment| Self(moment.with_timezone(&Utc)))
                .map_err(|_| InputValueError::custom("takes an RFC 3339 moment such as 2026-11-21T09:30:00Z")),
            _ => Err(InputValueError::custom("takes an RFC 3339 moment such as 2026-11-21T09:30:00Z, as a string")),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.text())
    }
}

impl DateTime {
    /// As it is written.
    pub fn text(&self) -> String {
        self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true)
    }
}

impl From<chrono::DateTime<Utc>> for DateTime {
    fn from(moment: chrono::DateTime<Utc>) -> Self {
        Self(moment)
    }
}

/// A day of the calendar, `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date(pub NaiveDate);

/// A day of the calendar, `YYYY-MM-DD`.
#[Scalar(name = "Date", specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339#section-5.6")]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => NaiveDate::parse_from_str(text, "%Y-%m-%d")
                .map(Self)
                .map_err(|_| InputValueError::custom("takes a day such as 1990-05-17")),
            _ => Err(InputValueError::custom("takes a day such as 1990-05-17, as a string")),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.format("%Y-%m-%d").to_string())
    }
}

/// An absolute http or https address (RFC 3986) of at most 2048 characters: `https://example.org/picture.png`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url(pub String);

/// An absolute http or https address (RFC 3986) of at most 2048 characters: `https://example.org/picture.png`.
#[Scalar(name = "URL", specified_by_url = "https://www.rfc-editor.org/rfc/rfc3986")]
impl ScalarType for Url {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            // An empty text empties a field, as null does.
            Value::String(text) if text.trim().is_empty() || text::is_url(text.trim()) => Ok(Self(text)),
            _ => Err(InputValueError::custom(text::URL)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// An email address (RFC 5322, `name@host`) of at most 255 characters: `name@example.org`. White space around it is cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAddress(pub String);

/// An email address (RFC 5322, `name@host`) of at most 255 characters: `name@example.org`. White space around it is cut off.
#[Scalar(name = "EmailAddress", specified_by_url = "https://www.rfc-editor.org/rfc/rfc5322#section-3.4.1")]
impl ScalarType for EmailAddress {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) if text::is_email(text.trim()) => Ok(Self(text)),
            _ => Err(InputValueError::custom(text::EMAIL)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// Any JSON value.
#[derive(Clone, Debug, PartialEq)]
pub struct Json(pub serde_json::Value);

/// Any JSON value.
#[Scalar(name = "JSON", specified_by_url = "https://www.rfc-editor.org/rfc/rfc8259")]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        value.into_json().map(Self).map_err(|_| InputValueError::custom("takes a JSON value"))
    }

    fn to_value(&self) -> Value {
        Value::from_json(self.0.clone()).unwrap_or_default()
    }
}
