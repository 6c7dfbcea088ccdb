//! What a GraphQL document may weigh before it is parsed, found without recursion.
//!
//! The parser bounds selection sets only. It watches the stack while it matches a document, but not while it makes the tree of
//! what it matched: a few kilobytes of nested lists or objects end the process. So nothing is parsed before this file has seen it.
//!
//! The lexemes are those of the GraphQL specification, section 2.1. Where the parser (`graphql.pest` of async-graphql-parser)
//! reads the same text as more tokens than the specification does, its reading is counted. What cannot be a lexeme by either is
//! refused here, because a lexer that goes on after a mistake can be made to see a string where the parser sees brackets; wrong
//! escapes and malformed numbers stop the parser where they stand and are left to it.

/// The ceilings of one document.
#[derive(Clone, Copy, Debug)]
pub struct PrecheckLimits {
    /// Bytes of UTF-8, comments and white space included.
    pub bytes: usize,
    /// Lexical tokens: names, numbers, strings and punctuators.
    pub tokens: usize,
    /// Brackets open at once, `{`, `[` and `(` together.
    pub nesting: usize,
    /// Fields under another name, in all selection sets together.
    pub aliases: usize,
    /// Uses of a directive.
    pub directives: usize,
}

/// What a document weighs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measure {
    /// Lexical tokens.
    pub tokens: usize,
    /// The most brackets that were open at once.
    pub nesting: usize,
    /// Aliased fields.
    pub aliases: usize,
    /// Uses of a directive.
    pub directives: usize,
}

/// Why a text is not parsed. Lines and columns count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// More bytes than allowed.
    TooLarge {
        /// The most bytes allowed.
        limit: usize,
    },
    /// More lexical tokens than allowed.
    TooManyTokens {
        /// The most tokens allowed.
        limit: usize,
    },
    /// More brackets open at once than allowed.
    TooDeep {
        /// The most levels allowed.
        limit: usize,
    },
    /// More aliased fields than allowed.
    TooManyAliases {
        /// The most aliases allowed.
        limit: usize,
    },
    /// More directives than allowed.
    TooManyDirectives {
        /// The most directives allowed.
        limit: usize,
    },
    /// A string without its closing quotes.
    UnterminatedString {
        /// Whether it is a block string, opened by three quotes.
        block: bool,
        /// The line of the opening quote.
        line: usize,
        /// The column of the opening quote.
        column: usize,
    },
    /// A bracket without its partner.
    Unbalanced {
        /// The bracket that was open there, if any.
        open: Option<char>,
        /// The closing bracket found instead; none at the end of the document.
        found: Option<char>,
        /// The line of the bracket found, else of the open one.
        line: usize,
        /// The column of the bracket found, else of the open one.
        column: usize,
    },
    /// A character that begins no token.
    UnexpectedCharacter {
        /// The character.
        character: char,
        /// Its line.
        line: usize,
        /// Its column.
        column: usize,
    },
}

impl Refusal {
    /// Whether the text is not GraphQL at all, rather than too much of it.
    pub fn is_syntax(&self) -> bool {
        self.location().is_some()
    }

    /// Line and column, where there is a place to point at.
    pub fn location(&self) -> Option<(usize, usize)> {
        match *self {
            Self::UnterminatedString { line, column, .. }
            | Self::Unbalanced { line, column, .. }
            | Self::UnexpectedCharacter { line, column, .. } => Some((line, column)),
            Self::TooLarge { .. }
            | Self::TooManyTokens { .. }
            | Self::TooDeep { .. }
            | Self::TooManyAliases { .. }
            | Self::TooManyDirectives { .. } => None,
        }
    }

