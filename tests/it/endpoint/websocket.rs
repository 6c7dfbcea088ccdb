//! graphql-transport-ws, to the letter of its close codes.

use std::time::Duration;

use chrono::TimeDelta;
use polyphony::access::BaseRole;
use serde_json::{Value, json};

use crate::house::{Frame, Socket, within};

const ME: &str = "{ me { username } }";

once! {
    /// Queries and mutations run over a socket too.
    async fn operations_run_over_a_socket(world) {
        let alice = world.person("alice").await;
        let socket = alice.socket().await;
        assert_eq!(socket.protocol.as_deref(), Some("graphql-transport-ws"));
        let mut query = socket.subscribe(ME, Value::Null);
        assert_eq!(query.next().await["me"]["username"], "alice");
        assert_eq!(query.frame().await, Frame::Complete);
        let mut mutation = socket.subscribe("mutation { updateProfile(input: { bio: \"hi\" }) { user { bio } } }", Value::Null);
        assert_eq!(mutation.next().await["updateProfile"]["user"]["bio"], "hi");
        assert_eq!(mutation.frame().await, Frame::Complete);
        // An id is free again when its operation is over.
        let mut again = socket.subscribe_as(&query.id, ME, Value::Null);
        assert_eq!(again.next().await["me"]["username"], "alice");
    }

    /// What cannot be run costs the operation, not the socket.
    async fn a_bad_document_costs_the_operation_only(world) {
        let mut socket = world.anonymous().socket().await;
        for document in ["{", "{ nonsense }", &format!("{{ users(search: {}", "[".repeat(5_000))] {
            let mut refused = socket.subscribe(document, Value::Null);
            let Frame::Error(errors) = refused.frame().await else { panic!("{document} was not refused") };
            assert!(errors[0]["extensions"]["code"].is_string(), "{errors}");
        }
        socket.ping().await;
        assert_eq!(socket.subscribe(ME, Value::Null).next().await["me"], Value::Null);
    }

    /// 4400: what is no message of the protocol.
    async fn malformed_messages_close_with_4400(world) {
        let deep = format!("{{\"type\":\"ping\",\"payload\":{}", "{\"a\":".repeat(20_000));
        for text in ["nonsense", "[]", "{}", "{\"type\":\"start\",\"id\":\"1\"}", "{\"type\":\"subscribe\",\"id\":\"1\"}", "{\"type\":\"subscribe\",\"payload\":{\"query\":\"{ me { id } }\"}}", deep.as_str()] {
            let mut socket = world.anonymous().socket().await;
            socket.send_text(text);
            assert_eq!(socket.close_code().await, 4400, "{}", &text[..text.len().min(60)]);
        }
        let mut binary = world.anonymous().socket().await;
        binary.send_bytes(b"{}");
        assert_eq!(binary.close_code().await, 4400);
        let mut early = world.anonymous().silent_socket().await;
        early.send_text("nonsense");
        assert_eq!(early.close_code().await, 4400);
    }

    /// 4401: work before the greeting.
    async fn work_before_the_greeting_closes_with_4401(world) {
        let mut socket = world.anonymous().silent_socket().await;
        let _early = socket.subscribe(ME, Value::Null);
        assert_eq!(socket.close_code().await, 4401);
    }

    /// 4403: a token that is not good, at the greeting.
    async fn a_bad_token_closes_with_4403(world) {
        for payload in [json!({ "authorization": "Bearer nonsense" }), json!({ "token": "nonsense" }), json!({ "Authorization": "Basic x" })] {
            let mut socket = world.anonymous().silent_socket().await;
            socket.say(json!({ "type": "connection_init", "payload": payload }));
            let closed = socket.closed().await;
            assert_eq!(closed.code, 4403, "{payload}");
            assert!(closed.reason.contains("INVALID_TOKEN"), "{closed:?}");
        }
        // Also when it came with the upgrade.
        let headers = [("sec-websocket-protocol", "graphql-transport-ws"), ("authorization", "Bearer nonsense")];
        let mut socket = Socket::try_open(&world.first().url, &headers).await.unwrap_or_else(|status| panic!("{status}"));
        socket.say(json!({ "type": "connection_init" }));
        assert_eq!(socket.close_code().await, 4403);
    }

    /// 4406: another protocol.
    async fn another_protocol_closes_with_4406(world) {
        for headers in [vec![("sec-websocket-protocol", "graphql-ws")], vec![]] {
            match Socket::try_open(&world.first().url, &headers).await {
                Ok(mut socket) => assert_eq!(socket.close_code().await, 4406),
                Err(status) => assert_eq!(status, 400),
            }
        }
    }

    /// 4408: who does not greet.
    async fn silence_closes_with_4408(world) {
        let hasty = world.instance(|config| config.limits.init_timeout = Duration::from_millis(50)).await;
        let mut socket = world.anonymous().at(&hasty).silent_socket().await;
        assert_eq!(socket.close_code().await, 4408);
    }

    /// 4409: an id that is taken.
    async fn a_taken_id_closes_with_4409(world) {
        let alice = world.person("alice").await;
        let room = alice.create_room("Studio", "PRIVATE").await;
        let mut socket = alice.socket().await;
        let query = "subscription($id: ID!) { typingChanged(conversationId: $id) { typing } }";
        let _first = socket.subscribe_as("same", query, json!({ "id": room }));
        let _second = socket.subscribe_as("same", query, json!({ "id": room }));
        let closed = socket.closed().await;
        assert_eq!((closed.code, closed.reason.as_str()), (4409, "Subscriber for same already exists"));
    }

    /// 4429: a second greeting, and too many sockets.
    async fn too_much_closes_with_4429(world) {
        let mut socket = world.anonymous().socket().await;
        socket.say(json!({ "type": "connection_init" }));
        assert_eq!(socket.close_code().await, 4429);
        let strict = world.instance(|config| config.limits.sockets_per_viewer = 2).await;
        let alice = world.person("alice").await.at(&strict);
        let (_one, _two) = (alice.socket().await, alice.socket().await);
        let mut three = alice.silent_socket().await;
        three.say(json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {}", alice.token.clone().unwrap()) } }));
        assert_eq!(three.close_code().await, 4429);
        world.person("bob").await.at(&strict).socket().await;
    }

    /// Too many operations on a socket are refused one by one.
    async fn operations_on_a_socket_are_bounded(world) {
        let alice = world.person("alice").await;
        let room = alice.create_room("Studio", "PRIVATE").await;
        let strict = world.instance(|config| config.limits.socket_operations = 3).await;
        let socket = alice.at(&strict).socket().await;
        let query = "subscription($id: ID!) { typingChanged(conversationId: $id) { typing } }";
        let running: Vec<_> = (0..3).map(|_| socket.subscribe(query, json!({ "id": room }))).collect();
        let mut refused = socket.subscribe(query, json!({ "id": room }));
        assert_eq!(refused.end().await.as_deref(), Some("RATE_LIMIT_EXCEEDED"));
        assert!(socket.is_open());
        running[0].complete();
        let mut query = socket.subscribe(ME, Value::Null);
        assert_eq!(query.next().await["me"]["username"], "alice");
    }

    /// A frame is bounded like a body.
    async fn a_large_frame_closes_with_1009(world) {
        let strict = world.instance(|config| config.limits.frame_bytes = 4_000).await;
        let mut socket = world.anonymous().at(&strict).socket().await;
        socket.send_text(&json!({ "type": "ping", "payload": { "padding": "x".repeat(10_000) } }).to_string());
        assert_eq!(socket.close_code().await, 1009);
    }

    /// Pings are answered, with what they carried.
    async fn a_ping_is_answered(world) {
        let mut socket = world.anonymous().socket().await;
        socket.say(json!({ "type": "ping", "payload": { "n": 1 } }));
        assert_eq!(socket.recv().await, json!({ "type": "pong", "payload": { "n": 1 } }));
        // A large payload does not come back: nobody may make us keep what they do not read.
        socket.say(json!({ "type": "ping", "payload": { "n": "1".repeat(100_000) } }));
        assert_eq!(socket.recv().await, json!({ "type": "pong" }));
        let mut early = world.anonymous().silent_socket().await;
        early.ping().await;
    }

    /// IDN-008: whoever signs out, or is signed out, is cut off with 4403.
    async fn a_sign_out_closes_the_socket(world) {
        let alice = world.person("alice").await;
        let elsewhere = alice.sign_in().await;
        let (mut here, mut there) = (alice.socket().await, elsewhere.socket().await);
        alice.ask("mutation { signOut(input: { scope: OTHERS }) { sessionsEnded } }", Value::Null).await.ok();
        let closed = there.closed().await;
        assert_eq!(closed.code, 4403);
        assert!(closed.reason.starts_with("INVALID_TOKEN"), "{closed:?}");
        here.ping().await;
    }

    /// What ran over a socket ends with it, whoever ended it: nobody would hear it, and who ran it would seem to be here for good.
    async fn a_socket_that_is_closed_leaves_nothing_behind(world) {
        let events = &world.platform().events;
        let listeners = |what: &'static str, is_so: fn(usize) -> bool| async move {
            let so = async {
                while !is_so(events.listeners().0) {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            };
            within(what, so).await;
        };
        let alice = world.person("alice").await;
        let elsewhere = alice.sign_in().await;
        assert_eq!(events.listeners().0, 0);
        let mut socket = elsewhere.socket().await;
        let _inbox = socket.subscribe("subscription { inboxChanged { cursor } }", Value::Null);
        // The socket follows its sign-in, the subscription its topics.
        listeners("the subscription to follow", |count| count >= 2).await;
        alice.ask("mutation { signOut(input: { scope: OTHERS }) { sessionsEnded } }", Value::Null).await.ok();
        assert_eq!(socket.close_code().await, 4403);
        listeners("everything to end", |count| count == 0).await;
    }

    /// IDN-047: a socket does not outlive its token.
    async fn an_expired_token_closes_the_socket(world) {
        let brief = world.instance(|config| config.auth.access_lifetime = Duration::from_secs(1)).await;
        let alice = world.person("alice").await.at(&brief).sign_in().await;
        let mut socket = alice.socket().await;
        world.advance(TimeDelta::seconds(2));
        assert_eq!(socket.close_code().await, 4403);
    }

    /// 1013: who greets cannot be found out just now; nobody is told that they may not.
    async fn a_greeting_that_cannot_be_checked_closes_with_1013(world) {
        let alice = world.person("alice").await;
        world.by_hand("ALTER TABLE sessions RENAME TO sessions_away").await;
        let mut socket = alice.silent_socket().await;
        socket.say(json!({ "type": "connection_init", "payload": { "token": alice.token.clone().unwrap() } }));
        let closed = socket.closed().await;
        assert_eq!(closed.code, 1013);
        assert!(closed.reason.starts_with("SERVICE_UNAVAILABLE"), "{closed:?}");
        world.by_hand("ALTER TABLE sessions_away RENAME TO sessions").await;
        alice.socket().await;
    }

    /// Rights are read anew for each operation: a role that was given or taken shows in the next one, and costs nobody the socket.
    async fn rights_are_those_of_the_moment(world) {
        // Told by nobody, and not looked for either.
        let deaf = world.instance(|config| {
            config.auth.recheck_interval = Duration::from_secs(3600);
            config.auth.standing_age = Duration::ZERO;
        }).await;
        let alice = world.person("alice").await;
        let mut socket = alice.at(&deaf).socket().await;
        let jobs = "{ adminJobs { totalCount } }";
        assert_eq!(socket.subscribe(jobs, Value::Null).end().await.as_deref(), Some("PERMISSION_DENIED"));
        world.grant(&alice, BaseRole::Admin).await;
        assert!(socket.subscribe(jobs, Value::Null).next().await["adminJobs"]["totalCount"].is_number());
        world.by_hand("UPDATE user_roles SET expires_at = '2020-01-01T00:00:00+00:00'").await;
        assert_eq!(socket.subscribe(jobs, Value::Null).end().await.as_deref(), Some("PERMISSION_DENIED"));
        socket.ping().await;
    }

    /// A proof of identity grows old on an open socket too.
    async fn a_recent_sign_in_grows_old(world) {
        let lasting = world.instance(|config| config.auth.access_lifetime = Duration::from_secs(3 * 24 * 3600)).await;
        let admin = world.admin().await.at(&lasting).sign_in().await;
        let mut socket = admin.socket().await;
        let jobs = "{ adminJobs { totalCount } }";
        assert!(socket.subscribe(jobs, Value::Null).next().await["adminJobs"]["totalCount"].is_number());
        world.advance(TimeDelta::hours(13));
        assert_eq!(socket.subscribe(jobs, Value::Null).end().await.as_deref(), Some("MFA_REQUIRED"));
        socket.ping().await;
    }

    /// Whoever may less than before loses the subscriptions that were begun with more, and keeps the socket; whoever may more loses nothing.
    async fn fewer_rights_end_what_was_begun_with_more(world) {
        let quick = world.instance(|config| {
            config.auth.recheck_interval = Duration::from_millis(50);
            config.auth.standing_age = Duration::ZERO;
        }).await;
        let (alice, bob) = (world.person("alice").await, world.person("bob").await);
        let room = alice.create_room_with("Studio", &[&bob]).await;
        let query = "subscription($id: ID!) { typingChanged(conversationId: $id) { typing } }";
        let mut of_bob = bob.at(&quick).socket().await;
        let mut plain = of_bob.subscribe(query, json!({ "id": room }));
        plain.expect_none_for(300).await;
        world.grant(&bob, BaseRole::Moderator).await;
        plain.expect_none_for(300).await;
        let mut privileged = of_bob.subscribe(query, json!({ "id": room }));
        // Until the greater rights have been taken note of, there is nothing to lose.
        of_bob.ping().await;
        privileged.expect_none_for(300).await;
        world.by_hand("DELETE FROM user_roles").await;
        let Frame::Error(errors) = privileged.frame().await else { panic!("it goes on with rights that are gone") };
        assert_eq!(errors[0]["extensions"]["code"], "PERMISSION_DENIED", "{errors}");
        plain.expect_none_for(100).await;
        of_bob.ping().await;
    }

    /// An account that was suspended by hand, so that nobody was told, loses its sockets soon, and at once with its next operation.
    async fn a_suspension_closes_the_socket(world) {
        let deaf = world.instance(|config| {
            config.auth.recheck_interval = Duration::from_secs(3600);
            config.auth.standing_age = Duration::ZERO;
        }).await;
        let alice = world.person("alice").await;
        let (mut watched, mut asking) = (alice.socket().await, alice.at(&deaf).socket().await);
        asking.ping().await;
        world.by_hand("UPDATE users SET suspended_at = created_at").await;
        let mut refused = asking.subscribe(ME, Value::Null);
        for (closed, how) in [(asking.closed().await, "asked"), (watched.closed().await, "looked for")] {
            assert_eq!(closed.code, 4403, "{how}");
            assert!(closed.reason.starts_with("PERMISSION_DENIED"), "{how}: {closed:?}");
        }
        assert!(!matches!(refused.frame().await, Frame::Next(_)));
    }

    /// A grant that ends by its date ends what was begun with it, and a stranger's socket notices nothing.
    async fn a_grant_ends_by_its_date(world) {
        let quick = world.instance(|config| config.auth.recheck_interval = Duration::from_millis(50)).await;
        let (alice, bob) = (world.moderator().await, world.person("bob").await);
        let room = alice.create_room_with("Studio", &[&bob]).await;
        let until = world.now() + TimeDelta::minutes(5);
        world.by_hand(&format!("UPDATE user_roles SET expires_at = '{}'", until.format("%Y-%m-%dT%H:%M:%S+00:00"))).await;
        let query = "subscription($id: ID!) { typingChanged(conversationId: $id) { typing } }";
        let (of_alice, of_bob) = (alice.at(&quick).socket().await, bob.at(&quick).socket().await);
        let mut privileged = of_alice.subscribe(query, json!({ "id": room }));
        let mut plain = of_bob.subscribe(query, json!({ "id": room }));
        privileged.expect_none_for(100).await;
        world.advance(TimeDelta::minutes(6));
        assert_eq!(privileged.end().await.as_deref(), Some("PERMISSION_DENIED"));
        plain.expect_none_for(50).await;
        assert!(of_alice.is_open() && of_bob.is_open());
    }

    /// A page of a foreign origin cannot ride on a cookie.
    async fn a_foreign_page_gets_no_socket_by_cookie(world) {
        let alice = world.person("alice").await;
        let cookie = format!("polyphony_access={}", alice.token.clone().unwrap());
        let protocol = ("sec-websocket-protocol", "graphql-transport-ws");
        let url = world.first().url;
        for origin in [Some("https://evil.example"), None] {
            let mut headers = vec![protocol, ("cookie", cookie.as_str())];
            headers.extend(origin.map(|origin| ("origin", origin)));
            assert_eq!(Socket::try_open(&url, &headers).await.err(), Some(403), "{origin:?}");
        }
        let own = [protocol, ("cookie", cookie.as_str()), ("origin", url.as_str())];
        let mut socket = Socket::try_open(&url, &own).await.unwrap_or_else(|status| panic!("{status}"));
        socket.say(json!({ "type": "connection_init" }));
        assert_eq!(socket.recv().await["type"], "connection_ack");
        assert_eq!(socket.subscribe(ME, Value::Null).next().await["me"]["username"], "alice");
    }
}
