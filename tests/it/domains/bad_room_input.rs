//! "Bad input" of conversations: each wrong value has a stable code and a field, nothing changes, and nothing internal leaks.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::bad_people_input::Case;
use crate::house::{Person, World};

/// Every mutation about conversations and messages, as Alice would send it in a private room of hers and Bob's.
async fn cases(world: &World, alice: &Person, bob: &Person, room: &str) -> Vec<Case> {
    let message = bob.send(room, "hello").await.id;
    alice.react(&alice.send(room, "hello yourself").await, "👍").await;
    let tomorrow = (world.now() + chrono::TimeDelta::days(1)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let case = |query, right: Value| Case { query, right, by: alice.with_token(alice.token.as_deref()) };
    let of = |also: Value| {
        let mut input = json!({ "conversationId": room });
        input.as_object_mut().unwrap().extend(also.as_object().unwrap().clone());
        input
    };
    vec![
        case(
            "mutation($input: CreateConversationInput!) { createConversation(input: $input) { conversation { id } } }",
            json!({
                "kind": "ROOM", "name": "x", "description": "x", "visibility": "PRIVATE", "maxMembers": 9, "memberIds": [bob.id],
                "metadata": {},
            }),
        ),
        case(
            "mutation($input: OpenDirectConversationInput!) { openDirectConversation(input: $input) { conversation { id } } }",
            json!({ "userId": bob.id }),
        ),
        case(
            "mutation($input: UpdateConversationInput!) { updateConversation(input: $input) { conversation { id } } }",
            of(json!({
                "name": "x", "description": "x", "visibility": "PUBLIC", "maxMembers": 9, "metadata": {}, "expectedVersion": 1,
            })),
        ),
        case(
            "mutation($input: SetConversationArchivedInput!) { setConversationArchived(input: $input) { conversation { id } } }",
            of(json!({ "archived": true })),
        ),
        case(
            "mutation($input: MuteConversationInput!) { muteConversation(input: $input) { conversation { id } } }",
            of(json!({ "until": tomorrow })),
        ),
        case(
            "mutation($input: DeleteConversationInput!) { deleteConversation(input: $input) { conversationId } }",
            of(json!({})),
        ),
        case(
            "mutation($input: JoinConversationInput!) { joinConversation(input: $input) { conversation { id } } }",
            of(json!({})),
        ),
        case(
            "mutation($input: LeaveConversationInput!) { leaveConversation(input: $input) { conversation { id } } }",
            of(json!({})),
        ),
        case(
            "mutation($input: AddConversationMemberInput!) { addConversationMember(input: $input) { member { role } } }",
            of(json!({ "userId": bob.id, "role": "MEMBER" })),
        ),
        case(
            "mutation($input: UpdateConversationMemberInput!) { updateConversationMember(input: $input) { member { role } } }",
            of(json!({ "userId": bob.id, "role": "MODERATOR" })),
        ),
        case(
            "mutation($input: RemoveConversationMemberInput!) { removeConversationMember(input: $input) { conversation { id } } }",
            of(json!({ "userId": bob.id })),
        ),
        case(
            "mutation($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }",
            of(json!({ "content": "x", "replyToId": message, "clientId": "x", "metadata": {} })),
        ),
        case(
            "mutation($input: EditMessageInput!) { editMessage(input: $input) { message { id } } }",
            json!({ "messageId": message, "content": "x", "reason": "x", "expectedVersion": 1 }),
        ),
        case(
            "mutation($input: DeleteMessageInput!) { deleteMessage(input: $input) { message { id } } }",
            json!({ "messageId": message, "reason": "x" }),
        ),
        case(
            "mutation($input: SetMessagePinnedInput!) { setMessagePinned(input: $input) { message { id } } }",
            json!({ "messageId": message, "pinned": true }),
        ),
        case(
            "mutation($input: AddReactionInput!) { addReaction(input: $input) { message { id } } }",
            json!({ "messageId": message, "emoji": "x" }),
        ),
        case(
            "mutation($input: RemoveReactionInput!) { removeReaction(input: $input) { message { id } } }",
            json!({ "messageId": message, "emoji": "👍" }),
        ),
        case(
            "mutation($input: MarkConversationReadInput!) { markConversationRead(input: $input) { conversation { id } } }",
            of(json!({ "upToMessageId": message })),
        ),
        case(
            "mutation($input: MarkMessagesDeliveredInput!) { markMessagesDelivered(input: $input) { conversation { id } } }",
            of(json!({ "upToMessageId": message })),
        ),
        case(
            "mutation($input: SetTypingInput!) { setTyping(input: $input) { typing } }",
            of(json!({ "typing": true })),
        ),
    ]
}

/// Alice's private room with Bob in it.
async fn room(world: &World) -> (Person, Person, String) {
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    let room = alice.create_room("Studio", "PRIVATE").await;
    alice.add_member(&room, &bob, "MEMBER").await;
    world.run_jobs().await;
    (alice, bob, room)
}

/// The code for a conversation or message that the viewer cannot see; `None` for what makes a new one.
fn hidden(case: &Case) -> Option<&'static str> {
    match (case.right.get("conversationId"), case.right.get("messageId")) {
        (Some(_), _) => Some("ROOM_NOT_FOUND"),
        (None, Some(_)) => Some("NOT_FOUND"),
        (None, None) => None,
    }
}

