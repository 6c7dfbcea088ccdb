//! Documents that differ in nothing but what the language ignores (GraphQL specification, section 2.1.7) as one text.

use super::{Lexeme, lexeme, skip};

/// A document with one space between its lexemes, without comments, commas and white space of its own. What is no document stays as it
/// is from where it is none.
pub fn normal(document: &str) -> String {
    let mut normal = String::with_capacity(document.len());
    let mut at = 0;
    while let Some(rest) = document.get(at..).filter(|rest| !rest.is_empty()) {
        let (kind, length) = lexeme(skip(document.as_bytes(), at), false);
        let Some(text) = rest.get(..length).filter(|text| !text.is_empty()) else {
            normal.push_str(rest);
            break;
        };
        if kind != Lexeme::Ignored {
            if !normal.is_empty() {
                normal.push(' ');
            }
            normal.push_str(text);
        }
        at += length;
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_language_ignores_makes_no_difference() {
        let plain = normal("query Q($id:ID!){room(id:$id,after:\"a b\"){id name}}");
        let wide = "\u{feff}query Q ( $id : ID! ) { # a comment, with \"quotes\"\n  room(id: $id after: \"a b\") {\r\n\tid,, name } }\n";
        assert_eq!(normal(wide), plain);
        assert_eq!(normal(&plain), plain);
        for other in [
            "query Q($id:ID!){room(id:$id,after:\"a  b\"){id name}}",
            "query Q($id:ID!){room(id:$id,after:\"a b\"){idname}}",
            "query Q($id:ID!){room(id:$id,after:\"\"\"a b\"\"\"){id name}}",
        ] {
            assert_ne!(normal(other), plain, "{other}");
        }
        assert_eq!(normal("{ a(s: \"# no comment, really\") }"), "{ a ( s : \"# no comment, really\" ) }");
        assert_eq!(normal("{ a ?? ö }"), "{ a?? ö }");
    }
}
