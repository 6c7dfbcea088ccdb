//! Generated documents against everything that reads one before anything runs: pre-check, parser, prices, inputs, validation.
//!
//! None may end the process or take long; the pre-check refuses nothing for its syntax that the parser reads, and counts at least what the
//! parser made of it, so that what passes never recurses deeper than its bound. Some are made by the grammar from the schema's own
//! names, some are the playground's examples spoilt a little, some are mere tokens, and some are deep.
//!
//! The full form (`tests/soak documents`) is the same with millions.

use std::{
    cell::RefCell,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use async_graphql::{
    Name, Positioned,
    parser::{
        parse_query,
        types::{BaseType, Directive, ExecutableDocument, Selection, SelectionSet, Type},
    },
};
use async_graphql_value::{ConstValue, Value};
use polyphony::{
    access::{Op, Origin, Viewer},
    base::error::{Code, Error},
    config::{Config, Env, limits::Limits},
    graphql::precheck::{Measure, PrecheckLimits, precheck},
    platform::{Chosen, Platform, database},
    schema::{Api, Asked, Kind, Prepared},
};
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
    test_runner::{Config as Cases, RngAlgorithm, TestRng, TestRunner},
};

use crate::house::{amount, figures, project};

/// How many in the short form.
const SHORT: u64 = 10_000;
/// One document may take this long to be read, and as long to be run: far more than any takes on a quiet machine.
const BOUND: Duration = Duration::from_secs(5);
/// The stack of the server's own threads, see `commands.rs`.
const STACK: usize = 4 << 20;
/// Opening brackets with which the parser may be tried although the pre-check refuses the document.
const SHALLOW: usize = 100;

const WIDE: PrecheckLimits = PrecheckLimits {
    bytes: usize::MAX,
    tokens: usize::MAX,
    nesting: usize::MAX,
    aliases: usize::MAX,
    directives: usize::MAX,
};

fn narrow(limits: &Limits) -> PrecheckLimits {
    PrecheckLimits {
        bytes: limits.document_bytes,
        tokens: limits.document_tokens,
        nesting: limits.document_nesting,
        aliases: limits.aliases,
        directives: limits.directives,
    }
}

/// See the top of the file. As many threads as there are cores, each with the stack of the server's own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_of_any_kind_are_read_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    let config = Arc::new(Config::read(&mut Env::of([("DATA_DIR", path.as_str())])).unwrap());
    database::migrate(&config.database).await.unwrap();
    let platform = Platform::open(&config, Chosen::default()).await.unwrap();
    let api = Api::new(config.clone()).await.unwrap();
    let count = amount("DOCUMENTS", SHORT);
    // The short form is always the same; the full one is another each time, unless it is to be repeated.
    let seed = amount("SEED", if count == SHORT { 7 } else { std::process::id().into() });
    let readers = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let began = Instant::now();
    let reading: Vec<_> = (0..readers)
        .map(|reader| {
            let (api, platform, config) = (api.clone(), platform.clone(), config.clone());
            let runtime = tokio::runtime::Handle::current();
            let share = Share { reader, seed, count: count / readers };
            let read = move || {
                let limits = config.limits.clone();
                let run = |prepared| {
                    let (platform, config) = (platform.clone(), config.clone());
                    let op = Op::new(Viewer::Anonymous, platform, config, Origin::default(), "test".into());
                    runtime.block_on(api.execute(Arc::new(op), prepared));
                };
                let prepare = |document: &str| runtime.block_on(api.prepare(&platform.cache, Asked::of(document)));
                share.read(prepare, &limits, run)
            };
            std::thread::Builder::new().stack_size(STACK).spawn(read).unwrap()
        })
        .collect();
    let joined = tokio::task::spawn_blocking(|| reading.into_iter().map(|reader| reader.join()).collect::<Vec<_>>());
    let outcomes: Vec<Outcome> = joined.await.unwrap().into_iter().map(Result::unwrap).collect();
    platform.close().await;
    let parsed: u64 = outcomes.iter().map(|outcome| outcome.parsed).sum();
    let prepared: u64 = outcomes.iter().map(|outcome| outcome.prepared).sum();
    let slowest = outcomes.iter().map(|outcome| outcome.slowest).max().unwrap_or_default();
    assert!(parsed * 5 > count && prepared * 50 > count, "too few mean anything: {parsed} parsed, {prepared} prepared");
    figures(&format!(
        "documents: {count} read, {parsed} parsed, {prepared} ready to run, none took longer than {slowest:?}, seed {seed}, {:?}",
        began.elapsed()
    ));
}

