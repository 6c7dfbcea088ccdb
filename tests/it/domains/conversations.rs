//! Rooms, direct conversations and messages (CNV-001 to CNV-014, CNV-018 to CNV-031, CNV-044).

use std::collections::BTreeSet;

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::house::{Answer, Caller, Person, World};

const NOTHING: &str = "conversation_00000000000000000000000000";

/// A private room of Alice's with Bob in it, and Eve outside.
pub(super) async fn studio(world: &World) -> (Person, Person, Person, String) {
    let (alice, bob, eve) = (world.person("alice").await, world.person("bob").await, world.person("eve").await);
    let room = alice.create_room_with("Studio", &[&bob]).await;
    (alice, bob, eve, room)
}

pub(super) async fn room(caller: &Caller, id: &str, selection: &str) -> Answer {
    caller.ask(&format!("query($id: ID!) {{ conversation(id: $id) {{ {selection} }} }}"), json!({ "id": id })).await
}

pub(super) async fn message(caller: &Caller, id: &str, selection: &str) -> Answer {
    caller
        .ask(
            &format!("query($id: ID!) {{ node(id: $id) {{ ... on Message {{ {selection} }} }} }}"),
            json!({ "id": id }),
        )
        .await
}

/// A page of messages: `(texts, pageInfo)`.
async fn page(caller: &Caller, id: &str, arguments: &str, variables: Value) -> (Vec<Value>, Value) {
    let cursor = if arguments.contains("$cursor") { ", $cursor: String" } else { "" };
    let query = format!(
        "query($id: ID!{cursor}) {{ conversation(id: $id) {{ messages({arguments}) {{
            nodes {{ content }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
        }} }} }}"
    );
    let mut all = variables;
    all["id"] = json!(id);
    let answer = caller.ask(&query, all).await;
    (answer.list("conversation.messages.nodes", "content"), answer.data("conversation.messages.pageInfo").clone())
}

