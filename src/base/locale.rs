//! The languages the house writes in, and which of them a client would rather read.

use serde::{Deserialize, Serialize};

/// A language mails are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Locale {
    /// English.
    #[default]
    En,
    /// French.
    Fr,
    /// Spanish.
    Es,
}

impl Locale {
    /// All of them; the first is for everybody whose own is not among them.
    pub const ALL: [Self; 3] = [Self::En, Self::Fr, Self::Es];

    /// Its tag (BCP 47).
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Fr => "fr",
            Self::Es => "es",
        }
    }

    /// The one an `Accept-Language` value (RFC 9110, section 12.5.4) would rather have; the first named among equals.
    pub fn preferred(accept_language: &str) -> Self {
        let mut best = (Self::default(), 0.0);
        for range in accept_language.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default();
            let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Ok(1.0), str::parse::<f32>);
            let language = tag.split('-').next().unwrap_or_default();
            let known = Self::ALL.into_iter().find(|locale| language.eq_ignore_ascii_case(locale.tag()));
            let known = known.or((tag == "*").then(Self::default));
            if let (Some(known), Ok(weight)) = (known, weight)
                && weight > best.1
            {
                best = (known, weight);
            }
        }
        best.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_known_language_wins() {
        for (header, wanted) in [
            ("", Locale::En),
            ("fr", Locale::Fr),
            ("fr-CH, fr;q=0.9, en;q=0.8", Locale::Fr),
            ("de, es;q=0.5, fr;q=0.7", Locale::Fr),
            ("de-DE,ES-mx", Locale::Es),
            ("ja", Locale::En),
            ("fr;q=0, *;q=0.5", Locale::En),
            ("es;q=nonsense, fr;q=0.1", Locale::Fr),
        ] {
            assert_eq!(Locale::preferred(header), wanted, "{header}");
        }
    }
}
