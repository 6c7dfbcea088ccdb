//! Scalars that check their form at the edge.

use async_graphql::{InputType, InputValueError, InputValueResult, Pos, Scalar, ScalarType, Value};
use chrono::{Datelike, NaiveDate, SecondsFormat, SubsecRound, Utc};

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

/// A moment in UTC, RFC 3339 with a `Z` and up to microseconds: `2026-11-21T09:30:00.123456Z`. An input may stand in another offset
/// (`+01:00`) and is turned into UTC; it is written `YYYY-MM-DDThh:mm:ss`, perhaps with a fraction of a second, of which what is finer than
/// microseconds is cut off, and with its offset, the `T` and the `Z` in upper case. Years are 0001 to 9999 in UTC, and no second is a leap
/// second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DateTime(pub chrono::DateTime<Utc>);

/// A moment in UTC, RFC 3339 with a `Z` and up to microseconds: `2026-11-21T09:30:00.123456Z`. An input may stand in another offset
/// (`+01:00`) and is turned into UTC; it is written `YYYY-MM-DDThh:mm:ss`, perhaps with a fraction of a second, of which what is finer than
/// microseconds is cut off, and with its offset, the `T` and the `Z` in upper case. Years are 0001 to 9999 in UTC, and no second is a leap
/// second.
#[Scalar(name = "DateTime", specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339#section-5.6")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => moment(text).map(Self).ok_or_else(|| InputValueError::custom(MOMENT)),
            _ => Err(InputValueError::custom(format!("{MOMENT}, as a string"))),
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

const MOMENT: &str = "takes an RFC 3339 moment of the years 0001 to 9999 such as 2026-11-21T09:30:00Z";
const DAY: &str = "takes a day of the years 0001 to 9999 such as 1990-05-17";

/// Digits where the pattern has `0`, and else the very character.
fn is_like(text: &str, pattern: &str) -> bool {
    let same = |(byte, like): (u8, u8)| if like == b'0' { byte.is_ascii_digit() } else { byte == like };
    text.len() == pattern.len() && text.bytes().zip(pattern.bytes()).all(same)
}

/// The form is looked at here: the library also takes a blank for the `T`, lower case, and a sixtieth second in any minute, of which a
/// database would make the next minute or a fault.
fn moment(text: &str) -> Option<chrono::DateTime<Utc>> {
    let (local, rest) = text.split_at_checked("2026-11-21T09:30:00".len())?;
    let offset = match rest.strip_prefix('.') {
        None => rest,
        Some(fraction) => {
            let offset = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if offset.len() == fraction.len() {
                return None;
            }
            offset
        }
    };
    let is_offset = offset == "Z" || is_like(offset, "+00:00") || is_like(offset, "-00:00");
    if !is_like(local, "0000-00-00T00:00:00") || !is_offset || local.ends_with("60") {
        return None;
    }
    let moment = chrono::DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc);
    Some(moment.trunc_subsecs(6)).filter(|moment| is_year(moment.year()))
}

fn day(text: &str) -> Option<NaiveDate> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(day).filter(|day| is_like(text, "0000-00-00") && is_year(day.year()))
}

/// What four digits can say, and every database and client can keep.
fn is_year(year: i32) -> bool {
    (1..=9999).contains(&year)
}

/// A day of the calendar, `YYYY-MM-DD` (the `full-date` of RFC 3339), of the years 0001 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date(pub NaiveDate);

/// A day of the calendar, `YYYY-MM-DD` (the `full-date` of RFC 3339), of the years 0001 to 9999.
#[Scalar(name = "Date", specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339#section-5.6")]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => day(text).map(Self).ok_or_else(|| InputValueError::custom(DAY)),
            _ => Err(InputValueError::custom(format!("{DAY}, as a string"))),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_rfc_3339() {
        for (text, utc) in [
            ("2026-11-21T09:30:00Z", "2026-11-21T09:30:00Z"),
            ("2026-11-21T09:30:00.1Z", "2026-11-21T09:30:00.100Z"),
            ("2026-11-21T09:30:59.123456789Z", "2026-11-21T09:30:59.123456Z"),
            ("2026-11-21T09:30:00.99999999999999999999999999+01:30", "2026-11-21T08:00:00.999999Z"),
            ("2026-11-21T23:30:00-05:00", "2026-11-22T04:30:00Z"),
            ("2026-11-21T09:30:00-00:00", "2026-11-21T09:30:00Z"),
            ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ] {
            let read = moment(text).map(|moment| ScalarType::to_value(&DateTime(moment)));
            assert_eq!(read, Some(Value::from(utc)), "{text}");
        }
        for text in [
            "",
            "2026",
            "2026-11-21",
            "2026-11-21T09:30Z",
            "2026-11-21T09:30:00",
            "2026-11-21t09:30:00Z",
            "2026-11-21T09:30:00z",
            "2026-11-21 09:30:00Z",
            " 2026-11-21T09:30:00Z",
            "2026-11-21T09:30:00Z ",
            "2026-11-21T09:30:00.Z",
            "2026-11-21T09:30:00,5Z",
            "2026-11-21T09:30:00 +01:00",
            "2026-11-21T09:30:00+0100",
            "2026-11-21T09:30:00+01",
            "2026-11-21T09:30:00+24:00",
            "2026-11-21T09:30:00+01:60",
            "2026-11-21T09:30:00\u{2212}01:00",
            "2026-W47-6T09:30:00Z",
            "2026-325T09:30:00Z",
            "20261121T093000Z",
            "2026-11-21T24:00:00Z",
            "2026-11-21T23:60:00Z",
            "2016-12-31T23:59:60Z",
            "2016-12-31T23:59:60.5Z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "0000-12-31T23:59:59Z",
            "0001-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
            "+2026-11-21T09:30:00Z",
            "-2026-11-21T09:30:00Z",
            "12026-11-21T09:30:00Z",
            "２026-11-21T09:30:00Z",
        ] {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    #[test]
    fn days_have_four_digits_of_year() {
        for text in ["1990-05-17", "2024-02-29", "0001-01-01", "9999-12-31"] {
            assert_eq!(day(text).map(|day| ScalarType::to_value(&Date(day))), Some(Value::from(text)), "{text}");
        }
        for text in [
            "",
            "1990-5-17",
            "90-05-17",
            "0000-01-01",
            "10000-01-01",
            "+1990-05-17",
            "-1990-05-17",
            " 1990-05-17",
            "1990-05-17 ",
            "1990-02-30",
            "1990-W20-4",
            "1990-137",
            "19900517",
            "1990-05-17T00:00:00Z",
            "1990-05-１7",
            "1990/05/17",
        ] {
            assert_eq!(day(text), None, "{text}");
        }
    }
}
