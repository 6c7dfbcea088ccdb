//! How the server is, and who may see it in detail.

use chrono::TimeDelta;
use polyphony::config::Environment;
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::Caller;

/// The deep report as it is seen from outside of the machine, or from it.
async fn deep(caller: &Caller, from_outside: bool) -> Value {
    let mut request = caller.request(Method::GET, "/health/deep");
    if from_outside {
        request = request.header("x-forwarded-for", "203.0.113.7");
    }
    caller.send_request(request).await.expect_status(200).body.clone()
}

both! {
    /// PLT-002, PLT-057: how many jobs are due, run and have failed, and how long the first has been waiting; nobody at work is degraded.
    async fn the_deep_probe_tells_of_the_queue(world) {
        let nobody = world.anonymous();
        world.person("alice").await;
        let busy = deep(&nobody.at(&world.instance(|_| {}).await), false).await;
        assert_eq!(busy["status"], "ok", "{busy}");
        let queue = &busy["checks"]["queue"];
        assert!(queue["due"].as_u64().is_some_and(|due| due >= 1) && queue["oldestSeconds"] == 0, "{busy}");
        world.advance(TimeDelta::minutes(6));
        let late = deep(&nobody.at(&world.instance(|_| {}).await), false).await;
        let queue = &late["checks"]["queue"];
        assert_eq!((&late["status"], &queue["ok"], &queue["oldestSeconds"]), (&json!("degraded"), &json!(false), &json!(360)), "{late}");
        world.run_jobs().await;
        world.by_hand(
            "INSERT INTO jobs (id, kind, payload, status, run_at, attempts, max_attempts, fence, created_at, updated_at) \
             SELECT id, 'test.failed', '{}', 'FAILED', created_at, 1, 1, 1, created_at, created_at FROM users",
        )
        .await;
        let idle = deep(&nobody.at(&world.instance(|_| {}).await), false).await;
        let queue = &idle["checks"]["queue"];
        let expected = json!({ "ok": true, "ms": queue["ms"], "due": 0, "running": 0, "failed": 1, "oldestSeconds": null });
        assert_eq!((&idle["status"], queue), (&json!("ok"), &expected), "{idle}");
        world.by_hand("DELETE FROM jobs").await;
    }
}

once! {
    /// PLT-002: the details are for administrators, by token or by cookie, for whoever has the metrics token, and without one for this
    /// machine; for everybody else there is the one word.
    async fn the_details_are_for_administrators(world) {
        let (admin, alice, nobody) = (world.admin().await, world.person("alice").await, world.anonymous());
        let guarded = world.instance(|config| config.app.metrics_token = Some("scraper".into())).await;
        let cookie = format!("polyphony_access={}", admin.token.clone().unwrap());
        for (who, caller, from_outside, sees) in [
            ("an administrator outside", (*admin).clone(), true, true),
            ("an administrator, where there is a metrics token", (*admin.at(&guarded)).clone(), true, true),
            ("the scraper outside", nobody.at(&guarded).with_token(Some("scraper")), true, true),
            ("this machine", nobody.clone(), false, true),
            ("this machine, where there is a metrics token", nobody.at(&guarded), false, false),
            ("somebody outside", (*alice).clone(), true, false),
            ("somebody, where there is a metrics token", (*alice.at(&guarded)).clone(), true, false),
            ("a token that is none", nobody.at(&guarded).with_token(Some("nonsense")), true, false),
            ("nobody outside", nobody.clone(), true, false),
        ] {
            let report = deep(&caller, from_outside).await;
            assert_eq!(report["checks"].is_object(), sees, "{who}: {report}");
            assert!(report["status"].is_string(), "{who}: {report}");
        }
        let by_cookie = nobody.request(Method::GET, "/health/deep").header("x-forwarded-for", "203.0.113.7").header("cookie", cookie);
        assert!(nobody.send_request(by_cookie).await.body["checks"].is_object());
        // An administrator's rights need a fresh proof here as elsewhere; the token has expired by then too.
        world.advance(TimeDelta::hours(13));
        assert!(deep(&admin, true).await["checks"].is_null());
    }

    /// PLT-018: everywhere but on a laptop a proxy terminates TLS, and browsers are told to insist on it.
    async fn browsers_are_told_to_insist_on_tls(world) {
        for (environment, tells) in [(Environment::Development, false), (Environment::Staging, true), (Environment::Production, true)] {
            let instance = world.instance(|config| config.app.environment = environment).await;
            let nobody = world.anonymous().at(&instance);
            for path in ["/healthz", "/graphql", "/nonsense"] {
                let answer = nobody.send_request(nobody.request(Method::GET, path)).await;
                assert_eq!(answer.header("strict-transport-security").contains("max-age=31536000"), tells, "{environment} {path}");
            }
        }
    }

    /// PLT-045: where the playground is off, its address says what this is, and none of its files is served.
    async fn the_playground_can_be_switched_off(world) {
        let without = world.instance(|config| config.app.playground = false).await;
        let (with, without) = (world.anonymous(), world.anonymous().at(&without));
        for path in ["/", "/playground"] {
            let page = with.send_request(with.request(Method::GET, path)).await;
            assert!(page.expect_status(200).header("content-type").starts_with("text/html"), "{path}: {page}");
            let answer = without.send_request(without.request(Method::GET, path)).await;
            assert_eq!((&answer.expect_status(200).body["name"], &answer.body["graphql"]), (&json!("Polyphony"), &json!("/graphql")));
        }
        with.send_request(with.request(Method::GET, "/playground/index.html")).await.expect_status(200);
        without.send_request(without.request(Method::GET, "/playground/index.html")).await.expect_status(404);
    }
}
