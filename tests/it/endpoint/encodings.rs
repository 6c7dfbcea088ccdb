//! Bytes, characters and their encodings.

use reqwest::Method;
use serde_json::{Value, json};

use crate::house::{Answer, Caller};

const MODERN: &str = "application/graphql-response+json";

async fn post(caller: &Caller, body: impl Into<reqwest::Body>) -> Answer {
    let request =
        caller.request(Method::POST, "/graphql").header("accept", MODERN).header("content-type", "application/json");
    caller.send_request(request.body(body)).await
}

once! {
    /// A body is UTF-8, as it is written and as it is escaped.
    async fn a_body_is_utf_8(world) {
        let alice = world.person("alice").await;
        for (what, body) in [
            ("a byte that is none", b"{\"query\":\"{ me { id } }\",\"variables\":{\"a\":\"\xff\"}}".to_vec()),
            ("an overlong slash", b"{\"query\":\"{ me { id } } # \xc0\xaf\"}".to_vec()),
            ("a surrogate in bytes", b"{\"query\":\"{ me { id } } # \xed\xa0\x80\"}".to_vec()),
            ("UTF-16", "{\"query\":\"{ me { id } }\"}".encode_utf16().flat_map(u16::to_le_bytes).collect()),
            ("a byte order mark", "\u{feff}{\"query\":\"{ me { id } }\"}".as_bytes().to_vec()),
            ("half of a pair in JSON", br#"{"query":"query($a: String) { users(search: $a) { totalCount } }","variables":{"a":"\ud83d"}}"#.to_vec()),
        ] {
            let refused = post(&alice, body).await;
            refused.expect_status(400).expect_code("BAD_REQUEST").is_well_formed();
            assert!(refused.body.get("data").is_none(), "{what}\n{refused}");
        }
        // In a document the byte order mark is white space.
        post(&alice, json!({ "query": "\u{feff}{ me { id } }" }).to_string()).await.ok();
    }

    /// GraphQL specification, section 2.9.4: a character may be escaped in three ways, and half of one in none.
    async fn a_document_may_escape_any_character(world) {
        let alice = world.person("alice").await;
        let write = |text: &str| format!("mutation {{ updateProfile(input: {{ bio: \"{text}\" }}) {{ user {{ bio }} }} }}");
        for escaped in ["😀", r"\u{1F600}", r"\ud83d\ude00", r"\uD83D\uDE00"] {
            let written = alice.ask(&write(&format!("a{escaped}z\\u0041\\u{{42}}")), Value::Null).await;
            assert_eq!(written.text("updateProfile.user.bio"), "a😀zAB", "{escaped}");
        }
        for half in [r"\ud83d", r"\ude00\ud83d", r"\u{d83d}", r"\u{110000}"] {
            let refused = post(&alice, json!({ "query": write(half) }).to_string()).await;
            refused.expect_status(400).expect_code("GRAPHQL_PARSE_FAILED");
            assert!(refused.body["errors"][0]["message"].as_str().unwrap().contains("stands for no character"), "{refused}");
            assert_eq!(refused.body["errors"][0]["locations"][0]["line"], 1, "{refused}");
        }
    }

    /// What is said twice is understood by nobody the same way, and who takes no answer is not worked for.
    async fn what_contradicts_itself_is_refused(world) {
        let alice = world.person("alice").await;
        let change = json!({ "query": "mutation { updateProfile(input: { bio: \"changed\" }) { user { bio } } }" }).to_string();
        let before = world.dump().await;
        for (name, values, status, code) in [
            ("content-type", ["application/json", "text/plain"], 415, "UNSUPPORTED_MEDIA_TYPE"),
            ("content-encoding", ["identity", "gzip"], 415, "UNSUPPORTED_MEDIA_TYPE"),
            ("accept-encoding", ["identity;q=0", "*;q=0"], 406, "NOT_ACCEPTABLE"),
        ] {
            let mut request = alice.request(Method::POST, "/graphql").header("accept", MODERN);
            if name != "content-type" {
                request = request.header("content-type", "application/json");
            }
            for value in values {
                request = request.header(name, value);
            }
            alice.send_request(request.body(change.clone())).await.expect_status(status).expect_code(code);
        }
        world.dump().await.assert_unchanged(&before, "requests that contradict themselves");
    }

    /// PLT-023: packed as the client likes it best.
    async fn large_answers_are_packed(world) {
        let nobody = world.anonymous();
        let schema = json!({ "query": "{ __schema { types { name description } } }" });
        let ask = |accepted: &'static str, body: &Value| {
            let request = nobody.request(Method::POST, "/graphql").header("accept-encoding", accepted).json(body);
            async move { request.send().await.unwrap() }
        };
        let plain = ask("identity", &schema).await;
        assert!(!plain.headers().contains_key("content-encoding"));
        let whole = plain.bytes().await.unwrap().len();
        for (accepted, coding) in [("gzip", "gzip"), ("br", "br"), ("gzip;q=0.5, br", "br"), ("gzip, br;q=0.1", "gzip")] {
            let answer = ask(accepted, &schema).await;
            assert_eq!(answer.headers().get("content-encoding").and_then(|value| value.to_str().ok()), Some(coding), "{accepted}");
            let varies = answer.headers().get_all("vary").iter().any(|value| value.to_str().unwrap().contains("accept-encoding"));
            assert!(varies, "{:?}", answer.headers());
            let packed = answer.bytes().await.unwrap();
            assert!(packed.len() * 3 < whole, "{} of {whole} bytes", packed.len());
            assert!(coding != "gzip" || packed.starts_with(&[0x1f, 0x8b]), "not gzip");
        }
    }

    /// Where the schema is not told, no error tells of it by suggesting what might have been meant.
    async fn no_suggestion_tells_of_a_hidden_schema(world) {
        let closed = world.instance(|config| config.app.introspection = false).await;
        let (open, closed) = (world.anonymous(), world.anonymous().at(&closed));
        let mut suggested = 0;
        for document in [
            "{ user { id } }",
            "{ users { totalCont } }",
            "{ usres { totalCount } }",
            "{ users(frist: 1) { totalCount } }",
            "{ users(orderBy: { field: CREATED_ATT, direction: ASC }) { totalCount } }",
            "{ users(orderBy: CREATED) { totalCount } }",
            "{ me { ... on Usr { id } } }",
            "query($a: UserOrdr) { users(orderBy: $a) { totalCount } }",
            "mutation { updateProfile(input: { boi: \"x\" }) { user { id } } }",
            "mutation { signIn(input: { lgoin: \"x\", password: \"y\" }) { accessToken } }",
            "{ me @skp(if: true) { id } }",
            "subscription { messageEvent { __typename } }",
        ] {
            let hints = |answer: &Answer| answer.body.to_string().to_lowercase().contains("did you mean");
            suggested += usize::from(hints(&open.ask(document, Value::Null).await));
            let refused = closed.ask(document, Value::Null).await;
            assert!(refused.body.get("errors").is_some() && !hints(&refused), "{refused}");
        }
        assert!(suggested >= 1, "in development {suggested} are helpful");
    }
}
