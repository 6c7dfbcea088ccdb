//! Whom messages reach, and what they answer with: receipts, reactions and earlier texts as lists (CNV-018, CNV-024 to CNV-030, PLT-011).

use chrono::TimeDelta;
use polyphony::platform::database;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use super::conversations::message;
use crate::house::{Caller, Person, World};

/// Alice's private room with these people in it, who come in one after the other.
async fn room_of(world: &World, names: &[&str]) -> (Person, Vec<Person>, String) {
    let alice = world.person("alice").await;
    let room = alice.create_room("Studio", "PRIVATE").await;
    let mut people = Vec::new();
    for name in names {
        let person = world.person(name).await;
        world.advance(TimeDelta::seconds(1));
        alice.add_member(&room, &person, "MEMBER").await;
        people.push(person);
    }
    (alice, people, room)
}

/// A page of a list that hangs on a message: its nodes and its pageInfo.
async fn page(caller: &Caller, id: &str, list: &str, node: &str) -> (Vec<Value>, Value) {
    let selection = format!(
        "list: {list} {{ nodes {{ {node} }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }}"
    );
    let answer = message(caller, id, &selection).await;
    (answer.data("node.list.nodes").as_array().unwrap().clone(), answer.data("node.list.pageInfo").clone())
}

fn names(nodes: &[Value]) -> Vec<&str> {
    nodes.iter().map(|node| node["user"]["username"].as_str().unwrap_or_default()).collect()
}

