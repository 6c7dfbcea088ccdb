//! How often one may ask: each limit by itself, all in their order, what answers tell of them, and that a flood harms nobody else.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use polyphony::config::{Config, limits::Rate};
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::{Answer, Caller, Frame, Instance, PASSWORD, Redis, Socket, World, skip, spawn, within};

const ME: &str = "{ me { username } }";
const MUTATION: &str = "mutation { verifyEmail(input: { token: \"none\" }) { user { id } } }";
const TYPING: &str = "subscription($room: ID!) { typingChanged(conversationId: $room) { typing } }";

/// A server behind a proxy, with these limits.
async fn strict(world: &World, change: impl FnOnce(&mut Config)) -> Instance {
    world
        .instance(|config| {
            config.app.trust_proxy = true;
            change(config);
        })
        .await
}

/// Runs an operation as from an address.
async fn ask_from(caller: &Caller, address: &str, query: &str) -> Answer {
    let request = caller.request(Method::POST, "/graphql").header("x-forwarded-for", address);
    caller.send_request(request.json(&json!({ "query": query }))).await
}

/// What an answer tells of a limit: its ceiling, what is left, seconds until all of it is there; and the same in the words of the draft.
fn told(world: &World, answer: &Answer) -> (String, String, i64, String, String) {
    let header = |name: &str| answer.header(name).to_owned();
    let reset: i64 = header("x-ratelimit-reset").parse().unwrap_or_else(|_| panic!("no reset: {:?}", answer.headers));
    (
        header("x-ratelimit-limit"),
        header("x-ratelimit-remaining"),
        reset - world.now().timestamp(),
        header("ratelimit-policy"),
        header("ratelimit"),
    )
}

/// The same, as it should be.
fn tells(name: &str, rate: (u32, u64), left: u32, reset: i64) -> (String, String, i64, String, String) {
    let (count, seconds) = rate;
    let policy = format!("\"{name}\";q={count};w={seconds}");
    (count.to_string(), left.to_string(), reset, policy, format!("\"{name}\";r={left};t={reset}"))
}

#[track_caller]
fn refused(answer: &Answer, limit: &str, wait: i64) {
    answer.expect_status(429).expect_code("RATE_LIMIT_EXCEEDED");
    let extensions = &answer.body["errors"][0]["extensions"];
    assert_eq!((&extensions["retryAfter"], &extensions["details"]["limit"]), (&json!(wait), &json!(limit)), "{answer}");
    assert_eq!(answer.header("retry-after"), wait.to_string(), "{answer}");
    assert!(answer.body.get("data").is_none(), "{answer}");
}