    /// What to tell whoever wrote the document.
    pub fn message(&self) -> String {
        let what = match *self {
            Self::TooLarge { limit } => format!(
                "The document is larger than {limit} bytes. Send values as variables, drop unused fragments, or split it into \
                 several requests."
            ),
            Self::TooManyTokens { limit } => format!(
                "The document has more than {limit} tokens. Select fewer fields, send values as variables, or split it into \
                 several requests."
            ),
            Self::TooDeep { limit } => format!(
                "Brackets are nested more than {limit} levels deep, counting `{{`, `[` and `(` together. Flatten the query or \
                 its values, or ask for the deeper part in another request."
            ),
            Self::TooManyAliases { limit } => format!(
                "The document has more than {limit} aliases. Ask for a list instead of the same field many times, or split it \
                 into several requests."
            ),
            Self::TooManyDirectives { limit } => format!(
                "The document has more than {limit} directives. Put fields that come and go together into one fragment with a \
                 single directive."
            ),
            Self::UnterminatedString { block: true, .. } => {
                "The block string is never closed. End it with `\"\"\"`; inside, write `\\\"\"\"` for three quotes.".to_owned()
            }
            Self::UnterminatedString { block: false, .. } => {
                "The string is not closed on its line. End it with `\"`, write `\\n` for a line break and `\\\"` for a quote, \
                 or send it as a variable."
                    .to_owned()
            }
            Self::Unbalanced { open: Some(open), found: Some(found), .. } => {
                format!("`{found}` cannot close `{open}`. Close or remove the `{open}` first.")
            }
            Self::Unbalanced { open: Some(open), .. } => format!("`{open}` is never closed. Close or remove it."),
            Self::Unbalanced { found, .. } => {
                format!("`{}` closes nothing. Remove it or add its partner.", found.unwrap_or_default())
            }
            Self::UnexpectedCharacter { character, .. } => format!(
                "{} (U+{:04X}) begins no GraphQL token. Remove it or put it into a string.",
                if character.is_control() { "A control character".to_owned() } else { format!("`{character}`") },
                u32::from(character),
            ),
        };
        match self.location() {
            Some((line, column)) => format!("Line {line}, column {column}: {what}"),
            None => what,
        }
    }
}

/// Weighs a document, and refuses one that is over a limit or has no tokens to weigh.
pub fn precheck(document: &str, limits: &PrecheckLimits) -> Result<Measure, Refusal> {
    if document.len() > limits.bytes {
        return Err(Refusal::TooLarge { limit: limits.bytes });
    }
    let mut measure = Measure::default();
    let mut open: Vec<(Bracket, usize)> = Vec::new();
    let mut parentheses = 0usize;
    let mut after_name = false;
    let mut at = 0;
    while let Some(rest @ [_, ..]) = document.as_bytes().get(at..) {
        let inner = open.last().map(|(bracket, _)| *bracket);
        let (lexeme, length) = lexeme(rest, inner == Some(Bracket::Square));
        if lexeme == Lexeme::Ignored {
            at += length;
            continue;
        }
        measure.tokens += 1;
        match lexeme {
            Lexeme::Open(bracket) => {
                if open.len() >= limits.nesting {
                    return Err(Refusal::TooDeep { limit: limits.nesting });
                }
                open.push((bracket, at));
                parentheses += usize::from(bracket == Bracket::Round);
                measure.nesting = measure.nesting.max(open.len());
            }
            Lexeme::Close(bracket) => {
                let opened = open.pop().map(|(bracket, _)| bracket);
                if opened != Some(bracket) {
                    let (line, column) = locate(document, at);
                    let (open, found) = (opened.map(Bracket::opening), Some(bracket.closing()));
                    return Err(Refusal::Unbalanced { open, found, line, column });
                }
                parentheses -= usize::from(bracket == Bracket::Round);
            }
            // Braces within parentheses are input objects, and their colons no aliases.
            Lexeme::Colon if after_name && parentheses == 0 && inner == Some(Bracket::Curly) => measure.aliases += 1,
            Lexeme::At => measure.directives += 1,
            Lexeme::Unterminated { block } => {
                let (line, column) = locate(document, at);
                return Err(Refusal::UnterminatedString { block, line, column });
            }
            Lexeme::Unknown => {
                let (line, column) = locate(document, at);
                let character = document.get(at..).and_then(|rest| rest.chars().next()).unwrap_or_default();
                return Err(Refusal::UnexpectedCharacter { character, line, column });
            }
            Lexeme::Ignored | Lexeme::Name | Lexeme::Colon | Lexeme::Other => {}
        }
        if measure.tokens > limits.tokens {
            return Err(Refusal::TooManyTokens { limit: limits.tokens });
        }
        if measure.aliases > limits.aliases {
            return Err(Refusal::TooManyAliases { limit: limits.aliases });
        }
        if measure.directives > limits.directives {
            return Err(Refusal::TooManyDirectives { limit: limits.directives });
        }
        after_name = lexeme == Lexeme::Name;
        at += length;
    }
    if let Some((bracket, at)) = open.pop() {
        let (line, column) = locate(document, at);
        return Err(Refusal::Unbalanced { open: Some(bracket.opening()), found: None, line, column });
    }
    Ok(measure)
}

