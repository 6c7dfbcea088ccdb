//! Who may come back, who opens a room, putting rooms aside, silence, presence, and the end of rooms (CNV-001 to CNV-014, PLT-055).

use chrono::{DateTime, TimeDelta, Utc};
use polyphony::domains::conversations::PurgeDeleted;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};

use super::conversations::{room, studio};
use crate::house::{Answer, Caller, Person, World, variable, within};

async fn archive(caller: &Caller, id: &str, archived: bool) -> Answer {
    let query = "mutation($input: SetConversationArchivedInput!) { setConversationArchived(input: $input) { conversation { isArchived version } } }";
    caller.ask(query, json!({ "input": { "conversationId": id, "archived": archived } })).await
}

async fn mute(caller: &Caller, id: &str, until: Option<DateTime<Utc>>) -> Answer {
    let query = "mutation($input: MuteConversationInput!) { muteConversation(input: $input) { conversation { viewerMembership { mutedUntil } } } }";
    caller.ask(query, json!({ "input": { "conversationId": id, "until": until } })).await
}

/// Who of the members is online, in the order of joining.
async fn online(caller: &Caller, id: &str) -> Vec<Value> {
    room(caller, id, "members { nodes { isOnline } }").await.list("conversation.members.nodes", "isOnline")
}

