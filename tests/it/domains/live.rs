//! Live: what happens reaches who listens, once, in order, and only those who may (CNV-040 to CNV-043, DESIGN §5).

use std::{collections::BTreeSet, time::Duration};

use chrono::TimeDelta;
use futures_util::future::join_all;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::house::{Caller, Frame, Person, Subscription, World, within};

const INBOX: &str = "subscription($after: String) {
    inboxChanged(after: $after) { __typename cursor conversation { id name unreadCount } }
}";
const TYPING: &str = "subscription($id: ID!) { typingChanged(conversationId: $id) { typing user { username } } }";

async fn studio(world: &World) -> (Person, Person, String) {
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    let room = alice.create_room_with("Studio", &[&bob]).await;
    (alice, bob, room)
}

/// The event of the next answer.
async fn event(events: &mut Subscription) -> Value {
    events.next().await["messageEvents"].clone()
}

/// The texts of the next `count` messages, and the cursor after them.
async fn texts(events: &mut Subscription, count: usize) -> (Vec<String>, String) {
    let (mut texts, mut cursor) = (Vec::new(), String::new());
    while texts.len() < count {
        let event = event(events).await;
        cursor = event["cursor"].as_str().unwrap().to_owned();
        if event["__typename"] == "MessageSent" {
            texts.push(event["message"]["content"].as_str().unwrap().to_owned());
        }
    }
    (texts, cursor)
}

async fn inbox_cursor(caller: &Caller) -> String {
    caller.ask("{ conversations(first: 1) { eventCursor } }", json!({})).await.text("conversations.eventCursor")
}

/// Signals are lost when nobody listens yet: repeats what causes one until it is seen.
async fn until_seen(events: &mut Subscription, cause: impl AsyncFn()) -> Value {
    within("a signal", async {
        loop {
            cause().await;
            if let Ok(answer) = tokio::time::timeout(Duration::from_millis(100), events.next()).await {
                return answer["typingChanged"].clone();
            }
        }
    })
    .await
}

