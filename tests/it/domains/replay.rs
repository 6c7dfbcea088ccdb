//! The log as a paged query: with the same cursor, what a subscription would have told, to the same people.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::house::{Caller, Instance, Person, Subscription, World, within};

const MESSAGES: &str = "__typename cursor
    ... on MessageSent { message { id seq sender { username } } }
    ... on MessageEdited { message { id seq editCount } }
    ... on MessageDeleted { message { id isDeleted } }
    ... on MessagePinned { message { id isPinned } }
    ... on ReactionsChanged { message { id reactions { emoji count } } }
    ... on ReceiptMoved { kind seq at user { username } }";
const INBOX: &str = "__typename cursor conversation { id name }
    ... on MemberJoined { role user { username } }
    ... on MemberLeft { removed user { username } }
    ... on MemberRoleChanged { role user { username } }
    ... on ConversationRemoved { conversationId }";
const PAGE: &str = "edges { cursor node { cursor } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }";

/// One of the two logs, as it is followed and as it is paged.
struct Log {
    live: String,
    paged: String,
    fields: [&'static str; 2],
    room: Option<String>,
}

impl Log {
    fn of_room(room: &str) -> Self {
        Self {
            live: format!(
                "subscription($id: ID!, $after: String) {{ messageEvents(conversationId: $id, after: $after) {{ {MESSAGES} }} }}"
            ),
            paged: format!(
                "query($id: ID!, $after: String, $first: Int) {{
                messageEvents(conversationId: $id, after: $after, first: $first) {{ nodes {{ {MESSAGES} }} {PAGE} }}
            }}"
            ),
            fields: ["messageEvents", "messageEvents"],
            room: Some(room.to_owned()),
        }
    }

    fn of_inbox() -> Self {
        Self {
            live: format!("subscription($after: String) {{ inboxChanged(after: $after) {{ {INBOX} }} }}"),
            paged: format!(
                "query($after: String, $first: Int) {{ inboxEvents(after: $after, first: $first) {{ nodes {{ {INBOX} }} {PAGE} }} }}"
            ),
            fields: ["inboxChanged", "inboxEvents"],
            room: None,
        }
    }

    async fn follow(&self, caller: &Caller, after: &str) -> Subscription {
        caller.subscribe(&self.live, json!({ "id": self.room, "after": after })).await
    }

    async fn heard(&self, events: &mut Subscription) -> Value {
        events.next().await[self.fields[0]].take()
    }

    async fn page(&self, caller: &Caller, after: Option<&str>, first: Option<i32>) -> Value {
        let answer = caller.ask(&self.paged, json!({ "id": self.room, "after": after, "first": first })).await;
        answer.data(self.fields[1]).clone()
    }

    async fn refusal(&self, caller: &Caller, after: Option<&str>, first: Option<i32>) -> String {
        let answer = caller.ask(&self.paged, json!({ "id": self.room, "after": after, "first": first })).await;
        answer.code().unwrap_or_default().to_owned()
    }

    /// Everything behind a cursor, page by page, and where it ends.
    async fn all(&self, caller: &Caller, after: &str, first: i32) -> (Vec<Value>, String) {
        let (mut all, mut end) = (Vec::new(), after.to_owned());
        loop {
            let page = self.page(caller, Some(&end), Some(first)).await;
            let nodes = page["nodes"].as_array().unwrap();
            assert!(nodes.len() <= first as usize, "{page}");
            let cursors: Vec<_> = nodes.iter().map(|node| node["cursor"].clone()).collect();
            for part in ["/cursor", "/node/cursor"] {
                let of_edges: Vec<_> =
                    page["edges"].as_array().unwrap().iter().map(|edge| edge.pointer(part).unwrap().clone()).collect();
                assert_eq!(of_edges, cursors, "{page}");
            }
            all.extend(nodes.iter().cloned());
            end = page["pageInfo"]["endCursor"].as_str().unwrap().to_owned();
            if page["pageInfo"]["hasNextPage"] == false {
                return (all, end);
            }
        }
    }
}

