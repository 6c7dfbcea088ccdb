//! The playground's examples: each runs without an error against the demo data, as the person its first line names, and runs the
//! same number of statements for a page of 1, 10 and 100.

use std::{collections::BTreeSet, path::PathBuf};

use async_graphql::parser::types::Selection;
use polyphony::demo::{DemoIds, PASSWORD};
use serde_json::{Map, Value, json};

use super::{crowd, introspect};
use crate::house::{Caller, Frame, Instance, World, project};

/// The page sizes tried.
const SIZES: [i64; 3] = [1, 10, 100];

struct Example {
    /// `conversations/03-Room`
    name: String,
    /// Whom it is for; `None` for nobody.
    person: Option<String>,
    document: String,
    variables: Map<String, Value>,
}

impl Example {
    /// Whether the document asks for a page whose size can be chosen.
    fn has_a_page(&self) -> bool {
        self.operation() != "subscription" && (self.document.contains("first: ") || self.document.contains("last: "))
    }

    fn operation(&self) -> &str {
        let lines = self.document.lines().filter(|line| !line.starts_with('#'));
        lines.flat_map(str::split_whitespace).next().unwrap_or_default()
    }

    /// The same with every page of this size: in the document and in its variables.
    fn sized(&self, size: i64) -> (String, Value) {
        let mut variables = self.variables.clone();
        let mut document = String::new();
        let mut rest = self.document.as_str();
        while let Some((name, at)) =
            ["first: ", "last: "].iter().filter_map(|name| Some((name, rest.find(name)?))).min_by_key(|(_, at)| *at)
        {
            let (before, behind) = rest.split_at(at + name.len());
            document.push_str(before);
            let end = behind.find(|c: char| !c.is_alphanumeric() && c != '$' && c != '_').unwrap_or(behind.len());
            let (value, behind) = behind.split_at(end);
            match value.strip_prefix('$') {
                Some(variable) => {
                    variables.insert(variable.to_owned(), json!(size));
                    document.push_str(value);
                }
                None if value.parse::<i64>().is_ok() => document.push_str(&size.to_string()),
                None => document.push_str(value),
            }
            rest = behind;
        }
        document.push_str(rest);
        (document, Value::Object(variables))
    }
}

fn examples(ids: &DemoIds) -> Vec<Example> {
    let root = project().join("playground/examples");
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in std::fs::read_dir(&root).unwrap() {
        files.extend(std::fs::read_dir(folder.unwrap().path()).unwrap().map(|file| file.unwrap().path()));
    }
    files.retain(|file| file.extension().is_some_and(|ending| ending == "graphql"));
    files.sort();
    let read = |file: PathBuf| {
        let fill =
            |text: String| ids.iter().fold(text, |text, (name, id)| text.replace(&format!("{{{{{name}}}}}"), id));
        let document = fill(std::fs::read_to_string(&file).unwrap());
        let variables = fill(std::fs::read_to_string(file.with_extension("json")).unwrap());
        let name = file.strip_prefix(&root).unwrap().with_extension("").display().to_string();
        assert!(
            !document.contains("{{") && !variables.contains("{{"),
            "{name} names demo data that demo-ids.json does not have"
        );
        let person = document.lines().next().and_then(|line| line.strip_prefix("# as: "));
        let person = person.unwrap_or_else(|| panic!("{name} does not begin with `# as: somebody`"));
        Example {
            person: Some(person.trim().to_owned()).filter(|person| person != "nobody"),
            variables: serde_json::from_str(&variables).unwrap(),
            name,
            document,
        }
    };
    files.into_iter().map(read).collect()
}

/// Fills the world with the demo data.
pub async fn fill(world: &World) -> DemoIds {
    let first = world.first();
    let ids = polyphony::demo::fill(&first.config).await.unwrap();
    first.platform.events.hint();
    world.settle().await;
    ids
}

async fn sign_in(instance: &Instance, world: &World, person: Option<&str>) -> Caller {
    let nobody = world.anonymous().at(instance);
    match person {
        None => nobody,
        Some(person) => {
            let token = nobody.try_sign_in(person, PASSWORD).await.text("signIn.accessToken");
            nobody.with_token(Some(&token))
        }
    }
}

/// What is wrong with an example, if something is.
async fn fault(world: &World, example: &Example, general: &str) -> Option<String> {
    let caller = sign_in(&world.first(), world, example.person.as_deref()).await;
    let variables = Value::Object(example.variables.clone());
    if example.operation() == "subscription" {
        let mut running = caller.subscribe(&example.document, variables).await;
        running.socket().ping().await;
        // Bob does what every subscription of the examples hears of.
        let bob = sign_in(&world.first(), world, Some("bob")).await;
        bob.try_send(general, "Here I am").await.ok();
        let typing = "mutation($id: ID!) { setTyping(input: { conversationId: $id, typing: true }) { typing } }";
        bob.ask(typing, json!({ "id": general })).await.ok();
        return match running.frame().await {
            Frame::Next(payload) if payload["errors"].is_null() => None,
            frame => Some(format!("{}: {frame:?}", example.name)),
        };
    }
    let answer = caller.ask(&example.document, variables).await;
    if answer.body["errors"].is_array() || answer.status != 200 {
        return Some(format!("{}\n{answer}", example.name));
    }
    let is_empty = answer.ok().as_object().is_none_or(|fields| fields.values().any(Value::is_null));
    is_empty.then(|| format!("{}: a field came back null\n{answer}", example.name))
}

