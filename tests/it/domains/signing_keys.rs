//! The keys behind access tokens (IDN-047, IDN-048, IDN-051).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use polyphony::domains::auth::{PUBLISHED_AGE, RotateKeys};
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::{Caller, Instance, Person, Program, World};

async fn published(caller: &Caller) -> Vec<Value> {
    let answer = caller.send_request(caller.request(Method::GET, "/.well-known/jwks.json")).await;
    answer.expect_status(200);
    answer.body["keys"].as_array().unwrap_or_else(|| panic!("{answer}")).clone()
}

/// As another service would check a token: with the published keys and nothing else.
fn checked(token: &str, keys: &[Value]) -> Option<Value> {
    let kid = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let key = keys.iter().find(|key| key["kid"] == kid.as_str())?;
    assert_eq!(
        (&key["kty"], &key["crv"], &key["alg"], &key["use"]),
        (&"OKP".into(), &"Ed25519".into(), &"EdDSA".into(), &"sig".into())
    );
    assert!(key.get("d").is_none(), "the private half is published");
    let key = DecodingKey::from_ed_components(key["x"].as_str().unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&["polyphony"]);
    validation.set_audience(&["polyphony"]);
    // The world's clock is not the machine's.
    validation.validate_exp = false;
    Some(jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap().claims)
}

async fn rotate(world: &World) {
    let op = world.first().op();
    op.write(async |tx| tx.enqueue(&RotateKeys {})).await.unwrap();
    world.run_jobs().await;
}

fn token(person: &Person) -> &str {
    person.token.as_deref().unwrap()
}

fn kid(person: &Person) -> String {
    jsonwebtoken::decode_header(token(person)).unwrap().kid.unwrap()
}

both! {
    /// IDN-047, IDN-048: what a token says, anybody can check with the published keys.
    async fn tokens_are_checked_with_the_published_keys(world) {
        let alice = world.person("alice").await;
        let claims = checked(token(&alice), &published(&world.anonymous()).await).unwrap();
        assert_eq!((&claims["user_id"], &claims["sub"]), (&alice.id.as_str().into(), &alice.id.as_str().into()));
        assert_eq!((&claims["username"], &claims["role"]), (&"alice".into(), &"USER".into()));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 900);
        assert!(claims["jti"].is_string() && claims["token_version"].is_number());
        let parts: Vec<_> = token(&alice).split('.').collect();
        let mut other = claims.clone();
        other["role"] = "ADMIN".into();
        let forged = URL_SAFE_NO_PAD.encode(other.to_string());
        alice.with_token(Some(&format!("{}.{forged}.{}", parts[0], parts[2]))).me().await.expect_code("INVALID_TOKEN");
    }

    /// IDN-048, IDN-051: a new key is published everywhere before it signs anywhere; it signs while tokens of the one before are still
    /// good; then the old one is taken away.
    async fn a_new_key_ends_no_session(world) {
        world.person("alice").await;
        let other = world.second_instance().await;
        world.advance(TimeDelta::days(24));
        let before = world.person("bob").await;
        before.at(&other).me().await.ok();
        let copies = [published(&world.anonymous()).await, published(&world.anonymous().at(&other)).await];
        assert_eq!(copies.each_ref().map(Vec::len), [1, 1]);
        rotate(world).await;
        // Whoever reads the published keys again now has both; what is signed now is still for those who have not.
        assert_eq!(published(&world.anonymous()).await.len(), 2);
        let between = world.person("carol").await;
        let elsewhere = before.at(&other).sign_in().await;
        assert_eq!([kid(&between), kid(&elsewhere)], [kid(&before), kid(&before)]);
        assert!(checked(token(&between), &copies[0]).is_some());
        // As long as a copy of the published keys may be kept, the new key signs nothing.
        world.advance(TimeDelta::seconds(PUBLISHED_AGE.into()) + TimeDelta::minutes(5));
        assert_eq!(kid(&world.person("dave").await), kid(&before));
        let keys = published(&world.anonymous().at(&other)).await;
        assert_eq!(keys.len(), 2, "{keys:#?}");
        world.advance(TimeDelta::hours(1));
        let (before, after) = (before.sign_in().await, world.person("erin").await);
        assert_eq!(kid(&before), kid(&after));
        assert_ne!(kid(&between), kid(&after));
        for instance in [&world.first(), &other] {
            after.at(instance).me().await.ok();
        }
        assert!(checked(token(&between), &keys).is_some() && checked(token(&after), &keys).is_some());
        // Rotating again makes no third one before its time.
        rotate(world).await;
        assert_eq!(published(&world.anonymous()).await.len(), 2);
        world.advance(TimeDelta::days(7));
        rotate(world).await;
        let keys = published(&world.anonymous()).await;
        assert!(checked(token(&between), &keys).is_none() && checked(token(&after), &keys).is_some(), "{keys:#?}");
        between.me().await.expect_code("INVALID_TOKEN");
    }
}

both! {
    /// A vault key that is gone takes no sign-in with it: what it sealed still verifies, and a new key signs. The probes say so, and go on.
    async fn a_lost_vault_key_ends_no_sign_in(world) {
        let alice = world.person("alice").await;
        let other = world.instance(|config| config.auth.vault_keys = vec![[9; 32]]).await;
        let probe = async |instance: &Instance, path: &str| {
            let caller = world.anonymous().at(instance);
            caller.send_request(caller.request(Method::GET, path)).await.expect_status(200).body.clone()
        };
        assert_eq!(probe(&world.first(), "/readyz").await["warnings"], json!([]));
        assert_eq!(probe(&world.first(), "/health/deep").await["checks"]["signingKeys"]["ok"], true);
        for _ in 0..2 {
            let ready = probe(&other, "/readyz").await;
            assert_eq!(ready["ready"], true, "{ready}");
            let warning = ready["warnings"][0].as_str().unwrap();
            assert!(warning.starts_with("1 signing keys cannot be opened.") && warning.contains("VAULT_KEYS"), "{warning}");
            alice.at(&other).me().await.ok();
            let again = alice.at(&other).sign_in().await;
            again.me().await.ok();
            assert_eq!(published(&world.anonymous().at(&other)).await.len(), 2);
        }
        let deep = probe(&other, "/health/deep").await;
        assert_eq!((&deep["status"], &deep["checks"]["signingKeys"]["ok"]), (&"degraded".into(), &false.into()), "{deep}");
        // The last of them has expired.
        world.advance(TimeDelta::days(31));
        assert_eq!(probe(&other, "/readyz").await["warnings"], json!([]));
    }
}

/// The doctor says which keys cannot be opened, and what to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_sees_keys_that_cannot_be_opened() {
    let home = tempfile::tempdir().unwrap();
    let (old, new) = ("07".repeat(32), "08".repeat(32));
    let both = format!("{new},{old}");
    let server = Program::serve(home.path(), &[("VAULT_KEYS", &old)]).await;
    server.sign_in("alice").await;
    server.terminate().await;
    server.ended().await;
    for (keys, opens) in [(&old, true), (&both, true), (&new, false)] {
        let (success, said) = Program::run(home.path(), &["doctor"], &[("VAULT_KEYS", keys)]).await;
        assert_eq!(success, opens, "{said}");
        let line = if opens { "ok    signing keys" } else { "FAIL  signing keys: 1 of them cannot be opened" };
        assert!(said.contains(line) && said.contains("VAULT_KEYS") != opens, "{said}");
    }
}