both! {
    /// The thinnest live path: two people, a room, a message, the other's socket.
    async fn a_message_arrives(world) {
        let (alice, bob, room) = studio(world).await;
        let mut events = bob.listen_from_now(&room).await;
        let sent = alice.send(&room, "Hello").await;
        let event = event(&mut events).await;
        assert_eq!(event["__typename"], "MessageSent");
        assert_eq!(event["message"], json!({ "id": sent.id, "seq": 1, "content": "Hello", "sender": { "username": "alice" } }));
        events.expect_none_for(50).await;
    }

    /// CNV-040: every change of a message has its event, with the state it left.
    async fn every_change_arrives(world) {
        let (alice, bob, room) = studio(world).await;
        let mut events = bob.listen_from_now(&room).await;
        let sent = alice.send(&room, "one").await;
        alice.try_edit(&sent.id, "two").await.ok();
        alice.react(&sent, "👍").await;
        alice.try_pin(&sent.id, true).await.ok();
        bob.mark_read(&room, &sent).await;
        alice.try_delete(&sent.id).await.ok();
        let mut kinds = Vec::new();
        for _ in 0..6 {
            kinds.push(event(&mut events).await["__typename"].as_str().unwrap().to_owned());
        }
        assert_eq!(kinds, ["MessageSent", "MessageEdited", "ReactionsChanged", "MessagePinned", "ReceiptMoved", "MessageDeleted"]);
        events.expect_none_for(50).await;
    }

    /// What changes nothing tells nobody.
    async fn a_repetition_is_no_event(world) {
        let (alice, bob, room) = studio(world).await;
        let sent = alice.send_once(&room, "once", "key").await;
        alice.react(&sent, "👍").await;
        bob.mark_read(&room, &sent).await;
        // A cursor may lag behind what is there, so that something is told again; here it must not.
        world.settle().await;
        let mut events = bob.listen_from_now(&room).await;
        alice.send_once(&room, "once", "key").await;
        alice.react(&sent, "👍").await;
        bob.mark_read(&room, &sent).await;
        alice.try_unreact(&sent.id, "🎶").await.ok();
        alice.send(&room, "end").await;
        assert_eq!(event(&mut events).await["message"]["content"], "end");
    }

    /// Snapshot, then stream: nothing missed and nothing twice, however busy the room is meanwhile.
    async fn a_snapshot_goes_on_as_a_stream(world) {
        let (alice, bob, room) = studio(world).await;
        let senders = join_all((0..4).map(|writer| {
            let (alice, room) = (&alice, &room);
            async move {
                for number in 0..10 {
                    alice.send(room, &format!("{writer}-{number}")).await;
                }
            }
        }));
        let reader = async {
            let query = "query($id: ID!) { conversation(id: $id) { messages(last: 100) { eventCursor nodes { seq } } } }";
            let snapshot = bob.ask(query, json!({ "id": room })).await;
            let mut seqs: Vec<i64> =
                snapshot.list("conversation.messages.nodes", "seq").iter().filter_map(Value::as_i64).collect();
            let mut events = bob.listen(&room, Some(&snapshot.text("conversation.messages.eventCursor"))).await;
            while seqs.last() != Some(&40) {
                let seq = event(&mut events).await["message"]["seq"].as_i64().unwrap();
                // The stream may tell again what the snapshot holds, because events give states and not deltas.
                if !seqs.contains(&seq) {
                    seqs.push(seq);
                }
            }
            seqs
        };
        let (_, seqs) = tokio::join!(senders, reader);
        assert_eq!(seqs, (1..=40).collect::<Vec<i64>>());
    }

    /// A cut line costs nothing: `after` takes the stream up where it was.
    async fn a_cut_line_costs_nothing(world) {
        let (alice, bob, room) = studio(world).await;
        let mut events = bob.listen_from_now(&room).await;
        alice.send(&room, "1").await;
        alice.send(&room, "2").await;
        let (seen, cursor) = texts(&mut events, 1).await;
        assert_eq!(seen, ["1"]);
        drop(events);
        alice.send(&room, "3").await;
        let mut events = bob.listen(&room, Some(&cursor)).await;
        alice.send(&room, "4").await;
        assert_eq!(texts(&mut events, 3).await.0, ["2", "3", "4"]);
        events.expect_none_for(50).await;
        // Again from the same place: the same again.
        let mut again = bob.listen(&room, Some(&cursor)).await;
        assert_eq!(texts(&mut again, 3).await.0, ["2", "3", "4"]);
    }

    /// A long absence is caught up from the log when the ring no longer goes back that far.
    async fn a_long_absence_is_caught_up(world) {
        let small = world.instance(|config| config.database.ring = 8).await;
        let (alice, bob, room) = studio(world).await;
        let cursor = bob.event_cursor(&room).await;
        for number in 0..40 {
            alice.send(&room, &number.to_string()).await;
        }
        world.settle().await;
        let mut events = bob.at(&small).listen(&room, Some(&cursor)).await;
        let expected: Vec<_> = (0..40).map(|number| number.to_string()).collect();
        assert_eq!(texts(&mut events, 40).await.0, expected);
        alice.send(&room, "live").await;
        assert_eq!(texts(&mut events, 1).await.0, ["live"]);
    }

    /// A cursor the log no longer reaches is an error that says so; nonsense is an input error.
    async fn a_cursor_too_old_is_refused(world) {
        let (alice, bob, room) = studio(world).await;
        world.settle().await;
        let cursor = bob.event_cursor(&room).await;
        alice.send(&room, "old").await;
        world.advance(TimeDelta::days(4));
        let platform = world.platform();
        let keep = world.now() - TimeDelta::days(3);
        platform.write(async |tx| polyphony::platform::events::log::prune(tx, keep, 1000).await).await.unwrap();
        let (alice, bob) = (alice.sign_in().await, bob.sign_in().await);
        alice.send(&room, "new").await;
        let late = world.second_instance().await;
        // The first server still remembers it; one that was started since does not.
        let mut events = bob.at(&late).listen(&room, Some(&cursor)).await;
        assert_eq!(events.end().await.as_deref(), Some("CURSOR_EXPIRED"));
        let mut nonsense = bob.listen(&room, Some("nonsense")).await;
        let Frame::Error(errors) = nonsense.frame().await else { panic!("what cannot be begun is an error") };
        assert_eq!(errors[0]["extensions"]["code"], "VALIDATION_FAILED");
        let mut of_a_list = bob.listen(&room, Some("bWVzc2FnZXM6")).await;
        assert_eq!(of_a_list.end().await.as_deref(), Some("VALIDATION_FAILED"));
    }

    /// Removal ends the stream with a code, and nothing accepted afterwards is heard.
    async fn removal_ends_the_stream(world) {
        let (alice, bob, room) = studio(world).await;
        let mut events = bob.listen_from_now(&room).await;
        alice.send(&room, "before").await;
        assert_eq!(texts(&mut events, 1).await.0, ["before"]);
        alice.remove_member(&room, &bob).await;
        alice.send(&room, "after").await;
        assert_eq!(events.end().await.as_deref(), Some("PERMISSION_DENIED"));
    }

    /// Leaving, deleting the room, and never having been a member.
    async fn only_members_listen(world) {
        let (alice, bob, room) = studio(world).await;
        let eve = world.person("eve").await;
        for (outsider, code) in [(&*eve, "ROOM_NOT_FOUND"), (&world.anonymous(), "UNAUTHENTICATED")] {
            for query in [crate::house::MESSAGE_EVENTS, TYPING] {
                let mut refused = outsider.subscribe(query, json!({ "id": room })).await;
                assert_eq!(refused.end().await.as_deref(), Some(code));
            }
        }
        let mut inbox = world.anonymous().subscribe(INBOX, json!({})).await;
        assert_eq!(inbox.end().await.as_deref(), Some("UNAUTHENTICATED"));
        // A cursor from inside does not open the door again.
        let cursor = bob.event_cursor(&room).await;
        let mut events = bob.listen(&room, Some(&cursor)).await;
        bob.leave(&room).await;
        assert!(events.end().await.is_some());
        alice.send(&room, "after").await;
        let mut again = bob.listen(&room, Some(&cursor)).await;
        assert_eq!(again.end().await.as_deref(), Some("ROOM_NOT_FOUND"));
        let mut events = alice.listen_from_now(&room).await;
        alice.try_delete_conversation(&room).await.ok();
        assert!(events.end().await.is_some());
    }

    /// Who was away while being shown out and let in again hears nothing of the time between.
    async fn nobody_hears_of_the_time_they_were_out(world) {
        let (alice, bob, room) = studio(world).await;
        let cursor = bob.event_cursor(&room).await;
        alice.send(&room, "before").await;
        alice.remove_member(&room, &bob).await;
        alice.send(&room, "between").await;
        let mut refused = bob.listen(&room, Some(&cursor)).await;
        assert_eq!(refused.end().await.as_deref(), Some("ROOM_NOT_FOUND"));
        alice.add_member(&room, &bob, "MEMBER").await;
        alice.send(&room, "after").await;
        let mut events = bob.listen(&room, Some(&cursor)).await;
        let mut heard = Vec::new();
        while heard.last().is_none_or(|text| text != "after") {
            heard.push(texts(&mut events, 1).await.0.remove(0));
        }
        // As a member again, Bob may read the history; the stream may tell it, but in order.
        assert_eq!(heard.first().map(String::as_str), Some("before"));
    }

    /// CNV-041: an inbox follows the conversations one belongs to, those to come included.
    async fn an_inbox_follows_every_conversation(world) {
        let (alice, bob) = (world.person("alice").await, world.person("bob").await);
        let mut inbox = bob.subscribe(INBOX, json!({ "after": inbox_cursor(&bob).await })).await;
        let room = alice.create_room_with("Studio", &[&bob]).await;
        let added = inbox.next().await["inboxChanged"].clone();
        assert_eq!((&added["__typename"], &added["conversation"]["id"]), (&json!("ConversationAdded"), &json!(room)), "{added}");
        alice.send(&room, "one").await;
        let told = inbox.next().await["inboxChanged"].clone();
        assert_eq!((&told["conversation"]["id"], &told["conversation"]["unreadCount"]), (&json!(room), &json!(1)), "{told}");
        alice.remove_member(&room, &bob).await;
        loop {
            let told = inbox.next().await["inboxChanged"].clone();
            if told["__typename"] == "ConversationRemoved" {
                break;
            }
        }
        alice.send(&room, "two").await;
        inbox.expect_none_for(100).await;
    }

    /// CNV-041: what one person sets for a conversation reaches their other devices, and nobody else; a repetition reaches nobody.
    async fn a_mute_reaches_the_other_devices(world) {
        let (alice, bob, room) = studio(world).await;
        let query = "subscription($after: String) { inboxChanged(after: $after) {
            __typename conversation { id viewerMembership { mutedUntil } }
        } }";
        world.settle().await;
        let mut own = bob.subscribe(query, json!({ "after": inbox_cursor(&bob).await })).await;
        let mut other = alice.subscribe(query, json!({ "after": inbox_cursor(&alice).await })).await;
        let mute = "mutation($input: MuteConversationInput!) { muteConversation(input: $input) { conversation { id } } }";
        let until = world.now() + TimeDelta::hours(1);
        let until = chrono::DateTime::from_timestamp(until.timestamp(), 0).unwrap().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        for until in [json!(until), json!(until), Value::Null, Value::Null] {
            bob.ask(mute, json!({ "input": { "conversationId": room, "until": until } })).await.ok();
        }
        for muted in [true, false] {
            let told = own.next().await["inboxChanged"].clone();
            assert_eq!((&told["__typename"], &told["conversation"]["id"]), (&json!("ConversationMuted"), &json!(room)), "{told}");
            // The state as it is by now: both may be told after the second change.
            let until = &told["conversation"]["viewerMembership"]["mutedUntil"];
            assert!(muted || until.is_null(), "{told}");
        }
        bob.send(&room, "end").await;
        for inbox in [&mut own, &mut other] {
            assert_eq!(inbox.next().await["inboxChanged"]["__typename"], "ConversationActivity");
        }
    }

    /// The root of a subscription may stand in fragments, and a field that is written twice is followed once.
    async fn a_subscription_may_stand_in_fragments(world) {
        let (alice, bob, room) = studio(world).await;
        for document in [
            "subscription($id: ID!, $after: String) { ...F }
             fragment F on Subscription { messageEvents(conversationId: $id, after: $after) { __typename cursor ...M } }
             fragment M on MessageSent { message { content } }",
            "subscription($id: ID!, $after: String) { ... on Subscription { ... {
                messageEvents(conversationId: $id, after: $after) { __typename cursor ... on MessageSent { message { content } } }
             } } }",
            "subscription($id: ID!, $after: String) {
                messageEvents(conversationId: $id, after: $after) { __typename }
                messageEvents(after: $after, conversationId: $id) { cursor ... on MessageSent { message { content } } }
             }",
        ] {
            let after = bob.event_cursor(&room).await;
            let mut events = bob.subscribe(document, json!({ "id": room, "after": after })).await;
            for text in ["one", "two"] {
                alice.send(&room, text).await;
            }
            let (seen, cursor) = texts(&mut events, 1).await;
            assert_eq!(seen, ["one"], "{document}");
            assert_eq!(texts(&mut events, 1).await.0, ["two"], "{document}");
            events.expect_none_for(50).await;
            drop(events);
            // Also where the cursor is named beside the document.
            let request = bob.request(reqwest::Method::POST, "/graphql").header("accept", "text/event-stream");
            let body = json!({ "query": document, "variables": { "id": room, "after": after } });
            let request = request.header("last-event-id", cursor).json(&body);
            let mut events = crate::house::Sse::new(within("an answer", request.send()).await.unwrap());
            assert_eq!(events.next().await["messageEvents"]["message"]["content"], "two", "{document}");
        }
    }

    /// The specification's 5.2.3.1: a subscription has one field, and says so when it has not.
    async fn a_subscription_has_one_field(world) {
        let (_alice, bob, room) = studio(world).await;
        for document in [
            "subscription($id: ID!) { typingChanged(conversationId: $id) { typing } inboxChanged { cursor } }",
            "subscription($id: ID!) { a: typingChanged(conversationId: $id) { typing } b: typingChanged(conversationId: $id) { typing } }",
            "subscription($id: ID!) { ...F inboxChanged { cursor } } fragment F on Subscription { typingChanged(conversationId: $id) { typing } }",
            "subscription { __typename }",
            "subscription($id: ID!) { ...F } fragment F on Query { conversation(id: $id) { id } }",
            "subscription($id: ID!) { typingChanged(conversationId: $id) @include(if: false) { typing } }",
        ] {
            let mut refused = bob.subscribe(document, json!({ "id": room })).await;
            let Frame::Error(errors) = refused.frame().await else { panic!("{document} was not refused") };
            assert_eq!(errors[0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{document}: {errors}");
            let request = bob.request(reqwest::Method::POST, "/graphql").header("accept", "text/event-stream");
            let answer = bob.send_request(request.json(&json!({ "query": document, "variables": { "id": room } }))).await;
            answer.expect_code("GRAPHQL_VALIDATION_FAILED");
        }
    }

    /// CNV-042, CNV-043: who is writing is seen by the others, and ends by itself.
    async fn typing_is_seen_and_ends(world) {
        let (alice, bob, room) = studio(world).await;
        let quick = world.instance(|config| config.limits.typing = Duration::from_millis(200)).await;
        let (alice, bob) = (alice.at(&quick), bob.at(&quick));
        let mut seen = bob.subscribe(TYPING, json!({ "id": room })).await;
        let mut own = alice.subscribe(TYPING, json!({ "id": room })).await;
        let first = until_seen(&mut seen, async || { alice.try_type(&room, true).await.ok(); }).await;
        assert_eq!(first, json!({ "typing": true, "user": { "username": "alice" } }));
        loop {
            let told = seen.next().await["typingChanged"].clone();
            if told["typing"] == false {
                assert_eq!(told["user"]["username"], "alice");
                break;
            }
        }
        own.expect_none_for(20).await;
    }

    /// An inbox that was away while its person was let in begins with that: what was said there before is in the snapshot.
    async fn an_inbox_resumes_over_a_join(world) {
        let (alice, bob, room) = studio(world).await;
        let side = alice.create_room("Side", "PRIVATE").await;
        world.settle().await;
        let cursor = inbox_cursor(&bob).await;
        for text in ["one", "two"] {
            alice.send(&side, text).await;
        }
        alice.send(&room, "heard").await;
        alice.add_member(&side, &bob, "MEMBER").await;
        alice.send(&side, "three").await;
        let mut inbox = bob.subscribe(INBOX, json!({ "after": cursor })).await;
        let mut told = Vec::new();
        for _ in 0..3 {
            let event = inbox.next().await["inboxChanged"].clone();
            told.push((event["__typename"].as_str().unwrap().to_owned(), event["conversation"]["name"].as_str().unwrap().to_owned()));
        }
        let expected = [("ConversationActivity", "Studio"), ("ConversationAdded", "Side"), ("ConversationActivity", "Side")];
        assert_eq!(told, expected.map(|(kind, name)| (kind.to_owned(), name.to_owned())));
        inbox.expect_none_for(50).await;
    }

    /// A read that fails for a while delays a stream and loses nothing of it.
    async fn a_blip_of_the_database_loses_no_event(world) {
        let (alice, bob, room) = studio(world).await;
        world.settle().await;
        let cursor = bob.event_cursor(&room).await;
        for number in 0..70 {
            alice.send(&room, &number.to_string()).await;
        }
        world.settle().await;
        world.by_hand("ALTER TABLE messages RENAME TO messages_away").await;
        let mut events = bob.listen(&room, Some(&cursor)).await;
        events.expect_none_for(200).await;
        world.by_hand("ALTER TABLE messages_away RENAME TO messages").await;
        let expected: Vec<_> = (0..70).map(|number| number.to_string()).collect();
        assert_eq!(texts(&mut events, 70).await.0, expected);
        events.expect_none_for(50).await;
    }

    /// A read that goes on failing ends the stream before the events it could not tell; from the same cursor they come later.
    async fn a_long_failure_ends_the_stream_before_what_it_could_not_tell(world) {
        let (alice, bob, room) = studio(world).await;
        world.settle().await;
        let mut events = bob.listen_from_now(&room).await;
        alice.send(&room, "one").await;
        let (_, cursor) = texts(&mut events, 1).await;
        drop(events);
        alice.send(&room, "two").await;
        world.settle().await;
        world.by_hand("ALTER TABLE messages RENAME TO messages_away").await;
        let mut events = bob.listen(&room, Some(&cursor)).await;
        let Frame::Error(errors) = events.frame().await else { panic!("the stream should have ended") };
        assert_eq!(errors[0]["extensions"]["code"], "SERVICE_UNAVAILABLE", "{errors}");
        world.by_hand("ALTER TABLE messages_away RENAME TO messages").await;
        let mut events = bob.listen(&room, Some(&cursor)).await;
        assert_eq!(texts(&mut events, 1).await.0, ["two"]);
    }

    /// IDN-049: a stream ends with the sign-in it was opened with.
    async fn a_stream_ends_with_its_sign_in(world) {
        let (alice, bob, room) = studio(world).await;
        let elsewhere = bob.sign_in().await;
        let mut events = elsewhere.listen_from_now(&room).await;
        bob.ask("mutation { signOut(input: { scope: OTHERS }) { sessionsEnded } }", Value::Null).await.ok();
        assert_eq!(events.socket().close_code().await, 4403);
        alice.send(&room, "after").await;
        assert_eq!(events.end().await, None);
    }

    /// Several listeners of one room get the same events in the same order.
    async fn everybody_hears_the_same(world) {
        let (alice, bob, room) = studio(world).await;
        let mut listeners = join_all((0..5).map(|number| {
            let (alice, bob, room) = (&alice, &bob, &room);
            async move { if number % 2 == 0 { alice.listen_from_now(room).await } else { bob.listen_from_now(room).await } }
        }))
        .await;
        join_all((0..20).map(|number| {
            let (alice, room) = (&alice, &room);
            async move { alice.send(room, &number.to_string()).await }
        }))
        .await;
        let mut heard = BTreeSet::new();
        for listener in &mut listeners {
            let (texts, _) = texts(listener, 20).await;
            heard.insert(texts);
        }
        assert_eq!(heard.len(), 1, "{heard:#?}");
    }
}

on_postgres! {
    /// Two servers on one database deliver to each other: messages, inboxes, signals, sign-outs.
    async fn two_servers_deliver_to_each_other(world) {
        let (alice, bob, room) = studio(world).await;
        let other = world.second_instance().await;
        let there = bob.at(&other);
        let mut events = there.listen(&room, Some(&bob.event_cursor(&room).await)).await;
        let mut inbox = there.subscribe(INBOX, json!({ "after": inbox_cursor(&bob).await })).await;
        let mut typing = there.subscribe(TYPING, json!({ "id": room })).await;
        alice.send(&room, "across").await;
        assert_eq!(texts(&mut events, 1).await.0, ["across"]);
        assert_eq!(inbox.next().await["inboxChanged"]["conversation"]["id"], json!(room));
        let seen = until_seen(&mut typing, async || { alice.try_type(&room, true).await.ok(); }).await;
        assert_eq!(seen["typing"], true);
        // A cursor of one server is good at the other.
        let (_, cursor) = { there.send(&room, "back").await; texts(&mut events, 1).await };
        alice.send(&room, "next").await;
        assert_eq!(texts(&mut alice.listen(&room, Some(&cursor)).await, 1).await.0, ["next"]);
        bob.sign_in().await.ask("mutation { signOut(input: { scope: OTHERS }) { sessionsEnded } }", Value::Null).await.ok();
        assert_eq!(events.socket().close_code().await, 4403);
    }

    /// Every connection to the database is cut, again and again, while people talk: who listens hears everything once and in order, also
    /// if the stream should end and be taken up again from its last cursor.
    async fn cut_connections_lose_no_event(world) {
        let (alice, bob, room) = studio(world).await;
        let mut cursor = bob.event_cursor(&room).await;
        let mut events = bob.listen(&room, Some(&cursor)).await;
        let operator = world.foreign_connection().await;
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        for number in 0..8 {
            operator.execute_unprepared(cut).await.unwrap();
            let key = format!("key-{number}");
            let input = json!({ "conversationId": room, "content": number.to_string(), "clientId": key });
            within("a message to be taken", async {
                loop {
                    let answer = alice.try_send_with(input.clone()).await;
                    match answer.code() {
                        None => break,
                        // What else would say that trying again may help?
                        code => assert_eq!(code, Some("SERVICE_UNAVAILABLE"), "{answer}"),
                    }
                }
            })
            .await;
        }
        operator.close().await.unwrap();
        let mut heard = Vec::new();
        while heard.len() < 8 {
            match events.frame().await {
                Frame::Next(answer) => {
                    assert!(answer["errors"].is_null(), "{answer}");
                    let event = &answer["data"]["messageEvents"];
                    cursor = event["cursor"].as_str().unwrap().to_owned();
                    if event["__typename"] == "MessageSent" {
                        heard.push(event["message"]["content"].as_str().unwrap().to_owned());
                    }
                }
                Frame::Error(errors) => {
                    assert_eq!(errors[0]["extensions"]["code"], "SERVICE_UNAVAILABLE", "{errors}");
                    events = bob.listen(&room, Some(&cursor)).await;
                }
                other => panic!("neither told nor ended with a reason: {other:?}"),
            }
        }
        assert_eq!(heard, (0..8).map(|number| number.to_string()).collect::<Vec<_>>());
        events.expect_none_for(100).await;
    }

    /// A transaction of another program holds the log's horizon: signing out elsewhere closes the socket all the same, at once.
    async fn a_sign_out_does_not_wait_for_the_horizon(world) {
        let server = world.instance(|config| config.auth.recheck_interval = Duration::from_secs(3600)).await;
        let alice = world.person("alice").await;
        let elsewhere = alice.sign_in().await.at(&server);
        let mut socket = elsewhere.socket().await;
        socket.ping().await;
        let foreign = world.foreign_connection().await;
        let held = sea_orm::TransactionTrait::begin(&foreign).await.unwrap();
        held.execute_unprepared("SELECT txid_current()").await.unwrap();
        alice.ask("mutation { signOut(input: { scope: OTHERS }) { sessionsEnded } }", Value::Null).await.ok();
        let closed = socket.closed().await;
        assert_eq!(closed.code, 4403);
        assert!(closed.reason.starts_with("INVALID_TOKEN"), "{closed:?}");
        held.rollback().await.unwrap();
        foreign.close().await.unwrap();
    }

    /// A transaction of another program holds the log's horizon: who is shown out, or goes, on one server hears nothing more on another
    /// all the same, be it only who is writing. The others hear on.
    async fn a_removal_does_not_wait_for_the_horizon(world) {
        let (alice, bob, room) = studio(world).await;
        let carol = world.person("carol").await;
        alice.add_member(&room, &carol, "MEMBER").await;
        world.settle().await;
        let other = world.second_instance().await;
        let (there, still) = (bob.at(&other), carol.at(&other));
        let mut events = there.listen_from_now(&room).await;
        let mut typing = there.subscribe(TYPING, json!({ "id": room })).await;
        let mut others = still.subscribe(TYPING, json!({ "id": room })).await;
        for seen in [&mut typing, &mut others] {
            until_seen(seen, async || { alice.try_type(&room, true).await.ok(); }).await;
        }
        let foreign = world.foreign_connection().await;
        let held = sea_orm::TransactionTrait::begin(&foreign).await.unwrap();
        held.execute_unprepared("SELECT txid_current()").await.unwrap();
        alice.remove_member(&room, &bob).await;
        for gone in [&mut events, &mut typing] {
            assert_eq!(gone.end().await.as_deref(), Some("PERMISSION_DENIED"));
        }
        until_seen(&mut others, async || { alice.try_type(&room, true).await.ok(); }).await;
        held.rollback().await.unwrap();
        foreign.close().await.unwrap();
    }

    /// One total order: writers on both servers, everybody reads the same, without a gap.
    async fn two_servers_keep_one_order(world) {
        let (alice, bob, room) = studio(world).await;
        let other = world.second_instance().await;
        let cursor = alice.event_cursor(&room).await;
        let (mut here, mut there) = (alice.listen(&room, Some(&cursor)).await, bob.at(&other).listen(&room, Some(&cursor)).await);
        join_all((0..8).map(|writer| {
            let (writer, room) = (if writer % 2 == 0 { alice.clone() } else { bob.at(&other) }, &room);
            async move {
                for number in 0..5 {
                    writer.send(room, &number.to_string()).await;
                }
            }
        }))
        .await;
        for listener in [&mut here, &mut there] {
            let mut seqs = Vec::new();
            while seqs.len() < 40 {
                // Who answers has read: there are receipts among the messages.
                seqs.extend(event(listener).await["message"]["seq"].as_i64());
            }
            assert_eq!(seqs, (1..=40).collect::<Vec<i64>>());
        }
    }
}