both! {
    /// Every field of every mutation about conversations, with what no database should see.
    async fn no_field_breaks_a_room(world) {
        let (alice, bob, id) = room(world).await;
        let cases = cases(world, &alice, &bob, &id).await;
        let before = world.dump().await;
        for case in cases {
            case.spoil_every_field(&["MESSAGE_TOO_LONG"]).await;
        }
        world.dump().await.assert_unchanged(&before, "bad input");
    }

    /// Ids of nothing and of another kind; and what is somebody else's, or gone, is not there.
    async fn no_id_reaches_into_a_room(world) {
        let (alice, bob, id) = room(world).await;
        let eve = world.person("eve").await;
        world.run_jobs().await;
        let cases = cases(world, &alice, &bob, &id).await;
        let before = world.dump().await;
        for case in &cases {
            for (field, right) in case.right.as_object().unwrap().iter().filter(|(field, _)| field.ends_with("Id") && *field != "clientId") {
                let kind = right.as_str().unwrap().split('_').next().unwrap();
                let code = match field.as_str() {
                    "conversationId" => "ROOM_NOT_FOUND",
                    "messageId" | "userId" => "NOT_FOUND",
                    _ => "VALIDATION_FAILED",
                };
                let unknown = json!(format!("{kind}_00000000000000000000000000"));
                case.by.ask(case.query, case.with(field, unknown)).await.expect_code(code);
                for other in [&*alice.id, &id, &alice.session, "1", ""].into_iter().filter(|id| !id.starts_with(&format!("{kind}_"))) {
                    let answer = case.by.ask(case.query, case.with(field, json!(other))).await;
                    answer.expect_code("VALIDATION_FAILED").expect_field(&format!("input.{field}"));
                }
            }
            let right = json!({ "input": case.right });
            world.anonymous().ask(case.query, right.clone()).await.expect_code("UNAUTHENTICATED");
            if let Some(code) = hidden(case) {
                eve.ask(case.query, right).await.expect_code(code);
            }
        }
        world.dump().await.assert_unchanged(&before, "ids of nothing");
        alice.try_delete_conversation(&id).await.ok();
        world.run_jobs().await;
        let before = world.dump().await;
        for (case, code) in cases.iter().filter_map(|case| Some((case, hidden(case)?))) {
            alice.ask(case.query, json!({ "input": case.right })).await.expect_code(code);
        }
        world.dump().await.assert_unchanged(&before, "a room that is gone");
    }

    /// Cursors somebody made up, of the lists about conversations: of another shape, and of times no calendar has.
    async fn no_cursor_breaks_a_list(world) {
        let (alice, bob, id) = room(world).await;
        let sent = bob.send(&id, "hello").await;
        alice.mark_read(&id, &sent).await;
        alice.react(&sent, "👍").await;
        for (list, path) in [
            ("conversations(ARGS) { pageInfo { endCursor } }", "conversations"),
            ("conversation(id: $room) { members(ARGS) { pageInfo { endCursor } } }", "conversation.members"),
            ("conversation(id: $room) { messages(ARGS) { pageInfo { endCursor } } }", "conversation.messages"),
            ("node(id: $message) { ... on Message { receipts(ARGS) { pageInfo { endCursor } } } }", "node.receipts"),
            ("node(id: $message) { ... on Message { reactions { people(ARGS) { pageInfo { endCursor } } } } }", "node.reactions.0.people"),
        ] {
            let ask = async |arguments: &str| {
                let list = list.replace("ARGS", arguments);
                let uses = [("$room", &id), ("$message", &sent.id)].into_iter().fold(list, |list, (name, id)| list.replace(name, &format!("{id:?}")));
                alice.ask(&format!("{{ {uses} }}"), json!({})).await
            };
            let cursor = ask("first: 1").await.text(&format!("{path}.pageInfo.endCursor"));
            ask(&format!("first: 1, after: {cursor:?}")).await.ok();
            let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).unwrap()).unwrap();
            let scope = text.splitn(3, ':').take(2).collect::<Vec<_>>().join(":");
            let long_ago = |year: &str| format!(r#"["{year}-01-01T00:00:00Z","{}"]"#, bob.id);
            for key in [r#""a\u0000b""#, "null", "", "[]", "[null,null]", "1e99", &long_ago("-262143"), &long_ago("+262142")] {
                let forged = URL_SAFE_NO_PAD.encode(format!("{scope}:{key}"));
                for (field, count) in [("after", "first"), ("before", "last")] {
                    let answer = ask(&format!("{count}: 1, {field}: {forged:?}")).await;
                    answer.expect_code("VALIDATION_FAILED").expect_field(field);
                }
            }
        }
    }
}