/// What one thread reads.
struct Share {
    reader: u64,
    seed: u64,
    count: u64,
}

/// What came of it.
#[derive(Default)]
struct Outcome {
    parsed: u64,
    prepared: u64,
    slowest: Duration,
}

impl Share {
    /// Generates and reads them all.
    fn read(
        self,
        prepare: impl Fn(&str) -> Result<Prepared, Error>,
        limits: &Limits,
        run: impl Fn(Prepared),
    ) -> Outcome {
        let Self { reader, seed, count } = self;
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..16].copy_from_slice(&reader.to_le_bytes());
        let config = Cases { cases: u32::try_from(count).unwrap(), failure_persistence: None, ..Cases::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
        // If the process dies, the document it died of is here.
        let last = std::env::temp_dir().join(format!("polyphony-document-{}-{reader}.graphql", std::process::id()));
        let outcome = RefCell::new(Outcome::default());
        let read = |document: String| {
            std::fs::write(&last, &document).unwrap();
            let parsed = is_read_alike(&document, limits);
            let asked = Instant::now();
            let prepared = is_prepared(&document, &prepare, limits, &run);
            let took = asked.elapsed();
            assert!(took < BOUND, "it took {took:?}");
            let mut outcome = outcome.borrow_mut();
            outcome.parsed += u64::from(parsed);
            outcome.prepared += u64::from(prepared);
            outcome.slowest = outcome.slowest.max(took);
            Ok(())
        };
        runner.run(&document(), read).unwrap_or_else(|fault| panic!("seed {seed}, reader {reader}: {fault}"));
        std::fs::remove_file(&last).unwrap();
        outcome.into_inner()
    }
}

/// Whether it is ready to run; what reads is run as well, because validation is a part of that. What changes or follows something is
/// left alone.
fn is_prepared(
    document: &str,
    prepare: impl Fn(&str) -> Result<Prepared, Error>,
    limits: &Limits,
    run: impl Fn(Prepared),
) -> bool {
    const REASONS: [Code; 5] = [
        Code::GraphqlParseFailed,
        Code::GraphqlValidationFailed,
        Code::QueryTooComplex,
        Code::BadRequest,
        Code::ValidationFailed,
    ];
    match prepare(document) {
        Ok(prepared) => {
            assert!(precheck(document, &narrow(limits)).is_ok(), "it was refused and prepared");
            if prepared.kind == Kind::Query {
                run(prepared);
            }
            true
        }
        Err(error) => {
            assert!(REASONS.contains(&error.code()), "{error:?}");
            false
        }
    }
}

/// Whether the parser reads it; it must be what the pre-check thought of it.
fn is_read_alike(document: &str, limits: &Limits) -> bool {
    let bounded = precheck(document, &narrow(limits));
    let brackets = document.bytes().filter(|byte| b"([{".contains(byte)).count();
    if bounded.is_err() && brackets > SHALLOW {
        return false;
    }
    let Ok(parsed) = parse_query(document) else { return false };
    let measure = match precheck(document, &WIDE) {
        Ok(measure) => measure,
        Err(refusal) => panic!("the parser reads what the pre-check does not: {}", refusal.message()),
    };
    let found = made_of(&parsed);
    assert!(
        found.nesting <= measure.nesting
            && found.aliases <= measure.aliases
            && found.directives <= measure.directives
            && found.tokens <= measure.tokens,
        "the parser made {found:?} of what measures {measure:?}"
    );
    let bounds = narrow(limits);
    let fits = document.len() <= bounds.bytes
        && measure.tokens <= bounds.tokens
        && measure.nesting <= bounds.nesting
        && measure.aliases <= bounds.aliases
        && measure.directives <= bounds.directives;
    assert_eq!(bounded.is_ok(), fits, "{bounded:?} of {measure:?}");
    true
}

// --- What the parser made

