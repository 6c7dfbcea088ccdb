//! What a client is told about inputs that are wrong, and where errors say they stand.

use serde_json::{Value, json};

use crate::house::{Answer, Frame};

/// The faults of the first error, as (field, message).
fn faults(answer: &Answer) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let faults = answer.body["errors"][0]["extensions"]["errors"].as_array().cloned().unwrap_or_default();
    faults.iter().map(|fault| (text(&fault["field"]), text(&fault["message"]))).collect()
}

once! {
    /// PLT-024, PLT-051: every fault at once, by its path, before anything runs.
    async fn wrong_inputs_are_named_by_their_paths(world) {
        let alice = world.person("alice").await;
        let before = world.dump().await;
        let change = "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) { user { id } } }";
        let wrong = json!({ "input": {
            "displayName": 7, "birthdate": "yesterday", "avatarUrl": "ftp://example.org", "email": "nobody",
            "isPublic": "yes", "expectedVersion": 2_147_483_648_i64, "shoeSize": 44, "username": null,
        } });
        let answer = alice.ask(change, wrong).await;
        answer.expect_code("VALIDATION_FAILED");
        assert!(answer.body.get("data").is_none(), "nothing ran\n{answer}");
        let fields: Vec<_> = faults(&answer).into_iter().map(|(field, _)| field).collect();
        let expected = ["avatarUrl", "birthdate", "displayName", "email", "expectedVersion", "isPublic", "shoeSize"];
        assert_eq!(fields, expected.map(|name| format!("input.{name}")), "{answer}");
        assert_eq!(answer.body["errors"][0]["locations"], json!([{ "line": 1, "column": 62 }]), "{answer}");
        world.dump().await.assert_unchanged(&before, "wrong inputs");
    }

    /// One fault is named twice over: in `errors` like any other, and in `field`. The words are ours.
    async fn one_fault_has_a_field_and_a_sentence(world) {
        let alice = world.person("alice").await;
        let room = alice.create_room("Room", "PUBLIC").await;
        let cases = [
            ("mutation { updateProfile(input: { birthdate: \"1990-13-01\" }) { user { id } } }", "input.birthdate"),
            ("mutation { updateProfile(input: { email: \"a@b\" }) { user { id } } }", "input.email"),
            ("mutation { signOut(input: { scope: NOBODY }) { sessionsEnded } }", "input.scope"),
            ("mutation { blockUser(input: {}) { user { id } } }", "input.userId"),
            ("mutation { blockUser(input: { userId: \"nonsense\" }) { user { id } } }", "input.userId"),
            ("mutation { blockUser(input: { userId: \"<room>\" }) { user { id } } }", "input.userId"),
            ("mutation { createConversation(input: { name: \"A\", memberIds: [\"<me>\", \"<room>\"] }) { conversation { id } } }", "input.memberIds.1"),
            // The same id in two places, right in one of them.
            ("mutation { removeConversationMember(input: { conversationId: \"<room>\", userId: \"<room>\" }) { conversation { id } } }", "input.userId"),
            ("{ users(first: \"ten\") { totalCount } }", "first"),
            ("{ users(orderBy: RANDOM) { totalCount } }", "orderBy"),
            ("{ users(first: 5.5) { totalCount } }", "first"),
            ("{ me { sessions(first: 99999999999) { totalCount } } }", "first"),
            ("{ node(id: \"nonsense\") { id } }", "id"),
            ("{ conversation(id: \"<me>\") { id } }", "id"),
            ("query($id: ID!) { conversation(id: $id) { id } }", "id"),
            ("query($yes: Boolean!) { me @include(if: $yes) { id } }", "$yes"),
            ("subscription { messageEvents(conversationId: \"<me>\") { cursor } }", "conversationId"),
        ];
        for (document, field) in cases {
            let document = document.replace("<room>", &room).replace("<me>", &alice.id);
            let error = match document.starts_with("subscription") {
                false => alice.ask(&document, json!({})).await.body["errors"][0].clone(),
                true => {
                    let mut running = alice.subscribe(&document, json!({})).await;
                    match running.frame().await {
                        Frame::Error(errors) => errors[0].clone(),
                        Frame::Next(payload) => payload["errors"][0].clone(),
                        frame => panic!("{document}: {frame:?}"),
                    }
                }
            };
            assert_eq!(error["extensions"]["code"], "VALIDATION_FAILED", "{document}\n{error}");
            assert_eq!(error["extensions"]["field"], field, "{document}\n{error}");
            assert_eq!(error["extensions"]["errors"][0]["field"], field, "{document}\n{error}");
            assert!(error["locations"][0]["line"].is_number(), "{document}\n{error}");
            let told = error["message"].as_str().unwrap_or_default();
            for noise in ["occurred while", "Failed to parse", "expected type", "Input"] {
                assert!(!told.contains(noise), "{noise:?} tells a client nothing\n{error}");
            }
        }
    }

    /// What is right stays right: a list of one, enums and ids as variables, defaults, null where null may be.
    async fn right_inputs_are_taken(world) {
        let alice = world.person("alice").await;
        let bob = world.person("bob").await;
        let create = "mutation($ids: [ID!], $kind: ConversationKind, $name: String!) {
            createConversation(input: { name: $name, memberIds: $ids, kind: $kind, visibility: null }) { conversation { visibility memberCount } }
        }";
        let made = alice.ask(create, json!({ "ids": bob.id, "kind": "ROOM", "name": "Room" })).await;
        assert_eq!(made.data("createConversation.conversation"), &json!({ "visibility": "PRIVATE", "memberCount": 2 }));
        let list = "query($by: UserOrder = USERNAME, $first: Int) { users(orderBy: $by, first: $first) { nodes { username } } }";
        assert_eq!(alice.ask(list, json!({ "first": null })).await.list("users.nodes", "username"), ["alice", "bob"]);
        let change = "mutation($day: Date, $url: URL, $mail: EmailAddress) {
            updateProfile(input: { birthdate: $day, avatarUrl: $url, email: $mail }) { user { birthdate avatarUrl } }
        }";
        let url = "https://example.org/a.png";
        let changed = alice.ask(change, json!({ "day": "1990-05-17", "url": url })).await;
        assert_eq!(changed.data("updateProfile.user"), &json!({ "birthdate": "1990-05-17", "avatarUrl": url }));
        let emptied = alice.ask(change, json!({ "day": null, "url": "" })).await;
        assert_eq!(emptied.data("updateProfile.user"), &json!({ "birthdate": null, "avatarUrl": null }));
    }

    /// GraphQL specification, section 7.1: an error says where it stands in the answer, with aliases and indices.
    async fn errors_say_where_they_stand(world) {
        let alice = world.person("alice").await;
        let document = "query($ids: [ID!]!) {
            all: users(orderBy: USERNAME) { rows: nodes { username first: firstName } edges { node { mail: email } } }
            some: nodes(ids: $ids) { id }
        }";
        let answer = world.anonymous().ask(document, json!({ "ids": [alice.id, "nonsense"] })).await;
        let mut paths: Vec<_> = answer.body["errors"].as_array().unwrap().iter().map(|error| error["path"].to_string()).collect();
        paths.sort();
        let expected = [
            json!(["all", "edges", 0, "node", "mail"]),
            json!(["all", "rows", 0, "first"]),
            json!(["some", 1]),
        ];
        assert_eq!(paths, expected.map(|path| path.to_string()), "{answer}");
        assert_eq!(answer.body["data"]["some"], json!([{ "id": alice.id }, null]), "{answer}");
        for error in answer.body["errors"].as_array().unwrap() {
            assert!(error["locations"][0]["line"].as_u64().is_some_and(|line| line > 1), "{answer}");
        }
    }

    /// The fields of a mutation run in order and end with the first that fails; what came before it is done.
    async fn a_failed_mutation_ends_the_operation(world) {
        let alice = world.person("alice").await;
        let document = "mutation($nobody: ID!) {
            one: updateProfile(input: { bio: \"one\" }) { user { id } }
            two: blockUser(input: { userId: $nobody }) { user { id } }
            three: updateProfile(input: { bio: \"three\" }) { user { id } }
        }";
        let answer = alice.ask(document, json!({ "nobody": "user_00000000000000000000000000" })).await;
        answer.expect_code("NOT_FOUND");
        assert_eq!(answer.body["errors"][0]["path"], json!(["two"]), "{answer}");
        assert!(answer.body["data"].is_null() && answer.body["errors"].as_array().map(Vec::len) == Some(1), "{answer}");
        assert_eq!(alice.ask("{ me { bio } }", Value::Null).await.text("me.bio"), "one");
    }

    /// A variable of a type that does not exist is a fault of the document, wherever the type stands and whatever its default.
    async fn a_variable_is_of_a_known_type(world) {
        for (document, known) in [
            ("query A($a: [Nonsense!]! = [\"x\"]) { nodes(ids: $a) { id } }", false),
            ("query A($a: [[Nonsense]] = [[1], null]) { nodes(ids: $a) { id } }", false),
            ("query A($a: Nonsense = 1) { node(id: $a) { id } }", false),
            ("query A { me { id } } query B($a: [Nonsense!]! = [\"x\"]) { nodes(ids: $a) { id } }", false),
            ("query A($a: [ID!]! = []) { nodes(ids: $a) { id } }", true),
        ] {
            let nobody = world.anonymous();
            let request = nobody.request(reqwest::Method::POST, "/graphql").header("accept", "application/graphql-response+json");
            let answer = nobody.send_request(request.json(&json!({ "query": document, "operationName": "A" }))).await;
            if known {
                answer.expect_status(200).ok();
                continue;
            }
            answer.expect_status(422).expect_code("GRAPHQL_VALIDATION_FAILED");
            let error = &answer.body["errors"][0];
            assert!(error["message"].as_str().unwrap().contains("Nonsense") && error["locations"].is_array(), "{answer}");
        }
    }

    /// A syntax error points at its place, whoever found it.
    async fn syntax_errors_have_locations(world) {
        for (document, line, column) in [("{", 1, 1), ("{ me { id } ]", 1, 13), ("{\n  me(a: ) { id }\n}", 2, 9), ("query { me { \"id } }", 1, 14)] {
            let answer = world.anonymous().ask(document, Value::Null).await;
            answer.expect_code("GRAPHQL_PARSE_FAILED");
            assert_eq!(answer.body["errors"][0]["locations"], json!([{ "line": line, "column": column }]), "{answer}");
        }
        let unknown = world.anonymous().ask("{\n  nonsense\n}", Value::Null).await;
        unknown.expect_code("GRAPHQL_VALIDATION_FAILED");
        assert_eq!(unknown.body["errors"][0]["locations"], json!([{ "line": 2, "column": 3 }]), "{unknown}");
    }
}

both! {
    /// A character that PostgreSQL keeps in no text is refused by name, wherever it stands, and on either database.
    async fn no_text_holds_a_nul(world) {
        let alice = world.person("alice").await;
        let room = alice.create_room("Room", "PUBLIC").await;
        let before = world.dump().await;
        let send = "mutation($id: ID!, $json: JSON) { sendMessage(input: { conversationId: $id, content: \"x\", metadata: $json }) { message { id } } }";
        let literal = "mutation($id: ID!) { sendMessage(input: { conversationId: $id, content: \"x\", metadata: { a: [\"\\u0000\"] } }) { message { id } } }";
        let mixed = "mutation($id: ID!, $text: String!) { sendMessage(input: { conversationId: $id, content: \"x\", metadata: { a: \"\\u0000\", b: $text } }) { message { id } } }";
        let inner = "mutation($id: ID!, $text: String!) { sendMessage(input: { conversationId: $id, content: \"x\", metadata: { b: $text } }) { message { id } } }";
        let search = "query($text: String!) { conversations(search: $text) { totalCount } }";
        let people = "query($text: String!) { users(search: $text) { totalCount } }";
        let user = "query($text: String!) { user(username: $text) { id } }";
        let sign_in = "mutation($text: String!) { signIn(input: { login: $text, password: \"x\" }) { expiresIn } }";
        for (document, variables, field) in [
            (send, json!({ "id": room, "json": { "a": { "b": "\0" } } }), "input.metadata"),
            (send, json!({ "id": room, "json": { "a\0": 1 } }), "input.metadata"),
            (literal, json!({ "id": room }), "input.metadata"),
            (mixed, json!({ "id": room, "text": "x" }), "input.metadata"),
            (inner, json!({ "id": room, "text": "\0" }), "$text"),
            (search, json!({ "text": "a\0b" }), "search"),
            (people, json!({ "text": "a\0b" }), "search"),
            (user, json!({ "text": "\0" }), "username"),
            (sign_in, json!({ "text": "a\0" }), "input.login"),
        ] {
            let answer = alice.ask(document, variables).await;
            answer.expect_code("VALIDATION_FAILED");
            let named = faults(&answer);
            assert_eq!(named, [(field.to_owned(), "takes no character U+0000".to_owned())], "{document}\n{answer}");
        }
        world.dump().await.assert_unchanged(&before, "texts that cannot be kept");
    }

    /// The specification's 6.1.2: a variable that is left out has its default, also where it decides what is skipped; null is no default.
    async fn a_variable_left_out_has_its_default(world) {
        let alice = world.person("alice").await;
        let query = "query($yes: Boolean = true, $no: Boolean! = false) {
            me { id username @include(if: $yes) displayName @skip(if: $yes) ... @skip(if: $no) { __typename } ...Rest @include(if: $no) }
        }
        fragment Rest on User { bio }";
        let short = json!({ "id": alice.id, "displayName": "alice", "bio": null });
        let long = json!({ "id": alice.id, "username": "alice", "__typename": "User" });
        for _ in 0..2 {
            assert_eq!(alice.ask(query, json!({})).await.data("me"), &long);
            assert_eq!(alice.ask(query, json!({ "yes": false, "no": true })).await.data("me"), &short);
        }
    }
}
