//! Every field that declares its access, by every way to the object it stands on: what the table refuses somebody by one way, no other
//! way gives them, be it a list, an interface, a nested edge, an event or an event of the past.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Outcome, Role, matrix::ROWS, stage::Stage};
use crate::{
    house::{Frame, World},
    rules::introspect,
};

/// Ways to objects of a type, with `<it>` where the field goes, and the name of the stage the object has in the table.
const WAYS: &[(&str, &str, &[&str])] = &[
    (
        "User",
        "<owner>",
        &[
            "{ user(id: \"<owner>\") { <it> } }",
            "{ user(username: \"<owner-name>\") { <it> } }",
            "{ users(search: \"<owner-name>\") { nodes { <it> } } }",
            "{ users(search: \"<owner-name>\") { edges { node { <it> } } } }",
            "{ node(id: \"<owner>\") { ... on User { <it> } } }",
            "{ node(id: \"<owner>\") { ... on Node { ... on User { <it> } } } }",
            "{ nodes(ids: [\"<owner>\"]) { ... on User { <it> } } }",
            "{ conversation(id: \"<room>\") { owner { <it> } } }",
            "{ conversation(id: \"<room>\") { members(role: OWNER) { nodes { user { <it> } } } } }",
            "{ conversation(id: \"<room>\") { messages { nodes { sender { <it> } } } } }",
            "{ node(id: \"<message>\") { ... on Message { sender { <it> } } } }",
            "{ node(id: \"<message>\") { ... on Message { conversation { owner { <it> } } } } }",
        ],
    ),
    (
        "Conversation",
        "<room>",
        &[
            "{ conversation(id: \"<room>\") { <it> } }",
            "{ node(id: \"<room>\") { ... on Conversation { <it> } } }",
            "{ nodes(ids: [\"<room>\"]) { ... on Conversation { <it> } } }",
            "{ conversations(search: \"Room <number>\") { nodes { <it> } } }",
            "{ conversations(search: \"Room <number>\") { edges { node { <it> } } } }",
            "{ node(id: \"<message>\") { ... on Message { conversation { <it> } } } }",
            "{ conversation(id: \"<room>\") { lastMessage { conversation { <it> } } } }",
        ],
    ),
    (
        "Conversation",
        "<hall>",
        &[
            "{ conversation(id: \"<hall>\") { <it> } }",
            "{ node(id: \"<hall>\") { ... on Conversation { <it> } } }",
            "{ conversations(filter: PUBLIC, search: \"Hall <number>\") { nodes { <it> } } }",
        ],
    ),
    (
        "Message",
        "<deleted>",
        &[
            "{ node(id: \"<deleted>\") { ... on Message { <it> } } }",
            "{ nodes(ids: [\"<deleted>\"]) { ... on Message { <it> } } }",
            "{ conversation(id: \"<room>\") { messages(last: 1) { nodes { <it> } } } }",
            "{ conversation(id: \"<room>\") { lastMessage { <it> } } }",
        ],
    ),
    (
        "Message",
        "<removed>",
        &[
            "{ node(id: \"<removed>\") { ... on Message { <it> } } }",
            "{ nodes(ids: [\"<removed>\"]) { ... on Message { <it> } } }",
            "{ conversation(id: \"<yard>\") { messages(last: 1) { nodes { <it> } } } }",
            "{ conversation(id: \"<yard>\") { lastMessage { <it> } } }",
        ],
    ),
];

/// The fields that declare their access, as they are asked for under the alias `it`.
async fn declared(world: &World, of: &str) -> Vec<(String, String)> {
    let types = introspect(world).await;
    let kind = types.iter().find(|kind| kind["name"] == of).cloned().unwrap_or_default();
    let fields = kind["fields"].as_array().cloned().unwrap_or_default();
    let declares = |field: &&Value| field["description"].as_str().is_some_and(|text| text.contains("Access:"));
    let asked = |field: &Value| {
        let name = field["name"].as_str().unwrap_or_default();
        let text = field["type"].to_string();
        let below = match () {
            () if text.contains("Connection\"") => " { totalCount }",
            () if text.contains("\"OBJECT\"") => " { __typename }",
            () => "",
        };
        (format!("{of}.{name}"), format!("it: {name}{below}"))
    };
    fields.iter().filter(declares).map(asked).collect()
}

/// What the table gives somebody, of the object that has this name on the stage.
fn in_the_table(field: &str, object: &str, role: Role) -> Outcome {
    let row = ROWS.iter().find(|row| row.field == field && row.document.contains(object));
    let row = row.unwrap_or_else(|| panic!("the table has no row for {field} of {object}"));
    let index = Role::ALL.iter().position(|known| *known == role).unwrap();
    row.outcomes[index]
}