/// How deep, and how much; each field, value and directive is a token at the least.
fn made_of(document: &ExecutableDocument) -> Measure {
    let mut found = Measure::default();
    for (_, operation) in document.operations.iter() {
        let operation = &operation.node;
        directives(&operation.directives, 0, &mut found);
        for variable in &operation.variable_definitions {
            let variable = &variable.node;
            type_of(&variable.var_type.node, 1, &mut found);
            directives(&variable.directives, 1, &mut found);
            variable.default_value.iter().for_each(|value| constant(&value.node, 1, &mut found));
        }
        selections(&operation.selection_set.node, 0, &mut found);
    }
    for fragment in document.fragments.values() {
        directives(&fragment.node.directives, 0, &mut found);
        selections(&fragment.node.selection_set.node, 0, &mut found);
    }
    found
}

fn open(depth: usize, found: &mut Measure) -> usize {
    found.nesting = found.nesting.max(depth + 1);
    depth + 1
}

fn selections(set: &SelectionSet, depth: usize, found: &mut Measure) {
    if set.items.is_empty() {
        return;
    }
    let depth = open(depth, found);
    for item in &set.items {
        found.tokens += 1;
        directives(item.node.directives(), depth, found);
        match &item.node {
            Selection::Field(field) => {
                found.aliases += usize::from(field.node.alias.is_some());
                arguments(&field.node.arguments, depth, found);
                selections(&field.node.selection_set.node, depth, found);
            }
            Selection::InlineFragment(fragment) => selections(&fragment.node.selection_set.node, depth, found),
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn directives(all: &[Positioned<Directive>], depth: usize, found: &mut Measure) {
    for directive in all {
        found.directives += 1;
        found.tokens += 1;
        arguments(&directive.node.arguments, depth, found);
    }
}

fn arguments(all: &[(Positioned<Name>, Positioned<Value>)], depth: usize, found: &mut Measure) {
    if all.is_empty() {
        return;
    }
    let depth = open(depth, found);
    all.iter().for_each(|(_, given)| value(&given.node, depth, found));
}

fn value(value_: &Value, depth: usize, found: &mut Measure) {
    found.tokens += 1;
    match value_ {
        Value::List(items) => {
            let depth = open(depth, found);
            items.iter().for_each(|item| value(item, depth, found));
        }
        Value::Object(fields) => {
            let depth = open(depth, found);
            fields.values().for_each(|item| value(item, depth, found));
        }
        _ => {}
    }
}

fn constant(given: &ConstValue, depth: usize, found: &mut Measure) {
    value(&given.clone().into_value(), depth, found);
}

fn type_of(type_: &Type, depth: usize, found: &mut Measure) {
    if let BaseType::List(inner) = &type_.base {
        let depth = open(depth, found);
        type_of(inner, depth, found);
    }
}

// --- What is generated

fn document() -> BoxedStrategy<String> {
    let (words, corpus) = (words(), corpus());
    prop_oneof![
        4 => written(words.clone()),
        4 => spoilt(select(corpus).boxed(), words.clone()),
        2 => spoilt(written(words.clone()), words.clone()),
        2 => vec(token(words), 0..60).prop_map(|tokens| tokens.concat()),
        1 => deep(),
    ]
    .boxed()
}

/// The names of the schema, so that much of what is written means something.
fn words() -> Vec<String> {
    let schema = std::fs::read_to_string(project().join("schema.graphql")).unwrap();
    let lines = schema.lines().filter(|line| !line.trim_start().starts_with('"'));
    let names = lines.flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
    let mut words: Vec<String> = names.filter(|name| name.len() > 1).map(str::to_owned).collect();
    words.extend(["__typename", "__schema", "__type", "on", "true", "null", "fragment", "query"].map(str::to_owned));
    words.sort();
    words.dedup();
    words
}

/// The playground's examples, and what GraphiQL asks first.
fn corpus() -> Vec<String> {
    let root = project().join("playground/examples");
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in std::fs::read_dir(root).unwrap() {
        files.extend(std::fs::read_dir(folder.unwrap().path()).unwrap().map(|file| file.unwrap().path()));
    }
    files.retain(|file| file.extension().is_some_and(|ending| ending == "graphql"));
    files.sort();
    let mut all: Vec<String> = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    all.push(
        "query Introspection { __schema { queryType { name } types { ...T } directives { name args { ...I } } } }
         fragment T on __Type { kind name fields(includeDeprecated: true) { name args { ...I } type { ...R } } }
         fragment I on __InputValue { name type { ...R } defaultValue }
         fragment R on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }"
            .to_owned(),
    );
    all.push(
        "{ users(first: 2, search: \"a\") { nodes { id username } pageInfo { hasNextPage } totalCount } me { id } }"
            .to_owned(),
    );
    all.push("query($ids: [ID!]! = [\"x\"], $b: Boolean! = true) { nodes(ids: $ids) { id ... on User @include(if: $b) { bio } } }".to_owned());
    all
}

const TOKENS: [&str; 44] = [
    "{",
    "}",
    "{ ",
    " }",
    "[",
    "]",
    "(",
    ")",
    ":",
    "!",
    "$",
    "@",
    "=",
    "|",
    "&",
    "...",
    "... on ",
    "\"",
    "\"\"\"",
    "\\",
    "\\u{1F600}",
    "\\\"",
    "#",
    "\n",
    "\r",
    " ",
    ",",
    "\u{feff}",
    "0",
    "-",
    "1.5e3",
    "00",
    "9223372036854775808",
    "\"a\"",
    "\"\"\"\n b\n\"\"\"",
    "\"\\ud83d\\ude00\"",
    "\u{e9}",
    "\u{0}",
    "query ",
    "fragment F on Query ",
    "@include(if: true) ",
    "a: ",
    "$v",
    "null",
];

fn token(words: Vec<String>) -> BoxedStrategy<String> {
    prop_oneof![3 => select(TOKENS.to_vec()).prop_map(str::to_owned), 2 => select(words).prop_map(|word| word + " ")]
        .boxed()
}

fn given_value() -> BoxedStrategy<String> {
    let leaves = [
        "1",
        "-0",
        "2147483648",
        "1.5e3",
        "1e400",
        "true",
        "null",
        "ADMIN",
        "\"text\"",
        "\"\"",
        "\"\\u0000\"",
        "\"\"\"block \\\"\"\" \"\"\"",
        "$v",
        "$first",
    ];
    let leaf = select(leaves.to_vec()).prop_map(str::to_owned);
    leaf.prop_recursive(5, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(", "))),
            vec((select(vec!["a", "status", "kind", "content"]), inner), 0..4).prop_map(|fields| {
                let fields: Vec<_> = fields.into_iter().map(|(name, value)| format!("{name}: {value}")).collect();
                format!("{{{}}}", fields.join(" "))
            }),
        ]
    })
    .boxed()
}

