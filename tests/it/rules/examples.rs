//! The playground's examples: each runs without an error against the demo data, as the person its first line names, and runs the
//! same number of statements for a page of 1, 10 and 100.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use serde_json::{Map, Value, json};

use crate::house::{Answer, Caller, Frame, Instance, World, project};

/// Everybody's password in the demo data.
const PASSWORD: &str = polyphony::demo::PASSWORD;
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
        self.is_query() && (self.document.contains("first: ") || self.document.contains("last: "))
    }

    fn is_query(&self) -> bool {
        self.operation() == "query"
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
        while let Some((name, at)) = ["first: ", "last: "].iter().filter_map(|name| Some((name, rest.find(name)?))).min_by_key(|(_, at)| *at) {
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

fn examples(ids: &BTreeMap<String, String>) -> Vec<Example> {
    let root = project().join("playground/examples");
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in std::fs::read_dir(&root).unwrap() {
        files.extend(std::fs::read_dir(folder.unwrap().path()).unwrap().map(|file| file.unwrap().path()));
    }
    files.retain(|file| file.extension().is_some_and(|ending| ending == "graphql"));
    files.sort();
    let read = |file: PathBuf| {
        let fill = |text: String| ids.iter().fold(text, |text, (name, id)| text.replace(&format!("{{{{{name}}}}}"), id));
        let document = fill(std::fs::read_to_string(&file).unwrap());
        let variables = fill(std::fs::read_to_string(file.with_extension("json")).unwrap());
        let name = file.strip_prefix(&root).unwrap().with_extension("").display().to_string();
        assert!(!document.contains("{{") && !variables.contains("{{"), "{name} names demo data that demo-ids.json does not have");
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

/// Fills the world with the demo data, and signs its people in at an instance.
async fn demo_people(world: &World) -> BTreeMap<String, String> {
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

fn demo_ids() -> BTreeMap<String, String> {
    serde_json::from_str(&std::fs::read_to_string(project().join("playground/demo-ids.json")).unwrap()).unwrap()
}

both! {
    /// The ids that documents name are those the demo data has, on every machine.
    async fn the_demo_ids_are_those_of_the_playground(world) {
        let made = demo_people(world).await;
        for (name, id) in demo_ids() {
            assert_eq!(made.get(&name), Some(&id), "playground/demo-ids.json has another id for {name}; the demo data has:\n{}", serde_json::to_string_pretty(&made).unwrap());
        }
    }

    /// Every example runs, in the order in which they stand.
    async fn every_example_runs(world) {
        demo_people(world).await;
        let mut failures = Vec::new();
        for example in examples(&demo_ids()) {
            let caller = sign_in(&world.first(), world, example.person.as_deref()).await;
            let variables = Value::Object(example.variables.clone());
            if example.operation() == "subscription" {
                let mut running = caller.subscribe(&example.document, variables).await;
                running.socket().ping().await;
                // A refusal comes at once; a subscription that was taken is silent, or has something to tell.
                let frame = tokio::time::timeout(std::time::Duration::from_millis(150), running.frame()).await;
                if let Ok(frame @ (Frame::Error(_) | Frame::Complete | Frame::Cut)) = frame {
                    failures.push(format!("{}: {frame:?}", example.name));
                }
            } else {
                let answer: Answer = caller.ask(&example.document, variables).await;
                if answer.body["errors"].is_array() || answer.status != 200 {
                    failures.push(format!("{}\n{answer}", example.name));
                } else if let Some(fields) = answer.ok().as_object() {
                    let empty: Vec<_> = fields.iter().filter(|(_, value)| value.is_null()).map(|(name, _)| name.as_str()).collect();
                    if !empty.is_empty() {
                        failures.push(format!("{}: {empty:?} came back null\n{answer}", example.name));
                    }
                }
            }
        }
        assert!(failures.is_empty(), "{} examples fail\n{}", failures.len(), failures.join("\n\n"));
    }

    /// PLT-012: statements grow with depth, never with the page.
    async fn no_list_runs_a_statement_per_row(world) {
        demo_people(world).await;
        let ids = demo_ids();
        fill_up(world, &ids).await;
        let quiet = world.quiet_instance().await;
        let mut slopes = Vec::new();
        for example in examples(&ids).into_iter().filter(Example::has_a_page) {
            let caller = sign_in(&quiet, world, example.person.as_deref()).await;
            let mut counted = Vec::new();
            for size in SIZES {
                let (document, variables) = example.sized(size);
                // Once to warm up what is kept for a while (keys, roles), once to count.
                caller.ask(&document, variables.clone()).await;
                let (statements, answer) = quiet.statements(caller.ask(&document, variables)).await;
                if answer.code() == Some("QUERY_TOO_COMPLEX") {
                    continue;
                }
                answer.ok();
                counted.push((size, statements));
            }
            let first = counted.first().map_or(0, |(_, statements)| *statements);
            // A page of one may lack what a fuller page loads (a reply, a reaction); more rows add nothing.
            let rises = counted.iter().skip(1).any(|(_, statements)| *statements > first + 2);
            let grows = counted.windows(2).skip(1).any(|pair| pair[1].1 > pair[0].1);
            if rises || grows || counted.is_empty() {
                slopes.push(format!("{}: {counted:?}", example.name));
            }
        }
        assert!(slopes.is_empty(), "(page size, statements) grows in\n{}", slopes.join("\n"));
    }
}

/// More rows than the largest page, so that a page of 100 is one.
async fn fill_up(world: &World, ids: &BTreeMap<String, String>) {
    let Some(general) = ids.get("conversation:General") else { return };
    let first = world.first();
    let alice = Arc::new(sign_in(&first, world, Some("alice")).await);
    let bob = sign_in(&first, world, Some("bob")).await;
    for number in 0..110 {
        let sent = alice.try_send(general, &format!("number {number}, @bob")).await;
        if number % 4 == 0 {
            bob.try_react(&sent.text("sendMessage.message.id"), "👍").await.ok();
        }
    }
    for number in 0..30 {
        let member = ids.get("user:bob").cloned();
        let input = json!({ "kind": "ROOM", "name": format!("Room {number}"), "visibility": "PRIVATE", "memberIds": [member] });
        let room = alice.try_create_conversation(input).await.text("createConversation.conversation.id");
        bob.try_send(&room, "hello").await.ok();
    }
    for number in 0..30 {
        world.person(&format!("extra-{number}")).await;
    }
    world.settle().await;
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
    assert_eq!(document, "query Q($first: Int, $last: Int) { a(first: $first) { b(first: 7, after: $x) c(last: $last) d(search: \"x\") } }");
    assert_eq!(variables["first"], 7);
    assert_eq!(variables["last"], 7);
}
