//! Documents by their hash, documents that are listed, and what an operation would cost.

use std::time::Duration;

use polyphony::{app::App, graphql::documents::DocumentId, platform::Chosen};
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::{Answer, Caller, Instance, Program, Redis, Socket, Sse, World, skip, within};

const MODERN: &str = "application/graphql-response+json";
const JSON: &str = "application/json";
const ME: &str = "query Me { me { username } }";

/// As Apollo Client and urql say it.
fn hashed(text: &str) -> Value {
    json!({ "persistedQuery": { "version": 1, "sha256Hash": DocumentId::of(text).as_str() } })
}

/// As the appendix of GraphQL over HTTP says it.
fn document_id(text: &str) -> String {
    format!("sha256:{}", DocumentId::of(text).as_str())
}

async fn post(caller: &Caller, accept: &str, body: Value) -> Answer {
    caller.send_request(caller.request(Method::POST, "/graphql").header("accept", accept).json(&body)).await
}

async fn get(caller: &Caller, query: &[(&str, &str)]) -> Answer {
    caller.send_request(caller.request(Method::GET, "/graphql").query(query)).await
}

/// What a socket answers to a payload: the type of the message, and its payload.
async fn over_a_socket(socket: &mut Socket, id: &str, payload: Value) -> (String, Value) {
    socket.say(json!({ "id": id, "type": "subscribe", "payload": payload }));
    let mut frame = socket.recv().await;
    (frame["type"].as_str().unwrap_or_default().to_owned(), frame["payload"].take())
}

async fn over_sse(caller: &Caller, body: &Value) -> Answer {
    let request = caller.request(Method::POST, "/graphql").header("accept", "text/event-stream");
    caller.send_request(request.json(body)).await
}

/// An instance with this file of trusted documents.
async fn trusting(world: &World, folder: &tempfile::TempDir, file: &Value) -> Instance {
    let path = folder.path().join("trusted.json");
    std::fs::write(&path, file.to_string()).unwrap();
    world.instance(|config| config.app.trusted_documents = Some(path)).await
}

