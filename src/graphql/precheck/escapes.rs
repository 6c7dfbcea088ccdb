//! Escapes that the parser does not read: `\u{1F600}`, and `\uD83D\uDE00`, which JSON writers make of the same character (GraphQL
//! specification, section 2.9.4, "Static Semantics: StringValue"). They are written as the parser takes them before it sees them.

use super::{Refusal, lexeme, locate};

/// The document with every such escape resolved; `None` when there is none. It must have passed [`super::precheck`].
///
/// # Errors
/// Half of a surrogate pair, or a number that is no character.
pub fn unescaped(document: &str) -> Result<Option<String>, Refusal> {
    if !document.contains("\\u") {
        return Ok(None);
    }
    let (mut text, mut at) = (String::with_capacity(document.len()), 0);
    while let Some(rest @ [_, ..]) = document.as_bytes().get(at..) {
        // A lexeme has at least one byte after the pre-check.
        let length = lexeme(rest, false).1.max(1);
        let token = document.get(at..at + length).unwrap_or_default();
        if token.starts_with('"') && !token.starts_with("\"\"\"") {
            resolve(token, &mut text).map_err(|within| {
                let (line, column) = locate(document, at + within);
                Refusal::NoCharacter { line, column }
            })?;
        } else {
            text.push_str(token);
        }
        at += length;
    }
    Ok((text != document).then_some(text))
}

/// Writes a string with its escapes resolved; otherwise gives the place of the one that cannot be.
fn resolve(string: &str, text: &mut String) -> Result<(), usize> {
    let mut at = 0;
    while let Some(found) = string.get(at..).and_then(|rest| rest.find('\\')) {
        text.push_str(&string[at..at + found]);
        at += found;
        let escape = &string[at..];
        let (number, length) = match (braced(escape), unit(escape)) {
            (Some(braced), _) => braced,
            (None, Some(high @ 0xD800..=0xDBFF)) => match escape.get(6..).and_then(unit) {
                Some(low @ 0xDC00..=0xDFFF) => (0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00), 12),
                _ => return Err(at),
            },
            (None, Some(number)) => (number, 6),
            // Any other escape, right or wrong, is the parser's.
            (None, None) => {
                let length = 1 + escape.chars().nth(1).map_or(0, char::len_utf8);
                text.push_str(&escape[..length]);
                at += length;
                continue;
            }
        };
        match char::from_u32(number) {
            None => return Err(at),
            // What could end the string stays an escape.
            Some(_) if number < 0x1_0000 => text.push_str(&format!("\\u{number:04X}")),
            Some(character) => text.push(character),
        }
        at += length;
    }
    text.push_str(&string[at..]);
    Ok(())
}

/// The number of `\uXXXX`.
fn unit(escape: &str) -> Option<u32> {
    digits(escape.strip_prefix("\\u")?.get(..4)?)
}

/// The number of `\u{X…}` and its length; a number of too many digits is none.
fn braced(escape: &str) -> Option<(u32, usize)> {
    let (inner, _) = escape.strip_prefix("\\u{")?.split_once('}')?;
    let number = if inner.len() > 8 { None } else { digits(inner) };
    Some((number.unwrap_or(u32::MAX), inner.len() + 4))
}

fn digits(text: &str) -> Option<u32> {
    let are_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    are_digits.then(|| u32::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    #[test]
    fn escapes_are_written_as_the_parser_takes_them() {
        for (document, expected) in [
            (r#"{ a(b: "plain") }"#, None),
            (r#"{ a(b: "\u0041\n\"") }"#, None),
            (r#"{ a(b: "\ud83d\uDE00") }"#, Some(r#"{ a(b: "😀") }"#)),
            (r#"{ a(b: "x\u{1F600}y\\u{1}") }"#, Some(r#"{ a(b: "x😀y\\u{1}") }"#)),
            (r#"{ a(b: "\u{22}\u{a}\u{000041}") }"#, Some(r#"{ a(b: "\u0022\u000A\u0041") }"#)),
            (
                r#"{ a(b: """\u{1F600}""", c: "\u{1F600}") } # "\u{1}"#,
                Some(r#"{ a(b: """\u{1F600}""", c: "😀") } # "\u{1}"#),
            ),
            (r#"{ a(b: "", c: "ü\ü\u{fc}") }"#, Some(r#"{ a(b: "", c: "ü\ü\u00FC") }"#)),
        ] {
            assert_eq!(unescaped(document).unwrap().as_deref(), expected, "{document}");
        }
        assert!(parse_query(unescaped(r#"{ a(b: "\ud83d\ude00\u{22}") }"#).unwrap().unwrap()).is_ok());
    }

    #[test]
    fn half_a_character_is_none() {
        for string in [
            r"\ud83d",
            r"\ud83dx",
            r"\ude00",
            r"\ud83d\u0041",
            r"\ud83d\n",
            r"\u{d83d}",
            r"\u{110000}",
            r"\u{}",
            r"\u{x}",
            r"\u{000000041}",
        ] {
            let refusal = unescaped(&format!("{{ a(b: \"é{string}\") }}")).unwrap_err();
            assert_eq!(refusal.location(), Some((1, 10)), "{string}");
            assert!(refusal.is_syntax());
        }
    }
}
