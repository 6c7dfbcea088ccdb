//! The keys behind access tokens (IDN-047, IDN-048, IDN-051).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use polyphony::domains::auth::RotateKeys;
use reqwest::Method;
use serde_json::Value;

use crate::house::{Caller, Person, World};

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

    /// IDN-048, IDN-051: a new key signs while tokens of the one before are still good, everywhere; then the old one is taken away.
    async fn a_new_key_ends_no_session(world) {
        world.person("alice").await;
        let other = world.second_instance().await;
        world.advance(TimeDelta::days(24));
        let before = world.person("bob").await;
        before.at(&other).me().await.ok();
        rotate(world).await;
        let after = world.person("carol").await;
        for instance in [&world.first(), &other] {
            before.at(instance).me().await.ok();
            after.at(instance).me().await.ok();
        }
        let keys = published(&world.anonymous()).await;
        assert_eq!(keys.len(), 2, "{keys:#?}");
        assert!(checked(token(&before), &keys).is_some() && checked(token(&after), &keys).is_some());
        let kid = |person: &Person| jsonwebtoken::decode_header(token(person)).unwrap().kid.unwrap();
        assert_ne!(kid(&before), kid(&after));
        // Rotating again makes no third one before its time.
        rotate(world).await;
        assert_eq!(published(&world.anonymous()).await.len(), 2);
        world.advance(TimeDelta::days(7));
        rotate(world).await;
        let keys = published(&world.anonymous()).await;
        assert!(checked(token(&before), &keys).is_none() && checked(token(&after), &keys).is_some(), "{keys:#?}");
        before.me().await.expect_code("INVALID_TOKEN");
    }
}

both! {
    /// A vault key that is gone takes no sign-in with it: what it sealed still verifies, and a new key signs.
    async fn a_lost_vault_key_ends_no_sign_in(world) {
        let alice = world.person("alice").await;
        let other = world.instance(|config| config.auth.vault_keys = vec![[9; 32]]).await;
        alice.at(&other).me().await.ok();
        let again = alice.at(&other).sign_in().await;
        again.me().await.ok();
        assert_eq!(published(&world.anonymous().at(&other)).await.len(), 2);
    }
}