once! {
    /// PLT-053: a hash instead of the text, once the server has seen both.
    async fn a_document_is_known_by_its_hash(world) {
        let alice = world.person("alice").await;
        for (accept, status) in [(MODERN, 400), (JSON, 200)] {
            let unknown = post(&alice, accept, json!({ "extensions": hashed(ME) })).await;
            unknown.expect_status(status).expect_code("PERSISTED_QUERY_NOT_FOUND").is_well_formed();
            // urql looks for the message, Apollo Client for either.
            assert_eq!(unknown.body["errors"][0]["message"], "PersistedQueryNotFound");
            assert_eq!(unknown.body["errors"].as_array().map(Vec::len), Some(1));
            // A cache that kept this would keep the document away for ever.
            assert_eq!(unknown.header("cache-control"), "no-store");
        }
        let learned = post(&alice, MODERN, json!({ "query": ME, "extensions": hashed(ME) })).await;
        assert_eq!(learned.text("me.username"), "alice");
        let extensions = hashed(ME).to_string();
        for answer in [
            post(&alice, MODERN, json!({ "extensions": hashed(ME) })).await,
            post(&alice, MODERN, json!({ "query": "", "operationName": "Me", "extensions": hashed(ME) })).await,
            post(&alice, MODERN, json!({ "documentId": document_id(ME) })).await,
            get(&alice, &[("extensions", &extensions)]).await,
            get(&alice, &[("documentId", &document_id(ME)), ("operationName", "")]).await,
        ] {
            assert_eq!(answer.text("me.username"), "alice");
        }
        let documented = "query { me { displayName } }";
        post(&alice, MODERN, json!({ "query": documented, "documentId": document_id(documented) })).await.ok();
        get(&alice, &[("documentId", &document_id(documented))]).await.ok();
    }

    /// A text that was used without its hash before learns it when somebody gives it.
    async fn a_known_text_learns_its_hash(world) {
        let alice = world.person("alice").await;
        for _ in 0..2 {
            alice.ask(ME, Value::Null).await.ok();
        }
        post(&alice, MODERN, json!({ "extensions": hashed(ME) })).await.expect_code("PERSISTED_QUERY_NOT_FOUND");
        post(&alice, MODERN, json!({ "query": ME, "extensions": hashed(ME) })).await.ok();
        post(&alice, MODERN, json!({ "extensions": hashed(ME) })).await.ok();
    }

    /// What brings an error each time is read once each time, however well its document is known.
    async fn an_answer_with_errors_is_read_once(world) {
        let (alice, _) = (world.person("alice").await, world.person("bob").await);
        let quiet = world.quiet_instance().await;
        let refused = "query($first: Int) { users(first: $first) { nodes { username email } } }";
        let alice = alice.at(&quiet);
        let mut counts = Vec::new();
        for _ in 0..5 {
            let (statements, answer) = quiet.statements(post(&alice, MODERN, json!({ "query": refused, "extensions": hashed(refused) }))).await;
            assert_eq!(answer.body["errors"][0]["extensions"]["code"], "PERMISSION_DENIED", "{answer}");
            counts.push(statements);
        }
        assert!(counts[1..].iter().all(|count| *count <= counts[0]), "{counts:?}");
    }

    /// Nobody makes others run another document than they named, and nonsense is not kept.
    async fn a_hash_is_that_of_its_text(world) {
        let nobody = world.anonymous();
        for (text, other) in [("{ __typename }", ME), (ME, "{ __typename }")] {
            let forged = post(&nobody, JSON, json!({ "query": text, "extensions": hashed(other) })).await;
            forged.expect_code("BAD_REQUEST");
            post(&nobody, MODERN, json!({ "query": text, "documentId": document_id(other) })).await.expect_status(400);
            post(&nobody, MODERN, json!({ "documentId": document_id(other) })).await.expect_code("PERSISTED_QUERY_NOT_FOUND");
        }
        for (text, status) in [("{ nonsense }", 422), ("{", 400)] {
            post(&nobody, MODERN, json!({ "query": text, "extensions": hashed(text) })).await.expect_status(status);
            post(&nobody, MODERN, json!({ "extensions": hashed(text) })).await.expect_code("PERSISTED_QUERY_NOT_FOUND");
        }
        for id in ["md5of32digits", "x-app:7", &document_id(ME).to_uppercase()] {
            post(&nobody, MODERN, json!({ "documentId": id })).await.expect_status(400).expect_code("PERSISTED_QUERY_NOT_FOUND");
        }
        for extensions in [json!({ "persistedQuery": { "version": 2, "sha256Hash": "a" } }), json!({ "persistedQuery": 1 })] {
            post(&nobody, MODERN, json!({ "query": ME, "extensions": extensions })).await.expect_status(400).expect_code("BAD_REQUEST");
        }
    }

    /// A mutation is kept by its hash also when it was refused for what it was given, and is never run by GET.
    async fn a_mutation_is_known_by_its_hash(world) {
        let alice = world.person("alice").await;
        let rename = "mutation Rename($version: Int!) { updateProfile(input: { bio: \"by hash\", expectedVersion: $version }) { user { bio } } }";
        let stale = json!({ "query": rename, "variables": { "version": 99 }, "extensions": hashed(rename) });
        post(&alice, MODERN, stale).await.expect_code("RESOURCE_CONFLICT");
        let before = world.dump().await;
        let by_get = get(&alice, &[("documentId", &document_id(rename)), ("variables", "{\"version\":1}")]).await;
        by_get.expect_status(405).expect_code("METHOD_NOT_ALLOWED");
        assert_eq!(by_get.header("allow"), "POST");
        world.dump().await.assert_unchanged(&before, "a mutation by its hash over GET");
        let renamed = post(&alice, MODERN, json!({ "documentId": document_id(rename), "variables": { "version": 1 } })).await;
        assert_eq!(renamed.text("updateProfile.user.bio"), "by hash");
    }

    /// The same over a socket and over server-sent events.
    async fn streams_know_documents_by_their_hash(world) {
        let alice = world.person("alice").await;
        let mut socket = alice.socket().await;
        let (kind, errors) = over_a_socket(&mut socket, "1", json!({ "extensions": hashed(ME) })).await;
        assert_eq!((kind.as_str(), &errors[0]["message"]), ("error", &json!("PersistedQueryNotFound")));
        assert_eq!(errors[0]["extensions"]["code"], "PERSISTED_QUERY_NOT_FOUND");
        over_sse(&alice, &json!({ "extensions": hashed(ME) })).await.expect_status(400).expect_code("PERSISTED_QUERY_NOT_FOUND");
        let (kind, _) = over_a_socket(&mut socket, "1", json!({ "query": ME, "extensions": hashed(ME) })).await;
        assert_eq!(kind, "next");
        assert_eq!(socket.recv().await["type"], "complete");
        let (kind, answer) = over_a_socket(&mut socket, "1", json!({ "documentId": document_id(ME) })).await;
        assert_eq!((kind.as_str(), &answer["data"]["me"]["username"]), ("next", &json!("alice")));

        let room = alice.create_room("Studio", "PRIVATE").await;
        let follow = "subscription($id: ID!, $after: String) { messageEvents(conversationId: $id, after: $after) { ... on MessageSent { message { content } } } }";
        let after = alice.event_cursor(&room).await;
        let mut first = alice.subscribe_sse(follow, json!({ "id": room, "after": after })).await;
        alice.send(&room, "one").await;
        first.next().await;
        // It was followed without its hash; now it gets one, and from then on needs no text.
        let variables = json!({ "id": room, "after": after });
        let mut named = over_a_socket(&mut alice.socket().await, "1", json!({ "query": follow, "variables": variables, "extensions": hashed(follow) })).await;
        assert_eq!(named.1["data"]["messageEvents"]["message"]["content"].take(), "one");
        let by_hash = alice.request(Method::GET, "/graphql").header("accept", "text/event-stream");
        let by_hash = by_hash.query(&[("documentId", document_id(follow)), ("variables", variables.to_string())]);
        let mut events = Sse::new(within("an answer", by_hash.send()).await.unwrap());
        assert_eq!(events.next().await["messageEvents"]["message"]["content"], "one");
    }

    /// What one process has learned, the others know, as far as Redis goes; and what lies in Redis is believed by its hash alone.
    async fn processes_share_their_documents(world) {
        let Some(redis) = Redis::start().await else { return skip("Redis") };
        let with_redis = || world.instance(|config| config.cache.redis_url = Some(redis.url.clone()));
        let (here, there, alone) = (with_redis().await, with_redis().await, world.second_instance().await);
        let alice = world.person("alice").await;
        post(&alice.at(&here), MODERN, json!({ "query": ME, "extensions": hashed(ME) })).await.ok();
        within("the document to be shared", async {
            while post(&alice.at(&there), MODERN, json!({ "extensions": hashed(ME) })).await.status != 200 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        let unknown = post(&alice.at(&alone), MODERN, json!({ "extensions": hashed(ME) })).await;
        unknown.expect_code("PERSISTED_QUERY_NOT_FOUND");
        let (asked, forged) = ("{ roles { totalCount } }", "{ me { email } }");
        let client = redis::Client::open(redis.url.clone()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let key = format!("polyphony:document:{}", DocumentId::of(asked).as_str());
        let _: () = redis::cmd("SET").arg(key).arg(forged).query_async(&mut connection).await.unwrap();
        post(&alice.at(&there), MODERN, json!({ "extensions": hashed(asked) })).await.expect_code("PERSISTED_QUERY_NOT_FOUND");
    }

    /// PLT-016, PLT-053: what anybody gets may be kept by a CDN where the operator says for how long, and nothing else ever.
    async fn only_what_anybody_gets_may_be_kept(world) {
        let people = "query($first: Int) { users(first: $first) { nodes { username } } }";
        let kept = world.instance(|config| config.app.public_cache = Duration::from_secs(60)).await;
        let (nobody, alice) = (world.anonymous().at(&kept), world.person("alice").await.at(&kept));
        post(&nobody, JSON, json!({ "query": people, "extensions": hashed(people) })).await.ok();
        let (id, extensions) = (document_id(people), hashed(people).to_string());
        for by_hash in [[("documentId", id.as_str())], [("extensions", extensions.as_str())]] {
            let answer = get(&nobody, &by_hash).await;
            answer.ok();
            assert_eq!(answer.header("cache-control"), "public, max-age=60");
            let varies: Vec<_> = answer.headers.get_all("vary").iter().flat_map(|value| value.to_str().unwrap().split(',')).map(str::trim).collect();
            for name in ["accept", "authorization", "cookie"] {
                assert!(varies.contains(&name), "{name} is not in {varies:?}");
            }
        }
        let by_cookie = nobody.request(Method::GET, "/graphql").query(&[("documentId", &id)]).header("cookie", "polyphony_refresh=x");
        for (what, answer) in [
            ("somebody is signed in", get(&alice.at(&kept), &[("documentId", &id)]).await),
            ("a cookie", nobody.send_request(by_cookie).await),
            ("the text was sent", get(&nobody, &[("query", people)]).await),
            ("it is no GET", post(&nobody, JSON, json!({ "documentId": id })).await),
            ("it failed", get(&nobody, &[("documentId", &id), ("variables", "{\"first\":1000}")]).await),
            ("it is not known", get(&nobody, &[("documentId", "sha256:00")]).await),
            ("nobody has allowed it", get(&world.anonymous(), &[("query", people), ("extensions", &extensions)]).await),
            ("nobody has allowed it", get(&world.anonymous(), &[("documentId", &id)]).await),
        ] {
            assert_eq!(answer.header("cache-control"), "no-store", "{what}\n{answer}");
        }
    }

    /// Where a file lists the documents, nothing else is run, whichever way it comes.
    async fn only_trusted_documents_are_run(world) {
        let folder = tempfile::tempdir().unwrap();
        let typing = "subscription($id: ID!) { typingChanged(conversationId: $id) { typing } }";
        // Relay's ids are MD5 unless told otherwise.
        let file = json!({ "5f4dcc3b5aa765d61d8327deb882cf99": ME, "7": typing });
        let strict = trusting(world, &folder, &file).await;
        let alice = world.person("alice").await;
        let room = alice.create_room("Studio", "PRIVATE").await;
        let (alice, nobody) = (alice.at(&strict), world.anonymous().at(&strict));
        for body in [
            json!({ "documentId": "5f4dcc3b5aa765d61d8327deb882cf99" }),
            json!({ "documentId": document_id(ME), "operationName": "Me" }),
            json!({ "extensions": hashed(ME) }),
            json!({ "query": ME }),
        ] {
            assert_eq!(post(&alice, MODERN, body).await.text("me.username"), "alice");
        }
        get(&alice, &[("documentId", "5f4dcc3b5aa765d61d8327deb882cf99")]).await.ok();
        let mut socket = alice.socket().await;
        let other = "query Me { me { username displayName } }";
        for body in [
            json!({ "query": other }),
            json!({ "query": other, "extensions": hashed(other) }),
            json!({ "query": "{ __schema { types { name } } }" }),
            json!({ "query": "{" }),
            json!({ "documentId": document_id(other) }),
        ] {
            for accept in [MODERN, JSON] {
                let refused = post(&alice, accept, body.clone()).await;
                refused.expect_status(403).expect_code("DOCUMENT_NOT_TRUSTED").is_well_formed();
            }
            over_sse(&alice, &body).await.expect_status(403).expect_code("DOCUMENT_NOT_TRUSTED");
            let (kind, errors) = over_a_socket(&mut socket, "1", body).await;
            assert_eq!((kind.as_str(), &errors[0]["extensions"]["code"]), ("error", &json!("DOCUMENT_NOT_TRUSTED")));
        }
        get(&nobody, &[("query", other)]).await.expect_code("DOCUMENT_NOT_TRUSTED");
        let followed = alice.subscribe_sse(typing, json!({ "id": room })).await;
        assert_eq!(followed.status, 200);
    }

    /// A list with a document that cannot be run stops the start, and says which and why.
    async fn a_list_that_does_not_fit_stops_the_start(world) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trusted.json");
        let mut config = (*world.first().config).clone();
        config.app.trusted_documents = Some(path.clone());
        for (file, named) in [
            (json!({ "good": ME, "gone": "{ nonsense }", "torn": "{" }).to_string(), vec!["document gone: line 1, column 3", "nonsense", "document torn"]),
            (json!({ "typed": "{ users(first: \"x\") { totalCount } }" }).to_string(), vec!["document typed"]),
            (json!({ "circle": "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }" }).to_string(), vec!["document circle"]),
            ("{}".to_owned(), vec!["no document"]),
            ("[]".to_owned(), vec!["JSON object"]),
        ] {
            std::fs::write(&path, &file).unwrap();
            let chain = App::open(config.clone().into(), Chosen::default()).await.err().map(|error| error.chain()).unwrap_or_default();
            for words in named.iter().chain(&["TRUSTED_DOCUMENTS", "trusted.json"]) {
                assert!(chain.contains(words), "{words} is not in {chain:?} of {file}");
            }
            assert!(!chain.contains("document good"), "{chain}");
        }
        std::fs::remove_file(&path).unwrap();
        assert!(App::open(config.into(), Chosen::default()).await.is_err(), "there is no file");
        // For the operator.
        std::fs::write(&path, json!({ "a": ME, "b": "{ nonsense }" }).to_string()).unwrap();
        let settings = [("TRUSTED_DOCUMENTS", path.to_str().unwrap())];
        let (healthy, said) = Program::run(folder.path(), &["doctor"], &settings).await;
        assert!(!healthy && said.contains("FAIL  trusted documents") && said.contains("document b"), "{said}");
        std::fs::write(&path, json!({ "a": ME }).to_string()).unwrap();
        let (_, said) = Program::run(folder.path(), &["doctor"], &settings).await;
        assert!(said.contains("ok    trusted documents: 1 in "), "{said}");
        let (_, said) = Program::run(folder.path(), &["config"], &settings).await;
        assert!(said.contains(&format!("TRUSTED_DOCUMENTS={}", path.display())), "{said}");
    }

    /// A price is told without running anything, whatever it is the price of.
    async fn a_price_is_told_without_running(world) {
        let alice = world.person("alice").await;
        let room = alice.create_room("Studio", "PRIVATE").await;
        let only = json!({ "cost": "ONLY" });
        let ask = |query: &str, variables: Value| json!({ "query": query, "variables": variables, "extensions": only });
        let people = "query($first: Int!) { users(first: $first) { nodes { username } } }";
        let ran = alice.ask(people, json!({ "first": 7 })).await;
        let before = world.dump().await;
        let priced = post(&alice, MODERN, ask(people, json!({ "first": 7 }))).await;
        priced.expect_status(200);
        assert!(priced.body["data"].is_null() && priced.body.get("data").is_some() && priced.body.get("errors").is_none(), "{priced}");
        assert_eq!(priced.body["extensions"], ran.body["extensions"], "the same as when it is run");
        for (document, variables) in [
            ("mutation { updateProfile(input: { bio: \"changed\" }) { user { bio } } }", Value::Null),
            ("subscription($id: ID!) { typingChanged(conversationId: $id) { typing } }", json!({ "id": room })),
        ] {
            let priced = post(&alice, JSON, ask(document, variables)).await;
            assert!(priced.status == 200 && priced.body["extensions"]["cost"]["requested"].as_u64() >= Some(2), "{priced}");
            assert!(priced.body["data"].is_null(), "{priced}");
        }
        world.dump().await.assert_unchanged(&before, "asking for prices");
        let by_get = get(&alice, &[("query", "{ me { id } }"), ("extensions", &only.to_string())]).await;
        assert_eq!(by_get.body["extensions"]["cost"]["requested"], 2, "{by_get}");
        let (kind, payload) = over_a_socket(&mut alice.socket().await, "1", ask(people, json!({ "first": 7 }))).await;
        assert_eq!((kind.as_str(), &payload["data"]), ("next", &Value::Null), "over a socket");
        assert_eq!(payload["extensions"]["cost"], priced.body["extensions"]["cost"], "over a socket");
        // What would be refused is refused now, with both figures.
        let dear = "{ users(first: 100) { nodes { blockedUsers(first: 100) { nodes { id username displayName } } } } }";
        let refused = post(&alice, MODERN, ask(dear, Value::Null)).await;
        refused.expect_status(400).expect_code("QUERY_TOO_COMPLEX");
        let details = &refused.body["errors"][0]["extensions"]["details"];
        assert!(details["requested"].as_u64() > details["limit"].as_u64() && details["limit"] == 10_000, "{refused}");
        for (wrong, code) in [("{ nonsense }", "GRAPHQL_VALIDATION_FAILED"), ("{", "GRAPHQL_PARSE_FAILED"), (people, "VALIDATION_FAILED")] {
            post(&alice, MODERN, ask(wrong, Value::Null)).await.expect_code(code);
        }
    }
}
