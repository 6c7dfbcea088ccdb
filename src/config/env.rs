//! Variables, read once, with every fault kept until the end, misspelt names among them.

use std::{
    collections::{BTreeSet, HashMap},
    fmt::Display,
    ops::RangeInclusive,
    str::FromStr,
};

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
        let mut faults = Vec::new();
        for (name, value) in std::env::vars_os() {
            // Anything may stand in an environment; what is no text is of concern only where a setting should be.
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => drop(variables.insert(name, value)),
                Err(_) if settings().any(|known| known == name) => faults.push(format!("{name}: takes UTF-8 text")),
                Err(_) => {}
            }
        }
        Ok(Self { variables, faults })
    }

    /// These variables and no others.
    pub fn of<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { variables, faults: Vec::new() }
    }

    /// A text; empty counts as unset. Every setting has a line in `.env.example`.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        debug_assert!(settings().any(|known| known == name), "{name} is not in .env.example");
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

    /// Variables whose names are so near to that of a setting which is not set that they were most likely meant for it: a sentence each
    /// that says what to set.
    pub(super) fn misspelt(&self) -> Vec<String> {
        let is_set = |name: &str| self.variables.contains_key(name);
        let known: BTreeSet<&str> = settings().collect();
        let given = self.variables.keys().filter(|name| !known.contains(name.as_str()));
        let mut sentences: Vec<String> = given
            .filter_map(|given| {
                // What is set by its right name was not meant by another.
                let meant = known.iter().find(|name| !is_set(name) && are_near(given, name))?;
                Some(format!("{given}: there is no such setting; did you mean {meant}?"))
            })
            .collect();
        sentences.sort();
        sentences
    }

    pub(super) fn finish(&self) -> Result<(), String> {
        if self.faults.is_empty() { Ok(()) } else { Err(self.faults.join("\n")) }
    }
}

/// The name of every setting: the lines of `.env.example`.
fn settings() -> impl Iterator<Item = &'static str> {
    const EXAMPLE: &str = include_str!("../../.env.example");
    let is_name = |name: &&str| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    EXAMPLE.lines().filter_map(|line| Some(line.trim_start_matches('#').split_once('=')?.0)).filter(is_name)
}

/// Whether a name is most likely another one misspelt: in the wrong case, with other dashes, or one slip of the hand away. The shortest
/// have to be right: there are other programs, with names of their own.
fn are_near(given: &str, name: &str) -> bool {
    let plain = |name: &str| name.replace(['_', '-', '.'], "").to_ascii_uppercase();
    let slips = usize::from(name.len() > 5);
    plain(given) == plain(name) || given.len().abs_diff(name.len()) <= slips && distance(given, name) <= slips
}

/// How many letters have to be added, left out, replaced or swapped with their neighbour to make one text of another (the optimal string
/// alignment distance).
fn distance(one: &str, other: &str) -> usize {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=other.len()).collect();
    for (row, a) in one.iter().enumerate() {
        let mut line = vec![row + 1];
        for (column, b) in other.iter().enumerate() {
            let mut least = (above[column] + usize::from(a != b)).min(above[column + 1] + 1).min(line[column] + 1);
            if row > 0 && column > 0 && *a == other[column - 1] && one[row - 1] == *b {
                least = least.min(before[column - 1] + 1);
            }
            line.push(least);
        }
        before = std::mem::replace(&mut above, line);
    }
    above[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_counted() {
        for (one, other, slips) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("abc", "acb", 1),
            ("abc", "ab", 1),
            ("abc", "xabc", 1),
            ("abc", "axc", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!((distance(one, other), distance(other, one)), (slips, slips), "{one} {other}");
        }
    }

    #[test]
    fn a_misspelt_name_is_found_and_another_programs_is_not() {
        let found = |name: &str| Env::of([(name, "x")]).misspelt();
        for (given, meant) in [
            ("DATABASE_URI", "DATABASE_URL"),
            ("DATABASEURL", "DATABASE_URL"),
            ("database_url", "DATABASE_URL"),
            ("DATABSE_URL", "DATABASE_URL"),
            ("REDIS_URI", "REDIS_URL"),
            ("SMTP-URL", "SMTP_URL"),
            ("ALLOWED_ORIGIN", "ALLOWED_ORIGINS"),
            ("MAIL_FORM", "MAIL_FROM"),
            ("VAULT_KEY", "VAULT_KEYS"),
            ("APPENV", "APP_ENV"),
            ("LOGLEVEL", "LOG_LEVEL"),
        ] {
            assert_eq!(found(given), [format!("{given}: there is no such setting; did you mean {meant}?")]);
        }
        for other in [
            "HOME",
            "POST",
            "HOSTNAME",
            "HTTP_URL",
            "HTTPS_PROXY",
            "PATH",
            "LOGNAME",
            "LANG",
            "PGHOST",
            "REDIS_PORT",
            "DB_PORT_5432_TCP",
            "DATABASE_PORT",
            "JWT_SECRET",
            "MAIL",
            "MAIL_TO",
            "POLYPHONY_PORT",
            "APP_NAME",
            "DATADOG_URL",
            "LOG_FILE",
        ] {
            assert_eq!(found(other), [""; 0]);
        }
        // Who has set the right one has other reasons for the other.
        assert_eq!(Env::of([("DATABASE_URI", "x"), ("DATABASE_URL", "y")]).misspelt(), [""; 0]);
    }
}
