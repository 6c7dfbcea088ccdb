//! What the pre-check counts and refuses, against a reference lexer of the specification's own rules.

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
        assert_eq!(refusal(&document), Refusal::UnexpectedCharacter { character, line: 2, column: 2 }, "{document:?}");
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
