//! What is executed once for all is what each would have been told alone, for every field below a shared subscription and for people who
//! see differently; and `@viewerDependent` stands where the answer depends on who asks, and nowhere else.

use std::collections::{BTreeMap, VecDeque};

use async_graphql::parser::{
    parse_schema,
    types::{BaseType, FieldDefinition, Type, TypeKind, TypeSystemDefinition},
};
use futures_util::future::join_all;
use polyphony::config::{Config, Env};
use serde_json::{Value, json};

use crate::house::{Frame, Instance, Person, Socket, World};

/// The events with a message in them.
const OF_MESSAGES: [&str; 5] = ["MessageSent", "MessageEdited", "MessageDeleted", "MessagePinned", "ReactionsChanged"];

/// A field of the schema.
#[derive(Clone)]
struct Field {
    name: String,
    of: String,
    is_paged: bool,
    needs_nothing: bool,
    /// `@viewerDependent`.
    is_marked: bool,
    /// `@access`.
    is_narrowed: bool,
}

/// The fields of each object.
struct Schema(BTreeMap<String, Vec<Field>>);

impl Schema {
    fn read() -> Self {
        let config = Config::read(&mut Env::of([])).unwrap();
        let document = parse_schema(polyphony::schema::sdl(&config)).unwrap();
        let types = document.definitions.into_iter().filter_map(|definition| match definition {
            TypeSystemDefinition::Type(definition) => Some(definition.node),
            _ => None,
        });
        let objects = types.filter_map(|definition| match definition.kind {
            TypeKind::Object(object) => {
                let fields = object.fields.into_iter().map(|field| Field::of(&field.node)).collect();
                Some((definition.name.node.to_string(), fields))
            }
            _ => None,
        });
        Self(objects.collect())
    }

    fn is_object(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

impl Field {
    fn of(field: &FieldDefinition) -> Self {
        let has = |name: &str| field.directives.iter().any(|directive| directive.node.name.node == name);
        let needs = |of: &Type, is_given: bool| !of.nullable && !is_given;
        Self {
            name: field.name.node.to_string(),
            of: inner(&field.ty.node),
            is_paged: field.arguments.iter().any(|argument| argument.node.name.node == "first"),
            needs_nothing: !field
                .arguments
                .iter()
                .any(|argument| needs(&argument.node.ty.node, argument.node.default_value.is_some())),
            is_marked: has("viewerDependent"),
            is_narrowed: has("access"),
        }
    }

    fn step(&self) -> String {
        if self.is_paged { format!("{}(first: 3)", self.name) } else { self.name.clone() }
    }
}

fn inner(of: &Type) -> String {
    match &of.base {
        BaseType::Named(name) => name.to_string(),
        BaseType::List(of) => inner(of),
    }
}

/// A way from a message to a leaf.
#[derive(Clone)]
struct Way {
    steps: Vec<Field>,
    named: String,
}

impl Way {
    fn selection(&self) -> String {
        let steps: Vec<String> = self.steps.iter().map(Field::step).collect();
        let (leaf, above) = steps.split_last().unwrap();
        above.iter().rev().fold(leaf.clone(), |inside, step| format!("{step} {{ {inside} }}"))
    }
}

/// The shortest way from a message to each leaf of each object.
fn ways(schema: &Schema) -> Vec<Way> {
    let (mut ways, mut seen) = (Vec::new(), Vec::new());
    let mut waiting = VecDeque::from([("Message".to_owned(), Vec::<Field>::new())]);
    while let Some((of, above)) = waiting.pop_front() {
        if seen.contains(&of) {
            continue;
        }
        seen.push(of.clone());
        for field in schema.0[&of].iter().filter(|field| field.needs_nothing) {
            let steps = [above.clone(), vec![field.clone()]].concat();
            if schema.is_object(&field.of) {
                // One of the two ways to the rows.
                if field.name != "edges" {
                    waiting.push_back((field.of.clone(), steps));
                }
            } else {
                ways.push(Way { steps, named: format!("{of}.{}", field.name) });
            }
        }
    }
    ways
}

fn document(ways: &[&Way]) -> String {
    let selections: Vec<String> = ways.iter().map(|way| way.selection()).collect();
    let of_messages = OF_MESSAGES.map(|event| {
        let messages: Vec<String> = selections.iter().map(|inside| format!("message {{ {inside} }}")).collect();
        format!("... on {event} {{ {} }}", messages.join(" "))
    });
    format!(
        "subscription($id: ID!, $after: String) {{ messageEvents(conversationId: $id, after: $after) {{
            __typename cursor {} ... on ReceiptMoved {{ kind seq at user {{ displayName }} }}
        }} }}",
        of_messages.join(" ")
    )
}

/// What happened, to be told again and again.
struct Story {
    room: String,
    after: String,
    events: usize,
}

