//! PLT-046: what the older systems promised their clients, replayed through the one endpoint: sign-in right and wrong, lists, messages,
//! forbidden access. Each test names the calls of those systems that it stands for. The assistant's examples (memory across two
//! questions, file context, exceeded quota) come with the assistant.

use chrono::{DateTime, TimeDelta};
use reqwest::Method;
use serde_json::json;

use crate::house::PASSWORD;

const SIGN_UP: &str = "mutation($input: SignUpInput!) { signUp(input: $input) { user { id username displayName } accessToken refreshToken expiresIn } }";
const SIGN_IN: &str = "mutation($login: String!, $password: String!) {
    signIn(input: { login: $login, password: $password }) { user { id username } session { id } accessToken refreshToken expiresIn }
}";

both! {
    /// `POST /auth/register`, `POST /auth/login`, `GET /auth/me`, `POST /auth/refresh`, `POST /auth/logout`: the way of a client from
    /// nothing to nothing.
    async fn a_sign_in_that_is_right(world) {
        let nobody = world.anonymous();
        let input = json!({ "username": "john_doe", "email": "john@example.com", "password": PASSWORD, "displayName": "John Doe" });
        let made = nobody.ask(SIGN_UP, json!({ "input": input })).await;
        assert_eq!(made.text("signUp.user.displayName"), "John Doe");
        // Name or address, one field.
        for login in ["john_doe", "john@example.com"] {
            let answer = nobody.ask(SIGN_IN, json!({ "login": login, "password": PASSWORD })).await;
            assert_eq!(answer.data("signIn.user.id"), made.data("signUp.user.id"));
            assert_eq!(answer.number("signIn.expiresIn"), 15 * 60);
        }
        let answer = nobody.ask(SIGN_IN, json!({ "login": "john_doe", "password": PASSWORD })).await;
        let john = nobody.with_token(Some(&answer.text("signIn.accessToken")));
        let me = john.ask("{ me { id email sessions(first: 10) { nodes { isCurrent } } } }", json!({})).await;
        assert_eq!((me.text("me.email").as_str(), me.data("me.id")), ("john@example.com", made.data("signUp.user.id")));
        let fresh = nobody.try_refresh(&answer.text("signIn.refreshToken")).await;
        let john = nobody.with_token(Some(&fresh.text("refreshSession.accessToken")));
        assert!(!john.ask("{ me { id } }", json!({})).await.data("me").is_null());
        let ended = john.ask("mutation { signOut(input: {}) { sessionsEnded } }", json!({})).await;
        assert_eq!(ended.number("signOut.sessionsEnded"), 1);
        john.ask("{ me { id } }", json!({})).await.expect_code("INVALID_TOKEN");
    }

    /// The same with what is wrong: no word in the answer tells which part of it was.
    async fn a_sign_in_that_is_wrong(world) {
        let alice = world.person("alice").await;
        let nobody = world.anonymous();
        let before = world.dump().await;
        let wrong = nobody.ask(SIGN_IN, json!({ "login": "alice", "password": "not-her-password" })).await;
        let unknown = nobody.ask(SIGN_IN, json!({ "login": "nobody-at-all", "password": PASSWORD })).await;
        for answer in [&wrong, &unknown] {
            answer.expect_code("INVALID_CREDENTIALS");
            assert_eq!(answer.body["errors"][0]["extensions"]["status"], 401);
            assert!(answer.body["errors"][0]["message"].is_string() && answer.body["data"].is_null(), "{answer}");
        }
        assert_eq!(wrong.body["errors"][0]["message"], unknown.body["errors"][0]["message"]);
        nobody.ask(SIGN_IN, json!({ "login": "alice" })).await.expect_code("VALIDATION_FAILED");
        // 409 of the register call, 401 of everything without a token or with one that is none.
        let again = json!({ "username": "alice", "email": "other@example.org", "password": PASSWORD, "displayName": "A" });
        nobody.ask(SIGN_UP, json!({ "input": again })).await.expect_code("RESOURCE_CONFLICT");
        nobody.ask("{ conversations { totalCount } }", json!({})).await.expect_code("UNAUTHENTICATED");
        nobody.with_token(Some("eyJhbGciOiJIUzI1NiJ9.e30.x")).ask("{ me { id } }", json!({})).await.expect_code("INVALID_TOKEN");
        world.dump().await.assert_unchanged(&before, "wrong sign-ins");
        assert!(!alice.id.is_empty());
    }

    /// `GET /users`, `GET /rooms`, `GET /rooms/{id}/members`, `GET /rooms/{id}/messages`: pages that meet without a gap, with the counts
    /// that `total`, `has_more` and `next_cursor` were for.
    async fn lists(world) {
        let alice = world.person("alice").await;
        let mut ids = Vec::new();
        for name in ["General", "Music", "Studio"] {
            ids.push(alice.create_room(name, "PUBLIC").await);
            world.advance(TimeDelta::seconds(1));
        }
        for name in ["bob", "carol", "dave"] {
            world.person(name).await.join(&ids[0]).await;
        }
        for number in 1..=7 {
            alice.send(&ids[0], &format!("message {number}")).await;
        }
        let people = alice.ask("{ users { totalCount nodes { username } } }", json!({})).await;
        assert_eq!(people.number("users.totalCount"), 4);
        // Most recently active first: what was said last moved the first room to the top.
        let rooms = alice.ask("{ conversations(kind: ROOM) { totalCount nodes { id memberCount messageCount } } }", json!({})).await;
        assert_eq!(rooms.list("conversations.nodes", "id"), [json!(ids[0]), json!(ids[2]), json!(ids[1])]);
        assert_eq!((rooms.number("conversations.nodes.0.memberCount"), rooms.number("conversations.nodes.0.messageCount")), (4, 7));
        let members = "query($id: ID!) { conversation(id: $id) { members { totalCount nodes { role joinedAt user { username } } } } }";
        let members = alice.ask(members, json!({ "id": ids[0] })).await;
        assert_eq!(members.list("conversation.members.nodes", "role").iter().filter(|role| *role == "OWNER").count(), 1);
        let pages = "query($id: ID!, $after: String) { conversation(id: $id) { messages(first: 3, after: $after) {
            totalCount nodes { content } pageInfo { hasNextPage endCursor }
        } } }";
        let (mut after, mut seen) = (serde_json::Value::Null, Vec::new());
        loop {
            let page = alice.ask(pages, json!({ "id": ids[0], "after": after })).await;
            assert_eq!(page.number("conversation.messages.totalCount"), 7);
            seen.extend(page.list("conversation.messages.nodes", "content"));
            after = page.data("conversation.messages.pageInfo.endCursor").clone();
            if page.data("conversation.messages.pageInfo.hasNextPage") == false {
                break;
            }
        }
        assert_eq!(seen, (1..=7).map(|number| json!(format!("message {number}"))).collect::<Vec<_>>());
        let far = "query($id: ID!) { conversation(id: $id) { messages(first: 101) { totalCount } } }";
        alice.ask(far, json!({ "id": ids[0] })).await.expect_code("VALIDATION_FAILED");
    }

    /// `POST /rooms/{id}/messages`, `PUT`, `DELETE` and `POST /pin`, `/reactions` of a message, and the socket's `new_message`.
    async fn messages(world) {
        let (alice, bob) = (world.person("alice").await, world.person("bob").await);
        let room = alice.create_room("General", "PUBLIC").await;
        bob.join(&room).await;
        let mut heard = bob.listen_from_now(&room).await;
        let sent = alice.send(&room, "Hello @bob, how are you?").await;
        assert_eq!(heard.next().await["messageEvents"]["message"]["content"], "Hello @bob, how are you?");
        let reply = bob.reply(&room, &sent, "Very well!").await;
        bob.react(&sent, "👍").await;
        alice.try_edit(&sent.id, "Hello @bob!").await.ok();
        alice.try_pin(&sent.id, true).await.ok();
        let query = "query($id: ID!) { node(id: $id) { ... on Message {
            content editCount isPinned createdAt mentions { username } reactions { emoji count } replies { nodes { content } }
        } } }";
        let found = bob.ask(query, json!({ "id": sent.id })).await;
        assert_eq!((found.text("node.content").as_str(), found.number("node.editCount")), ("Hello @bob!", 1));
        assert_eq!(found.data("node.isPinned"), &json!(true));
        assert_eq!(found.list("node.mentions", "username"), ["bob"]);
        assert_eq!(found.data("node.reactions.0.count"), &json!(1));
        assert_eq!(found.list("node.replies.nodes", "content"), ["Very well!"]);
        let time = found.text("node.createdAt");
        assert!(time.ends_with('Z') && DateTime::parse_from_rfc3339(&time).is_ok(), "{time}");
        bob.try_delete(&reply.id).await.ok();
        assert_eq!(bob.messages(&room).await.iter().filter(|message| message.content == "Very well!").count(), 0);
        let long = alice.try_send(&room, &"a".repeat(2001)).await;
        assert_eq!(long.expect_code("MESSAGE_TOO_LONG").body["errors"][0]["extensions"]["status"], 422);
    }

    /// 401, 403 and 404 of those systems: nothing is done, nothing hidden is told of.
    async fn forbidden_access(world) {
        let (alice, bob, mallory) = (world.person("alice").await, world.person("bob").await, world.person("mallory").await);
        let private = alice.create_room_with("Backstage", &[&bob]).await;
        let sent = alice.send(&private, "between us").await;
        let before = world.dump().await;
        // Hidden is not found, whoever asks and however.
        let query = "query($id: ID!) { conversation(id: $id) { name } }";
        let hidden = mallory.ask(query, json!({ "id": private })).await;
        assert!(hidden.body["data"]["conversation"].is_null(), "{hidden}");
        mallory.try_send(&private, "let me in").await.expect_code("ROOM_NOT_FOUND");
        mallory.try_join(&private).await.expect_code("ROOM_NOT_FOUND");
        mallory.try_edit(&sent.id, "mine now").await.expect_code("NOT_FOUND");
        // Seen, and not theirs.
        let denied = bob.try_edit(&sent.id, "mine now").await;
        assert_eq!(denied.expect_code("PERMISSION_DENIED").body["errors"][0]["extensions"]["status"], 403);
        bob.try_delete_conversation(&private).await.expect_code("PERMISSION_DENIED");
        bob.ask("{ adminJobs { totalCount } }", json!({})).await.expect_code("PERMISSION_DENIED");
        world.anonymous().try_send(&private, "hello?").await.expect_code("UNAUTHENTICATED");
        world.dump().await.assert_unchanged(&before, "forbidden calls");
        // The error form every one of them had, once.
        let extensions = &denied.body["errors"][0]["extensions"];
        assert!(DateTime::parse_from_rfc3339(extensions["timestamp"].as_str().unwrap()).is_ok(), "{denied}");
        assert_eq!(extensions["requestId"].as_str(), Some(denied.header("x-request-id")), "{denied}");
        let nowhere = world.anonymous();
        let nowhere = nowhere.send_request(nowhere.request(Method::GET, "/api/v1/rooms")).await;
        nowhere.expect_status(404).expect_code("NOT_FOUND");
    }
}