both! {
    /// CNV-003: the creator owns the room and is its first member.
    async fn whoever_makes_a_room_owns_it(world) {
        let (alice, bob, _, id) = studio(world).await;
        let answer = room(&alice, &id, "kind name visibility memberCount maxMembers viewerRole unreadCount owner { username } members { totalCount nodes { role user { username } } }").await;
        assert_eq!(answer.text("conversation.viewerRole"), "OWNER");
        assert_eq!(answer.text("conversation.owner.username"), "alice");
        assert_eq!((answer.number("conversation.memberCount"), answer.number("conversation.members.totalCount")), (2, 2));
        let people: BTreeSet<_> = answer.list("conversation.members.nodes", "user.username").iter().map(Value::to_string).collect();
        assert_eq!(people, BTreeSet::from(["\"alice\"".to_owned(), "\"bob\"".to_owned()]));
        assert_eq!(room(&bob, &id, "viewerRole").await.text("conversation.viewerRole"), "MEMBER");
    }

    /// CNV-003, "Bad input": what is refused is named and leaves nothing behind.
    async fn a_bad_room_leaves_nothing(world) {
        let (alice, bob) = (world.person("alice").await, world.person("bob").await);
        let before = world.dump().await;
        let room = |change: Value| {
            let mut input = json!({ "kind": "ROOM", "name": "Studio", "visibility": "PRIVATE" });
            input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            input
        };
        for (change, code) in [
            (json!({ "name": "" }), "VALIDATION_FAILED"),
            (json!({ "name": "x".repeat(256) }), "VALIDATION_FAILED"),
            (json!({ "description": "x".repeat(2001) }), "VALIDATION_FAILED"),
            (json!({ "maxMembers": 0 }), "VALIDATION_FAILED"),
            (json!({ "maxMembers": 1_000_000 }), "VALIDATION_FAILED"),
            (json!({ "memberIds": [NOTHING] }), "VALIDATION_FAILED"),
            (json!({ "memberIds": ["user_00000000000000000000000000"] }), "VALIDATION_FAILED"),
        ] {
            alice.try_create_conversation(room(change)).await.expect_code(code);
        }
        world.anonymous().try_create_conversation(room(json!({}))).await.expect_code("UNAUTHENTICATED");
        world.dump().await.assert_unchanged(&before, "refused rooms");
        bob.block(&alice).await;
        alice.try_create_conversation(room(json!({ "memberIds": [bob.id] }))).await.expect_code("USER_BLOCKED");
    }

    /// CNV-002, CNV-018, CNV-044: a private room does not exist for outsiders, by any way to it.
    async fn a_private_room_does_not_exist_for_outsiders(world) {
        let (alice, _, eve, id) = studio(world).await;
        let sent = alice.send(&id, "secret").await;
        for outsider in [&*eve, &world.anonymous(), &*world.admin().await, &*world.moderator().await] {
            let code = if outsider.token.is_some() { "ROOM_NOT_FOUND" } else { "UNAUTHENTICATED" };
            room(outsider, &id, "name").await.expect_code(code);
            let by_node = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
            let answer = outsider.ask(by_node, json!({ "ids": [id, sent.id] })).await;
            assert!(!answer.body.to_string().contains("secret"), "{answer}");
            assert!(answer.code().is_some() || answer.data("nodes") == &json!([null, null]), "{answer}");
        }
        let unknown = eve.try_send(NOTHING, "hello").await;
        let hidden = eve.try_send(&id, "hello").await;
        hidden.expect_code("ROOM_NOT_FOUND");
        assert_eq!(unknown.body["errors"][0]["message"], hidden.body["errors"][0]["message"]);
        let before = world.dump().await;
        eve.try_join(&id).await.expect_code("ROOM_NOT_FOUND");
        eve.try_leave(&id).await.expect_code("ROOM_NOT_FOUND");
        eve.try_update_conversation(json!({ "conversationId": id, "name": "Mine" })).await.expect_code("ROOM_NOT_FOUND");
        eve.try_delete_conversation(&id).await.expect_code("ROOM_NOT_FOUND");
        eve.try_add_member(&id, &eve, "OWNER").await.expect_code("ROOM_NOT_FOUND");
        eve.try_remove_member(&id, &alice).await.expect_code("ROOM_NOT_FOUND");
        eve.try_mark_read(&id, &sent.id).await.expect_code("ROOM_NOT_FOUND");
        eve.try_type(&id, true).await.expect_code("ROOM_NOT_FOUND");
        for refused in [eve.try_edit(&sent.id, "mine").await, eve.try_delete(&sent.id).await, eve.try_pin(&sent.id, true).await, eve.try_react(&sent.id, "👍").await] {
            refused.expect_code("NOT_FOUND");
        }
        world.dump().await.assert_unchanged(&before, "an outsider's tries");
        let listed = eve.ask("{ conversations { totalCount nodes { id } } }", json!({})).await;
        assert_eq!(listed.number("conversations.totalCount"), 0);
    }

    /// CNV-012, CNV-044: a public room is seen from the door; what is said in it is for members.
    async fn a_public_room_is_seen_from_the_door(world) {
        let (alice, eve) = (world.person("alice").await, world.person("eve").await);
        let id = alice.create_room("Hall", "PUBLIC").await;
        alice.send(&id, "inside only").await;
        let seen = room(&eve, &id, "name memberCount viewerRole").await;
        assert_eq!((seen.text("conversation.name").as_str(), seen.data("conversation.viewerRole")), ("Hall", &Value::Null));
        for field in ["messages { nodes { content } }", "messages { totalCount }", "members { totalCount }", "lastMessage { content }"] {
            let refused = room(&eve, &id, field).await;
            refused.expect_code("PERMISSION_DENIED");
            assert!(!refused.body.to_string().contains("inside only"), "{refused}");
        }
        eve.try_send(&id, "hello").await.expect_code("PERMISSION_DENIED");
        for _ in 0..2 {
            eve.join(&id).await;
        }
        assert_eq!(room(&eve, &id, "memberCount viewerRole").await.number("conversation.memberCount"), 2);
        assert_eq!(eve.messages(&id).await.len(), 1);
        eve.leave(&id).await;
        eve.try_send(&id, "hello").await.expect_code("PERMISSION_DENIED");
        room(&eve, &id, "messages { totalCount }").await.expect_code("PERMISSION_DENIED");
        assert!(room(&world.anonymous(), &id, "name").await.body["data"]["conversation"].is_null());
    }

    /// CNV-003, CNV-009, CNV-012: a room takes as many as it may have, however many come at once.
    async fn a_room_takes_no_more_than_it_may(world) {
        let alice = world.person("alice").await;
        let input = json!({ "kind": "ROOM", "name": "Small", "visibility": "PUBLIC", "maxMembers": 3 });
        let id = alice.try_create_conversation(input).await.text("createConversation.conversation.id");
        let people = join_all((0..6).map(|number| async move { world.person(&format!("person-{number}")).await })).await;
        let answers = join_all(people.iter().map(|person| person.try_join(&id))).await;
        let refused: Vec<_> = answers.iter().filter(|answer| answer.code().is_some()).collect();
        assert_eq!(refused.len(), 4);
        for answer in refused {
            answer.expect_code("BUSINESS_RULE_VIOLATION");
        }
        assert_eq!(room(&alice, &id, "memberCount").await.number("conversation.memberCount"), 3);
        alice.try_update_conversation(json!({ "conversationId": id, "maxMembers": 2 })).await.expect_code("BUSINESS_RULE_VIOLATION");
    }

    /// CNV-004, PLT-052: moderators change a room; an older version is a conflict.
    async fn a_room_is_changed_by_its_moderators(world) {
        let (alice, bob, _, id) = studio(world).await;
        let change = |name: &str| json!({ "conversationId": id, "name": name });
        bob.try_update_conversation(change("Bob's")).await.expect_code("PERMISSION_DENIED");
        alice.try_update_member(&id, &bob, "MODERATOR").await.ok();
        let changed = bob.try_update_conversation(change("Workshop")).await;
        assert_eq!(changed.text("updateConversation.conversation.name"), "Workshop");
        let version = changed.number("updateConversation.conversation.version");
        let mut stale = change("Stale");
        stale["expectedVersion"] = json!(version - 1);
        alice.try_update_conversation(stale).await.expect_code("RESOURCE_CONFLICT");
        // What is so already is no change: nothing is written, nobody is told.
        let before = world.dump().await;
        for same in [json!({ "conversationId": id }), json!({ "conversationId": id, "name": " Workshop ", "description": null })] {
            let answer = alice.try_update_conversation(same).await;
            assert_eq!(answer.number("updateConversation.conversation.version"), version, "{answer}");
        }
        world.dump().await.assert_unchanged(&before, "a change to what is so already");
        bob.try_delete_conversation(&id).await.expect_code("PERMISSION_DENIED");
        alice.try_delete_conversation(&id).await.ok();
        room(&alice, &id, "name").await.expect_code("ROOM_NOT_FOUND");
        alice.try_send(&id, "hello").await.expect_code("ROOM_NOT_FOUND");
    }

    /// CNV-010, CNV-011, CNV-013: a room always keeps an owner, and moderators do not expel each other or the owner.
    async fn a_room_keeps_an_owner(world) {
        let (alice, bob, eve, id) = studio(world).await;
        alice.add_member(&id, &eve, "MODERATOR").await;
        eve.try_remove_member(&id, &alice).await.expect_code("PERMISSION_DENIED");
        bob.try_remove_member(&id, &eve).await.expect_code("PERMISSION_DENIED");
        eve.try_update_member(&id, &bob, "OWNER").await.expect_code("PERMISSION_DENIED");
        eve.try_add_member(&id, &world.person("carol").await, "OWNER").await.expect_code("PERMISSION_DENIED");
        alice.try_leave(&id).await.expect_code("BUSINESS_RULE_VIOLATION");
        alice.try_update_member(&id, &alice, "MEMBER").await.expect_code("BUSINESS_RULE_VIOLATION");
        alice.try_update_member(&id, &bob, "OWNER").await.ok();
        alice.leave(&id).await;
        assert_eq!(room(&bob, &id, "owner { username }").await.text("conversation.owner.username"), "bob");
        eve.leave(&id).await;
        bob.leave(&id).await;
        room(&bob, &id, "name").await.expect_code("ROOM_NOT_FOUND");
    }

    /// CNV-006: the pair has one direct conversation, however many ask at once, from both sides.
    async fn a_pair_has_one_direct_conversation(world) {
        let (alice, bob) = (world.person("alice").await, world.person("bob").await);
        let pairs = (0..10).map(|number| if number % 2 == 0 { (&alice, &bob) } else { (&bob, &alice) });
        let ids: BTreeSet<_> = join_all(pairs.map(|(asker, other)| asker.open_direct(other))).await.into_iter().collect();
        assert_eq!(ids.len(), 1, "{ids:?}");
        let id = ids.first().unwrap();
        let seen = room(&alice, id, "kind name otherUser { username } memberCount").await;
        assert_eq!((seen.text("conversation.kind").as_str(), seen.text("conversation.otherUser.username").as_str()), ("DIRECT", "bob"));
        alice.try_open_direct(&alice.id).await.expect_code("BUSINESS_RULE_VIOLATION");
        alice.try_open_direct("user_00000000000000000000000000").await.expect_code("NOT_FOUND");
        let carol = world.person("carol").await;
        for refused in [
            alice.try_add_member(id, &carol, "MEMBER").await,
            alice.try_leave(id).await,
            alice.try_delete_conversation(id).await,
            alice.try_update_conversation(json!({ "conversationId": id, "name": "Ours" })).await,
            alice.try_remove_member(id, &bob).await,
        ] {
            refused.expect_code("BUSINESS_RULE_VIOLATION");
        }
    }

    /// CNV-006, CNV-019, CNV-031: a block shuts the direct conversation both ways, and shared rooms stay open.
    async fn a_block_shuts_the_direct_conversation(world) {
        let (alice, bob, _, shared) = studio(world).await;
        let direct = alice.open_direct(&bob).await;
        let sent = bob.send(&direct, "hello").await;
        bob.block(&alice).await;
        for refused in [
            alice.try_send(&direct, "hello?").await,
            bob.try_send(&direct, "hello!").await,
            bob.try_edit(&sent.id, "hi").await,
            alice.try_react(&sent.id, "👍").await,
            alice.try_open_direct(&bob.id).await,
        ] {
            refused.expect_code("USER_BLOCKED").expect_status(200);
        }
        assert_eq!(room(&alice, &direct, "isBlocked").await.data("conversation.isBlocked"), true);
        // What was said before stays there to be read.
        assert_eq!(alice.unread(&direct).await, 1);
        alice.mark_read(&direct, &sent).await;
        assert_eq!(alice.unread(&direct).await, 0);
        alice.send(&shared, "still here").await;
        assert_eq!(bob.messages(&shared).await.len(), 1);
        bob.try_unblock(&alice.id).await.ok();
        alice.send(&direct, "thanks").await;
        assert_eq!(bob.messages(&direct).await.len(), 2);
    }

    /// CNV-019: numbers without gaps, however many write at once.
    async fn messages_are_numbered_without_gaps(world) {
        let (alice, bob, _, id) = studio(world).await;
        let sends = (0..32).map(|number| {
            let (sender, id) = (if number % 2 == 0 { &alice } else { &bob }, &id);
            async move { sender.send(id, &format!("message {number}")).await.seq }
        });
        let mut numbers = join_all(sends).await;
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=32).collect::<Vec<i64>>());
        let listed: Vec<_> = alice.messages(&id).await.iter().map(|message| message.seq).collect();
        assert_eq!(listed, numbers);
        assert_eq!(room(&alice, &id, "messageCount").await.number("conversation.messageCount"), 32);
    }

    /// CNV-019: the same key is the same message, for good, also ten times at once.
    async fn a_message_is_sent_once(world) {
        let (alice, bob, _, id) = studio(world).await;
        let sends = (0..10).map(|_| alice.send_once(&id, "once", "key-1"));
        let sent: BTreeSet<_> = join_all(sends).await.into_iter().map(|message| (message.id, message.seq)).collect();
        assert_eq!(sent.len(), 1, "{sent:?}");
        world.advance(TimeDelta::days(400));
        let alice = alice.sign_in().await;
        let again = alice.send_once(&id, "once", "key-1").await;
        assert_eq!(BTreeSet::from([(again.id, again.seq)]), sent);
        assert_eq!(alice.messages(&id).await.len(), 1);
        // The key is the sender's own, and of one conversation.
        let bob = bob.sign_in().await;
        assert_eq!(bob.send_once(&id, "mine", "key-1").await.seq, 2);
        let other = alice.create_room("Other", "PRIVATE").await;
        assert_eq!(alice.send_once(&other, "once", "key-1").await.seq, 1);
        // The same key for another text is a mistake of the client's.
        let different = json!({ "conversationId": id, "content": "something else", "clientId": "key-1" });
        alice.try_send_with(different).await.expect_code("RESOURCE_CONFLICT");
    }

    /// CNV-019: what a message takes.
    async fn a_bad_message_leaves_nothing(world) {
        let (alice, _, _, id) = studio(world).await;
        let elsewhere = alice.create_room("Other", "PRIVATE").await;
        let there = alice.send(&elsewhere, "there").await;
        let before = world.dump().await;
        let long = alice.try_send(&id, &"é".repeat(2001)).await;
        long.expect_code("MESSAGE_TOO_LONG");
        let details = &long.body["errors"][0]["extensions"]["details"];
        assert_eq!((&details["maxLength"], &details["actualLength"]), (&json!(2000), &json!(2001)), "{long}");
        for content in ["", "  \n ", "\u{200b}", "a\u{7}b"] {
            alice.try_send(&id, content).await.expect_code("VALIDATION_FAILED");
        }
        for (change, code) in [
            (json!({ "replyToId": there.id }), "VALIDATION_FAILED"),
            (json!({ "replyToId": "message_00000000000000000000000000" }), "VALIDATION_FAILED"),
            (json!({ "replyToId": id }), "VALIDATION_FAILED"),
            (json!({ "clientId": "x".repeat(101) }), "VALIDATION_FAILED"),
            (json!({ "metadata": { "padding": "x".repeat(5000) } }), "VALIDATION_FAILED"),
        ] {
            let mut input = json!({ "conversationId": id, "content": "hello" });
            input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            alice.try_send_with(input).await.expect_code(code);
        }
        world.dump().await.assert_unchanged(&before, "refused messages");
        assert_eq!(alice.send(&id, &"é".repeat(2000)).await.seq, 1);
    }

    /// CNV-019: names with @ are the members they name.
    async fn members_are_mentioned(world) {
        let (alice, _, _, id) = studio(world).await;
        let sent = alice.try_send(&id, "@BOB and @eve, hello@bob.example @nobody @bob").await;
        assert_eq!(sent.list("sendMessage.message.mentions", "username"), [json!("bob")], "{sent}");
    }

    /// CNV-019: a name is found however its letters were typed, and whatever the sentence goes on with; also one that ends in a sign.
    async fn members_are_mentioned_as_they_are_written(world) {
        let (alice, _, _, id) = studio(world).await;
        for name in ["bob-", "zoë", "eve-_"] {
            let person = world.person(name).await;
            alice.add_member(&id, &person, "MEMBER").await;
        }
        for (text, named) in [
            ("@bob-, come", vec!["bob-"]),
            ("@bob.", vec!["bob"]),
            ("ask @bob... or @bob-.", vec!["bob", "bob-"]),
            ("@Zoe\u{308}!", vec!["zoë"]),
            ("_@zoë_ (@EVE-_)", vec!["zoë", "eve-_"]),
            ("@eve-", vec![]),
            ("@... @- @", vec![]),
        ] {
            let sent = alice.try_send(&id, text).await;
            assert_eq!(sent.list("sendMessage.message.mentions", "username"), named.into_iter().map(|name| json!(name)).collect::<Vec<_>>(), "{text}");
        }
        // A correction names whom it names.
        let sent = alice.send(&id, "hello").await;
        alice.try_edit(&sent.id, "hello @zoe\u{308}.").await.ok();
        assert_eq!(message(&alice, &sent.id, "mentions { username }").await.list("node.mentions", "username"), [json!("zoë")]);
    }

    /// CNV-018, PLT-011: both ways, without gap or overlap, also while people write.
    async fn history_is_paged_both_ways(world) {
        let (alice, bob, _, id) = studio(world).await;
        for number in 1..=7 {
            alice.send(&id, &number.to_string()).await;
        }
        let texts = |range: std::ops::RangeInclusive<i32>| range.map(|number| json!(number.to_string())).collect::<Vec<_>>();
        let (newest, info) = page(&bob, &id, "last: 3", json!({})).await;
        assert_eq!((newest, &info["hasPreviousPage"]), (texts(5..=7), &json!(true)));
        alice.send(&id, "8").await;
        let (older, info) = page(&bob, &id, "last: 3, before: $cursor", json!({ "cursor": info["startCursor"] })).await;
        assert_eq!((older, &info["hasNextPage"]), (texts(2..=4), &json!(true)));
        let (oldest, info) = page(&bob, &id, "last: 3, before: $cursor", json!({ "cursor": info["startCursor"] })).await;
        assert_eq!((oldest, &info["hasPreviousPage"]), (texts(1..=1), &json!(false)));
        let (mut all, mut cursor) = (Vec::new(), Value::Null);
        loop {
            let (mut some, info) = page(&bob, &id, "first: 3, after: $cursor", json!({ "cursor": cursor })).await;
            all.append(&mut some);
            cursor = info["endCursor"].clone();
            if info["hasNextPage"] == false {
                break;
            }
        }
        assert_eq!(all, texts(1..=8));
        let (newest, _) = page(&bob, &id, "includeThreads: false", json!({})).await.clone();
        assert_eq!(newest.last(), Some(&json!("8")));
        // A cursor of another room is not one of this.
        let other = alice.create_room("Other", "PRIVATE").await;
        let query = "query($id: ID!, $after: String) { conversation(id: $id) { messages(first: 1, after: $after) { nodes { id } } } }";
        alice.ask(query, json!({ "id": other, "after": cursor })).await.expect_code("VALIDATION_FAILED").expect_field("after");
        alice.ask("query($id: ID!) { conversation(id: $id) { messages(first: 101) { nodes { id } } } }", json!({ "id": id })).await.expect_code("VALIDATION_FAILED");
    }

    /// CNV-018: replies stand under their message and, unless asked for, not in the room.
    async fn replies_stand_under_their_message(world) {
        let (alice, bob, _, id) = studio(world).await;
        let first = alice.send(&id, "first").await;
        let reply = bob.reply(&id, &first, "reply").await;
        alice.reply(&id, &reply, "reply to the reply").await;
        let (room_list, _) = page(&bob, &id, "includeThreads: false", json!({})).await;
        assert_eq!(room_list, [json!("first")]);
        let (with_threads, _) = page(&bob, &id, "includeThreads: true", json!({})).await;
        assert_eq!(with_threads.len(), 3);
        let thread = message(&bob, &first.id, "threadCount replies { nodes { content replyTo { content } } }").await;
        assert_eq!(thread.number("node.threadCount"), 2);
        assert_eq!(thread.list("node.replies.nodes", "replyTo.content"), [json!("first"), json!("first")]);
    }

    /// CNV-020, CNV-024: the author corrects, and earlier texts are kept.
    async fn the_author_corrects_a_message(world) {
        let (alice, bob, _, id) = studio(world).await;
        let sent = alice.send(&id, "one").await;
        bob.try_edit(&sent.id, "mine").await.expect_code("PERMISSION_DENIED");
        for text in ["two", "three"] {
            alice.try_edit(&sent.id, text).await.ok();
        }
        let seen = message(&bob, &sent.id, "content isEdited editCount edits { totalCount nodes { content reason } }").await;
        assert_eq!((seen.text("node.content").as_str(), seen.number("node.editCount")), ("three", 2));
        assert_eq!(seen.list("node.edits.nodes", "content"), [json!("one"), json!("two")]);
        alice.try_edit(&sent.id, "").await.expect_code("VALIDATION_FAILED");
        alice.try_edit(&sent.id, &"x".repeat(2001)).await.expect_code("MESSAGE_TOO_LONG");
        alice.try_edit("message_00000000000000000000000000", "x").await.expect_code("NOT_FOUND");
    }

    /// CNV-021: the author and moderators delete; the text is gone everywhere, its place stays.
    async fn a_deleted_message_is_gone_everywhere(world) {
        let (alice, bob, eve, id) = studio(world).await;
        alice.add_member(&id, &eve, "MEMBER").await;
        let sent = bob.send(&id, "a first secret").await;
        bob.try_edit(&sent.id, "a second secret").await.ok();
        eve.try_delete(&sent.id).await.expect_code("PERMISSION_DENIED");
        for _ in 0..2 {
            alice.try_delete(&sent.id).await.ok();
        }
        assert!(!format!("{:?}", world.dump().await).contains("secret"), "the text is still in the database");
        let seen = message(&bob, &sent.id, "content isDeleted seq edits { totalCount nodes { content } } sender { username }").await;
        assert_eq!((seen.text("node.content").as_str(), seen.data("node.isDeleted")), ("", &json!(true)));
        assert_eq!(seen.data("node.edits"), &json!({ "totalCount": 0, "nodes": [] }));
        assert_eq!(alice.messages(&id).await.len(), 1);
        for refused in [bob.try_edit(&sent.id, "back").await, bob.try_react(&sent.id, "👍").await] {
            refused.expect_code("BUSINESS_RULE_VIOLATION");
        }
        assert_eq!(bob.send(&id, "next").await.seq, 2);
    }

    /// CNV-022: moderators pin.
    async fn moderators_pin(world) {
        let (alice, bob, _, id) = studio(world).await;
        let (one, _two) = (bob.send(&id, "one").await, bob.send(&id, "two").await);
        bob.try_pin(&one.id, true).await.expect_code("PERMISSION_DENIED");
        for _ in 0..2 {
            alice.try_pin(&one.id, true).await.ok();
        }
        assert_eq!(page(&bob, &id, "pinnedOnly: true", json!({})).await.0, [json!("one")]);
        alice.try_pin(&one.id, false).await.ok();
        assert!(page(&bob, &id, "pinnedOnly: true", json!({})).await.0.is_empty());
    }

    /// CNV-025 to CNV-027: once a person and emoji, and back again.
    async fn reactions_count_once(world) {
        let (alice, bob, _, id) = studio(world).await;
        let sent = alice.send(&id, "hello").await;
        for person in [&alice, &bob, &bob] {
            person.react(&sent, "👍").await;
        }
        world.advance(TimeDelta::seconds(1));
        bob.react(&sent, "🎶").await;
        let groups = message(&bob, &sent.id, "reactionCount reactions { emoji count viewerReacted people(first: 5) { nodes { user { username } } } }").await;
        assert_eq!(groups.number("node.reactionCount"), 3);
        assert_eq!(groups.list("node.reactions", "emoji"), [json!("👍"), json!("🎶")]);
        assert_eq!(groups.list("node.reactions", "count"), [json!(2), json!(1)]);
        for _ in 0..2 {
            bob.try_unreact(&sent.id, "👍").await.ok();
        }
        let groups = message(&bob, &sent.id, "reactions { emoji count viewerReacted }").await;
        assert_eq!(groups.data("node.reactions.0"), &json!({ "emoji": "👍", "count": 1, "viewerReacted": false }));
        for emoji in ["", "a b", "\u{200b}", &"x".repeat(51)] {
            alice.try_react(&sent.id, emoji).await.expect_code("VALIDATION_FAILED");
        }
    }

    /// CNV-029: unread is what came after the mark; the mark never goes back; one's own messages are read.
    async fn unread_counts_down(world) {
        let (alice, bob, _, id) = studio(world).await;
        let mut sent = Vec::new();
        for number in 0..4 {
            sent.push(alice.send(&id, &number.to_string()).await);
        }
        assert_eq!((alice.unread(&id).await, bob.unread(&id).await), (0, 4));
        bob.mark_read(&id, &sent[1]).await;
        assert_eq!(bob.unread(&id).await, 2);
        bob.mark_read(&id, &sent[0]).await;
        assert_eq!(bob.unread(&id).await, 2);
        bob.mark_read(&id, &sent[3]).await;
        assert_eq!(bob.unread(&id).await, 0);
        let read = message(&alice, &sent[3].id, "receipts { nodes { user { username } readAt } }").await;
        assert_eq!(read.list("node.receipts.nodes", "user.username"), [json!("bob")], "{read}");
        let elsewhere = alice.create_room("Other", "PRIVATE").await;
        let there = alice.send(&elsewhere, "there").await;
        // One answer, whether or not the other message may be known of.
        for person in [&alice, &bob] {
            person.try_mark_read(&id, &there.id).await.expect_code("VALIDATION_FAILED");
        }
    }

    /// CNV-001: the most recently active first, by kind, name and standing.
    async fn conversations_are_listed(world) {
        let (alice, bob) = (world.person("alice").await, world.person("bob").await);
        let mut ids = Vec::new();
        for name in ["Attic", "Barn", "Cellar"] {
            world.advance(TimeDelta::seconds(1));
            ids.push(alice.create_room(name, "PRIVATE").await);
        }
        world.advance(TimeDelta::seconds(1));
        alice.open_direct(&bob).await;
        world.advance(TimeDelta::seconds(1));
        alice.send(&ids[0], "busy").await;
        bob.create_room("Hall", "PUBLIC").await;
        let query = "query($kind: ConversationKind, $search: String, $first: Int, $after: String) {
            conversations(kind: $kind, search: $search, first: $first, after: $after) {
                totalCount nodes { name otherUser { username } lastMessage { content } } pageInfo { hasNextPage endCursor }
            }
        }";
        let rooms = alice.ask(query, json!({ "kind": "ROOM", "search": null, "first": 10, "after": null })).await;
        let names = rooms.list("conversations.nodes", "name");
        let mine: Vec<_> = names.iter().filter(|name| *name != "Hall").collect();
        assert_eq!(mine, [&json!("Attic"), &json!("Cellar"), &json!("Barn")], "{rooms}");
        let direct = alice.ask(query, json!({ "kind": "DIRECT", "search": null, "first": 10, "after": null })).await;
        assert_eq!(direct.list("conversations.nodes", "otherUser.username"), [json!("bob")]);
        let found = alice.ask(query, json!({ "kind": null, "search": "EL", "first": 10, "after": null })).await;
        assert_eq!((found.list("conversations.nodes", "name"), found.number("conversations.totalCount")), (vec![json!("Cellar")], 1));
        let (mut all, mut after) = (0, Value::Null);
        loop {
            let page = alice.ask(query, json!({ "kind": null, "search": null, "first": 2, "after": after })).await;
            all += page.list("conversations.nodes", "name").len() as i64;
            after = page.data("conversations.pageInfo.endCursor").clone();
            if page.data("conversations.pageInfo.hasNextPage") == false {
                assert_eq!(all, page.number("conversations.totalCount"));
                break;
            }
        }
    }
}
