//! What a GraphQL document may weigh before it is parsed, found without recursion.
//!
//! The parser bounds selection sets only. It watches the stack while it matches a document, but not while it makes the tree of
//! what it matched: a few kilobytes of nested lists or objects end the process. So nothing is parsed before this file has seen it.
//!
//! The lexemes are those of the GraphQL specification, section 2.1. Where the parser (`graphql.pest` of async-graphql-parser)
//! reads the same text as more tokens than the specification does, its reading is counted. What cannot be a lexeme by either is
//! refused here, because a lexer that goes on after a mistake can be made to see a string where the parser sees brackets; wrong
//! escapes and malformed numbers stop the parser where they stand and are left to it.

/// Escapes that the parser does not read.
mod escapes;

pub use escapes::unescaped;

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
    /// An escape that stands for no character: half of a surrogate pair, or a number past the last one.
    NoCharacter {
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
            | Self::UnexpectedCharacter { line, column, .. }
            | Self::NoCharacter { line, column } => Some((line, column)),
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
            Self::NoCharacter { .. } => {
                "The escape stands for no character. Write both halves of a surrogate pair, `\\u{1F600}`, or the character itself."
                    .to_owned()
            }
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

/// Texts that say the same.
mod normal;
pub use normal::normal;

#[cfg(test)]
mod tests;