both! {
    /// CNV-011, CNV-012: who was shown out of a public room stays out until somebody brings them back.
    async fn who_was_shown_out_stays_out(world) {
        let (alice, bob, carol) = (world.person("alice").await, world.person("bob").await, world.person("carol").await);
        let id = alice.create_room("Hall", "PUBLIC").await;
        bob.join(&id).await;
        carol.join(&id).await;
        alice.try_update_member(&id, &carol, "MODERATOR").await.ok();
        alice.remove_member(&id, &bob).await;
        let before = world.dump().await;
        for _ in 0..2 {
            bob.try_join(&id).await.expect_code("PERMISSION_DENIED");
        }
        bob.try_add_member(&id, &bob, "MEMBER").await.expect_code("PERMISSION_DENIED");
        world.dump().await.assert_unchanged(&before, "somebody who was shown out");
        // Nobody else is kept out by it, and a moderator brings them back.
        world.person("dave").await.join(&id).await;
        carol.add_member(&id, &bob, "MEMBER").await;
        bob.leave(&id).await;
        bob.join(&id).await;
        assert_eq!(room(&bob, &id, "viewerRole").await.text("conversation.viewerRole"), "MEMBER");
    }

    /// CNV-004: what was said in private is opened to strangers by an owner only; moderators may close a room.
    async fn only_an_owner_opens_a_room(world) {
        let (alice, bob, eve, id) = studio(world).await;
        alice.try_update_member(&id, &bob, "MODERATOR").await.ok();
        let change = |visibility: &str| json!({ "conversationId": id, "visibility": visibility });
        bob.try_update_conversation(change("PUBLIC")).await.expect_code("PERMISSION_DENIED");
        room(&eve, &id, "name").await.expect_code("ROOM_NOT_FOUND");
        alice.try_update_conversation(change("PUBLIC")).await.ok();
        bob.try_update_conversation(change("PUBLIC")).await.ok();
        bob.try_update_conversation(change("PRIVATE")).await.ok();
        bob.try_update_conversation(change("PUBLIC")).await.expect_code("PERMISSION_DENIED");
    }

    /// CNV-007: an archived room is read and left, and nothing is added to it.
    async fn nothing_is_added_to_an_archived_room(world) {
        let (alice, bob, eve) = (world.person("alice").await, world.person("bob").await, world.person("eve").await);
        let id = alice.create_room("Hall", "PUBLIC").await;
        bob.join(&id).await;
        alice.try_update_member(&id, &bob, "MODERATOR").await.ok();
        let sent = bob.send(&id, "hello").await;
        archive(&bob, &id, true).await.expect_code("PERMISSION_DENIED");
        archive(&eve, &id, true).await.expect_code("PERMISSION_DENIED");
        let version = room(&alice, &id, "version").await.number("conversation.version");
        for _ in 0..2 {
            let archived = archive(&alice, &id, true).await;
            let expected = json!({ "isArchived": true, "version": version + 1 });
            assert_eq!(archived.data("setConversationArchived.conversation"), &expected);
        }
        let before = world.dump().await;
        for refused in [
            bob.try_send(&id, "more").await,
            bob.try_edit(&sent.id, "more").await,
            bob.try_react(&sent.id, "👍").await,
            bob.try_pin(&sent.id, true).await,
            bob.try_type(&id, true).await,
            bob.try_add_member(&id, &eve, "MEMBER").await,
            eve.try_join(&id).await,
        ] {
            refused.expect_code("BUSINESS_RULE_VIOLATION");
        }
        world.dump().await.assert_unchanged(&before, "what an archived room refuses");
        alice.mark_read(&id, &sent).await;
        assert_eq!(alice.messages(&id).await.len(), 1);
        let listed = async |person: &Person, arguments: &str| {
            let query = format!("{{ conversations{arguments} {{ totalCount nodes {{ name }} }} }}");
            person.ask(&query, json!({})).await.list("conversations.nodes", "name")
        };
        assert!(listed(&bob, "").await.is_empty() && listed(&eve, "(filter: PUBLIC)").await.is_empty());
        assert_eq!(listed(&bob, "(archived: true)").await, [json!("Hall")]);
        archive(&alice, &id, false).await.ok();
        bob.send(&id, "back").await;
        assert_eq!(listed(&bob, "").await, [json!("Hall")]);
        let direct = alice.open_direct(&bob).await;
        archive(&alice, &direct, true).await.expect_code("BUSINESS_RULE_VIOLATION");
    }

    /// CNV-014: a member silences a conversation for themselves, until then or no longer.
    async fn a_member_silences_a_conversation(world) {
        let (alice, bob, eve, id) = studio(world).await;
        let until = world.now() + TimeDelta::hours(8);
        let muted = async |person: &Person| {
            let answer = room(person, &id, "viewerMembership { role mutedUntil } members { nodes { userId mutedUntil } }").await;
            let own = answer.data("conversation.viewerMembership.mutedUntil").clone();
            (own, answer.list("conversation.members.nodes", "mutedUntil"))
        };
        mute(&eve, &id, Some(until)).await.expect_code("ROOM_NOT_FOUND");
        mute(&bob, &id, Some(world.now())).await.expect_code("VALIDATION_FAILED").expect_field("input.until");
        let answer = mute(&bob, &id, Some(until)).await;
        let told = answer.text("muteConversation.conversation.viewerMembership.mutedUntil");
        assert_eq!(told.parse::<DateTime<Utc>>().unwrap(), until);
        assert_eq!(muted(&bob).await.0, json!(told));
        // It is bob's own affair.
        assert_eq!(muted(&alice).await, (Value::Null, vec![Value::Null, Value::Null]));
        mute(&bob, &id, None).await.ok();
        assert_eq!(muted(&bob).await.0, Value::Null);
        mute(&bob, &id, Some(world.now() + TimeDelta::minutes(5))).await.ok();
        world.advance(TimeDelta::minutes(6));
        assert_eq!(muted(&bob).await.0, Value::Null);
    }

    /// "Bad input": unknown ids, ids of another kind, nobody signed in; nothing changes.
    async fn bad_input_to_a_room_changes_nothing(world) {
        let (alice, bob, _, id) = studio(world).await;
        let sent = alice.send(&id, "hello").await;
        let direct = alice.open_direct(&bob).await;
        let tomorrow = Some(world.now() + TimeDelta::days(1));
        let before = world.dump().await;
        for (unknown, code) in [("conversation_00000000000000000000000000", "ROOM_NOT_FOUND"), (&*sent.id, "VALIDATION_FAILED"), ("x", "VALIDATION_FAILED")] {
            archive(&alice, unknown, true).await.expect_code(code);
            mute(&alice, unknown, tomorrow).await.expect_code(code);
        }
        archive(&world.anonymous(), &id, true).await.expect_code("UNAUTHENTICATED");
        mute(&world.anonymous(), &id, tomorrow).await.expect_code("UNAUTHENTICATED");
        alice.try_update_conversation(json!({ "conversationId": direct, "visibility": "PUBLIC" })).await.expect_code("BUSINESS_RULE_VIOLATION");
        world.dump().await.assert_unchanged(&before, "bad input");
        // A direct conversation can be silenced like any other.
        mute(&alice, &direct, tomorrow).await.ok();
    }

    /// CNV-007, PLT-052: what a front end keeps with a room is for its members, and changes under its version.
    async fn a_room_keeps_metadata(world) {
        let (alice, bob, eve) = (world.person("alice").await, world.person("bob").await, world.person("eve").await);
        let input = json!({ "name": "Hall", "visibility": "PUBLIC", "memberIds": [bob.id], "metadata": { "colour": "red" } });
        let id = alice.try_create_conversation(input).await.text("createConversation.conversation.id");
        assert_eq!(room(&bob, &id, "metadata").await.data("conversation.metadata"), &json!({ "colour": "red" }));
        for metadata in [json!([1]), json!("red"), json!({ "padding": "x".repeat(5000) })] {
            alice.try_update_conversation(json!({ "conversationId": id, "metadata": metadata })).await.expect_code("VALIDATION_FAILED");
        }
        let changed = alice.try_update_conversation(json!({ "conversationId": id, "metadata": { "icon": 7 } })).await;
        assert_eq!(changed.number("updateConversation.conversation.version"), 2);
        assert_eq!(room(&bob, &id, "metadata").await.data("conversation.metadata"), &json!({ "icon": 7 }));
        room(&eve, &id, "metadata").await.expect_code("PERMISSION_DENIED");
    }

    /// CNV-012: from the door one sees the card of a public room, as its description says, and a refusal leaves the rest as it is.
    async fn the_card_of_a_public_room(world) {
        let (alice, eve) = (world.person("alice").await, world.person("eve").await);
        let id = alice.create_room("Hall", "PUBLIC").await;
        alice.send(&id, "inside only").await;
        let card = "id kind name description visibility maxMembers memberCount messageCount lastActivityAt owner { username } isArchived version createdAt";
        let seen = room(&eve, &id, &format!("{card} viewerRole viewerMembership {{ role }} isBlocked")).await;
        assert_eq!((seen.text("conversation.owner.username"), seen.number("conversation.messageCount")), ("alice".into(), 1));
        assert_eq!(seen.data("conversation.viewerMembership"), &Value::Null);
        for field in ["unreadCount", "lastMessage { content }", "members { totalCount }", "messages { totalCount }", "metadata"] {
            let answer = room(&eve, &id, &format!("name {field}")).await;
            answer.expect_code("PERMISSION_DENIED");
            assert_eq!(answer.body["data"]["conversation"]["name"], "Hall", "{answer}");
        }
        let listed = world.anonymous().ask("{ __typename conversations { totalCount } }", json!({})).await;
        assert_eq!(listed.body["data"], json!({ "__typename": "Query", "conversations": null }), "{listed}");
    }

    /// CNV-001: a list never sees its newest conversation sink, also when a clock is behind.
    async fn activity_never_goes_back(world) {
        let (alice, _, _, id) = studio(world).await;
        world.advance(TimeDelta::seconds(30));
        alice.send(&id, "one").await;
        let active = room(&alice, &id, "lastActivityAt").await.text("conversation.lastActivityAt");
        world.advance(TimeDelta::seconds(-20));
        alice.send(&id, "two").await;
        assert_eq!(room(&alice, &id, "lastActivityAt").await.text("conversation.lastActivityAt"), active);
    }

    /// CNV-008: members see who of them is here, and since when not.
    async fn members_see_who_is_here(world) {
        let (alice, bob, _, id) = studio(world).await;
        bob.me().await;
        assert_eq!(online(&alice, &id).await, [json!(true), json!(true)]);
        let seen = world.now();
        world.advance(TimeDelta::seconds(61));
        assert_eq!(online(&alice, &id).await, [json!(true), json!(false)]);
        let answer = room(&alice, &id, "members { nodes { lastSeenAt } }").await;
        let last = answer.text("conversation.members.nodes.1.lastSeenAt").parse::<DateTime<Utc>>().unwrap();
        assert!((TimeDelta::zero()..TimeDelta::seconds(20)).contains(&(seen - last)), "{last} is not {seen}");
        // Between people of whom one has blocked the other nothing shows, either way.
        bob.block(&alice).await;
        assert_eq!(online(&alice, &id).await, [json!(true), json!(false)]);
        assert_eq!(online(&bob, &id).await, [json!(false), json!(true)]);
        assert_eq!(room(&alice, &id, "members { nodes { lastSeenAt } }").await.data("conversation.members.nodes.1.lastSeenAt"), &Value::Null);
    }

    /// CNV-008: whoever follows something is here for as long as they do.
    async fn who_listens_is_here(world) {
        let (alice, bob, _, id) = studio(world).await;
        let quick = world.instance(|config| config.limits.presence_beat = std::time::Duration::from_millis(20)).await;
        let (alice, bob) = (alice.at(&quick), bob.at(&quick));
        let listening = bob.listen(&id, None).await;
        within("bob to be here", async { while online(&alice, &id).await[1] != true {} }).await;
        world.advance(TimeDelta::minutes(10));
        within("bob to be here still", async { while online(&alice, &id).await[1] != true {} }).await;
        drop(listening);
        within("bob to be gone", async {
            while online(&alice, &id).await[1] != false {
                world.advance(TimeDelta::seconds(61));
            }
        })
        .await;
    }

    /// CNV-008: members with one role, page by page, each list with cursors and a count of its own.
    async fn members_are_listed_by_role(world) {
        let alice = world.person("alice").await;
        let id = alice.create_room("Hall", "PUBLIC").await;
        for (name, role) in [("bob", "MEMBER"), ("carol", "MODERATOR"), ("dave", "MEMBER"), ("erin", "OWNER"), ("frank", "MEMBER")] {
            world.advance(TimeDelta::seconds(1));
            let person = world.person(name).await;
            alice.add_member(&id, &person, role).await;
        }
        let list = async |arguments: &str| {
            let selection = format!(
                "members({arguments}) {{ totalCount nodes {{ role user {{ username }} }} pageInfo {{ hasNextPage startCursor endCursor }} }}"
            );
            room(&alice, &id, &selection).await
        };
        for (role, names) in [("OWNER", vec!["alice", "erin"]), ("MODERATOR", vec!["carol"]), ("MEMBER", vec!["bob", "dave", "frank"])] {
            let answer = list(&format!("role: {role}")).await;
            let expected: Vec<_> = names.iter().map(|name| json!({ "role": role, "user": { "username": name } })).collect();
            assert_eq!(answer.data("conversation.members.nodes"), &json!(expected));
            assert_eq!(answer.number("conversation.members.totalCount"), i64::try_from(names.len()).unwrap());
        }
        let names = |answer: &Answer| answer.list("conversation.members.nodes", "user.username");
        assert_eq!(names(&list("role: null").await).len(), 6);
        let first = list("role: MEMBER, first: 2").await;
        assert_eq!((names(&first), first.data("conversation.members.pageInfo.hasNextPage")), (vec![json!("bob"), json!("dave")], &json!(true)));
        let cursor = first.data("conversation.members.pageInfo.endCursor").clone();
        let next = list(&format!("role: MEMBER, first: 2, after: {cursor}")).await;
        assert_eq!((names(&next), next.data("conversation.members.pageInfo.hasNextPage")), (vec![json!("frank")], &json!(false)));
        let before = format!("role: MEMBER, last: 1, before: {}", next.data("conversation.members.pageInfo.startCursor"));
        assert_eq!(names(&list(&before).await), [json!("dave")]);
        list(&format!("role: OWNER, after: {cursor}")).await.expect_code("VALIDATION_FAILED").expect_field("after");
        // A role is of the list that is asked for: beside each other, and for several rooms at once.
        let both = "{ conversations(first: 5) { nodes { owners: members(role: OWNER) { totalCount nodes { user { username } } } others: members(role: MEMBER, first: 1) { totalCount nodes { user { username } } } } } }";
        let answer = alice.ask(both, json!({})).await;
        assert_eq!(answer.number("conversations.nodes.0.owners.totalCount"), 2);
        assert_eq!(answer.data("conversations.nodes.0.others"), &json!({ "totalCount": 3, "nodes": [{ "user": { "username": "bob" } }] }));
    }

    /// CNV-001: a name is found in any case and width of letters, of any alphabet, and after a change by its new name alone.
    async fn rooms_are_found_by_name(world) {
        let (alice, bob) = (world.person("alice").await, world.person("bob").await);
        let id = alice.create_room("École ÄRGER", "PUBLIC").await;
        world.advance(TimeDelta::seconds(1));
        alice.create_room("ΣΊΣΥΦΟΣ 100%", "PRIVATE").await;
        alice.open_direct(&bob).await;
        let found = async |person: &Person, filter: &str, search: &str| {
            let query = "query($filter: ConversationFilter, $search: String) { conversations(filter: $filter, search: $search) { totalCount nodes { name } } }";
            let answer = person.ask(query, json!({ "filter": filter, "search": search })).await;
            let names = answer.list("conversations.nodes", "name");
            assert_eq!(answer.number("conversations.totalCount"), i64::try_from(names.len()).unwrap());
            names
        };
        for search in ["éCOLE", "e\u{301}cole", "ärg", "ÉCOLE Ärger", "ｅ ä", " R "] {
            for (person, filter) in [(&bob, "PUBLIC"), (&alice, "JOINED")] {
                assert_eq!(found(person, filter, search).await, [json!("École ÄRGER")], "{search}");
            }
        }
        assert_eq!(found(&alice, "JOINED", "σίσ").await, [json!("ΣΊΣΥΦΟΣ 100%")]);
        assert_eq!(found(&alice, "PRIVATE", "0%").await, [json!("ΣΊΣΥΦΟΣ 100%")]);
        for nothing in ["ecole", "École_", "%e", "\\"] {
            assert_eq!(found(&alice, "JOINED", nothing).await, [Value::Null; 0], "{nothing}");
        }
        assert_eq!(found(&bob, "PUBLIC", "σίσ").await, [Value::Null; 0]);
        // Folded, this name is eighteen times as long.
        let long = "\u{fdfa}".repeat(255);
        alice.try_update_conversation(json!({ "conversationId": id, "name": long })).await.ok();
        assert_eq!(found(&bob, "PUBLIC", "école").await, [Value::Null; 0]);
        assert_eq!(found(&bob, "PUBLIC", "\u{fdfa}").await, [json!(long)]);
        alice.try_update_conversation(json!({ "conversationId": id, "description": "a school" })).await.ok();
        assert_eq!(found(&bob, "PUBLIC", "\u{fdfa}").await, [json!(long)]);
    }

    /// CNV-005, PLT-055: what was deleted long ago is cleared away with everything that hung on it, and nothing else.
    async fn deleted_rooms_are_cleared_away(world) {
        let (alice, bob, eve, id) = studio(world).await;
        let kept = bob.create_room_with("Kept", &[&alice]).await;
        let talk = async |room: &str, messages: usize| {
            let first = alice.send(room, "first").await;
            alice.try_edit(&first.id, "changed").await.ok();
            bob.reply(room, &first, "reply").await;
            bob.react(&first, "👍").await;
            bob.mark_read(room, &first).await;
            for number in 0..messages {
                alice.send(room, &number.to_string()).await;
            }
        };
        talk(&kept, 1).await;
        let before = world.dump().await;
        // More than is cleared away at once.
        talk(&id, 210).await;
        alice.add_member(&id, &eve, "MEMBER").await;
        alice.remove_member(&id, &eve).await;
        alice.try_delete_conversation(&id).await.ok();
        // As the timer does it.
        let purge = async || {
            world.platform().write(async |tx| tx.enqueue(&PurgeDeleted {})).await.unwrap();
            world.run_jobs().await;
        };
        world.advance(TimeDelta::days(29));
        purge().await;
        assert!(world.dump().await.count("messages") > 210);
        world.advance(TimeDelta::days(2));
        purge().await;
        let after = world.dump().await;
        for table in ["messages", "message_edits", "message_reactions", "conversation_receipts"] {
            assert_eq!(after.count(table), before.count(table), "{table}");
            assert!(after.count(table) > 0, "{table}");
        }
        assert_eq!((after.count("conversations"), after.count("conversation_members"), after.count("conversation_bans")), (1, 2, 0));
        // Again is harmless.
        purge().await;
        world.dump().await.assert_unchanged(&after, "a second clearing");
        let alice = alice.sign_in().await;
        assert_eq!(alice.messages(&kept).await.len(), 2);
    }
}

