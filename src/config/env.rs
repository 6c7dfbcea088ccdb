//! Variables, read once, with every fault kept until the end.

use std::{collections::HashMap, fmt::Display, ops::RangeInclusive, str::FromStr};

use url::Url;

/// A set of variables and what was found wrong with them.
#[derive(Debug, Default)]
pub struct Env {
    variables: HashMap<String, String>,
    faults: Vec<String>,
}

impl Env {
    /// The variables of the process, over those of `.env`.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub(super) fn process() -> Result<Self, String> {
        let mut variables = HashMap::new();
        match dotenvy::dotenv_iter() {
            Ok(lines) => {
                for line in lines {
                    let (name, value) = line.map_err(|error| format!(".env: {error}"))?;
                    variables.insert(name, value);
                }
            }
            Err(error) if error.not_found() => {}
            Err(error) => return Err(format!(".env: {error}")),
        }
        variables.extend(std::env::vars());
        Ok(Self { variables, faults: Vec::new() })
    }

    /// These variables and no others.
    pub fn of<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { variables, faults: Vec::new() }
    }

    /// A text; empty counts as unset.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.variables.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// A value of a type that reads itself, or its default.
    pub(super) fn parse<T: FromStr<Err: Display>>(&mut self, name: &str, default: T) -> T {
        match self.text(name).map(|value| value.parse()) {
            None => default,
            Some(Ok(value)) => value,
            Some(Err(error)) => {
                self.fault(format!("{name}: {error}"));
                default
            }
        }
    }

    /// A whole number within bounds, or its default.
    pub(super) fn number<T>(&mut self, name: &str, default: T, bounds: RangeInclusive<T>) -> T
    where
        T: FromStr + PartialOrd + Display,
    {
        let Some(text) = self.text(name) else { return default };
        match text.parse().ok().filter(|value| bounds.contains(value)) {
            Some(value) => value,
            None => {
                let (least, most) = (bounds.start(), bounds.end());
                self.fault(format!("{name}: takes a whole number from {least} to {most}, this is {text:?}"));
                default
            }
        }
    }

    /// The address of a server or a page: `http` or `https`, a host, perhaps a path. Without the slash at its end.
    pub(super) fn address(&mut self, name: &str, strict: bool) -> Option<String> {
        let text = self.text(name)?;
        let parsed = Url::parse(&text).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.query().is_none()
                && url.fragment().is_none()
                && url.username().is_empty()
                && url.password().is_none()
        });
        match parsed {
            None => self.fault(format!(
                "{name}: takes an address such as https://example.org, without user, query or fragment, this is {text:?}"
            )),
            Some(url) if strict && url.scheme() != "https" => {
                self.fault(format!("{name}: production takes https://, this is {text:?}"));
            }
            Some(_) => {}
        }
        Some(text.trim_end_matches('/').to_owned())
    }

    /// Yes or no: `true`/`false`, `1`/`0`, `yes`/`no`.
    pub(super) fn flag(&mut self, name: &str, default: bool) -> bool {
        match self.text(name).map(|value| value.to_ascii_lowercase()).as_deref() {
            None => default,
            Some("true" | "1" | "yes" | "on") => true,
            Some("false" | "0" | "no" | "off") => false,
            Some(other) => {
                self.fault(format!("{name}: takes true or false, this is {other:?}"));
                default
            }
        }
    }

    /// Notes what is wrong, as a sentence that says what to set.
    pub(super) fn fault(&mut self, sentence: impl Into<String>) {
        self.faults.push(sentence.into());
    }

    pub(super) fn finish(&self) -> Result<(), String> {
        if self.faults.is_empty() { Ok(()) } else { Err(self.faults.join("\n")) }
    }
}
