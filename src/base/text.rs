//! Checks of texts that people send. Lengths are in characters (Unicode scalar values), as people count them.

use unicode_normalization::UnicodeNormalization;

use super::error::{Error, FieldError, Result};

/// Collects what is wrong with an input, so that a client learns of all of it at once.
#[derive(Debug, Default)]
pub struct Checks(Vec<FieldError>);

impl Checks {
    /// Nothing found yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a fault.
    pub fn fault(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(FieldError { field: format!("input.{field}"), message: message.into() });
    }

    /// A single line: trimmed, of `min..=max` characters, without line breaks or other control characters. Names end up in mails and
    /// logs, where a line break would begin something of its own, and beside other names, where what turns the direction of writing
    /// around would turn those around too. What must not be empty has to show.
    pub fn text(&mut self, field: &str, text: &str, min: usize, max: usize) -> String {
        let text = self.sized(field, text, min, max);
        if text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') || turns_around(c)) {
            self.fault(field, "takes a single line without control characters");
        } else if min > 0 && !text.is_empty() && text.chars().all(is_invisible) {
            self.fault(field, "takes at least one character that can be seen");
        }
        text
    }

    /// Like [`Self::text`] for a field that may be absent or emptied.
    pub fn optional(&mut self, field: &str, text: Option<&str>, max: usize) -> Option<String> {
        text.map(|text| self.text(field, text, 0, max)).filter(|text| !text.is_empty())
    }

    /// Several lines, for a field that may be absent or emptied: no control characters other than line breaks and tabs.
    pub fn optional_lines(&mut self, field: &str, text: Option<&str>, max: usize) -> Option<String> {
        let text = self.sized(field, text?, 0, max);
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            self.fault(field, "takes no control characters");
        }
        Some(text).filter(|text| !text.is_empty())
    }

    fn sized(&mut self, field: &str, text: &str, min: usize, max: usize) -> String {
        let text = text.trim();
        let length = text.chars().count();
        if length < min || length > max {
            let wanted = if min == 0 { format!("at most {max}") } else { format!("{min} to {max}") };
            self.fault(field, format!("takes {wanted} characters, this has {length}"));
        }
        text.to_owned()
    }

    /// An address of the form `name@host`, at most 255 characters. Whether it takes mail, only a mail can tell.
    pub fn email(&mut self, field: &str, text: &str) -> String {
        let text = text.trim();
        if !is_email(text) {
            self.fault(field, EMAIL);
        }
        text.to_owned()
    }

    /// 3 to 30 letters, digits, `_`, `-` or `.`, beginning with a letter or digit.
    pub fn username(&mut self, field: &str, text: &str) -> String {
        let text: String = text.trim().nfkc().collect();
        let length = text.chars().count();
        if !(3..=30).contains(&length)
            || !text.starts_with(char::is_alphanumeric)
            || !text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
        {
            self.fault(
                field,
                "takes 3 to 30 letters, digits, dots, dashes or underscores, beginning with a letter or digit",
            );
        }
        text
    }

    /// An absolute http or https address of at most 2048 characters.
    pub fn url(&mut self, field: &str, text: Option<&str>) -> Option<String> {
        let text = text.map(str::trim).filter(|text| !text.is_empty())?;
        if !is_url(text) {
            self.fault(field, URL);
        }
        Some(text.to_owned())
    }

    /// Everything was right, or one error that names each fault.
    #[track_caller]
    pub fn finish(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::invalid_fields(self.0)) }
    }
}

/// Overrides and isolates of the direction of writing. The marks that right-to-left names need (U+200E, U+200F) are none of them.
fn turns_around(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Takes no room on a screen, or an empty one.
pub fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'
                ..='\u{180e}'
        )
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}')
        || matches!(c, '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

/// What an email address has to be.
pub const EMAIL: &str = "takes an email address such as name@example.org";
/// What an address of the web has to be.
pub const URL: &str = "takes an absolute http or https address of at most 2048 characters";

/// Whether it has the form `name@host`, in at most 255 characters, also as it is compared: folding writes some characters out, and
/// makes signs of others. Whether it takes mail, only a mail can tell.
pub fn is_email(text: &str) -> bool {
    // The library that sends mail has the last word: what it does not take could never be proved.
    has_form_of_email(text)
        && (text.is_ascii() || has_form_of_email(&fold(text)))
        && text.parse::<lettre::Address>().is_ok()
}

fn has_form_of_email(text: &str) -> bool {
    text.len() <= 255
        && text.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty()
                && name.len() <= 64
                && host.contains('.')
                && !host.starts_with('.')
                && !host.ends_with('.')
                && !host.contains("..")
                && !host.contains('@')
        })
        && !text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>()[]\\,;:\"".contains(c))
}