async fn cursor_of(caller: &Caller) -> String {
    caller.ask("{ conversations(first: 1) { eventCursor } }", json!({})).await.text("conversations.eventCursor")
}

/// Everything that can be told of a room and an inbox, some of it more than once.
async fn a_busy_day(alice: &Person, bob: &Person, carol: &Person, room: &str) {
    for number in 0..9 {
        let sent = alice.send(room, &number.to_string()).await;
        bob.react(&sent, "🎶").await;
        if number % 3 == 0 {
            alice.try_edit(&sent.id, "better").await.ok();
            alice.try_pin(&sent.id, true).await.ok();
            bob.mark_read(room, &sent).await;
        }
        if number == 4 {
            alice.try_delete(&sent.id).await.ok();
            alice.add_member(room, carol, "MEMBER").await;
            alice.try_update_member(room, carol, "MODERATOR").await.ok();
            alice.try_update_conversation(json!({ "conversationId": room, "name": "Loft" })).await.ok();
        }
    }
    alice.remove_member(room, carol).await;
    let side = alice.create_room_with("Side", &[bob]).await;
    alice.send(&side, "beside").await;
    alice.remove_member(&side, bob).await;
    alice.send(&side, "without").await;
    alice.send(room, "end").await;
}

/// What a listener hears up to an event, and nothing comes behind it.
async fn up_to(log: &Log, events: &mut Subscription, last: &Value) -> Vec<Value> {
    let mut heard = Vec::new();
    while heard.last().is_none_or(|event: &Value| event["cursor"] != last["cursor"]) {
        heard.push(log.heard(events).await);
    }
    events.expect_none_for(100).await;
    heard
}

/// On a server whose ring holds everything, and on one that has to read the log.
async fn everywhere(world: &World, person: &Person) -> Vec<Person> {
    let small: Instance = world.instance(|config| config.database.ring = 1).await;
    vec![person.clone(), person.at(&small)]
}