both! {
    /// CNV-030: a page of receipts in the order of members, both ways; the counts are those of the whole list.
    async fn receipts_are_a_list(world) {
        let (alice, people, room) = room_of(world, &["bob", "carol", "dave", "erin", "frank"]).await;
        let sent = alice.send(&room, "hello").await;
        let mut times = Vec::new();
        for person in &people[..4] {
            world.advance(TimeDelta::seconds(10));
            times.push(world.now());
            person.mark_read(&room, &sent).await;
        }
        let delivered = json!({ "input": { "conversationId": room, "upToMessageId": sent.id } });
        let deliver = "mutation($input: MarkMessagesDeliveredInput!) { markMessagesDelivered(input: $input) { conversation { id } } }";
        people[4].ask(deliver, delivered).await.ok();
        let counts = message(&alice, &sent.id, "readCount deliveredCount receipts { totalCount }").await;
        assert_eq!(counts.data("node"), &json!({ "readCount": 4, "deliveredCount": 5, "receipts": { "totalCount": 5 } }));
        let (first, info) = page(&alice, &sent.id, "receipts(first: 2)", "user { username } readAt deliveredAt").await;
        assert_eq!((names(&first), &info["hasNextPage"]), (vec!["bob", "carol"], &json!(true)));
        assert_eq!(first[1]["readAt"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap(), times[1]);
        let after = format!("receipts(first: 2, after: {})", info["endCursor"]);
        let (second, info) = page(&alice, &sent.id, &after, "user { username }").await;
        assert_eq!(names(&second), ["dave", "erin"]);
        let after = format!("receipts(first: 2, after: {})", info["endCursor"]);
        let (third, info) = page(&alice, &sent.id, &after, "user { username } readAt deliveredAt").await;
        assert_eq!((names(&third), &info["hasNextPage"], &third[0]["readAt"]), (vec!["frank"], &json!(false), &Value::Null));
        let before = format!("receipts(last: 2, before: {})", info["startCursor"]);
        assert_eq!(names(&page(&alice, &sent.id, &before, "user { username }").await.0), ["dave", "erin"]);
        // A cursor is of one message's list.
        let other = alice.send(&room, "again").await;
        let foreign = message(&alice, &other.id, &after.replace("receipts", "receipts { nodes { readAt } } x: receipts")).await;
        assert!(foreign.code().is_some(), "{foreign}");
        let query = format!("receipts(first: 2, after: {}) {{ totalCount }}", info["endCursor"]);
        message(&alice, &other.id, &query).await.expect_code("VALIDATION_FAILED").expect_field("after");
    }

    /// CNV-030: whoever came later has no receipt for what was said before, whatever they read since; nor has the sender, nor who left.
    async fn receipts_are_of_who_was_there(world) {
        let (alice, people, room) = room_of(world, &["bob", "carol"]).await;
        let early = alice.send(&room, "early").await;
        world.advance(TimeDelta::seconds(1));
        let late_comer = world.person("dave").await;
        alice.add_member(&room, &late_comer, "MEMBER").await;
        let late = alice.send(&room, "late").await;
        for person in people.iter().chain([&late_comer, &alice]) {
            person.mark_read(&room, &late).await;
        }
        assert_eq!(names(&page(&alice, &early.id, "receipts", "user { username }").await.0), ["bob", "carol"]);
        assert_eq!(names(&page(&alice, &late.id, "receipts", "user { username }").await.0), ["bob", "carol", "dave"]);
        people[0].leave(&room).await;
        assert_eq!(names(&page(&alice, &early.id, "receipts", "user { username }").await.0), ["carol"]);
        let counts = message(&alice, &early.id, "readCount deliveredCount").await;
        assert_eq!(counts.data("node"), &json!({ "readCount": 1, "deliveredCount": 1 }));
        // Who answers has read what came before, and the answer has reached nobody yet.
        let answer = people[1].send(&room, "answer").await;
        assert_eq!(page(&alice, &answer.id, "receipts", "user { username }").await.0, Vec::<Value>::new());
    }

    /// CNV-027: the people behind an emoji, page by page, also when the one at the cursor has taken it back.
    async fn people_behind_an_emoji_are_a_list(world) {
        let (alice, people, room) = room_of(world, &["bob", "carol", "dave", "erin"]).await;
        let sent = alice.send(&room, "hello").await;
        for person in &people {
            world.advance(TimeDelta::seconds(1));
            person.react(&sent, "👍").await;
        }
        people[1].react(&sent, "🎶").await;
        let ask = async |arguments: &str| {
            let selection = format!(
                "reactions {{ emoji count viewerReacted firstReactedAt lastReactedAt people({arguments}) {{
                    totalCount nodes {{ reactedAt user {{ username }} }} pageInfo {{ hasNextPage endCursor startCursor }}
                }} }}"
            );
            message(&alice, &sent.id, &selection).await
        };
        let answer = ask("first: 2").await;
        assert_eq!(answer.list("node.reactions", "emoji"), [json!("👍"), json!("🎶")]);
        let thumbs = answer.data("node.reactions.0");
        assert_eq!(names(thumbs["people"]["nodes"].as_array().unwrap()), ["bob", "carol"]);
        assert_eq!((&thumbs["count"], &thumbs["people"]["totalCount"]), (&json!(4), &json!(4)));
        assert_eq!(thumbs["firstReactedAt"], thumbs["people"]["nodes"][0]["reactedAt"]);
        assert!(thumbs["lastReactedAt"].as_str() > thumbs["firstReactedAt"].as_str(), "{answer}");
        let cursor = thumbs["people"]["pageInfo"]["endCursor"].clone();
        // Carol stands at the cursor, and goes.
        people[1].try_unreact(&sent.id, "👍").await.ok();
        let query = format!("emoji people(first: 5, after: {cursor}) {{ nodes {{ user {{ username }} }} }}");
        let next = message(&alice, &sent.id, &format!("reactions {{ {query} }}")).await;
        // The cursor is of one emoji's list, and refused by the other's.
        next.expect_code("VALIDATION_FAILED");
        people[1].try_unreact(&sent.id, "🎶").await.ok();
        let next = message(&alice, &sent.id, &format!("reactions {{ {query} }}")).await;
        assert_eq!(names(next.data("node.reactions.0.people.nodes").as_array().unwrap()), ["dave", "erin"]);
        let last = ask("last: 1").await;
        assert_eq!(names(last.data("node.reactions.0.people.nodes").as_array().unwrap()), ["erin"]);
        assert_eq!(message(&people[0], &sent.id, "reactions { viewerReacted }").await.data("node.reactions.0.viewerReacted"), true);
    }

    /// CNV-025: the emoji on a message are bounded, and those that are there stay open to everybody.
    async fn a_message_has_so_many_emoji(world) {
        let (alice, people, room) = room_of(world, &["bob"]).await;
        let sent = alice.send(&room, "hello").await;
        for number in 0..20 {
            people[0].react(&sent, &format!(":e{number}:")).await;
        }
        let before = world.dump().await;
        alice.try_react(&sent.id, ":one-more:").await.expect_code("BUSINESS_RULE_VIOLATION").expect_field("input.emoji");
        world.dump().await.assert_unchanged(&before, "a refused emoji");
        alice.react(&sent, ":e7:").await;
        assert_eq!(message(&alice, &sent.id, "reactionCount").await.number("node.reactionCount"), 21);
    }

    /// CNV-021: reactions go with the text, of that message alone; the event of the deletion shows it, and is the only one.
    async fn reactions_go_with_the_text(world) {
        let (alice, people, room) = room_of(world, &["bob", "carol"]).await;
        let (sent, other) = (alice.send(&room, "hello").await, alice.send(&room, "other").await);
        for person in &people {
            person.react(&sent, "👍").await;
            person.react(&other, "🎶").await;
        }
        world.settle().await;
        let mut events = people[0].listen_from_now(&room).await;
        let mut versions = Vec::new();
        for _ in 0..2 {
            alice.try_delete(&sent.id).await.ok();
            versions.push(message(&alice, &sent.id, "version").await.number("node.version"));
        }
        assert_eq!(versions[0], versions[1]);
        let seen = message(&alice, &sent.id, "reactionCount reactions { emoji }").await;
        assert_eq!(seen.data("node"), &json!({ "reactionCount": 0, "reactions": [] }));
        assert_eq!(message(&alice, &other.id, "reactionCount").await.number("node.reactionCount"), 2);
        assert_eq!(world.dump().await.count("message_reactions"), 2);
        let told = events.next().await["messageEvents"].clone();
        assert_eq!((&told["__typename"], &told["message"]["isDeleted"]), (&json!("MessageDeleted"), &json!(true)), "{told}");
        // Taking back what is gone is harmless, and no news.
        people[0].try_unreact(&sent.id, "👍").await.ok();
        alice.send(&room, "end").await;
        assert_eq!(events.next().await["messageEvents"]["message"]["content"], "end");
    }

    /// CNV-024: earlier texts are a list, oldest first.
    async fn earlier_texts_are_a_list(world) {
        let (alice, _, room) = room_of(world, &["bob"]).await;
        let sent = alice.send(&room, "0").await;
        for number in 1..=5 {
            alice.try_edit(&sent.id, &number.to_string()).await.ok();
        }
        let texts = |nodes: &[Value]| nodes.iter().map(|node| node["content"].as_str().unwrap_or_default().to_owned()).collect::<String>();
        let (first, info) = page(&alice, &sent.id, "edits(first: 2)", "content editor { username }").await;
        assert_eq!((texts(&first), &first[0]["editor"]["username"]), ("01".to_owned(), &json!("alice")));
        let after = format!("edits(first: 2, after: {})", info["endCursor"]);
        assert_eq!(texts(&page(&alice, &sent.id, &after, "content").await.0), "23");
        assert_eq!(texts(&page(&alice, &sent.id, "edits(last: 2)", "content").await.0), "34");
        assert_eq!(message(&alice, &sent.id, "edits { totalCount }").await.number("node.edits.totalCount"), 5);
        // A retry is compared with the text as it was sent first.
        let keyed = alice.send_once(&room, "as sent", "key").await;
        for text in ["changed", "twice"] {
            alice.try_edit(&keyed.id, text).await.ok();
        }
        assert_eq!(alice.send_once(&room, "as sent", "key").await.id, keyed.id);
    }

    /// CNV-018: threadCount counts the replies that stand; the list keeps the place of deleted ones.
    async fn replies_that_stand_are_counted(world) {
        let (alice, people, room) = room_of(world, &["bob"]).await;
        let root = alice.send(&room, "root").await;
        let mut replies = Vec::new();
        for text in ["one", "two", "three"] {
            replies.push(people[0].reply(&room, &root, text).await);
        }
        for _ in 0..2 {
            alice.try_delete(&replies[1].id).await.ok();
        }
        let seen = message(&alice, &root.id, "threadCount replies { totalCount nodes { content isDeleted } }").await;
        assert_eq!(seen.number("node.threadCount"), 2);
        assert_eq!(seen.number("node.replies.totalCount"), 3);
        assert_eq!(seen.list("node.replies.nodes", "content"), [json!("one"), json!(""), json!("three")]);
        let listed = "query($id: ID!) { conversation(id: $id) { messages(last: 5) { nodes { threadCount replies(last: 1) { totalCount } } } } }";
        let listed = alice.ask(listed, json!({ "id": room })).await;
        assert_eq!(listed.data("conversation.messages.nodes"), &json!([{ "threadCount": 2, "replies": { "totalCount": 3 } }]));
    }

    /// Rows from before receipts went by members are brought up: where members came in, and which replies stand.
    async fn earlier_rows_are_brought_up(world) {
        let (alice, people, room) = room_of(world, &["bob"]).await;
        let root = alice.send(&room, "root").await;
        let gone = people[0].reply(&room, &root, "gone").await;
        people[0].reply(&room, &root, "stands").await;
        alice.try_delete(&gone.id).await.ok();
        world.advance(TimeDelta::seconds(1));
        let late_comer = world.person("carol").await;
        alice.add_member(&room, &late_comer, "MEMBER").await;
        world.advance(TimeDelta::seconds(1));
        let late = alice.send(&room, "late").await;
        late_comer.mark_read(&room, &late).await;
        let before = world.dump().await;
        let database = &world.first().config.database;
        let steps = database::migrations(database).await.unwrap();
        let steps = steps.iter().filter(|(name, _)| name.as_str() >= "m20261121_000030").count();
        database::migrate_down(database, u32::try_from(steps).unwrap()).await.unwrap();
        world.platform().write(async |tx| {
            // As it was counted then: deleted replies too.
            let every = "UPDATE messages SET thread_count = 2 WHERE thread_count > 0";
            tx.execute_unprepared(every).await?;
            // Reactions stayed on deleted messages.
            let stayed = "INSERT INTO message_reactions (message_id, user_id, emoji, created_at) \
                          SELECT id, sender_id, '🎺', created_at FROM messages WHERE deleted_at IS NOT NULL";
            assert_eq!(tx.execute_unprepared(stayed).await?.rows_affected(), 1);
            Ok(())
        }).await.unwrap();
        database::migrate(database).await.unwrap();
        let after = world.dump().await;
        assert_eq!(after.count("conversation_members"), before.count("conversation_members"));
        assert_eq!(after.count("message_reactions"), 0);
        // A server that has never seen the rows otherwise.
        let alice = alice.at(&world.second_instance().await);
        assert_eq!(message(&alice, &root.id, "threadCount").await.number("node.threadCount"), 1);
        assert_eq!(names(&page(&alice, &root.id, "receipts", "user { username }").await.0), ["bob"]);
        assert_eq!(names(&page(&alice, &late.id, "receipts", "user { username }").await.0), ["carol"]);
    }

    /// Counts are those of the lists, whatever was said, read and received by whom.
    async fn counts_are_those_of_the_lists(world) {
        let (alice, people, room) = room_of(world, &["bob", "carol", "dave"]).await;
        let other = people[0].create_room_with("Other", &[&alice]).await;
        let (mut sent, mut state) = (Vec::new(), 7_u64);
        for number in 0..40 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let who = usize::try_from(state >> 33).unwrap() % people.len();
            match number % 5 {
                0 => sent.push(people[0].send(&other, "elsewhere").await),
                1 => {
                    if let Some(newest) = sent.iter().rev().find(|message| message.content == "here") {
                        people[who].mark_read(&room, newest).await;
                    }
                }
                _ => sent.push(people[who].send(&room, "here").await),
            }
        }
        let ids: Vec<_> = sent.iter().map(|message| &message.id).collect();
        let query = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Message {
            seq readCount deliveredCount receipts(first: 10) { totalCount nodes { readAt } }
        } } }";
        let answer = alice.ask(query, json!({ "ids": ids })).await;
        for node in answer.data("nodes").as_array().unwrap() {
            let listed = node["receipts"]["nodes"].as_array().unwrap();
            let read = listed.iter().filter(|receipt| !receipt["readAt"].is_null()).count();
            let counted = (&node["deliveredCount"], &node["receipts"]["totalCount"], &node["readCount"]);
            assert_eq!(counted, (&json!(listed.len()), &json!(listed.len()), &json!(read)), "{answer}");
        }
    }

    /// PLT-012: what hangs on messages costs as many statements for one message as for many.
    async fn what_hangs_on_messages_costs_no_statement_per_row(world) {
        let (alice, people, room) = room_of(world, &["bob", "carol"]).await;
        for number in 0..12 {
            let sent = alice.send(&room, &number.to_string()).await;
            alice.try_edit(&sent.id, "changed").await.ok();
            people[0].reply(&room, &sent, "reply").await;
            for person in &people {
                person.react(&sent, "👍").await;
                person.react(&sent, "🎶").await;
                person.mark_read(&room, &sent).await;
            }
        }
        let quiet = world.quiet_instance().await;
        let alice = alice.at(&quiet);
        let query = "query($id: ID!, $last: Int!) { conversation(id: $id) {
            members(first: 5) { nodes { isOnline lastSeenAt } }
            messages(last: $last) { nodes {
                readCount deliveredCount
                receipts(first: 5) { totalCount nodes { readAt user { username } } }
                reactions { emoji count viewerReacted people(first: 5) { nodes { reactedAt user { username } } } }
                edits(first: 5) { totalCount nodes { content editor { username } } }
                replies(last: 2) { totalCount nodes { content } }
            } }
        } }";
        let mut counted = Vec::new();
        for last in [1, 2, 12] {
            alice.ask(query, json!({ "id": room, "last": last })).await.ok();
            let mut statements = u64::MAX;
            for _ in 0..4 {
                statements = statements.min(quiet.statements(alice.ask(query, json!({ "id": room, "last": last }))).await.0);
            }
            counted.push(statements);
        }
        assert!(counted.iter().all(|statements| *statements == counted[0]), "{counted:?}");
    }
}