/// Whether a value stands under `it`, anywhere.
fn gives(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(name, value)| match name.as_str() {
            "it" => !value.is_null(),
            _ => gives(value),
        }),
        Value::Array(items) => items.iter().any(gives),
        _ => false,
    }
}

both! {
    async fn no_way_gives_what_another_refuses(world) {
        let stage = Box::pin(Stage::set(world, 1)).await;
        let (mut tries, mut leaks) = (0, Vec::new());
        for (of, object, ways) in WAYS {
            for (field, asked) in declared(world, of).await {
                if *object == "<hall>" && !ROWS.iter().any(|row| row.field == field && row.document.contains("<hall>")) {
                    continue;
                }
                // What anybody signed in may ask of anybody has its row with another person.
                let object = if field == "User.isBlocked" { "<target>" } else { *object };
                for way in *ways {
                    for role in Role::ALL {
                        tries += 1;
                        let document = stage.fill(&way.replace("<it>", &asked));
                        let answer = stage.as_role(role).ask(&document, Value::Null).await;
                        answer.is_well_formed();
                        assert!(!matches!(answer.code(), Some("GRAPHQL_VALIDATION_FAILED" | "VALIDATION_FAILED" | "INTERNAL")), "{answer}");
                        if gives(&answer.body["data"]) && in_the_table(&field, object, role) != Outcome::Yes {
                            leaks.push(format!("{field} to {role:?} by {way}\n{answer}"));
                        }
                    }
                }
                // The first way is the table's own: it gives to whom the table gives.
                for role in Role::ALL.into_iter().filter(|role| in_the_table(&field, object, *role) == Outcome::Yes) {
                    let document = stage.fill(&ways[0].replace("<it>", &asked));
                    let answer = stage.as_role(role).ask(&document, Value::Null).await;
                    let is_empty = ["Conversation.lastMessage"].contains(&field.as_str());
                    assert!(gives(&answer.body["data"]) || is_empty, "{field} to {role:?}\n{answer}");
                }
            }
        }
        assert!(tries > 800, "only {tries} tries");
        assert!(leaks.is_empty(), "{} leaks\n{}", leaks.len(), leaks.join("\n\n"));
    }

    /// By events: as they happen, and replayed from a cursor.
    async fn events_give_no_more_than_queries(world) {
        let stage = Box::pin(Stage::set(world, 1)).await;
        let owner = stage.as_role(Role::Owner);
        let cursor = owner.ask(&stage.fill("{ conversation(id: \"<room>\") { messages { eventCursor } } }"), Value::Null).await;
        let cursor = cursor.text("conversation.messages.eventCursor");
        let send = stage.fill("mutation { sendMessage(input: { conversationId: \"<room>\", content: \"hello again\" }) { message { id } } }");
        let delete = "mutation($id: ID!) { deleteMessage(input: { messageId: $id, reason: \"noise\" }) { message { id } } }";
        let of = [declared(world, "User").await, declared(world, "Conversation").await, declared(world, "Message").await];
        for role in [Role::Member, Role::Moderator, Role::Owner] {
            for (field, asked) in of.iter().flatten() {
                let below = match field.split_once('.').unwrap_or_default().0 {
                    "User" => format!("sender {{ {asked} }}"),
                    "Conversation" => format!("conversation {{ {asked} }}"),
                    _ => asked.clone(),
                };
                let document = stage.fill(&format!(
                    "subscription($after: String) {{ messageEvents(conversationId: \"<room>\", after: $after) {{
                        ... on MessageSent {{ message {{ {below} }} }} ... on MessageDeleted {{ message {{ {below} }} }}
                    }} }}"
                ));
                let caller = stage.as_role(role);
                let mut live = caller.subscribe(&document, Value::Null).await;
                live.socket().ping().await;
                let sent = owner.ask(&send, Value::Null).await.text("sendMessage.message.id");
                owner.ask(delete, json!({ "id": sent })).await.ok();
                let mut replayed = caller.subscribe(&document, json!({ "after": cursor })).await;
                for running in [&mut live, &mut replayed] {
                    for _ in 0..2 {
                        let frame = tokio::time::timeout(Duration::from_secs(10), running.frame()).await;
                        let Ok(Frame::Next(payload)) = frame else { panic!("{field} to {role:?}: {frame:?}") };
                        let object = match field.as_str() {
                            "User.isBlocked" => "<target>",
                            _ if field.starts_with("User.") => "<owner>",
                            _ if field.starts_with("Conversation.") => "<room>",
                            _ => "<deleted>",
                        };
                        let expected = in_the_table(field, object, role);
                        assert!(!gives(&payload["data"]) || expected == Outcome::Yes, "{field} leaks to {role:?} by an event\n{payload}");
                        if let Outcome::Code(code) = expected {
                            assert_eq!(payload["errors"][0]["extensions"]["code"], code, "{field} to {role:?}\n{payload}");
                        }
                    }
                }
            }
        }
    }
}
