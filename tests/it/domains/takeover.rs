//! Ways to somebody else's account that are closed.

use serde_json::{Value, json};

use crate::house::{Answer, Caller, PASSWORD, Person, World};

const VERIFY: &str = "mutation($token: String!) { verifyEmail(input: { token: $token }) { user { id } } }";
const ASK_RESET: &str = "mutation($email: String!) { requestPasswordReset(input: { email: $email }) { accepted } }";
const RESET: &str = "mutation($token: String!, $password: String!) {
    resetPassword(input: { token: $token, newPassword: $password }) { user { id } }
}";
const NEW_PASSWORD: &str = "Eight-drums-and-a-horn";

async fn verify(caller: &Caller, token: &str) -> Answer {
    caller.ask(VERIFY, json!({ "token": token })).await
}

/// The person asks for a reset and chooses a new password.
async fn reset(world: &World, person: &Person) {
    world.anonymous().ask(ASK_RESET, json!({ "email": person.email })).await.ok();
    let mails = world.mails_to(&person.email).await;
    let mail =
        mails.iter().rfind(|mail| mail.subject == "Choose a new password").unwrap_or_else(|| panic!("{mails:#?}"));
    let answer = world.anonymous().ask(RESET, json!({ "token": mail.token(), "password": NEW_PASSWORD })).await;
    assert_eq!(answer.text("resetPassword.user.id"), person.id);
}

async fn pending(person: &Person) -> Value {
    person.ask("{ me { pendingEmail } }", json!({})).await.data("me.pendingEmail").clone()
}

both! {
    /// IDN-021, USR-003: whoever knew the password and asked to move the account cannot do so once its owner has chosen a new one: not an
    /// intruder, and not somebody who signed up first with another's address.
    async fn a_new_password_withdraws_what_an_intruder_asked_for(world) {
        for is_proved in [true, false] {
            let name = if is_proved { "alice" } else { "bob" };
            let owner = world.person(name).await;
            if is_proved {
                verify(&world.anonymous(), &world.mail_to(&owner.email).await.token()).await.ok();
            }
            let intruder = owner.sign_in().await;
            let theirs = format!("{name}@intruder.example");
            intruder.try_update_profile(json!({ "email": theirs, "currentPassword": PASSWORD })).await.ok();
            let link = world.mail_to(&theirs).await.token();
            reset(world, &owner).await;
            verify(&world.anonymous(), &link).await.expect_code("INVALID_TOKEN");
            let answer = world.anonymous().try_sign_in(name, NEW_PASSWORD).await;
            let owner = owner.with_tokens(&answer.text("signIn.accessToken"));
            assert_eq!(pending(&owner).await, Value::Null);
            assert_eq!(owner.ask("{ me { email } }", json!({})).await.text("me.email"), owner.email);
            world.anonymous().ask(ASK_RESET, json!({ "email": theirs })).await.ok();
            assert!(!world.mails_to(&theirs).await.iter().any(|mail| mail.subject == "Choose a new password"));
        }
    }

    /// IDN-021: of two reset links the one that was not used is over too.
    async fn a_reset_ends_the_links_beside_it(world) {
        let alice = world.person("alice").await;
        let verification = world.mail_to(&alice.email).await.token();
        reset(world, &alice).await;
        verify(&world.anonymous(), &verification).await.expect_code("INVALID_TOKEN");
    }

    /// IDN-020: whoever asks for verification mails to somebody's address, whether or not they are sent, does not keep its owner from a
    /// new password.
    async fn verification_mails_leave_resets_alone(world) {
        let alice = world.person("alice").await;
        verify(&world.anonymous(), &world.mail_to(&alice.email).await.token()).await.ok();
        let resend = "mutation($email: String!) { resendVerificationEmail(input: { email: $email }) { accepted } }";
        let strict = world.instance(|config| config.limits.mail_by_recipient.count = 2).await;
        for _ in 0..3 {
            world.anonymous().at(&strict).ask(resend, json!({ "email": alice.email })).await.ok();
        }
        world.anonymous().at(&strict).ask(ASK_RESET, json!({ "email": alice.email })).await.ok();
        let mails = world.mails_to(&alice.email).await;
        assert!(mails.iter().any(|mail| mail.subject == "Choose a new password"), "{mails:#?}");
    }

    /// IDN-017, IDN-021: a token is good for what it was mailed for, and for nothing else.
    async fn a_token_of_another_kind_is_none(world) {
        let alice = world.person("alice").await;
        let nobody = world.anonymous();
        let proof = world.mail_to(&alice.email).await.token();
        nobody.ask(ASK_RESET, json!({ "email": alice.email })).await.ok();
        let mails = world.mails_to(&alice.email).await;
        let reset = mails.iter().find(|mail| mail.subject == "Choose a new password").unwrap().token();
        world.run_jobs().await;
        let before = world.dump().await;
        let choose = json!({ "token": proof, "password": NEW_PASSWORD });
        nobody.ask(RESET, choose).await.expect_code("INVALID_TOKEN");
        verify(&nobody, &reset).await.expect_code("INVALID_TOKEN");
        for token in [&proof, &reset, &alice.refresh_token] {
            nobody.with_token(Some(token)).me().await.expect_code("INVALID_TOKEN");
        }
        for token in [&proof, &reset] {
            nobody.try_refresh(token).await.expect_code("INVALID_TOKEN");
        }
        nobody.try_refresh(alice.token.as_deref().unwrap()).await.expect_code("INVALID_TOKEN");
        let after = world.dump().await;
        for table in ["users", "password_credentials", "verification_requests"] {
            assert_eq!(after.count(table), before.count(table), "{table}");
        }
        nobody.try_sign_in("alice", PASSWORD).await.ok();
    }
}
