//! GraphQL over server-sent events, in the distinct connections mode.

use reqwest::Method;
use serde_json::{Value, json};

use crate::house::{Sse, within};

once! {
    /// A query over SSE: one `next`, one `complete`.
    async fn a_query_comes_as_events(world) {
        let alice = world.person("alice").await;
        let mut events = alice.subscribe_sse("{ me { username } }", Value::Null).await;
        assert_eq!((events.status, events.content_type.split(';').next()), (200, Some("text/event-stream")));
        assert_eq!(events.next().await["me"]["username"], "alice");
        assert_eq!(events.event().await.map(|(name, _)| name).as_deref(), Some("complete"));
        assert_eq!(events.event().await, None);
    }

    /// What fails before the first event is an ordinary answer.
    async fn a_refusal_is_an_ordinary_answer(world) {
        let nobody = world.anonymous();
        for (document, code) in [("{", "GRAPHQL_PARSE_FAILED"), ("{ nonsense }", "GRAPHQL_VALIDATION_FAILED")] {
            let request = nobody.request(Method::POST, "/graphql").header("accept", "text/event-stream");
            let answer = nobody.send_request(request.json(&json!({ "query": document }))).await;
            answer.expect_code(code);
            assert!(answer.status >= 400, "{answer}");
        }
        let request = nobody.request(Method::POST, "/graphql").header("accept", "text/event-stream").bearer_auth("nonsense");
        nobody.send_request(request.json(&json!({ "query": "{ me { id } }" }))).await.expect_status(401);
    }

    /// Subscriptions are followed by streams only.
    async fn a_subscription_wants_a_stream(world) {
        let alice = world.person("alice").await;
        let room = alice.create_room("Studio", "PRIVATE").await;
        let query = "subscription($id: ID!) { typingChanged(conversationId: $id) { typing } }";
        alice.ask(query, json!({ "id": room })).await.expect_status(406).expect_code("NOT_ACCEPTABLE");
    }

    /// A browser that lost the line says `Last-Event-ID`, and misses nothing.
    async fn a_stream_is_taken_up_again(world) {
        let (alice, bob) = (world.person("alice").await, world.person("bob").await);
        let room = alice.create_room_with("Studio", &[&bob]).await;
        let query = "subscription($id: ID!, $after: String) { messageEvents(conversationId: $id, after: $after) {
            ... on MessageSent { cursor message { content } }
        } }";
        let after = bob.event_cursor(&room).await;
        let mut events = bob.subscribe_sse(query, json!({ "id": room, "after": after })).await;
        alice.send(&room, "one").await;
        let first = events.next().await["messageEvents"].clone();
        assert_eq!(first["message"]["content"], "one");
        drop(events);
        for text in ["two", "three"] {
            alice.send(&room, text).await;
        }
        let request = bob.request(Method::POST, "/graphql").header("accept", "text/event-stream");
        let request = request.header("last-event-id", first["cursor"].as_str().unwrap());
        let body = json!({ "query": query, "variables": { "id": room, "after": after } });
        let mut events = Sse::new(within("an answer", request.json(&body).send()).await.unwrap());
        for text in ["two", "three"] {
            assert_eq!(events.next().await["messageEvents"]["message"]["content"], text);
        }
    }

    /// `Last-Event-ID` reaches the stream however its document begins, and is refused where it could do nothing.
    async fn a_stream_is_taken_up_again_whatever_its_document_says(world) {
        let (alice, bob) = (world.person("alice").await, world.person("bob").await);
        let room = alice.create_room_with("Studio", &[&bob]).await;
        let after = bob.event_cursor(&room).await;
        alice.send(&room, "one").await;
        world.settle().await;
        let last = bob.event_cursor(&room).await;
        alice.send(&room, "two").await;
        let events = |arguments: &str| format!("messageEvents(conversationId: $id{arguments}) {{ ... on MessageSent {{ message {{ content }} }} }}");
        for document in [
            format!("subscription($id: ID!) {{ {} }}", events("")),
            format!("subscription($id: ID!) {{ {} }}", events(&format!(", after: \"{after}\""))),
            format!("subscription($id: ID!, $from: String) {{ {} }}", events(", after: $from")),
            format!("subscription($id: ID!) {{ {} }}", events(", after: null")),
        ] {
            let request = bob.request(Method::POST, "/graphql").header("accept", "text/event-stream").header("last-event-id", &last);
            let body = json!({ "query": document, "variables": { "id": room, "from": after } });
            let mut events = Sse::new(within("an answer", request.json(&body).send()).await.unwrap());
            assert_eq!(events.next().await["messageEvents"]["message"]["content"], "two", "{document}");
        }
        let typing = "subscription($id: ID!) { typingChanged(conversationId: $id) { typing } }";
        let request = bob.request(Method::POST, "/graphql").header("accept", "text/event-stream").header("last-event-id", &last);
        let answer = bob.send_request(request.json(&json!({ "query": typing, "variables": { "id": room } }))).await;
        answer.expect_status(400).expect_code("BAD_REQUEST");
    }
}

both! {
    /// What cannot be begun is told as errors without data, and then it is over: as an ordinary answer when it is known at once, else as
    /// the only event.
    async fn a_stream_that_cannot_be_begun_says_why(world) {
        let (alice, eve) = (world.person("alice").await, world.person("eve").await);
        let room = alice.create_room("Studio", "PRIVATE").await;
        let query = "subscription($id: ID!, $after: String) { messageEvents(conversationId: $id, after: $after) { __typename } }";
        assert_eq!(alice.subscribe_sse(query, json!({ "id": room, "after": "nonsense" })).await.status, 400);
        let mut events = eve.subscribe_sse(query, json!({ "id": room })).await;
        if events.status != 200 {
            assert_eq!(events.status, 404);
            return;
        }
        let (name, answer) = events.event().await.unwrap();
        assert_eq!(name, "next");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "ROOM_NOT_FOUND", "{answer}");
        assert!(answer.get("data").is_none(), "{answer}");
        assert_eq!(events.event().await.map(|(name, _)| name).as_deref(), Some("complete"));
    }
}

once! {
    /// A stream ends with its sign-in.
    async fn a_sign_out_ends_the_stream(world) {
        let alice = world.person("alice").await;
        let room = alice.create_room("Studio", "PRIVATE").await;
        let elsewhere = alice.sign_in().await;
        let query = "subscription($id: ID!) { typingChanged(conversationId: $id) { typing } }";
        let mut events = elsewhere.subscribe_sse(query, json!({ "id": room })).await;
        alice.ask("mutation { signOut(input: { scope: OTHERS }) { sessionsEnded } }", Value::Null).await.ok();
        let (name, answer) = events.event().await.unwrap();
        assert_eq!((name.as_str(), &answer["errors"][0]["extensions"]["code"]), ("next", &json!("INVALID_TOKEN")));
        assert_eq!(events.event().await.map(|(name, _)| name).as_deref(), Some("complete"));
    }
}