fn selection(words: Vec<String>) -> BoxedStrategy<String> {
    let name = select(words);
    let argument = (prop_oneof![Just("first".to_owned()), Just("id".to_owned()), name.clone()], given_value())
        .prop_map(|(name, value)| format!("{name}: {value}"));
    let arguments = vec(argument, 0..3)
        .prop_map(|all| if all.is_empty() { String::new() } else { format!("({})", all.join(", ")) });
    let directive = prop_oneof![6 => Just(""), 1 => Just(" @include(if: true)"), 1 => Just(" @skip(if: $v)"), 1 => Just(" @nonsense")];
    let alias = prop_oneof![5 => Just(""), 1 => Just("a: "), 1 => Just("b : ")];
    let field = (alias, name.clone(), arguments, directive)
        .prop_map(|(alias, name, arguments, directive)| format!("{alias}{name}{arguments}{directive}"));
    let leaf = prop_oneof![8 => field.clone(), 1 => Just("...F".to_owned()), 1 => Just("...G".to_owned()), 2 => Just("id".to_owned())];
    leaf.prop_recursive(6, 40, 5, move |inner| {
        prop_oneof![
            4 => (field.clone(), vec(inner.clone(), 1..5)).prop_map(|(field, inner)| format!("{field} {{ {} }}", inner.join(" "))),
            1 => (prop_oneof![Just(String::new()), name.clone().prop_map(|name| format!(" on {name}"))], vec(inner, 1..4))
                .prop_map(|(on, inner)| format!("...{on} {{ {} }}", inner.join(" "))),
        ]
    })
    .boxed()
}