/// Asks until PostgreSQL says that it took the index of public rooms for it.
async fn index_serves(world: &World, query: &str) {
    let alice = world.person("alice").await;
    let rooms = "INSERT INTO conversations (id, kind, name, name_key, visibility, last_activity_at, created_at, updated_at) \
                 SELECT gen_random_uuid(), 'ROOM', 'Hall ' || n, 'hall ' || n, CASE n % 2 WHEN 0 THEN 'PUBLIC' ELSE 'PRIVATE' END, \
                 now() - n * interval '1 minute', now(), now() FROM generate_series(1, 20000) AS n";
    world.by_hand(rooms).await;
    world.by_hand("ANALYZE conversations").await;
    let used = "SELECT idx_scan > 0 FROM pg_stat_user_indexes WHERE indexrelname = 'idx_conversations_public'";
    let reset = "SELECT pg_stat_reset()";
    world.by_hand(reset).await;
    within("PostgreSQL to say that the index was used", async {
        loop {
            assert_eq!(alice.ask(query, json!({})).await.list("conversations.nodes", "name").len(), 50);
            let statement = Statement::from_string(DbBackend::Postgres, used);
            let row = world.platform().database.read().query_one_raw(statement).await.unwrap().unwrap();
            if row.try_get_by_index(0).unwrap() {
                break;
            }
        }
    })
    .await;
}

on_postgres! {
    /// CNV-001: public rooms are listed in the order of an index. (What SQLite reads, a test beside the statement has explained.)
    async fn public_rooms_have_an_index(world) {
        index_serves(world, "{ conversations(filter: PUBLIC) { nodes { name } } }").await;
    }

    /// CNV-001: and so are those a search finds.
    async fn a_search_for_public_rooms_has_an_index(world) {
        index_serves(world, "{ conversations(filter: PUBLIC, search: \"HALL 1\") { nodes { name } } }").await;
    }

    /// CNV-008, PLT-015: with Redis, every instance knows who is here.
    async fn presence_crosses_instances(world) {
        let Some(redis) = variable("POLYPHONY_TEST_REDIS") else { return crate::house::skip("Redis") };
        let (alice, bob, _, id) = studio(world).await;
        let with_redis = async || world.instance(|config| config.cache.redis_url = Some(redis.clone())).await;
        let (one, other) = (with_redis().await, with_redis().await);
        let (alice, bob) = (alice.at(&one), bob.at(&other));
        bob.me().await;
        within("bob to be seen from the other server", async { while online(&alice, &id).await[1] != true {} }).await;
    }
}