/// Refuses a JSON text, such as the variables of a request, that nests arrays and objects deeper than `nesting`. Whether it is
/// JSON is left to its parser.
pub fn precheck_json(body: &[u8], nesting: usize) -> Result<(), Refusal> {
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                depth += 1;
                if depth > nesting {
                    return Err(Refusal::TooDeep { limit: nesting });
                }
            }
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Bracket {
    Curly,
    Square,
    Round,
}

impl Bracket {
    fn opening(self) -> char {
        match self {
            Self::Curly => '{',
            Self::Square => '[',
            Self::Round => '(',
        }
    }

    fn closing(self) -> char {
        match self {
            Self::Curly => '}',
            Self::Square => ']',
            Self::Round => ')',
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lexeme {
    Ignored,
    Name,
    Colon,
    At,
    Open(Bracket),
    Close(Bracket),
    Other,
    Unterminated { block: bool },
    Unknown,
}

/// The first lexeme of a text that is not empty, and its length in bytes: none only for what is no lexeme.
fn lexeme(rest: &[u8], in_list: bool) -> (Lexeme, usize) {
    match rest {
        [b' ' | b'\t' | b'\n' | b'\r' | b',', ..] => (Lexeme::Ignored, 1),
        // The byte order mark is white space wherever it stands.
        [0xEF, 0xBB, 0xBF, ..] => (Lexeme::Ignored, 3),
        [b'#', comment @ ..] => (Lexeme::Ignored, 1 + run(comment, |byte| !matches!(byte, b'\n' | b'\r'))),
        [b'"', b'"', b'"', text @ ..] => match block_string(text) {
            Some(length) => (Lexeme::Other, 3 + length),
            // The parser would read two quotes as an empty string and try again from the third.
            None => (Lexeme::Unterminated { block: true }, 0),
        },
        [b'"', text @ ..] => match string(text) {
            Some(length) => (Lexeme::Other, 1 + length),
            None => (Lexeme::Unterminated { block: false }, 0),
        },
        [b'a'..=b'z' | b'A'..=b'Z' | b'_', ..] => (Lexeme::Name, name(rest, in_list)),
        [b'0'..=b'9', ..] | [b'-', b'0'..=b'9', ..] => (Lexeme::Other, number(rest)),
        [b'.', b'.', b'.', ..] => (Lexeme::Other, 3),
        [b'!' | b'$' | b'&' | b'=' | b'|', ..] => (Lexeme::Other, 1),
        [b':', ..] => (Lexeme::Colon, 1),
        [b'@', ..] => (Lexeme::At, 1),
        [b'{', ..] => (Lexeme::Open(Bracket::Curly), 1),
        [b'[', ..] => (Lexeme::Open(Bracket::Square), 1),
        [b'(', ..] => (Lexeme::Open(Bracket::Round), 1),
        [b'}', ..] => (Lexeme::Close(Bracket::Curly), 1),
        [b']', ..] => (Lexeme::Close(Bracket::Square), 1),
        [b')', ..] => (Lexeme::Close(Bracket::Round), 1),
        _ => (Lexeme::Unknown, 0),
    }
}

fn run(bytes: &[u8], of: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|byte| !of(*byte)).unwrap_or(bytes.len())
}

fn skip(bytes: &[u8], length: usize) -> &[u8] {
    bytes.get(length..).unwrap_or_default()
}

/// The length of what follows `"`, the closing quote included.
fn string(text: &[u8]) -> Option<usize> {
    let mut length = 0;
    loop {
        length += match skip(text, length) {
            [b'"', ..] => return Some(length + 1),
            [] | [b'\n' | b'\r', ..] | [b'\\'] | [b'\\', b'\n' | b'\r', ..] => return None,
            [b'\\', ..] => 2,
            _ => 1,
        };
    }
}

/// The length of what follows `"""`, the closing quotes included.
fn block_string(text: &[u8]) -> Option<usize> {
    let mut length = 0;
    loop {
        length += match skip(text, length) {
            [b'"', b'"', b'"', ..] => return Some(length + 3),
            [b'\\', b'"', b'"', b'"', ..] => 4,
            [] => return None,
            _ => 1,
        };
    }
}

/// In a list the parser ends a keyword even where the name goes on, and so makes many values of one name.
fn name(rest: &[u8], in_list: bool) -> usize {
    let keywords: [&[u8]; 3] = [b"true", b"false", b"null"];
    match keywords.iter().find(|keyword| in_list && rest.starts_with(keyword)) {
        Some(keyword) => keyword.len(),
        None => run(rest, |byte| byte.is_ascii_alphanumeric() || byte == b'_'),
    }
}

/// A leading zero ends the integer, as it does in the parser: `000` is three values there.
fn number(rest: &[u8]) -> usize {
    let digits = |from| run(skip(rest, from), |byte| byte.is_ascii_digit());
    let mut length = usize::from(rest.starts_with(b"-"));
    length += if skip(rest, length).starts_with(b"0") { 1 } else { digits(length) };
    if skip(rest, length).starts_with(b".") && digits(length + 1) > 0 {
        length += 1 + digits(length + 1);
    }
    let sign = match skip(rest, length) {
        [b'e' | b'E', b'+' | b'-', ..] => 1,
        [b'e' | b'E', ..] => 0,
        _ => return length,
    };
    match digits(length + 1 + sign) {
        0 => length,
        exponent => length + 1 + sign + exponent,
    }
}

/// The line and the column of the character that begins at a byte.
fn locate(document: &str, at: usize) -> (usize, usize) {
    let (mut line, mut column, mut last) = (1, 1, ' ');
    for character in document.get(..at).unwrap_or(document).chars() {
        match (last, character) {
            ('\r', '\n') => {}
            (_, '\n' | '\r') => (line, column) = (line + 1, 1),
            _ => column += 1,
        }
        last = character;
    }
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: PrecheckLimits =
        PrecheckLimits { bytes: 1 << 20, tokens: 1 << 20, nesting: 1 << 20, aliases: 1 << 20, directives: 1 << 20 };

    fn measure(document: &str) -> Measure {
        precheck(document, &WIDE).unwrap_or_else(|refusal| panic!("{document:?}: {}", refusal.message()))
    }

    fn refusal(document: &str) -> Refusal {
        precheck(document, &WIDE).expect_err(document)
    }

    fn nesting(document: &str) -> usize {
        measure(document).nesting
    }

    fn unterminated(document: &str) -> Option<(bool, usize, usize)> {
        match refusal(document) {
            Refusal::UnterminatedString { block, line, column } => Some((block, line, column)),
            _ => None,
        }
    }

    #[test]
    fn bytes_are_bounded() {
        let limits = PrecheckLimits { bytes: 6, ..WIDE };
        assert!(precheck("{ \u{e9}", &limits).is_err_and(|refusal| refusal.is_syntax()));
        assert!(precheck("{aaaa}", &limits).is_ok());
        assert_eq!(precheck("{aaaaa}", &limits), Err(Refusal::TooLarge { limit: 6 }));
        assert_eq!(precheck("#\u{e9}\u{e9}\u{e9}", &limits), Err(Refusal::TooLarge { limit: 6 }));
        assert_eq!(precheck("", &PrecheckLimits { bytes: 0, ..WIDE }), Ok(Measure::default()));
    }

    #[test]
    fn tokens_are_bounded() {
        let limits = PrecheckLimits { tokens: 5, ..WIDE };
        assert!(precheck("{ a b c } # d e f", &limits).is_ok_and(|measure| measure.tokens == 5));
        assert_eq!(precheck("{ a b c d }", &limits), Err(Refusal::TooManyTokens { limit: 5 }));
        assert_eq!(precheck("{", &PrecheckLimits { tokens: 0, ..WIDE }), Err(Refusal::TooManyTokens { limit: 0 }));
    }

    #[test]
    fn nesting_is_bounded_over_all_brackets_together() {
        for (open, close) in [("{", "}"), ("[", "]"), ("(", ")"), ("([{", "}])"), ("{a(b:[", "])}")] {
            let step = open.chars().filter(|c| "{[(".contains(*c)).count();
            let document = open.repeat(30) + &close.repeat(30);
            let exact = PrecheckLimits { nesting: 30 * step, ..WIDE };
            let short = PrecheckLimits { nesting: 30 * step - 1, ..WIDE };
            assert!(precheck(&document, &exact).is_ok_and(|measure| measure.nesting == 30 * step), "{document}");
            assert_eq!(precheck(&document, &short), Err(Refusal::TooDeep { limit: short.nesting }), "{document}");
        }
        assert_eq!(precheck("{a}", &PrecheckLimits { nesting: 0, ..WIDE }), Err(Refusal::TooDeep { limit: 0 }));
        assert_eq!(nesting("{a}{b}{c(d:[[1],[2]])}"), 4);
    }

    #[test]
    fn depth_is_refused_before_the_rest_is_read() {
        let limits = PrecheckLimits { nesting: 64, ..WIDE };
        let document = "{a(b:".to_owned() + &"[".repeat(10_000) + "\u{0}\"";
        assert_eq!(precheck(&document, &limits), Err(Refusal::TooDeep { limit: 64 }));
    }

    #[test]
    fn aliases_are_bounded() {
        let limits = PrecheckLimits { aliases: 2, ..WIDE };
        assert!(precheck("{ a: x b : x c }", &limits).is_ok_and(|measure| measure.aliases == 2));
        assert_eq!(precheck("{ a: x b : x c\n#\n:x }", &limits), Err(Refusal::TooManyAliases { limit: 2 }));
    }

    #[test]
    fn aliases_are_told_from_arguments() {
        let cases = [
            ("{ a }", 0),
            ("{ a: b }", 1),
            ("{ a: b { c: d(e: f) { g: h } } }", 3),
            ("{ a(b: c, d: {e: f, g: [{h: i}]}) }", 0),
            ("query q($a: Int = 1, $b: In = {c: d}) { e(f: $a) }", 0),
            ("query ($a: [[Int!]!] @x(y: {z: 1})) @x(y: {z: 1}) { e: f @x(y: {z: 1}) }", 1),
            ("{ ... on A @x(y: 1) { b: c ...F } } fragment F on A @x(y: 1) { d: e }", 2),
            ("{ a # b: c\n , : \u{feff} # :\r d }", 1),
            ("{ a(b: \"c: d\") e }", 0),
            ("{ query: on fragment: true }", 2),
        ];
        for (document, aliases) in cases {
            assert_eq!(measure(document).aliases, aliases, "{document}");
        }
    }

    #[test]
    fn directives_are_bounded() {
        let limits = PrecheckLimits { directives: 2, ..WIDE };
        assert!(precheck("query @a { b @ c } # @d", &limits).is_ok_and(|measure| measure.directives == 2));
        assert!(precheck("{ b(c: \"@@@@\") @a @a }", &limits).is_ok());
        assert_eq!(precheck("{ b@a@a@a }", &limits), Err(Refusal::TooManyDirectives { limit: 2 }));
    }

    #[test]
    fn tokens_are_those_of_the_specification() {
        let cases = [
            ("", 0),
            (" ,\t\r\n,\u{feff}", 0),
            ("#\"{[(", 0),
            ("\u{feff}{a}", 3),
            ("a\u{feff}b", 2),
            ("!$&()...:=@[]{|}", 14),
            ("......", 2),
            ("...on", 2),
            ("_a1 __typename", 2),
            ("0 -0 12 -12 1.5 1.5e3 1e-3 1E+3 -0.0e0", 9),
            ("1-1", 2),
            ("1e", 2),
            ("\"\" \"\"\"\"\"\" \"a\"", 3),
            ("\"a\"\"b\"\"\"\"c\"\"\"", 3),
        ];
        for (document, tokens) in cases {
            assert_eq!(measure(document).tokens, tokens, "{document:?}");
        }
    }

    #[test]
    fn values_the_parser_makes_of_one_lexeme_are_counted() {
        assert_eq!(measure("[truefalsenull]").tokens, 5);
        assert_eq!(measure("[000]").tokens, 5);
        assert_eq!(measure("[true00nulls]").tokens, 7);
        assert_eq!(measure("{truefalsenull}").tokens, 3);
    }

    #[test]
    fn strings_hide_brackets_and_no_more_than_they_do() {
        let cases = [
            (r#"["[[["]"#, 1),
            (r#"["" [[]] ""]"#, 3),
            (r#"["\\" [[]] "\\"]"#, 3),
            (r#"["\"" [[]] "\""]"#, 3),
            (r#"["\\\"[[[" [[]]]"#, 3),
            (r#"["\\\\"[["]"]]]"#, 3),
            (r##"["#" [[]] "#"]"##, 3),
            ("[\"\u{0}\u{7f}\u{2028}[[[\"]", 1),
            ("[\"\\\u{e9}[[[\"]", 1),
            (r#"["\u005b["]"#, 1),
        ];
        for (document, expected) in cases {
            assert_eq!(nesting(document), expected, "{document}");
        }
    }

    #[test]
    fn strings_end_on_their_line() {
        for end in ["", "\n\"", "\r\"", "\r\n\"", "\\", "\\\n\"", "\\\r\"", "\\\"", "\\\\\\\""] {
            let document = format!("[\n [\"[{end}");
            assert_eq!(unterminated(&document), Some((false, 2, 3)), "{document:?}");
        }
        assert_eq!(unterminated(r#"["" "]"#), Some((false, 1, 5)));
    }

    #[test]
    fn block_strings_hide_brackets_and_no_more_than_they_do() {
        let three = "\"\"\"";
        let cases = [
            (format!("[{three}[[[\n\r\"[[\"\"[[{three}]"), 1),
            (format!("[{three}{three}[[]]]"), 3),
            (format!("[{three}{three}\"\"[[]]]"), 3),
            (format!("[{three}\\{three}[[[{three}]"), 1),
            (format!("[{three}\\\\{three}[[[{three}]"), 1),
            (format!("[{three}\\\" {three}[[]]]"), 3),
            (format!("[{three}\\{three}{three}[[]]]"), 3),
            (format!("[{three}\\n\\{three}[{three}[[]]]"), 3),
            (format!("[{three}a{three}\"[[[\"[]]"), 2),
            (format!("[{three} # {three}[[]]]"), 3),
            (format!("[\"\" {three} \"\" {three} [[]]]"), 3),
        ];
        for (document, expected) in cases {
            assert_eq!(nesting(&document), expected, "{document}");
        }
        for text in ["", "\"", "\"\"", "[[", "\\\"\"\"", "\\\\\"\"\"", "a\"\"\"[\"\"\""] {
            let document = format!("[ {three}{text}");
            assert!(matches!(unterminated(&document), Some((true, 1, _))), "{document}");
        }
    }

    #[test]
    fn comments_hide_brackets_up_to_either_line_end() {
        let cases = [
            ("#[[[\n[]", 1),
            ("#[[[\r[]", 1),
            ("#[[[\r\n[]", 1),
            ("#\"\r[[]]\"\"", 2),
            ("#\"\"\"\n[[]]#\"\"\"", 2),
            ("[#]\n]", 1),
            ("#\u{0}\u{2028}[\u{85}[\u{b}[\u{c}[", 0),
            ("##\n#\r[]", 1),
        ];
        for (document, expected) in cases {
            assert_eq!(nesting(document), expected, "{document:?}");
        }
    }

    #[test]
    fn brackets_pair() {
        let cases = [
            ("{\n  a(b: [1)\n}", Some('['), Some(')'), 2, 10),
            ("{ a }\r\n}", None, Some('}'), 2, 1),
            ("{ a\r  (b: 1", Some('('), None, 2, 3),
            ("# \u{e9}\n{a(b:\"\u{1f600}\u{e9}\")]", Some('{'), Some(']'), 2, 11),
        ];
        for (document, open, found, line, column) in cases {
            let expected = Refusal::Unbalanced { open, found, line, column };
            assert_eq!(refusal(document), expected, "{document:?}");
            assert_eq!(expected.location(), Some((line, column)));
        }
    }

    #[test]
    fn characters_that_begin_no_token_are_refused() {
        for character in "\u{0}\u{7}\u{8}\u{b}\u{c}\u{1b}\u{7f}\u{a0}\u{2028}\u{e9}\u{1f600}%'*+-./;<>?\\^`~".chars() {
            let document = format!("{{ a\n\t{character} }}");
            assert_eq!(
                refusal(&document),
                Refusal::UnexpectedCharacter { character, line: 2, column: 2 },
                "{document:?}"
            );
        }
        assert!(matches!(refusal("{..a}"), Refusal::UnexpectedCharacter { character: '.', line: 1, column: 2 }));
    }

    #[test]
    fn mistakes_within_a_token_are_left_to_the_parser() {
        for document in [r#"{a(b:"\q\u12")}"#, "{a(b:01)}", "{a(b:1x)}", "{a(b:1e)}"] {
            assert!(precheck(document, &WIDE).is_ok(), "{document}");
        }
    }

    #[test]
    fn refusals_say_what_to_do() {
        let limit = 7;
        let limits = [
            Refusal::TooLarge { limit },
            Refusal::TooManyTokens { limit },
            Refusal::TooDeep { limit },
            Refusal::TooManyAliases { limit },
            Refusal::TooManyDirectives { limit },
        ];
        for refusal in limits {
            assert!(!refusal.is_syntax() && refusal.location().is_none());
            assert!(refusal.message().contains(" 7 "), "{}", refusal.message());
        }
        let syntax = [
            ("{a(b:\"", "`\"`"),
            ("\"\"\"", "`\"\"\"`"),
            ("[}", "`}` cannot close `["),
            ("[", "`[` is never"),
            (")", "`)` closes nothing"),
        ];
        for (document, part) in syntax {
            let message = refusal(document).message();
            assert!(refusal(document).is_syntax());
            assert!(message.starts_with("Line 1, column ") && message.contains(part), "{message}");
        }
        assert!(refusal("\u{1b}").message().contains("A control character (U+001B)"));
        assert!(refusal("%").message().contains("`%` (U+0025)"));
    }

    #[test]
    fn json_nesting_is_bounded() {
        let deep = |levels: usize| "[{\"a\":".repeat(levels / 2) + "1" + &"}]".repeat(levels / 2);
        assert_eq!(precheck_json(deep(64).as_bytes(), 64), Ok(()));
        assert_eq!(precheck_json(deep(66).as_bytes(), 64), Err(Refusal::TooDeep { limit: 64 }));
        assert_eq!(precheck_json(b"[]", 0), Err(Refusal::TooDeep { limit: 0 }));
        assert_eq!(precheck_json(b"", 0), Ok(()));
        for hidden in [r#""[[[""#, r#""\"[[[""#, r#""\\\"[[[""#, r#"["]","[[","\\"]"#, "\"\u{e9}[[[\""] {
            assert_eq!(precheck_json(hidden.as_bytes(), 1), Ok(()), "{hidden}");
        }
        for open in [r#"["\\",[]]"#, r#"["\"",[]]"#, r#"["",[]]"#, r#"]]][["#, r#"["\u0022",[]]"#] {
            assert_eq!(precheck_json(open.as_bytes(), 1), Err(Refusal::TooDeep { limit: 1 }), "{open}");
        }
        assert_eq!(precheck_json(&[0xFF, b'[', b']', b'[', b']'], 1), Ok(()));
    }

    /// A lexer slow enough to be seen right: tokens as texts, everything about them found by looking at all that came before.
    fn reference(document: &str) -> Option<Measure> {
        let mut tokens: Vec<String> = Vec::new();
        let mut rest = document;
        while let Some(first) = rest.chars().next() {
            let open = unclosed(&tokens)?;
            let token = if " ,\t\r\n\u{feff}".contains(first) {
                rest = &rest[first.len_utf8()..];
                continue;
            } else if first == '#' {
                rest = rest.find(['\r', '\n']).map_or("", |end| &rest[end..]);
                continue;
            } else if let Some(text) = rest.strip_prefix("\"\"\"") {
                // An escape of the same length that holds no quote.
                &rest[..3 + text.replace("\\\"\"\"", "____").find("\"\"\"")? + 3]
            } else if let Some(text) = rest.strip_prefix('"') {
                let line = text.split(['\r', '\n']).next()?;
                &rest[..1 + line.replace("\\\\", "__").replace("\\\"", "__").find('"')? + 1]
            } else if first.is_ascii_alphabetic() || first == '_' {
                let name = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()?;
                let keyword =
                    ["true", "false", "null"].into_iter().find(|k| open.last() == Some(&'[') && name.starts_with(k));
                keyword.unwrap_or(name)
            } else if first.is_ascii_digit() || first == '-' {
                let is_number = |text: &str| {
                    let text = text.strip_prefix('-').unwrap_or(text).replace("E", "e");
                    let (decimal, exponent) = text.split_once('e').unwrap_or((&text, "0"));
                    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, "0"));
                    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
                    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
                    digits(whole) && digits(fraction) && digits(exponent) && (whole == "0" || !whole.starts_with('0'))
                };
                (1..=rest.len()).filter_map(|end| rest.get(..end)).take(40).filter(|text| is_number(text)).last()?
            } else {
                let all = ["!", "$", "&", "(", ")", "...", ":", "=", "@", "[", "]", "{", "|", "}"];
                all.into_iter().find(|punctuator| rest.starts_with(punctuator))?
            };
            tokens.push(token.to_owned());
            rest = &rest[token.len()..];
        }
        let mut measure = Measure { tokens: tokens.len(), ..Measure::default() };
        for (index, token) in tokens.iter().enumerate() {
            let open = unclosed(&tokens[..=index])?;
            measure.nesting = measure.nesting.max(open.len());
            measure.directives += usize::from(token == "@");
            let named = index > 0 && tokens[index - 1].starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
            measure.aliases += usize::from(token == ":" && named && open.last() == Some(&'{') && !open.contains(&'('));
        }
        unclosed(&tokens)?.is_empty().then_some(measure)
    }

    fn unclosed(tokens: &[String]) -> Option<Vec<char>> {
        let mut open = Vec::new();
        for token in tokens {
            let close = match token.as_str() {
                "{" | "[" | "(" => {
                    open.extend(token.chars());
                    continue;
                }
                "}" => '{',
                "]" => '[',
                ")" => '(',
                _ => continue,
            };
            if open.pop() != Some(close) {
                return None;
            }
        }
        Some(open)
    }

    struct Random(u64);

    impl Random {
        fn below(&mut self, bound: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 >> 11) as usize % bound
        }

        fn pick<'a>(&mut self, from: &'a str) -> &'a str {
            let index = self.below(from.split('~').count());
            from.split('~').nth(index).unwrap_or_default()
        }
    }

    const FRAGMENTS: &str = "\"~\"~\"\"~\"\"\"~\"\"\"~\\~\\\"~\\\\~\\\"\"\"~\\u0022~#~\n~\r~\r\n~ ~,~\u{feff}~{~}~[~]~(~)~[[[~]]]~\
        a~b:~:~true~nulls~1~00~-1.5e3~.~...~@~$~!~=~\u{e9}~\u{0}~\u{1f600}";
    const TEXTS: &str = "\"\"~\"[\"~\"#\"~\"\\\"[\"~\"\\\\\"~\"\"\"\"\"\"~\"\"\"[\"\"\"~\"\"\"\\\"\"\"{\"\"\"~\"\"\"\n\"(\"\n\"\"\"~\
        #[\n~#\"\r~#\"\"\"\r\n~ ~,~\u{feff}~a~a:~@a~0~truenull~...";

    /// Brackets that pair, with everything in between that could hide one; a few are spoilt afterwards.
    fn generate(random: &mut Random) -> String {
        let mut document = String::new();
        if random.below(3) == 0 {
            for _ in 0..random.below(24) {
                document.push_str(random.pick(FRAGMENTS));
            }
            return document;
        }
        let mut close = Vec::new();
        for _ in 0..random.below(60) {
            match random.below(4) {
                0 => {
                    let (opening, closing) = [('{', '}'), ('[', ']'), ('(', ')')][random.below(3)];
                    document.push(opening);
                    close.push(closing);
                }
                1 => document.extend(close.pop()),
                _ => document.push_str(random.pick(TEXTS)),
            }
        }
        document.extend(close.into_iter().rev());
        if random.below(3) == 0 {
            let at = random.below(document.len() + 1);
            if document.is_char_boundary(at) {
                document.insert_str(at, random.pick(FRAGMENTS));
            }
        }
        document
    }

    #[test]
    fn agrees_with_a_reference_lexer() {
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        let (mut accepted, mut deep) = (0, 0);
        for _ in 0..20_000 {
            let document = generate(&mut random);
            let found = precheck(&document, &WIDE);
            assert_eq!(found.ok(), reference(&document), "{document:?}");
            accepted += usize::from(found.is_ok());
            deep += usize::from(found.is_ok_and(|measure| measure.nesting > 4));
        }
        assert!(accepted > 5_000 && deep > 1_000, "{accepted} {deep}");
    }
}