/// By the grammar.
fn written(words: Vec<String>) -> BoxedStrategy<String> {
    let head = prop_oneof![
        4 => Just("".to_owned()),
        2 => Just("query Q ".to_owned()),
        1 => Just("query($v: Boolean!, $first: Int = 3) ".to_owned()),
        1 => given_value().prop_map(|value| format!("query($v: [[Int!]!]! = {value}, $first: Int) ")),
        1 => Just("mutation ".to_owned()),
        1 => Just("subscription ".to_owned()),
    ];
    let operation =
        (head, vec(selection(words.clone()), 1..5)).prop_map(|(head, all)| format!("{head}{{ {} }}", all.join(" ")));
    let on = prop_oneof![Just("Query"), Just("User"), Just("Node")];
    let fragment = (select(vec!["F", "G", "H"]), on, vec(selection(words), 1..4))
        .prop_map(|(name, on, all)| format!(" fragment {name} on {on} {{ {} }}", all.join(" ")));
    (vec(operation, 1..3), vec(fragment, 0..3))
        .prop_map(|(operations, fragments)| operations.concat() + &fragments.concat())
        .boxed()
}

#[derive(Clone, Debug)]
enum Slip {
    Drop,
    Double,
    Swap,
    Insert(String),
    Wrap(&'static str, &'static str, usize),
    Cut,
}

/// Something else, a little wrong.
fn spoilt(of: BoxedStrategy<String>, words: Vec<String>) -> BoxedStrategy<String> {
    let slip = prop_oneof![
        3 => Just(Slip::Drop),
        3 => Just(Slip::Double),
        2 => Just(Slip::Swap),
        4 => token(words).prop_map(Slip::Insert),
        1 => (select(vec![("[", "]"), ("{ a ", " }"), ("(", ")"), ("{a:", "}"), ("\"", "\"")]), 1usize..90)
            .prop_map(|((open, close), times)| Slip::Wrap(open, close, times)),
        1 => Just(Slip::Cut),
    ];
    (of, vec((any::<Index>(), slip), 0..4))
        .prop_map(|(text, slips)| {
            let mut pieces = pieces(&text);
            for (at, slip) in slips {
                if pieces.is_empty() {
                    break;
                }
                let at = at.index(pieces.len());
                match slip {
                    Slip::Drop => drop(pieces.remove(at)),
                    Slip::Double => pieces.insert(at, pieces[at].clone()),
                    Slip::Swap => {
                        let other = (at + 7) % pieces.len();
                        pieces.swap(at, other);
                    }
                    Slip::Insert(token) => pieces.insert(at, token),
                    Slip::Wrap(open, close, times) => {
                        pieces[at] = format!("{}{}{}", open.repeat(times), pieces[at], close.repeat(times));
                    }
                    Slip::Cut => pieces.truncate(at),
                }
            }
            pieces.concat()
        })
        .boxed()
}

/// Names whole, everything else a character at a time.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    for character in text.chars() {
        let goes_on = character.is_ascii_alphanumeric() || character == '_';
        match pieces.last_mut() {
            Some(last) if goes_on && last.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_') => {
                last.push(character)
            }
            _ => pieces.push(character.to_string()),
        }
    }
    pieces
}

/// The same thing within itself, over and over: up to far beyond what is taken.
fn deep() -> BoxedStrategy<String> {
    let nests: Vec<(&'static str, &'static str, &'static str, &'static str, &'static str)> = vec![
        ("{ users(search: ", "[", "1", "]", ") { totalCount } }"),
        ("{ users(filter: ", "{a: ", "1", "}", ") { totalCount } }"),
        ("{ users(filter: ", "{a: [", "1", "]}", ") { totalCount } }"),
        ("", "{ me ", "{ id }", " }", ""),
        ("", "{ ... ", "{ id }", " }", ""),
        ("{ me ", "{ blockedUsers { nodes ", "{ id }", " } }", " }"),
        ("query($v: ", "[", "Int", "]", ") { me { id } }"),
        ("query($v: Int = ", "[", "1", "]", ") { me { id } }"),
        ("{ me @include(if: ", "[", "true", "]", ") { id } }"),
        ("{ __schema { types ", "{ fields { type ", "{ name }", " } }", " } }"),
        ("{ me { id } } ", "#[\n", "", "", ""),
        ("{ users(search: \"", "[", "", "", "\") { totalCount } }"),
    ];
    (select(nests), prop_oneof![4 => 1usize..70, 1 => 70usize..20_000])
        .prop_map(|((before, open, inner, close, after), times)| {
            format!("{before}{}{inner}{}{after}", open.repeat(times), close.repeat(times))
        })
        .boxed()
}