impl Story {
    async fn told(&self, socket: &Socket, document: &str) -> Vec<Value> {
        let mut events = socket.subscribe(document, json!({ "id": self.room, "after": self.after }));
        let mut told = Vec::new();
        for _ in 0..self.events {
            let Frame::Next(mut answer) = events.frame().await else { panic!("it ended\n{document}") };
            for error in answer["errors"].as_array_mut().into_iter().flatten() {
                *error = json!([error["path"], error["message"], error["extensions"]["code"]]);
            }
            // Fields run side by side: which of two fails first is left to chance.
            if let Some(errors) = answer["errors"].as_array_mut() {
                errors.sort_by_key(Value::to_string);
            }
            told.push(answer);
        }
        events.complete();
        told
    }

    /// Everybody is told the same by both servers; gives how many executions were for one alone.
    async fn compare(&self, at: &Instance, shared: &[Socket], plain: &[Socket], document: &str) -> u64 {
        let before = at.platform.sharing.alone();
        let told = join_all(shared.iter().map(|socket| self.told(socket, document))).await;
        let alone = at.platform.sharing.alone() - before;
        let expected = join_all(plain.iter().map(|socket| self.told(socket, document))).await;
        for (viewer, (told, expected)) in told.into_iter().zip(expected).enumerate() {
            assert_eq!(told, expected, "viewer {viewer} is told something else by the share\n{document}");
        }
        alone
    }
}

async fn story(world: &World, [alice, bob, carol, dave]: [&Person; 4]) -> Story {
    for (person, is_public) in [(alice, true), (bob, true), (dave, false)] {
        let profile = json!({
            "bio": "Says little.", "location": "Here", "statusMessage": "Listening", "bannerUrl": "https://example.org/b.png",
            "isPublic": is_public,
        });
        person.try_update_profile(profile).await.ok();
    }
    dave.block(bob).await;
    let room = alice.create_room_with("Hall", &[bob, carol, dave]).await;
    alice.try_update_member(&room, carol, "MODERATOR").await.ok();
    let after = alice.event_cursor(&room).await;
    let first = alice
        .try_send_with(json!({ "conversationId": room, "content": "Hello @bob and @dave", "clientId": "a key" }))
        .await
        .text("sendMessage.message.id");
    let second = dave.send(&room, "a slip").await;
    bob.react(&second, "👍").await;
    bob.try_react(&first, "🎵").await.ok();
    alice.try_pin(&first, true).await.ok();
    alice.try_edit(&first, "Hello @bob").await.ok();
    carol.mark_read(&room, &second).await;
    dave.try_delete(&second.id).await.ok();
    alice.send(&room, "end").await;
    world.settle().await;
    let mut events = bob.listen(&room, Some(&after)).await;
    let mut count = 1;
    while events.next().await["messageEvents"]["message"]["content"] != "end" {
        count += 1;
    }
    Story { room, after, events: count }
}

both! {
    async fn what_is_shared_is_what_each_would_be_told(world) {
        let plain = world.instance(|config| config.limits.sharing = false).await;
        let (alice, bob, carol, dave) =
            (world.person("alice").await, world.person("bob").await, world.person("carol").await, world.person("dave").await);
        let story = story(world, [&alice, &bob, &carol, &dave]).await;
        let here = world.first();
        // Whoever is seen by one server must be seen by the other.
        carol.at(&plain).me().await.ok();
        let (mut by_share, mut alone) = (Vec::new(), Vec::new());
        for viewer in [&alice, &bob, &dave] {
            viewer.at(&plain).me().await.ok();
            by_share.push(viewer.socket().await);
            alone.push(viewer.at(&plain).socket().await);
        }
        let schema = Schema::read();
        let ways = ways(&schema);
        assert!(ways.len() > 60, "only {} fields were found", ways.len());
        let (mut unmarked, mut idle, mut shared) = (Vec::new(), Vec::new(), 0);
        for way in &ways {
            let personal = story.compare(&here, &by_share, &alone, &document(&[way])).await;
            let is_marked = way.steps.iter().any(|field| field.is_marked);
            match personal > 0 {
                true if !is_marked && !way.steps.iter().any(|field| field.is_narrowed) => unmarked.push(&way.named),
                false if is_marked => idle.push(&way.named),
                false => shared += 1,
                true => {}
            }
        }
        assert!(unmarked.is_empty(), "these depend on who asks and do not say `@viewerDependent`: {unmarked:#?}");
        assert!(idle.is_empty(), "these say `@viewerDependent` and did not depend on who asks: {idle:#?}");
        assert!(shared > 40, "only {shared} of {} fields are shared", ways.len());
        // Several at once, drawn in turn so that each meets others.
        for draw in 1..=12 {
            let some: Vec<&Way> = (0..5).map(|number| &ways[(draw * 31 + number * (draw + 7)) % ways.len()]).collect();
            story.compare(&here, &by_share, &alone, &document(&some)).await;
        }
    }
}
