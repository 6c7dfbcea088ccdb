//! GraphQL over HTTP: which status for what, what is refused, and the headers of every answer.

use std::time::{Duration, Instant};

use polyphony::config::app::Origins;
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::{Answer, Caller, World, within};

const MODERN: &str = "application/graphql-response+json";
const JSON: &str = "application/json";

async fn post(caller: &Caller, accept: &str, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
    let request =
        caller.request(Method::POST, "/graphql").header("accept", accept).header("content-type", content_type);
    caller.send_request(request.body(body)).await
}

async fn get(caller: &Caller, query: &[(&str, &str)]) -> Answer {
    caller.send_request(caller.request(Method::GET, "/graphql").query(query)).await
}

/// The server still answers.
async fn assert_alive(world: &World) {
    world.anonymous().me().await.expect_status(200).ok();
}

once! {
    /// A request whose headers never end, and answers that nobody reads, do not hold a connection for ever.
    async fn who_only_holds_a_place_loses_it(world) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let brief = world
            .instance(|config| {
                config.limits.header_timeout = Duration::from_millis(300);
                config.limits.write_timeout = Duration::from_millis(300);
            })
            .await;
        let address = brief.url.trim_start_matches("http://").to_owned();
        let mut dripping = tokio::net::TcpStream::connect(&address).await.unwrap();
        let cut = within("the slow one to be cut off", async {
            loop {
                tokio::time::sleep(Duration::from_millis(50)).await;
                if dripping.write_all(b"X").await.is_err() {
                    return;
                }
                let mut byte = [0];
                if let Ok(read) = tokio::time::timeout(Duration::from_millis(1), dripping.read(&mut byte)).await
                    && !matches!(read, Ok(1..))
                {
                    return;
                }
            }
        });
        cut.await;
        // Whoever says nothing, and whoever begins to say that it is HTTP/2 and stops there.
        for said in ["", "PRI * HT"] {
            let mut silent = tokio::net::TcpStream::connect(&address).await.unwrap();
            silent.write_all(said.as_bytes()).await.unwrap();
            let mut rest = Vec::new();
            let _ = within("the silent one to be cut off", silent.read_to_end(&mut rest)).await;
        }
        // Asks without end, reads nothing.
        let mut deaf = tokio::net::TcpStream::connect(&address).await.unwrap();
        let asked = b"GET /playground/ HTTP/1.1\r\nhost: x\r\n\r\n".repeat(100);
        within("the deaf one to be cut off", async { while deaf.write_all(&asked).await.is_ok() {} }).await;
        // Everybody else is served.
        world.anonymous().at(&brief).me().await.ok();
    }

    /// GraphQL over HTTP, "Status codes": by the media type the client asked for.
    async fn the_status_says_how_the_request_went(world) {
        let nobody = world.anonymous();
        let operation = |query: &str| json!({ "query": query }).to_string();
        for (what, accept, body, status) in [
            ("it ran", MODERN, operation("{ me { id } }"), 200),
            ("it ran", JSON, operation("{ me { id } }"), 200),
            ("it ran, with a field error", MODERN, operation("{ roles { totalCount } me { id } }"), 200),
            ("no syntax", MODERN, operation("{"), 400),
            ("no syntax", JSON, operation("{"), 200),
            ("unknown field", MODERN, operation("{ nonsense }"), 422),
            ("unknown field", JSON, operation("{ nonsense }"), 200),
            ("a variable of another type", MODERN, json!({ "query": "query($n: Int!) { users(first: $n) { totalCount } }", "variables": { "n": "x" } }).to_string(), 400),
            ("a variable of another type", JSON, json!({ "query": "query($n: Int!) { users(first: $n) { totalCount } }", "variables": { "n": "x" } }).to_string(), 200),
            ("a variable is missing", MODERN, operation("query($n: Int!) { users(first: $n) { totalCount } }"), 400),
            ("unknown operation", MODERN, json!({ "query": "query A { me { id } }", "operationName": "B" }).to_string(), 400),
            ("two operations, none named", MODERN, operation("query A { me { id } } query B { me { id } }"), 400),
            ("no JSON", MODERN, "{".to_owned(), 400),
            ("no JSON", JSON, "{".to_owned(), 400),
            ("no query", JSON, "{}".to_owned(), 400),
            ("query is a number", JSON, "{\"query\":7}".to_owned(), 400),
            ("variables are a list", JSON, "{\"query\":\"{ me { id } }\",\"variables\":[]}".to_owned(), 400),
            ("a batch", JSON, format!("[{}]", operation("{ me { id } }")), 400),
            ("nothing", JSON, String::new(), 400),
        ] {
            let answer = post(&nobody, accept, JSON, body).await;
            assert_eq!(answer.status, status, "{what} as {accept}\n{answer}");
            assert_eq!(answer.header("content-type"), format!("{accept}; charset=utf-8"), "{what}\n{answer}");
            answer.is_well_formed();
            if status != 200 {
                assert!(answer.body.get("data").is_none(), "nothing ran, so there is no data\n{answer}");
            }
        }
    }

    /// Every other type can be sent by a form of a foreign page.
    async fn only_json_is_taken(world) {
        let body = json!({ "query": "{ me { id } }" }).to_string();
        for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/graphql", "application/json; charset=latin1"] {
            let answer = post(&world.anonymous(), JSON, content_type, body.clone()).await;
            answer.expect_status(415).expect_code("UNSUPPORTED_MEDIA_TYPE");
        }
        let untyped = world.anonymous().request(Method::POST, "/graphql").body(body);
        world.anonymous().send_request(untyped).await.expect_status(415);
        post(&world.anonymous(), "text/html", JSON, "{}").await.expect_status(406).expect_code("NOT_ACCEPTABLE");
    }

    /// A link must not change anything.
    async fn a_get_reads_and_never_changes(world) {
        let alice = world.person("alice").await;
        let read = get(&alice, &[("query", "query($a: Boolean!) { me { username @include(if: $a) } }"), ("variables", "{\"a\":true}")]).await;
        assert_eq!(read.text("me.username"), "alice");
        let before = world.dump().await;
        let mutation = "mutation { updateProfile(input: { bio: \"changed\" }) { user { id } } }";
        let both = "query A { me { id } } mutation B { updateProfile(input: { bio: \"changed\" }) { user { id } } }";
        let refused = get(&alice, &[("query", mutation)]).await;
        refused.expect_status(405).expect_code("METHOD_NOT_ALLOWED");
        assert_eq!(refused.header("allow"), "POST");
        get(&alice, &[("query", both), ("operationName", "B")]).await.expect_status(405);
        get(&alice, &[("query", both), ("operationName", "A")]).await.expect_status(200).ok();
        get(&alice, &[]).await.expect_status(400);
        world.dump().await.assert_unchanged(&before, "a mutation over GET");
        for method in [Method::PUT, Method::DELETE, Method::PATCH] {
            let answer = alice.send_request(alice.request(method, "/graphql")).await;
            answer.expect_status(405).expect_code("METHOD_NOT_ALLOWED");
        }
    }

    /// "A few KB of nested brackets must never take the process down", wherever they stand.
    async fn brackets_within_brackets_are_refused_in_time(world) {
        let nobody = world.anonymous();
        let deep = |open: &str, close: &str, times: usize| format!("{}{}", open.repeat(times), close.repeat(times));
        for times in [65, 2_000, 20_000] {
            for (what, document) in [
                ("lists", format!("{{ users(search: {}) {{ totalCount }} }}", deep("[", "]", times))),
                ("unclosed lists", format!("{{ users(search: {}", "[".repeat(times))),
                ("objects", format!("{{ users(search: {}1{}) {{ totalCount }} }}", "{a:".repeat(times), "}".repeat(times))),
                ("selections", format!("{}id{}", "{me".repeat(times), "}".repeat(times))),
                ("types", format!("query($a: {}Int{}) {{ me {{ id }} }}", "[".repeat(times), "]".repeat(times))),
                ("fragments", format!("{{ {}me {{ id }}{} }}", "...{".repeat(times), "}".repeat(times))),
            ] {
                let began = Instant::now();
                let answer = post(&nobody, MODERN, JSON, json!({ "query": document }).to_string()).await;
                assert!([400, 413, 422].contains(&answer.status), "{times} {what}: {}", answer.status);
                assert!(answer.code().is_some(), "{times} {what}");
                assert!(began.elapsed() < Duration::from_secs(2), "{times} {what} took {:?}", began.elapsed());
            }
            let variables = format!("{{\"query\":\"{{ me {{ id }} }}\",\"variables\":{{\"a\":{}}}}}", deep("[", "]", times));
            post(&nobody, MODERN, JSON, variables).await.expect_status(400).expect_code("QUERY_TOO_COMPLEX");
        }
        assert_alive(world).await;
    }

    /// PLT-024: what is too dear is refused before it runs, and the cost of what runs is told.
    async fn what_is_too_dear_is_refused(world) {
        let nobody = world.anonymous();
        let aliases: String = (0..200).map(|number| format!("a{number}: me {{ id }} ")).collect();
        let directives = "@include(if: true) ".repeat(200);
        let circle = "fragment A on Query { ...B } fragment B on Query { ...A }";
        let doubling: String =
            (0..60).map(|number| format!("fragment F{number} on Query {{ ...F{0} ...F{0} }} ", number + 1)).collect();
        let around = "fields { type { ofType { ".repeat(4);
        for (what, document) in [
            ("aliases", format!("{{ {aliases} }}")),
            ("directives", format!("{{ me {directives} {{ id }} }}")),
            ("rows of rows", "{ users(first: 100) { nodes { blockedUsers(first: 100) { nodes { blockedUsers(first: 100) { nodes { id } } } } } } }".to_owned()),
            ("depth", format!("{{ me {{ {} id {} }} }}", "blockedUsers(first: 1) { nodes { ".repeat(10), "} } ".repeat(10))),
            ("a circle in an operation that is not asked for", format!("query Other {{ ...A }} {circle}")),
            ("fragments that double in one", format!("query Other {{ ...F0 }} {doubling}")),
            ("fragments that double and are not used", doubling.clone()),
            ("a schema around and around", format!("{{ __schema {{ types {{ {around}name{} }} }} }}", " }".repeat(12))),
            ("a circle of fragments", "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }".to_owned()),
        ] {
            let body = match what.contains("fragments that") || what.contains("not asked for") {
                true => json!({ "query": format!("query Asked {{ me {{ id }} }} {document}"), "operationName": "Asked" }),
                false => json!({ "query": document }),
            };
            let answer = within(what, post(&nobody, MODERN, JSON, body.to_string())).await;
            assert!(matches!(answer.code(), Some("QUERY_TOO_COMPLEX" | "GRAPHQL_VALIDATION_FAILED")), "{what}\n{answer}");
            answer.is_well_formed();
        }
        let answer = nobody.ask("{ users(first: 10) { nodes { username } } }", Value::Null).await;
        let cost = &answer.body["extensions"]["cost"];
        assert!(cost["requested"].as_u64().is_some_and(|units| units >= 10) && cost["limit"].is_number(), "{answer}");
    }

    /// A variable costs wherever it is used; what the operation does not take is not even kept.
    async fn large_values_do_not_multiply(world) {
        let nobody = world.anonymous();
        let many: Vec<u32> = vec![1; 200_000];
        for (operation, code) in [
            (format!("query($v: ID!) {{ {} }}", "node(id: $v) { id } ".repeat(1_000)), Some("QUERY_TOO_COMPLEX")),
            (format!("query($v: Boolean!) {{ {} }}", "me @include(if: $v) { id } ".repeat(60)), Some("QUERY_TOO_COMPLEX")),
            ("{ me { id } }".to_owned(), None),
        ] {
            let body = json!({ "query": operation, "variables": { "v": many }, "extensions": { "v": [1] } }).to_string();
            let answer = within("a large value", post(&nobody, MODERN, JSON, body)).await;
            assert_eq!(answer.code(), code, "{answer}");
        }
        assert_alive(world).await;
    }

    /// RFC 9112, section 3.2: one Host, neither none nor two.
    async fn a_request_is_for_one_host(world) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let address = world.anonymous().url.trim_start_matches("http://").to_owned();
        for (head, status) in [
            ("GET /healthz HTTP/1.1\r\nhost: x\r\n", "200"),
            ("GET /healthz HTTP/1.1\r\n", "400"),
            ("GET /healthz HTTP/1.1\r\nhost: x\r\nhost: y\r\n", "400"),
            ("GET /playground/%ff HTTP/1.1\r\nhost: x\r\n", "404"),
        ] {
            let mut line = tokio::net::TcpStream::connect(&address).await.unwrap();
            line.write_all(format!("{head}connection: close\r\n\r\n").as_bytes()).await.unwrap();
            let mut text = String::new();
            within("the answer", line.read_to_string(&mut text)).await.unwrap();
            assert_eq!(text.split(' ').nth(1), Some(status), "{head}\n{text}");
            assert!(status == "200" || text.contains("\"requestId\""), "{text}");
        }
    }

    /// PLT-024: a body is bounded, whether or not its length is told.
    async fn a_large_body_is_refused(world) {
        let small = world.instance(|config| config.limits.body_bytes = 2_000).await;
        let nobody = world.anonymous().at(&small);
        let body = json!({ "query": "{ me { id } }", "extensions": { "padding": "x".repeat(2_000) } }).to_string();
        post(&nobody, JSON, JSON, body.clone()).await.expect_status(413).expect_code("PAYLOAD_TOO_LARGE");
        let untold = futures_util::stream::iter(body.into_bytes().chunks(100).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec())).collect::<Vec<_>>());
        post(&nobody, JSON, JSON, reqwest::Body::wrap_stream(untold)).await.expect_status(413);
        let packed = nobody.request(Method::POST, "/graphql").header("content-type", JSON).header("content-encoding", "gzip").body("x");
        nobody.send_request(packed).await.expect_status(415);
        nobody.me().await.ok();
    }

    /// Not provided is not null, and leaves a default in place (GraphQL specification, "CoerceArgumentValues").
    async fn an_omitted_variable_is_an_omitted_argument(world) {
        let alice = world.person("alice").await;
        let list = "query($first: Int, $last: Int, $after: String, $orderBy: UserOrder, $search: String) {
            users(first: $first, last: $last, after: $after, orderBy: $orderBy, search: $search) { nodes { username } }
        }";
        for variables in [json!({}), json!({ "first": 5 }), json!({ "last": 5 }), json!({ "first": 5, "after": null })] {
            assert_eq!(alice.ask(list, variables).await.list("users.nodes", "username"), [json!("alice")]);
        }
        let change = "mutation($bio: String, $location: String) {
            updateProfile(input: { bio: $bio, location: $location }) { user { bio location } }
        }";
        alice.ask(change, json!({ "bio": "viola", "location": "here" })).await.ok();
        let kept = alice.ask(change, json!({ "location": null })).await;
        assert_eq!(kept.data("updateProfile.user"), &json!({ "bio": "viola", "location": null }));
    }

    /// PLT-018, PLT-019: on every answer, refusals too.
    async fn every_answer_has_its_headers(world) {
        let nobody = world.anonymous();
        let mut ids = Vec::new();
        for path in ["/graphql", "/health", "/healthz", "/readyz", "/nonsense", "/"] {
            let answer = nobody.send_request(nobody.request(Method::GET, path)).await;
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
            assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
            assert!(answer.header("content-security-policy").contains("default-src"), "{path}");
            assert!(answer.headers.contains_key("referrer-policy"), "{path}");
            ids.push(answer.header("x-request-id").to_owned());
        }
        assert!(ids.iter().all(|id| uuid::Uuid::parse_str(id).is_ok()), "{ids:?}");
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count, "a request id came twice");
        // One that a gateway gave is kept, nonsense is not.
        let given = "0195d3a0-0000-7000-8000-000000000001";
        for (sent, kept) in [(given, true), ("<script>", false)] {
            let answer = nobody.send_request(nobody.request(Method::POST, "/graphql").header("x-request-id", sent).json(&json!({ "query": "{" }))).await;
            assert_eq!(answer.header("x-request-id") == sent, kept, "{sent}");
            assert_eq!(answer.header("x-request-id"), answer.body["errors"][0]["extensions"]["requestId"], "{answer}");
        }
    }

    /// PLT-017: anybody in development; listed origins elsewhere, and only those with cookies.
    async fn origins_are_let_in_by_the_list(world) {
        let preflight = |caller: &Caller, origin: &str| {
            let request = caller.request(Method::OPTIONS, "/graphql").header("origin", origin);
            request.header("access-control-request-method", "POST").header("access-control-request-headers", "authorization,content-type")
        };
        let nobody = world.anonymous();
        let open = nobody.send_request(preflight(&nobody, "https://anywhere.example")).await;
        assert_eq!(open.header("access-control-allow-origin"), "*");
        assert_eq!(open.header("access-control-allow-credentials"), "");
        let strict = world.instance(|config| config.app.origins = Origins::Listed(vec!["https://app.example.org".into()])).await;
        let nobody = nobody.at(&strict);
        let listed = nobody.send_request(preflight(&nobody, "https://app.example.org")).await;
        assert_eq!(listed.header("access-control-allow-origin"), "https://app.example.org");
        assert_eq!(listed.header("access-control-allow-credentials"), "true");
        let foreign = nobody.send_request(preflight(&nobody, "https://evil.example")).await;
        assert_ne!(foreign.header("access-control-allow-origin"), "https://evil.example");
        // PLT-018, PLT-019: a preflight is a request like any other.
        for answer in [&open, &listed, &foreign] {
            assert_eq!(answer.header("x-request-id").len(), 36, "{answer}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{answer}");
        }
    }

    /// IDN-062: a mutation by cookie proves that a page of ours made it.
    async fn a_mutation_by_cookie_needs_its_token(world) {
        world.person("alice").await;
        let nobody = world.anonymous();
        let origin = nobody.url.clone();
        let sign_in = "mutation { signIn(input: { login: \"alice\", password: \"Seven-horns-and-a-drum\" }) { accessToken refreshToken } }";
        let request = nobody.request(Method::POST, "/graphql").header("x-session-mode", "cookie").header("origin", &origin);
        let signed_in = nobody.send_request(request.json(&json!({ "query": sign_in }))).await;
        assert!(signed_in.data("signIn.accessToken").is_null() && signed_in.data("signIn.refreshToken").is_null(), "{signed_in}");
        let cookies: Vec<_> = signed_in.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap().to_owned()).collect();
        assert_eq!(cookies.len(), 2, "{cookies:?}");
        for cookie in &cookies {
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite="), "{cookie}");
        }
        let jar = cookies.iter().map(|cookie| cookie.split(';').next().unwrap_or_default()).collect::<Vec<_>>().join("; ");
        let by_cookie = |query: &str| {
            nobody.request(Method::POST, "/graphql").header("cookie", &jar).json(&json!({ "query": query }))
        };
        assert_eq!(nobody.send_request(by_cookie("{ me { username } }")).await.text("me.username"), "alice");
        let mutation = "mutation { updateProfile(input: { bio: \"by cookie\" }) { user { bio } } }";
        let before = world.dump().await;
        nobody.send_request(by_cookie(mutation)).await.expect_status(403).expect_code("CSRF_FAILED");
        nobody.send_request(by_cookie(mutation).header("x-csrf-token", "guessed")).await.expect_code("CSRF_FAILED");
        let token = nobody.send_request(nobody.request(Method::GET, "/csrf-token").header("cookie", &jar)).await;
        let token = token.body["csrfToken"].as_str().unwrap_or_else(|| panic!("{token}")).to_owned();
        let foreign = by_cookie(mutation).header("x-csrf-token", &token).header("origin", "https://evil.example");
        nobody.send_request(foreign).await.expect_code("CSRF_FAILED");
        world.dump().await.assert_unchanged(&before, "mutations by cookie without their token");
        let proved = by_cookie(mutation).header("x-csrf-token", &token).header("origin", &origin);
        assert_eq!(nobody.send_request(proved).await.text("updateProfile.user.bio"), "by cookie");
        // Any other server of the place knows it as well.
        let elsewhere = nobody.at(&world.instance(|_| {}).await);
        let there = elsewhere.request(Method::POST, "/graphql").header("cookie", &jar).header("x-csrf-token", &token);
        let there = elsewhere.send_request(there.json(&json!({ "query": mutation }))).await;
        assert_eq!(there.text("updateProfile.user.bio"), "by cookie");
        // Another person's token is none.
        let bob = world.person("bob").await;
        let theirs = bob.send_request(bob.request(Method::GET, "/csrf-token")).await;
        let theirs = theirs.body["csrfToken"].as_str().unwrap_or_else(|| panic!("{theirs}")).to_owned();
        nobody.send_request(by_cookie(mutation).header("x-csrf-token", theirs)).await.expect_code("CSRF_FAILED");
    }

    /// IDN-061: a bad token is a refusal, also beside a good cookie, and never a quiet anonymous.
    async fn a_bad_token_is_a_refusal(world) {
        for value in ["Bearer nonsense", "Bearer", "Basic dXNlcjpwYXNz", "nonsense"] {
            let nobody = world.anonymous();
            let request = nobody.request(Method::POST, "/graphql").header("authorization", value).json(&json!({ "query": "{ me { id } }" }));
            let answer = nobody.send_request(request).await;
            answer.expect_status(401).expect_code("INVALID_TOKEN");
            assert!(answer.header("www-authenticate").starts_with("Bearer"), "{answer}");
        }
    }

    /// A production server tells nobody its schema, and says nothing of it by suggestions.
    async fn introspection_can_be_switched_off(world) {
        let closed = world.instance(|config| config.app.introspection = false).await;
        let nobody = world.anonymous().at(&closed);
        let answer = nobody.ask("{ __schema { types { name } } }", Value::Null).await;
        answer.expect_code("INTROSPECTION_DISABLED");
        assert!(answer.body.get("data").is_none() && !answer.body.to_string().contains("UserConnection"), "{answer}");
        for hidden in ["{ ...A } fragment A on Query { ... { kind: __type(name: \"User\") { name } } }", "query A { me { id } __schema { types { name } } }"] {
            nobody.ask(hidden, Value::Null).await.expect_code("INTROSPECTION_DISABLED");
        }
        assert_eq!(nobody.ask("{ __typename }", Value::Null).await.text("__typename"), "Query");
        let answer = nobody.ask("{ user { usernam } }", Value::Null).await;
        assert!(!answer.body.to_string().contains("Did you mean"), "{answer}");
        nobody.me().await.ok();
    }

    /// PLT-001 to PLT-005.
    async fn probes_answer(world) {
        let nobody = world.anonymous();
        for path in ["/health", "/healthz", "/readyz"] {
            nobody.send_request(nobody.request(Method::GET, path)).await.expect_status(200);
        }
        nobody.me().await.ok();
        let metrics = nobody.send_request(nobody.request(Method::GET, "/metrics")).await;
        assert_eq!(metrics.status, 200, "{metrics}");
        let proxied = nobody.request(Method::GET, "/metrics").header("x-forwarded-for", "203.0.113.7");
        let outside = nobody.send_request(proxied).await;
        assert!([401, 403, 404].contains(&outside.status), "metrics are for loopback only\n{outside}");
    }

    /// PLT-005: what is worth watching is counted, by names that stay.
    async fn figures_are_kept(world) {
        let alice = world.person("alice").await;
        let room = alice.create_room("Studio", "PUBLIC").await;
        let _listening = alice.listen_from_now(&room).await;
        // One operation of sixteen has its fields timed.
        for _ in 0..16 {
            alice.ask("{ conversations { nodes { name owner { username } } } }", json!({})).await.ok();
        }
        alice.ask("{ nodes(ids: []) { id } user(username: \"nobody\") { id } }", json!({})).await;
        alice.ask("{ nonsense }", json!({})).await;
        let hurried = world.instance(|config| config.limits.refresh.count = 1).await;
        let refresh = "mutation { refreshSession(input: { refreshToken: \"none\" }) { accessToken } }";
        for _ in 0..2 {
            world.anonymous().at(&hurried).ask(refresh, json!({})).await;
        }
        world.run_jobs().await;
        let nobody = world.anonymous();
        let metrics = nobody.send_request(nobody.request(Method::GET, "/metrics")).await.expect_status(200).body.clone();
        let metrics = metrics.as_str().unwrap();
        for figure in [
            "polyphony_requests_total{kind=\"query\"",
            "polyphony_request_seconds_bucket{kind=\"mutation\"",
            "polyphony_errors_total{code=\"GRAPHQL_VALIDATION_FAILED\"}",
            "polyphony_rate_limit_refusals_total{limit=",
            "polyphony_resolver_seconds_bucket{field=\"Query.conversations\"",
            "polyphony_loader_batch_size_bucket{loader=",
            "polyphony_subscriptions 1",
            "polyphony_sockets",
            "polyphony_jobs{status=\"pending\"}",
            "polyphony_log_listeners",
            "polyphony_log_lag_events",
        ] {
            assert!(metrics.contains(figure), "{figure} is not in\n{metrics}");
        }
        let guarded = world.instance(|config| config.app.metrics_token = Some("scraper".into())).await;
        let scrape = |token: &'static str| {
            let caller = world.anonymous().at(&guarded).with_token(Some(token));
            async move { caller.send_request(caller.request(Method::GET, "/metrics")).await }
        };
        scrape("scraper").await.expect_status(200);
        scrape("guessed").await.expect_status(403);
    }

    /// PLT-002: what is wrong is told to those inside, and that something is wrong to everybody.
    async fn the_deep_probe_tells_degraded_from_down(world) {
        let poor = world.instance(|config| config.cache.redis_url = Some("redis://127.0.0.1:1".into())).await;
        let nobody = world.anonymous().at(&poor);
        let inside = nobody.send_request(nobody.request(Method::GET, "/health/deep")).await.expect_status(200).body.clone();
        assert_eq!(inside["status"], "degraded", "{inside}");
        assert_eq!((&inside["checks"]["cache"]["ok"], &inside["checks"]["database"]["ok"]), (&json!(false), &json!(true)), "{inside}");
        assert!(inside["checks"]["database"]["ms"].is_number(), "{inside}");
        let proxied = nobody.request(Method::GET, "/health/deep").header("x-forwarded-for", "203.0.113.7");
        let outside = nobody.send_request(proxied).await.expect_status(200).body.clone();
        assert!(outside["status"] == "degraded" && outside["checks"].is_null(), "{outside}");
    }

    /// PLT-021: a client that stalls is told so, by its own status.
    async fn a_body_that_does_not_come_is_408(world) {
        let hasty = world.instance(|config| config.limits.request_timeout = Duration::from_millis(200)).await;
        let nobody = world.anonymous().at(&hasty);
        let stalling = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
        let request = nobody.request(Method::POST, "/graphql").header("content-type", "application/json");
        let answer = nobody.send_request(request.body(reqwest::Body::wrap_stream(stalling))).await;
        answer.expect_status(408).expect_code("TIMEOUT");
        assert_eq!(answer.body["errors"][0]["extensions"]["status"], 408, "{answer}");
    }

    /// Without a front end a mailed link leads to a page that says what to do; with one it leads there.
    async fn a_mailed_link_leads_somewhere(world) {
        let alice = world.person("alice").await;
        let mail = world.mail_to(&alice.email).await;
        let link = mail.body.split_whitespace().find(|word| word.starts_with("http")).unwrap().to_owned();
        let (_, path) = link.split_once("/verify-email").unwrap_or_else(|| panic!("{link}"));
        let nobody = world.anonymous();
        let page = nobody.send_request(nobody.request(Method::GET, &format!("/verify-email{path}"))).await;
        let text = page.expect_status(200).body.as_str().unwrap().to_owned();
        assert!(text.contains(&format!("verifyEmail(input: {{ token: \"{}\" }})", mail.token())), "{text}");
        assert_eq!((page.header("referrer-policy"), page.header("cache-control")), ("no-referrer", "no-store"));
        for path in ["/verify-email", "/verify-email?token=%3Cscript%3E", "/reset-password?token="] {
            nobody.send_request(nobody.request(Method::GET, path)).await.expect_status(404);
        }
        nobody.send_request(nobody.request(Method::GET, "/reset-password?token=abc")).await.expect_status(200);
        let fronted = world.instance(|config| config.app.frontend_url = Some("https://app.example.org".into())).await;
        let nobody = nobody.at(&fronted);
        nobody.send_request(nobody.request(Method::GET, "/reset-password?token=abc")).await.expect_status(404);
    }
}