async fn run(world: &World, turn: impl FnOnce(&mut Vec<Example>)) {
    let ids = fill(world).await;
    let (mut examples, mut faults) = (examples(&ids), Vec::new());
    turn(&mut examples);
    for example in examples {
        faults.extend(fault(world, &example, &ids["conversation:General"]).await);
    }
    assert!(faults.is_empty(), "{} examples fail\n{}", faults.len(), faults.join("\n\n"));
}

both! {
    /// Every example runs, in the order in which they stand.
    async fn every_example_runs(world) {
        run(world, |_| ()).await;
    }

    /// And backwards: no two of them get into each other's way.
    async fn every_example_runs_backwards(world) {
        run(world, |examples| examples.reverse()).await;
    }

    /// PLT-012: statements grow with depth, never with the page.
    async fn no_list_runs_a_statement_per_row(world) {
        let ids = fill(world).await;
        crowd::gather(world, &ids).await;
        let quiet = world.quiet_instance().await;
        let mut slopes = Vec::new();
        for example in examples(&ids).into_iter().filter(Example::has_a_page) {
            let caller = sign_in(&quiet, world, example.person.as_deref()).await;
            let mut counted = Vec::new();
            for size in SIZES {
                let (document, variables) = example.sized(size);
                // Once to warm up what is kept for a while (keys, roles) and to change what is to be changed. Then a few times,
                // because a look at the event log may fall into the counting: it only ever adds.
                let answer = caller.ask(&document, variables.clone()).await;
                let mut statements = u64::MAX;
                for _ in 0..8 {
                    statements = statements.min(quiet.statements(caller.ask(&document, variables.clone())).await.0);
                }
                let rows = longest(answer.ok());
                let wanted = if example.name.ends_with("PinnedMessages") { size.min(50) } else { size };
                assert!(rows >= wanted as usize, "{}: {rows} rows are too few for a page of {size}\n{answer}", example.name);
                counted.push((size, statements));
            }
            if counted.iter().any(|(_, statements)| *statements != counted[0].1) {
                slopes.push(format!("{}: {counted:?}", example.name));
            }
        }
        assert!(slopes.is_empty(), "(page size, statements) differs in\n{}", slopes.join("\n"));
    }
}

/// The length of the longest list in an answer.
fn longest(value: &Value) -> usize {
    match value {
        Value::Array(list) => list.iter().map(longest).fold(list.len(), usize::max),
        Value::Object(fields) => fields.values().map(longest).max().unwrap_or_default(),
        _ => 0,
    }
}

/// Root fields without an example, and why.
const WITHOUT: [(&str, &str); 6] = [
    ("Mutation.renewConnection", "goes over an open socket, with a token that is newer than its own"),
    ("Mutation.refreshSession", "takes the refresh token of a sign-in, which works once; the page does it by itself"),
    ("Mutation.revokeSession", "takes the id of another sign-in of one's own"),
    ("Mutation.resetPassword", "takes a mailed token"),
    ("Mutation.verifyEmail", "takes a mailed token"),
    ("Mutation.retryJob", "takes a job that has failed"),
];

once! {
    /// Every root field has an example, and the list of exceptions is no longer than it must be.
    async fn every_root_field_has_an_example(world) {
        let ids = polyphony::demo::fill(&world.first().config).await.unwrap();
        let mut shown = BTreeSet::new();
        for example in examples(&ids) {
            let document = async_graphql::parser::parse_query(&example.document).unwrap();
            for (name, operation) in document.operations.iter() {
                let called = example.name.rsplit('-').next();
                assert_eq!(name.map(async_graphql::Name::as_str), called, "{}: the operation is named as the file", example.name);
                let root = format!("{:?}", operation.node.ty);
                for item in &operation.node.selection_set.node.items {
                    let Selection::Field(field) = &item.node else { panic!("{}: a fragment at the root", example.name) };
                    shown.insert(format!("{root}.{}", field.node.name.node));
                }
            }
        }
        let mut missing = Vec::new();
        for kind in introspect(world).await {
            let root = kind["name"].as_str().unwrap_or_default();
            if !["Query", "Mutation", "Subscription"].contains(&root) {
                continue;
            }
            for field in kind["fields"].as_array().into_iter().flatten() {
                let field = format!("{root}.{}", field["name"].as_str().unwrap_or_default());
                let excepted = WITHOUT.iter().any(|(name, _)| *name == field);
                if shown.contains(&field) == excepted {
                    missing.push(field);
                }
            }
        }
        assert!(missing.is_empty(), "give each an example, or take it from the list of those without: {missing:#?}");
    }
}

#[test]
fn sizes_are_put_in_wherever_they_stand() {
    let example = Example {
        name: String::new(),
        person: None,
        document: "query Q($first: Int, $last: Int) { a(first: $first) { b(first: 3, after: $x) c(last: $last) d(search: \"x\") } }".into(),
        variables: Map::new(),
    };
    let (document, variables) = example.sized(7);
    assert_eq!(
        document,
        "query Q($first: Int, $last: Int) { a(first: $first) { b(first: 7, after: $x) c(last: $last) d(search: \"x\") } }"
    );
    assert_eq!(variables["first"], 7);
    assert_eq!(variables["last"], 7);
}
