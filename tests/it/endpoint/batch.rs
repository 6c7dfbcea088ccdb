//! Several requests in one body.

use polyphony::graphql::documents::DocumentId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::{Answer, Caller, Instance, World};

const MODERN: &str = "application/graphql-response+json";

async fn post(caller: &Caller, body: Value) -> Answer {
    caller.send_request(caller.request(Method::POST, "/graphql").header("accept", MODERN).json(&body)).await
}

async fn batching(world: &World) -> Instance {
    world.instance(|config| config.limits.batch = 5).await
}

fn bio(text: &str) -> Value {
    json!({ "query": format!("mutation {{ updateProfile(input: {{ bio: \"{text}\" }}) {{ user {{ bio }} }} }}") })
}

once! {
    /// Off, unless the operator wants it.
    async fn a_batch_is_refused_unless_it_is_wanted(world) {
        let refused = post(&world.anonymous(), json!([{ "query": "{ me { id } }" }])).await;
        refused.expect_status(400).expect_code("BAD_REQUEST");
        assert!(refused.body["errors"][0]["message"].as_str().unwrap().contains("Batching is switched off"), "{refused}");
    }

    /// Each its own answer, in order; what changes something is done when the next is asked.
    async fn a_batch_is_answered_in_order(world) {
        let alice = world.person("alice").await.at(&batching(world).await);
        let read = json!({ "query": "{ me { bio } }" });
        let answer = post(&alice, json!([bio("one"), read, bio("two"), read, { "qeury": "{ me { id } }" }])).await;
        answer.expect_status(200);
        assert_eq!(answer.header("content-type"), format!("{MODERN}; charset=utf-8"));
        assert_eq!(answer.header("cache-control"), "no-store");
        let answers = answer.body.as_array().unwrap();
        assert_eq!(answers.len(), 5, "{answer}");
        for (number, path) in [(0, "/data/updateProfile/user/bio"), (1, "/data/me/bio")] {
            assert_eq!(answers[number].pointer(path), Some(&json!("one")), "{answer}");
            assert_eq!(answers[number + 2].pointer(path), Some(&json!("two")), "{answer}");
        }
        assert_eq!(answers[4]["errors"][0]["extensions"]["code"], "BAD_REQUEST", "{answer}");
        assert!(answers[4].get("data").is_none(), "{answer}");
        let failed = post(&alice, json!([{ "query": "{" }, { "query": "{ nonsense }" }, { "query": "{ me { username } }" }])).await;
        let code = |number: usize| failed.body[number]["errors"][0]["extensions"]["code"].clone();
        assert_eq!((code(0), code(1)), (json!("GRAPHQL_PARSE_FAILED"), json!("GRAPHQL_VALIDATION_FAILED")), "{failed}");
        assert_eq!(failed.body[2]["data"]["me"]["username"], "alice", "{failed}");
        let id = |number: usize| failed.body[number]["errors"][0]["extensions"]["requestId"].as_str().unwrap_or_default().to_owned();
        assert!(id(0) != id(1) && id(0).starts_with(failed.header("x-request-id")), "{failed}");
    }

    /// Documents by their hash and prices are parts of a batch like any other; subscriptions are none.
    async fn a_batch_takes_what_is_answered_once(world) {
        let alice = world.person("alice").await.at(&batching(world).await);
        let text = "{ me { username } }";
        let hash = DocumentId::of(text);
        let answer = post(&alice, json!([
            { "query": text, "documentId": format!("sha256:{}", hash.as_str()) },
            { "documentId": format!("sha256:{}", hash.as_str()) },
            { "query": text, "extensions": { "cost": "ONLY" } },
            { "query": "subscription { conversationEvents { __typename } }" },
        ])).await;
        let parts = answer.expect_status(200).body.as_array().unwrap();
        // All are looked up before any is run.
        assert_eq!(parts[0]["data"]["me"]["username"], "alice", "{answer}");
        assert_eq!(parts[1]["errors"][0]["extensions"]["code"], "PERSISTED_QUERY_NOT_FOUND", "{answer}");
        assert!(parts[2]["data"].is_null() && parts[2]["extensions"]["cost"]["requested"] == 2, "{answer}");
        assert_eq!(parts[3]["errors"][0]["extensions"]["code"], "NOT_ACCEPTABLE", "{answer}");
        assert_eq!(post(&alice, json!([{ "documentId": hash.as_str() }])).await.body[0]["data"]["me"]["username"], "alice");
    }

    /// What is wrong with the whole is the only answer, and nothing of it is run.
    async fn a_batch_is_bounded(world) {
        let alice = world.person("alice").await.at(&batching(world).await);
        let before = world.dump().await;
        let dear = json!({ "query": "{ users(first: 100) { nodes { blockedUsers(first: 30) { nodes { id } } } } }" });
        post(&alice, dear.clone()).await.ok();
        for (what, body, code) in [
            ("too many", json!([bio("1"), bio("2"), bio("3"), bio("4"), bio("5"), bio("6")]), "BAD_REQUEST"),
            ("none", json!([]), "BAD_REQUEST"),
            ("no request", json!([bio("1"), "{ me { id } }"]), "BAD_REQUEST"),
            ("too dear together", json!([bio("1"), dear, dear]), "QUERY_TOO_COMPLEX"),
        ] {
            let refused = post(&alice, body).await;
            refused.expect_status(400).expect_code(code);
            assert!(refused.body.is_object(), "{what}\n{refused}");
        }
        let streaming = alice.request(Method::POST, "/graphql").header("accept", "text/event-stream").json(&json!([bio("1")]));
        alice.send_request(streaming).await.expect_status(406).expect_code("NOT_ACCEPTABLE");
        world.dump().await.assert_unchanged(&before, "batches that were refused");
    }

    /// IDN-062: a batch is no way around the proof a mutation by cookie needs, and cookies it sets arrive.
    async fn a_batch_by_cookie_needs_its_token(world) {
        let instance = batching(world).await;
        world.person("alice").await;
        let nobody = world.anonymous().at(&instance);
        let sign_in = "mutation { signIn(input: { login: \"alice\", password: \"Seven-horns-and-a-drum\" }) { accessToken } }";
        let request = nobody.request(Method::POST, "/graphql").header("x-session-mode", "cookie").header("origin", &nobody.url);
        let signed_in = nobody.send_request(request.json(&json!([{ "query": sign_in }, { "query": "{ __typename }" }]))).await;
        let cookies = signed_in.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap());
        let jar = cookies.collect::<Vec<_>>().join("; ");
        assert!(jar.contains("polyphony_access=") && jar.contains("polyphony_refresh="), "{jar}");
        let before = world.dump().await;
        let by_cookie = |body: Value| nobody.request(Method::POST, "/graphql").header("cookie", &jar).json(&body);
        let read = json!({ "query": "{ me { username } }" });
        let refused = nobody.send_request(by_cookie(json!([read, bio("by cookie")]))).await;
        refused.expect_status(403).expect_code("CSRF_FAILED");
        world.dump().await.assert_unchanged(&before, "a batch by cookie without its token");
        assert_eq!(nobody.send_request(by_cookie(json!([read]))).await.body[0]["data"]["me"]["username"], "alice");
    }
}