/// Whether it is an absolute http or https address of at most 2048 characters.
pub fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    text.len() <= 2048
        && host.is_some_and(|host| !host.is_empty())
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// A name or address as it is compared: NFKC and lower case, so that look-alikes of case and width are one.
pub fn fold(text: &str) -> String {
    text.trim().nfkc().flat_map(char::to_lowercase).collect()
}

/// Characters of the longest name: what is longer names nobody.
const NAME: usize = 100;

/// What is written after each @, folded, in order: candidates for a mention, the longest first. A name may end in the signs that a
/// sentence ends in, so the name as it is written comes before those with the last sign left out. Letters are composed first, as they
/// are in names, however they were typed.
pub fn mentioned_names(text: &str) -> Vec<Vec<String>> {
    let mut names = Vec::new();
    let mut before = ' ';
    let text: String = text.nfc().collect();
    let mut rest = text.as_str();
    while let Some(at) = rest.find('@') {
        before = rest[..at].chars().next_back().unwrap_or(before);
        rest = &rest[at + 1..];
        let end = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))).unwrap_or(rest.len());
        // A letter before the @ makes it a mail address.
        if !before.is_alphanumeric() {
            let candidates = candidates(&rest[..end]);
            if !candidates.is_empty() && !names.contains(&candidates) {
                names.push(candidates);
            }
        }
        before = '@';
    }
    names
}

fn candidates(written: &str) -> Vec<String> {
    let shortest = written.trim_end_matches(['.', '-', '_']).len();
    if shortest == 0 {
        return Vec::new();
    }
    // The signs are a byte each; with more of them than a name has characters it is none.
    let longest = written.len().min(shortest + NAME);
    let names = (shortest..=longest).rev().map(|end| fold(&written[..end]));
    names.filter(|name| name.chars().count() <= NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mentions_are_words_after_an_at_sign() {
        let names = |text: &str| mentioned_names(text).into_iter().map(|names| names.join(" ")).collect::<Vec<_>>();
        assert_eq!(names("Hi @Alice, @bob.b and @alice! mail me@example.org @"), ["alice", "bob.b"]);
        assert_eq!(names("(@zoe)"), ["zoe"]);
        assert_eq!(names("no one"), [""; 0]);
        // Whether the sign belongs to the name, only the names that there are can tell.
        assert_eq!(names("ask @bob.-, or _@zoe_"), ["bob.- bob. bob", "zoe_ zoe"]);
        assert_eq!(names("@... @- @"), [""; 0]);
        assert_eq!(names("@Zoe\u{308}lla and @zoëlla"), ["zoëlla"]);
        let long = format!("@{} @a{}", "x".repeat(101), ".".repeat(2000));
        assert_eq!(names(&long).len(), 1);
        assert_eq!(names(&long)[0].split(' ').count(), 100);
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let mut checks = Checks::new();
        checks.email("email", "nobody");
        checks.username("username", "a");
        let error = checks.finish().unwrap_err();
        assert_eq!(
            error.fields().iter().map(|fault| fault.field.as_str()).collect::<Vec<_>>(),
            ["input.email", "input.username"]
        );
    }

    #[test]
    fn a_single_line_is_one() {
        for (text, single, several) in [
            ("Zoë Ångström", true, true),
            ("two\nlines", false, true),
            ("two\r\nlines", false, true),
            ("a\ttab", false, true),
            ("two\u{2028}lines", false, true),
            ("a bell\u{7}", false, false),
            ("turned \u{202e}dnuora", false, true),
            ("שלום\u{200f}", true, true),
            ("\u{200b}\u{2060}", false, true),
            ("👩\u{200d}🎤", true, true),
        ] {
            let (mut one, mut many) = (Checks::new(), Checks::new());
            one.text("name", text, 1, 100);
            many.optional_lines("bio", Some(text), 100);
            assert_eq!((one.finish().is_ok(), many.finish().is_ok()), (single, several), "{text:?}");
        }
    }

    #[test]
    fn addresses() {
        for (text, good) in [
            ("a@b.c", true),
            ("a@b", false),
            ("@b.c", false),
            ("a b@c.d", false),
            ("a@b@c.d", false),
            ("a@.b.c", false),
            ("zoë@exämple.org", true),
            ("a\u{ff20}b@c.d", false),
            ("a..b@c.d", false),
            (&format!("{}@b.c", "\u{fdfa}".repeat(21)), false),
        ] {
            let mut checks = Checks::new();
            checks.email("email", text);
            assert_eq!(checks.finish().is_ok(), good, "{text}");
        }
    }
}