once! {
    /// PLT-013: a hundred a second of an address, here three; PLT-014: each answer tells, and a refusal says when to come back.
    async fn an_address_is_limited(world) {
        let here = strict(world, |config| config.limits.requests.by_address = Rate::new(3, 1)).await;
        let nobody = world.anonymous().at(&here);
        for _ in 0..3 {
            ask_from(&nobody, "203.0.113.9", ME).await.ok();
        }
        let answer = ask_from(&nobody, "203.0.113.9", ME).await;
        refused(&answer, "address", 1);
        assert_eq!(told(world, &answer), tells("address", (3, 1), 0, 1));
        // Nothing is read of what is refused, be it ever so wrong.
        for body in ["{", "{\"query\":\"{ nonsense }\"}"] {
            let request = nobody.request(Method::POST, "/graphql").header("x-forwarded-for", "203.0.113.9");
            refused(&nobody.send_request(request.body(body)).await, "address", 1);
        }
        let page = nobody.request(Method::GET, "/").header("x-forwarded-for", "203.0.113.9");
        refused(&nobody.send_request(page).await, "address", 1);
        ask_from(&nobody, "203.0.113.10", ME).await.ok();
        // A household is one address.
        for interface in ["2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2:3::4"] {
            ask_from(&nobody, interface, ME).await.ok();
        }
        refused(&ask_from(&nobody, "2001:db8:1:2::5", ME).await, "address", 1);
        ask_from(&nobody, "2001:db8:1:3::1", ME).await.ok();
        // What watches over the server goes on.
        for path in ["/healthz", "/readyz", "/health"] {
            let probe = nobody.request(Method::GET, path).header("x-forwarded-for", "203.0.113.9");
            nobody.send_request(probe).await.expect_status(200);
        }
        world.advance(TimeDelta::milliseconds(334));
        ask_from(&nobody, "203.0.113.9", ME).await.ok();
        refused(&ask_from(&nobody, "203.0.113.9", ME).await, "address", 1);
        world.advance(TimeDelta::seconds(1));
        for _ in 0..3 {
            ask_from(&nobody, "203.0.113.9", ME).await.ok();
        }
    }

    /// PLT-013: a thousand a second overall, here five; what an address is refused takes nothing from the others.
    async fn everybody_together_is_limited(world) {
        let here = strict(world, |config| {
            config.limits.requests.overall = Rate::new(5, 1);
            config.limits.requests.by_address = Rate::new(2, 1);
        })
        .await;
        let nobody = world.anonymous().at(&here);
        let mut passed = 0;
        for _ in 0..20 {
            passed += u32::from(ask_from(&nobody, "203.0.113.9", ME).await.status == 200);
        }
        assert_eq!(passed, 2);
        for address in ["203.0.113.1", "203.0.113.2", "203.0.113.3"] {
            ask_from(&nobody, address, ME).await.ok();
        }
        let answer = ask_from(&nobody, "203.0.113.4", ME).await;
        refused(&answer, "overall", 1);
        assert_eq!(told(world, &answer), tells("overall", (5, 1), 0, 1));
        world.advance(TimeDelta::seconds(1));
        ask_from(&nobody, "203.0.113.4", ME).await.ok();
    }

    /// PLT-013: a hundred a minute of a person, here four, on all their devices and from everywhere; PLT-014: told with every answer.
    async fn a_person_is_limited(world) {
        let here = strict(world, |config| config.limits.requests.person.operations = Rate::new(4, 60)).await;
        let (alice, bob) = (world.person("alice").await, world.person("bob").await);
        let elsewhere = alice.sign_in().await.at(&here);
        let (alice, bob) = (alice.at(&here), bob.at(&here));
        for (left, reset) in [(3, 15), (2, 30)] {
            let answer = ask_from(&alice, "203.0.113.1", ME).await;
            answer.ok();
            assert_eq!(told(world, &answer), tells("person", (4, 60), left, reset));
        }
        // A document that cannot be read was an operation too.
        let answer = ask_from(&alice, "203.0.113.2", "{ nonsense").await;
        answer.expect_code("GRAPHQL_PARSE_FAILED");
        assert_eq!(told(world, &answer), tells("person", (4, 60), 1, 45));
        ask_from(&elsewhere, "203.0.113.3", ME).await.ok();
        let answer = ask_from(&alice, "203.0.113.1", ME).await;
        refused(&answer, "person", 15);
        assert_eq!(told(world, &answer), tells("person", (4, 60), 0, 60));
        let details = json!({ "limit": "person", "count": 4, "seconds": 60, "remaining": 0, "reset": 60 });
        assert_eq!(answer.body["errors"][0]["extensions"]["details"], details);
        ask_from(&bob, "203.0.113.1", ME).await.ok();
        ask_from(&world.anonymous().at(&here), "203.0.113.1", ME).await.ok();
        // Over server-sent events it is the same answer.
        let request = alice.request(Method::POST, "/graphql").header("accept", "text/event-stream");
        refused(&alice.send_request(request.json(&json!({ "query": ME }))).await, "person", 15);
        // It fills evenly.
        world.advance(TimeDelta::seconds(15));
        ask_from(&alice, "203.0.113.1", ME).await.ok();
        refused(&ask_from(&alice, "203.0.113.1", ME).await, "person", 15);
    }

    /// PLT-013: thirty a minute of those at one address who are not signed in, here two.
    async fn who_is_not_signed_in_is_limited(world) {
        let here = strict(world, |config| config.limits.requests.anonymous.operations = Rate::new(2, 60)).await;
        let (nobody, alice) = (world.anonymous().at(&here), world.person("alice").await.at(&here));
        for left in [1, 0] {
            let answer = ask_from(&nobody, "203.0.113.9", ME).await;
            assert_eq!(told(world, &answer), tells("anonymous", (2, 60), left, 30 * (2 - i64::from(left))));
        }
        refused(&ask_from(&nobody, "203.0.113.9", ME).await, "anonymous", 30);
        ask_from(&nobody, "203.0.113.10", ME).await.ok();
        ask_from(&alice, "203.0.113.9", ME).await.ok();
    }

    /// PLT-013, IDN-007: whoever is at the same address, with whatever they send, keeps nobody's sign-in from going on.
    async fn neighbours_end_no_sign_in(world) {
        let here = strict(world, |config| {
            config.limits.requests.anonymous.operations = Rate::new(1, 60);
            config.limits.refresh = Rate::new(2, 60);
        })
        .await;
        let (alice, bob) = (world.person("alice").await, world.person("bob").await);
        let nobody = world.anonymous().at(&here);
        let refresh = |token: &str| format!("mutation {{ refreshSession(input: {{ refreshToken: \"{token}\" }}) {{ refreshToken }} }}");
        let from = "203.0.113.9";
        ask_from(&nobody, from, ME).await.ok();
        refused(&ask_from(&nobody, from, ME).await, "anonymous", 60);
        for _ in 0..2 {
            ask_from(&nobody, from, &refresh("none")).await.expect_code("INVALID_TOKEN");
        }
        let guess = ask_from(&nobody, from, &refresh("none")).await;
        assert_eq!(guess.expect_code("RATE_LIMIT_EXCEEDED").body["errors"][0]["extensions"]["details"]["limit"], "refresh-unknown");
        // Whoever was given one goes on, as often as one sign-in may.
        let first = ask_from(&nobody, from, &refresh(&alice.refresh_token)).await;
        let second = ask_from(&nobody, from, &refresh(&first.text("refreshSession.refreshToken"))).await;
        let third = ask_from(&nobody, "203.0.113.10", &refresh(&second.text("refreshSession.refreshToken"))).await;
        assert_eq!(third.expect_code("RATE_LIMIT_EXCEEDED").body["errors"][0]["extensions"]["details"]["limit"], "refresh");
        ask_from(&nobody, from, &refresh(&bob.refresh_token)).await.ok();
        // Nothing else gets by in its company, nor what only looks like it.
        let good = refresh(&bob.refresh_token);
        for other in [
            good.replace("mutation {", "mutation { verifyEmail(input: { token: \"none\" }) { user { id } }"),
            good.replace("mutation {", "mutation { again: refreshSession(input: {}) { expiresIn }"),
            "{ refreshSession: me { id } }".to_owned(),
            "{ me { id } } # refreshSession".to_owned(),
            "mutation { refreshSession".to_owned(),
            format!("{good} #{}", "x".repeat(2000)),
        ] {
            refused(&ask_from(&nobody, from, &other).await, "anonymous", 60);
        }
    }

    /// PLT-013: kinds of operations are counted by themselves as well.
    async fn kinds_are_limited(world) {
        let here = strict(world, |config| {
            for allowance in [&mut config.limits.requests.person, &mut config.limits.requests.anonymous] {
                allowance.operations = Rate::new(6, 60);
                allowance.mutations = Rate::new(2, 60);
                allowance.subscriptions = Rate::new(1, 60);
            }
        })
        .await;
        let alice = world.person("alice").await;
        let room = alice.create_room("Studio", "PUBLIC").await;
        let (alice, nobody) = (alice.at(&here), world.anonymous().at(&here));
        for (caller, name) in [(&*alice, "person"), (&nobody, "anonymous")] {
            for _ in 0..2 {
                ask_from(caller, "203.0.113.9", MUTATION).await.expect_code("INVALID_TOKEN");
            }
            let answer = ask_from(caller, "203.0.113.9", MUTATION).await;
            refused(&answer, &format!("{name}-mutations"), 30);
            assert_eq!(told(world, &answer), tells(&format!("{name}-mutations"), (2, 60), 0, 60));
            // The refusal took nothing: of six, four are left.
            for left in [3, 2] {
                let answer = ask_from(caller, "203.0.113.9", ME).await;
                assert_eq!(told(world, &answer).1, left.to_string(), "{answer}");
            }
        }
        let socket = alice.socket().await;
        let mut first = socket.subscribe(TYPING, json!({ "room": room }));
        let mut second = socket.subscribe(TYPING, json!({ "room": room }));
        // Operations of a socket run beside each other: whichever comes second is refused.
        let refused = tokio::select! {
            code = first.end() => code,
            code = second.end() => code,
        };
        assert_eq!(refused.as_deref(), Some("RATE_LIMIT_EXCEEDED"));
        let mut query = socket.subscribe(ME, Value::Null);
        assert_eq!(query.next().await["me"]["username"], "alice");
        // Six were counted: the last one is of all kinds together.
        let mut last = socket.subscribe(ME, Value::Null);
        let Frame::Error(errors) = last.frame().await else { panic!("it ran") };
        let extensions = &errors[0]["extensions"];
        assert_eq!((&extensions["details"]["limit"], &extensions["retryAfter"]), (&json!("person"), &json!(10)));
        assert!(socket.is_open());
    }

    /// PLT-013: what is dear counts as more, before it runs.
    async fn dear_operations_count_more(world) {
        let here = strict(world, |config| {
            config.limits.complexity = 1000;
            config.limits.requests.person.operations = Rate::new(6, 60);
        })
        .await;
        let alice = world.person("alice").await.at(&here);
        let list = |rows: u32| format!("{{ users(first: {rows}) {{ nodes {{ id }} }} }}");
        for (rows, cost, left) in [(10, 21, 5), (49, 99, 4), (100, 201, 1)] {
            let answer = alice.ask(&list(rows), Value::Null).await;
            answer.ok();
            assert_eq!(answer.body["extensions"]["cost"]["requested"], cost);
            assert_eq!(told(world, &answer).1, left.to_string(), "{rows} rows: {answer}");
        }
        // Three are wanted and one is left; the refusal takes nothing.
        for _ in 0..2 {
            let answer = alice.ask(&list(100), Value::Null).await;
            refused(&answer, "person", 20);
            assert_eq!(told(world, &answer), tells("person", (6, 60), 1, 50));
        }
        alice.ask(&list(10), Value::Null).await.ok();
    }

    /// PLT-014: a tight limit tells of itself, although the operation ran; and pages of other origins may read all of it.
    async fn a_tight_limit_tells(world) {
        let here = strict(world, |config| config.limits.sign_in_by_login = Rate::new(1, 60)).await;
        let nobody = world.anonymous().at(&here);
        nobody.try_sign_in("nobody", PASSWORD).await.expect_code("INVALID_CREDENTIALS");
        world.advance(TimeDelta::seconds(20));
        let answer = nobody.try_sign_in("nobody", PASSWORD).await;
        answer.expect_status(200).expect_code("RATE_LIMIT_EXCEEDED");
        assert_eq!(told(world, &answer), tells("sign-in-login", (1, 60), 0, 40));
        assert_eq!(answer.header("retry-after"), "40");
        let request = nobody.request(Method::POST, "/graphql").header("origin", "https://app.example.org");
        let answer = nobody.send_request(request.json(&json!({ "query": ME }))).await;
        let exposed = answer.header("access-control-expose-headers").to_ascii_lowercase();
        for name in ["retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit-policy", "ratelimit"] {
            assert!(exposed.split(',').any(|exposed| exposed.trim() == name), "{name} is not in {exposed}");
            assert_eq!(answer.headers.contains_key(name), name != "retry-after", "{name}");
        }
        // What everybody may keep tells of nobody's limit.
        let page = nobody.send_request(nobody.request(Method::GET, "/")).await;
        assert!(page.headers.contains_key("x-ratelimit-limit"));
        let script = page.body.as_str().and_then(|page| page.split('"').find(|part| part.contains("assets/"))).unwrap().to_owned();
        let script = nobody.send_request(nobody.request(Method::GET, &format!("/{}", script.trim_start_matches(['.', '/'])))).await;
        assert!(script.header("cache-control").contains("public"), "{:?}", script.headers);
        assert!(!script.headers.contains_key("x-ratelimit-limit"), "{:?}", script.headers);
    }

    /// PLT-013: what asks over a socket passes the limits of its address too; the socket stays.
    async fn a_socket_is_no_way_around(world) {
        let here = strict(world, |config| {
            config.limits.requests.by_address = Rate::new(4, 1);
            config.limits.requests.person.operations = Rate::new(10, 60);
        })
        .await;
        let alice = world.person("alice").await.at(&here);
        let headers = [("sec-websocket-protocol", "graphql-transport-ws"), ("x-forwarded-for", "203.0.113.9")];
        let mut socket = Socket::try_open(&here.url, &headers).await.ok().unwrap();
        let token = format!("Bearer {}", alice.token.clone().unwrap());
        socket.say(json!({ "type": "connection_init", "payload": { "authorization": token } }));
        socket.recv().await;
        for left in [9, 8, 7] {
            let Frame::Next(answer) = socket.subscribe(ME, Value::Null).frame().await else { panic!("it did not run") };
            assert_eq!(answer["data"]["me"]["username"], "alice");
            // PLT-014: an answer without headers tells as well.
            let told = json!({ "limit": "person", "count": 10, "seconds": 60, "remaining": left, "reset": 6 * (10 - left) });
            assert_eq!(answer["extensions"]["rateLimit"], told);
        }
        let mut refused = socket.subscribe(ME, Value::Null);
        let Frame::Error(errors) = refused.frame().await else { panic!("it ran") };
        let extensions = &errors[0]["extensions"];
        assert_eq!((&extensions["code"], &extensions["retryAfter"]), (&json!("RATE_LIMIT_EXCEEDED"), &json!(1)));
        assert_eq!((&extensions["status"], &extensions["details"]["limit"]), (&json!(429), &json!("address")));
        assert_eq!(Socket::try_open(&here.url, &headers).await.err(), Some(429), "nor is a further one");
        socket.ping().await;
        world.advance(TimeDelta::seconds(1));
        assert_eq!(socket.subscribe(ME, Value::Null).next().await["me"]["username"], "alice");
    }

    /// 4429: who floods a socket with messages, whatever they say, before the greeting and after.
    async fn a_flood_of_messages_closes_with_4429(world) {
        let here = strict(world, |config| config.limits.requests.socket = Rate::new(10, 1)).await;
        let mut socket = world.anonymous().at(&here).socket().await;
        for _ in 0..11 {
            socket.say(json!({ "type": "pong" }));
        }
        let closed = socket.closed().await;
        assert_eq!((closed.code, closed.reason.as_str()), (4429, "RATE_LIMIT_EXCEEDED: more than 10 messages in 1 s"));
        let mut silent = world.anonymous().at(&here).silent_socket().await;
        for _ in 0..11 {
            silent.say(json!({ "type": "complete", "id": "1" }));
        }
        assert_eq!(silent.close_code().await, 4429);
        let mut patient = world.anonymous().at(&here).socket().await;
        for _ in 0..5 {
            patient.ping().await;
            patient.ping().await;
            world.advance(TimeDelta::milliseconds(200));
        }
    }

    /// Thousands of introspections at once from one address keep nobody waiting: most of them are not even read.
    async fn a_flood_of_introspections_keeps_nobody_waiting(world) {
        const INTROSPECTION: &str = "{ __schema { types { name description fields(includeDeprecated: true) { name description
            args { name description type { name kind ofType { name kind ofType { name kind } } } }
            type { name kind ofType { name kind ofType { name kind } } } } } } }";
        let own = Config::read(&mut polyphony::config::Env::of([("APP_ENV", "staging"), ("VAULT_KEYS", &"0123456789abcdef".repeat(4))]));
        let limits = own.unwrap().limits.requests;
        let here = strict(world, |config| config.limits.requests = limits).await;
        let nobody = world.anonymous().at(&here);
        let floods: Vec<_> = (0..200)
            .map(|_| {
                let nobody = nobody.clone();
                spawn(async move {
                    let mut told = 0_u32;
                    for _ in 0..10 {
                        told += u32::from(ask_from(&nobody, "203.0.113.9", INTROSPECTION).await.status == 200);
                    }
                    told
                })
            })
            .collect();
        let mut waits = Vec::new();
        for _ in 0..25 {
            let began = Instant::now();
            ask_from(&nobody, "203.0.113.10", ME).await.ok();
            waits.push(began.elapsed());
        }
        let mut told = 0;
        for flood in floods {
            told += within("the flood to be over", flood).await.unwrap();
        }
        waits.sort_unstable();
        assert!((1..=30).contains(&told), "{told} of 2000 introspections were told");
        assert!(waits[waits.len() / 2] < Duration::from_secs(1), "others waited: {waits:?}");
    }

    /// PLT-013, with Redis: instances share what a viewer may do, and what was let through too much is owed.
    async fn instances_share_by_redis(world) {
        let Some(mut server) = Redis::start().await else { return skip("Redis") };
        let url = server.url.clone();
        let mut both = Vec::new();
        for _ in 0..2 {
            both.push(
                strict(world, |config| {
                    config.cache.redis_url = Some(url.clone());
                    config.limits.requests.person.operations = Rate::new(4, 60);
                })
                .await,
            );
        }
        let alice = world.person("alice").await;
        let (here, there) = (alice.at(&both[0]), alice.at(&both[1]));
        let buckets = |number: usize| both[number].platform.buckets.clone();
        for _ in 0..4 {
            here.me().await.ok();
        }
        refused(&here.me().await, "person", 15);
        buckets(0).share().await;
        // There, nothing was known of it; now it is, and the one too many is owed.
        there.me().await.ok();
        buckets(1).share().await;
        refused(&there.me().await, "person", 30);
        world.advance(TimeDelta::seconds(29));
        refused(&there.me().await, "person", 1);
        world.advance(TimeDelta::seconds(1));
        there.me().await.ok();
        // Without Redis each goes on by itself, and nobody waits; when it is back, what is still used up is told.
        server.stop().await;
        world.advance(TimeDelta::seconds(60));
        let began = Instant::now();
        for _ in 0..3 {
            here.me().await.ok();
            buckets(0).share().await;
        }
        there.me().await.ok();
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        server.start_again().await;
        let client = redis::Client::open(url).unwrap();
        let bucket = format!("polyphony:bucket:person:{}", alice.id);
        let all_used = world.now().timestamp_micros() + 60_000_000;
        within("the instances to tell of what was used meanwhile", async {
            let mut there = client.get_multiplexed_async_connection().await.unwrap();
            loop {
                buckets(0).share().await;
                buckets(1).share().await;
                let full_at: Option<i64> = redis::cmd("GET").arg(&bucket).query_async(&mut there).await.unwrap();
                if full_at == Some(all_used) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        // The other instance may have asked before the last of it was told: then one is let through, and no further one.
        if there.me().await.code().is_none() {
            buckets(1).share().await;
        }
        there.me().await.expect_code("RATE_LIMIT_EXCEEDED");
    }
}
