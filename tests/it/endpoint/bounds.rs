//! The time limit of an operation, and how answers are packed.

use std::{io::Read as _, time::Duration};

use reqwest::Method;
use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::{Value, json};

use crate::house::{Backend, Caller, Frame, within};

const SEND: &str = "mutation($room: ID!) {
    sendMessage(input: { conversationId: $room, content: \"late\" }) { message { id } }
}";

/// The bytes of an answer and how they are packed.
async fn packed(caller: &Caller, path: &str, accept: &str, query: Option<&str>) -> (String, Vec<u8>) {
    let request = match query {
        Some(query) => caller.request(Method::POST, path).json(&json!({ "query": query })),
        None => caller.request(Method::GET, path),
    };
    let response = within("an answer", request.header("accept-encoding", accept).send()).await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    let header =
        |name| response.headers().get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
    let packing = header("content-encoding").join(",");
    let vary = header("vary").join(",");
    assert!(packing.is_empty() || vary.contains("accept-encoding"), "{vary}");
    (packing, within("a body", response.bytes()).await.unwrap().to_vec())
}

both! {
    /// PLT-021: an operation past the time limit ends with TIMEOUT, and with nothing of it done: 504 over HTTP whatever media type is
    /// asked for, and over a socket an error of the operation alone.
    async fn an_operation_past_the_time_limit_ends(world) {
        let hasty = world.instance(|config| config.limits.request_timeout = Duration::from_millis(300)).await;
        let alice = world.person("alice").await;
        let room = alice.create_room("Studio", "PUBLIC").await;
        let hurried = alice.at(&hasty);
        let mut socket = hurried.socket().await;

        // Another program writes, and takes its time.
        let foreign = world.foreign_connection().await;
        let held = foreign.begin().await.unwrap();
        let hold = match world.backend {
            Backend::Sqlite => "UPDATE messages SET seq = seq WHERE 1 = 0",
            Backend::Postgres => "LOCK TABLE messages IN EXCLUSIVE MODE",
        };
        held.execute_unprepared(hold).await.unwrap();
        for accept in ["application/graphql-response+json", "application/json"] {
            let request = hurried.request(Method::POST, "/graphql").header("accept", accept);
            let answer = hurried.send_request(request.json(&json!({ "query": SEND, "variables": { "room": room } }))).await;
            answer.expect_status(504).expect_code("TIMEOUT");
            assert!(answer.body.get("data").is_none(), "{answer}");
        }
        let mut late = socket.subscribe(SEND, json!({ "room": room }));
        let Frame::Error(errors) = late.frame().await else { panic!("it did not end with an error") };
        assert_eq!((&errors[0]["extensions"]["code"], &errors[0]["extensions"]["status"]), (&json!("TIMEOUT"), &json!(504)));
        socket.ping().await;
        held.rollback().await.unwrap();
        foreign.close().await.unwrap();

        alice.send(&room, "in time").await;
        let said = alice.ask("query($id: ID!) { conversation(id: $id) { messages { nodes { content } } } }", json!({ "id": room })).await;
        assert_eq!(said.list("conversation.messages.nodes", "content"), ["in time"]);
    }
}

once! {
    /// PLT-023: what is large is packed as the client can unpack it; what is small, a stream, or asked for plain is not.
    async fn large_answers_are_packed(world) {
        const LARGE: &str = "{ __schema { types { name description fields { name description } } } }";
        let nobody = world.anonymous();
        let (packing, plain) = packed(&nobody, "/graphql", "identity", Some(LARGE)).await;
        assert_eq!(packing, "");
        for (accept, chosen) in [("gzip", "gzip"), ("br", "br"), ("gzip, deflate, br", "br"), ("br;q=0, gzip", "gzip"), ("zstd", "")] {
            let (packing, bytes) = packed(&nobody, "/graphql", accept, Some(LARGE)).await;
            assert_eq!(packing, chosen, "{accept}");
            let mut unpacked = Vec::new();
            match chosen {
                "gzip" => flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut unpacked).unwrap(),
                "br" => brotli_decompressor::Decompressor::new(bytes.as_slice(), 4096).read_to_end(&mut unpacked).unwrap(),
                _ => bytes.as_slice().read_to_end(&mut unpacked).unwrap(),
            };
            assert!(unpacked == plain, "{accept}: something else came out");
            assert!(chosen.is_empty() || bytes.len() * 3 < plain.len(), "{accept}: {} of {}", bytes.len(), plain.len());
        }
        for (path, query) in [("/healthz", None), ("/health", None), ("/graphql", Some("{ me { id } }"))] {
            assert_eq!(packed(&nobody, path, "gzip, br", query).await.0, "", "{path}");
        }
        let (alice, nothing) = (world.person("alice").await, Value::Null);
        let stream = alice.request(Method::POST, "/graphql").header("accept", "text/event-stream").header("accept-encoding", "gzip, br");
        let stream = stream.json(&json!({ "query": "subscription { inboxChanged { __typename } }", "variables": nothing }));
        let stream = within("a stream", stream.send()).await.unwrap();
        assert!(stream.headers().get("content-encoding").is_none(), "{:?}", stream.headers());
    }
}