both! {
    /// Page by page, the log gives what a listener heard: the same events, in the same order, with the same cursors. Where the last
    /// page ends, the subscription goes on.
    async fn pages_give_what_a_listener_heard(world) {
        let (alice, bob, carol) = (world.person("alice").await, world.person("bob").await, world.person("carol").await);
        let room = alice.create_room_with("Studio", &[&bob]).await;
        world.settle().await;
        let readers = everywhere(world, &bob).await;
        let after = cursor_of(&bob).await;
        let logs = [Log::of_room(&room), Log::of_inbox()];
        let mut listening = Vec::new();
        for log in &logs {
            listening.push(log.follow(&bob, &after).await);
        }
        a_busy_day(&alice, &bob, &carol, &room).await;
        world.settle().await;
        // What is shared may be the state of two seconds ago.
        let unshared = world.instance(|config| config.limits.sharing = false).await;
        for (log, live) in logs.iter().zip(&mut listening) {
            let (told, _) = log.all(&bob, &after, 100).await;
            assert!(told.len() > 15, "only {} events", told.len());
            let mut heard = up_to(log, live, told.last().unwrap()).await;
            let mark = |event: &Value| (event["__typename"].clone(), event["cursor"].clone());
            let marks: Vec<_> = told.iter().map(mark).collect();
            if log.room.is_none() {
                // What has been superseded by now is told live only: a correction of what was the newest message then, the addition of
                // a conversation that is out of sight.
                let superseded = [json!("ConversationActivity"), json!("ConversationAdded")];
                heard.retain(|event| marks.contains(&mark(event)) || !superseded.contains(&event["__typename"]));
            }
            assert_eq!(marks, heard.iter().map(mark).collect::<Vec<_>>());
            // A listener who comes later hears the states as they are by now, and so does who pages.
            let mut late = log.follow(&bob.at(&unshared), &after).await;
            let replayed = up_to(log, &mut late, told.last().unwrap()).await;
            assert_eq!(told, replayed);
            for reader in &readers {
                for first in [1, 7, 100] {
                    let (paged, end) = log.all(reader, &after, first).await;
                    assert_eq!(paged, told, "{first} at a time");
                    assert_eq!(log.page(reader, Some(&end), None).await["nodes"], json!([]));
                    let mut on = log.follow(reader, &end).await;
                    on.expect_none_for(20).await;
                }
            }
        }
        // The seam: page, then follow.
        let (_, end) = logs[0].all(&bob, &after, 5).await;
        alice.send(&room, "one more").await;
        let mut on = logs[0].follow(&bob, &end).await;
        assert_eq!(logs[0].heard(&mut on).await["message"]["seq"], 11);
    }

    /// Without a cursor there is nothing to tell yet, and a place to begin from; a page may be empty and say that there is more.
    async fn a_page_says_where_it_ends(world) {
        let (alice, bob) = (world.person("alice").await, world.person("bob").await);
        let room = alice.create_room_with("Studio", &[&bob]).await;
        world.settle().await;
        for log in [Log::of_room(&room), Log::of_inbox()] {
            let page = log.page(&bob, None, None).await;
            assert_eq!((&page["nodes"], &page["pageInfo"]["hasNextPage"]), (&json!([]), &json!(false)), "{page}");
            assert_eq!((&page["pageInfo"]["startCursor"], &page["pageInfo"]["hasPreviousPage"]), (&Value::Null, &json!(false)), "{page}");
            let begin = page["pageInfo"]["endCursor"].as_str().unwrap().to_owned();
            for text in ["one", "two"] {
                alice.send(&room, text).await;
            }
            world.settle().await;
            let page = log.page(&bob, Some(&begin), Some(0)).await;
            assert_eq!((&page["nodes"], &page["pageInfo"]["hasNextPage"]), (&json!([]), &json!(true)), "{page}");
            assert_eq!(page["pageInfo"]["endCursor"], json!(begin), "{page}");
            let page = log.page(&bob, Some(&begin), Some(1)).await;
            assert_eq!((page["nodes"].as_array().map(Vec::len), &page["pageInfo"]["hasNextPage"]), (Some(1), &json!(true)), "{page}");
            assert_eq!(page["pageInfo"]["endCursor"], page["nodes"][0]["cursor"], "{page}");
            let page = log.page(&bob, Some(&begin), Some(2)).await;
            assert_eq!((page["nodes"].as_array().map(Vec::len), &page["pageInfo"]["hasNextPage"]), (Some(2), &json!(false)), "{page}");
            for first in [-1, 101] {
                assert_eq!(log.refusal(&bob, Some(&begin), Some(first)).await, "VALIDATION_FAILED");
            }
            assert_eq!(log.refusal(&bob, Some("nonsense"), None).await, "VALIDATION_FAILED");
            assert_eq!(log.refusal(&world.anonymous(), Some(&begin), None).await, "UNAUTHENTICATED");
        }
    }

    /// A cursor from inside opens no door: whoever is no member pages nothing, and an inbox tells nothing of the time one was out.
    async fn pages_keep_to_the_members(world) {
        let (alice, bob, eve) = (world.person("alice").await, world.person("bob").await, world.person("eve").await);
        let room = alice.create_room_with("Studio", &[&bob]).await;
        let hall = alice.create_room("Hall", "PUBLIC").await;
        world.settle().await;
        let (after, log) = (cursor_of(&bob).await, Log::of_room(&room));
        alice.send(&room, "before").await;
        world.settle().await;
        assert_eq!(log.all(&bob, &after, 100).await.0.len(), 1);
        assert_eq!(log.refusal(&eve, Some(&after), None).await, "ROOM_NOT_FOUND");
        assert_eq!(Log::of_room(&hall).refusal(&eve, Some(&after), None).await, "PERMISSION_DENIED");
        alice.remove_member(&room, &bob).await;
        // At once, whether or not the log has been read so far.
        assert_eq!(log.refusal(&bob, Some(&after), None).await, "ROOM_NOT_FOUND");
        alice.send(&room, "between").await;
        world.settle().await;
        let (told, out) = Log::of_inbox().all(&bob, &after, 100).await;
        assert_eq!(told.iter().map(|event| &event["__typename"]).collect::<Vec<_>>(), ["ConversationRemoved"], "{told:?}");
        alice.add_member(&room, &bob, "MEMBER").await;
        alice.send(&room, "after").await;
        world.settle().await;
        let (told, _) = Log::of_inbox().all(&bob, &out, 100).await;
        let kinds: Vec<_> = told.iter().map(|event| &event["__typename"]).collect();
        assert_eq!(kinds, ["ConversationAdded", "ConversationActivity"], "{told:?}");
    }

    /// A cursor the log no longer reaches is refused, as it is for the subscription.
    async fn an_old_cursor_is_refused_by_pages_too(world) {
        let (alice, bob) = (world.person("alice").await, world.person("bob").await);
        let room = alice.create_room_with("Studio", &[&bob]).await;
        world.settle().await;
        let after = cursor_of(&bob).await;
        alice.send(&room, "old").await;
        world.advance(TimeDelta::days(4));
        let keep = world.now() - TimeDelta::days(3);
        world.platform().write(async |tx| polyphony::platform::events::log::prune(tx, keep, 1000).await).await.unwrap();
        let (alice, bob) = (alice.sign_in().await, bob.sign_in().await);
        alice.send(&room, "new").await;
        let bob = bob.at(&world.second_instance().await);
        for log in [Log::of_room(&room), Log::of_inbox()] {
            assert_eq!(log.refusal(&bob, Some(&after), None).await, "CURSOR_EXPIRED");
            assert_eq!(log.follow(&bob, &after).await.end().await.as_deref(), Some("CURSOR_EXPIRED"));
        }
    }

    /// A page costs the same number of statements however many events it holds, with whatever hangs on them.
    async fn a_page_of_events_costs_no_statement_per_event(world) {
        let (alice, bob) = (world.person("alice").await, world.person("bob").await);
        let room = alice.create_room_with("Studio", &[&bob]).await;
        world.settle().await;
        let after = cursor_of(&bob).await;
        let first = alice.send(&room, "first").await;
        for number in 0..50 {
            let sent = alice.reply(&room, &first, &format!("{number} @bob")).await;
            bob.react(&sent, "👍").await;
        }
        let quiet = world.quiet_instance().await;
        let bob = bob.at(&quiet);
        for (field, below, id) in [
            ("messageEvents(conversationId: $id,", "... on MessageSent { message { sender { username } reactionCount
                replyTo { content sender { username } } replies(first: 2) { nodes { content } } conversation { owner { username } } } }", Some(&room)),
            ("inboxEvents(", "... on ConversationActivity { conversation { owner { username } lastMessage { sender { username } } members(first: 3) { nodes { role } } } }", None),
        ] {
            let variable = id.map_or("", |_| "$id: ID!, ");
            let mut counted = Vec::new();
            for size in [1, 10, 100] {
                let query = format!("query({variable}$after: String) {{ {field} after: $after, first: {size}) {{ nodes {{ cursor {below} }} }} }}");
                let variables = json!({ "id": id, "after": after });
                bob.ask(&query, variables.clone()).await.ok();
                let mut least = u64::MAX;
                for _ in 0..4 {
                    least = least.min(within("an answer", quiet.statements(bob.ask(&query, variables.clone()))).await.0);
                }
                counted.push(least);
            }
            // The first page holds one message without replies above it: what it lacks is not asked for.
            assert!(counted[1].abs_diff(counted[0]) <= 3 && counted[2] == counted[1], "{field}: {counted:?}");
        }
    }
}
