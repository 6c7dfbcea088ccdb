//! Signing up and in, sessions, tokens, mailed links, roles (IDN-001 to IDN-009, IDN-017, IDN-018, IDN-020, IDN-021, IDN-023 to
//! IDN-028, IDN-047 to IDN-050, IDN-052 to IDN-059).

use std::time::Duration;

use chrono::TimeDelta;
use polyphony::{access::BaseRole, config::limits::Rate};
use serde_json::{Value, json};

use crate::house::{Answer, Caller, PASSWORD, Person};

const ROLES: &str = "{ roles(first: 50) { nodes { id name isSystem } } }";

async fn sign_up(caller: &Caller, input: Value) -> Answer {
    let query = "mutation($input: SignUpInput!) { signUp(input: $input) { user { id username } accessToken refreshToken expiresIn } }";
    caller.ask(query, json!({ "input": input })).await
}

async fn sign_out(person: &Person, scope: &str) -> i64 {
    let query = "mutation($scope: SignOutScope!) { signOut(input: { scope: $scope }) { sessionsEnded } }";
    person.ask(query, json!({ "scope": scope })).await.number("signOut.sessionsEnded")
}

async fn role_id(admin: &Person, name: &str) -> String {
    let answer = admin.ask(ROLES, json!({})).await;
    let roles = answer.data("roles.nodes").as_array().unwrap().clone();
    let role = roles.iter().find(|role| role["name"] == name);
    role.unwrap_or_else(|| panic!("no role {name}\n{answer}"))["id"].as_str().unwrap().to_owned()
}

async fn assign(admin: &Person, person: &Person, role: &str) -> Answer {
    let query =
        "mutation($user: ID!, $role: ID!) { assignRole(input: { userId: $user, roleId: $role }) { user { id } } }";
    admin.ask(query, json!({ "user": person.id, "role": role })).await
}

both! {
    /// IDN-004: an account, a session and both tokens at once.
    async fn signing_up_signs_in(world) {
        let answer = sign_up(&world.anonymous(), json!({ "username": "alice", "email": "alice@example.org", "password": PASSWORD })).await;
        assert_eq!(answer.number("signUp.expiresIn"), 900);
        let alice = world.anonymous().with_token(Some(&answer.text("signUp.accessToken")));
        assert_eq!(alice.me().await.text("me.username"), "alice");
        let me = alice.ask("{ me { displayName emailVerifiedAt } }", json!({})).await;
        assert_eq!((me.text("me.displayName").as_str(), me.data("me.emailVerifiedAt")), ("alice", &Value::Null));
    }

    /// IDN-001, IDN-004: what is refused is named, and leaves nothing behind.
    async fn a_bad_sign_up_leaves_nothing(world) {
        world.person("alice").await;
        let nobody = world.anonymous();
        world.run_jobs().await;
        let before = world.dump().await;
        for (input, field) in [
            (json!({ "username": "ab", "email": "b@example.org", "password": PASSWORD }), "input.username"),
            (json!({ "username": "x".repeat(31), "email": "b@example.org", "password": PASSWORD }), "input.username"),
            (json!({ "username": "a b c", "email": "b@example.org", "password": PASSWORD }), "input.username"),
            (json!({ "username": "bob", "email": "nonsense", "password": PASSWORD }), "input.email"),
            (json!({ "username": "bob", "email": "b@example.org\r\nBcc: x@y.z", "password": PASSWORD }), "input.email"),
            (json!({ "username": "bob", "email": "b@example.org", "password": "short" }), "input.password"),
            (json!({ "username": "bobbobbobbob", "email": "b@example.org", "password": "bobbobbobbob" }), "input.password"),
            (json!({ "username": "bob", "email": "b@example.org", "password": "x".repeat(300) }), "input.password"),
        ] {
            sign_up(&nobody, input).await.expect_code("VALIDATION_FAILED").expect_field(field);
        }
        for (input, field) in [
            (json!({ "username": "ALICE", "email": "b@example.org", "password": PASSWORD }), "input.username"),
            (json!({ "username": "bob", "email": "Alice@Example.org", "password": PASSWORD }), "input.email"),
        ] {
            sign_up(&nobody, input).await.expect_code("RESOURCE_CONFLICT").expect_field(field);
        }
        world.dump().await.assert_unchanged(&before, "refused sign-ups");
    }

    /// IDN-004: of several who want a name at the same moment, one gets it.
    async fn a_name_is_given_once(world) {
        let nobody = world.anonymous();
        let tries = (0..6).map(|number| {
            let input = json!({ "username": "alice", "email": format!("a{number}@example.org"), "password": PASSWORD });
            let nobody = nobody.clone();
            async move { sign_up(&nobody, input).await }
        });
        let answers = futures_util::future::join_all(tries).await;
        let (made, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.code().is_none());
        assert_eq!(made.len(), 1, "{refused:#?}");
        for answer in refused {
            answer.expect_code("RESOURCE_CONFLICT");
        }
    }

    /// IDN-048: the first ever to sign in come all at once, on several servers; every token they get is good everywhere.
    async fn the_first_tokens_are_good(world) {
        let other = world.second_instance().await;
        let people = (0..8).map(|number| {
            let server = if number % 2 == 0 { world.first() } else { other.clone() };
            let caller = world.anonymous().at(&server);
            async move { crate::house::Person::sign_up(caller, &format!("person-{number}")).await }
        });
        for person in futures_util::future::join_all(people).await {
            for server in [world.first(), other.clone()] {
                person.at(&server).me().await.ok();
            }
        }
    }

    /// IDN-005: by name or address in any case; one neutral answer for everything that does not fit.
    async fn signing_in_never_tells_why_not(world) {
        let alice = world.person("alice").await;
        let nobody = world.anonymous();
        for login in ["alice", "ALICE", "alice@example.org", "Alice@Example.ORG"] {
            assert_eq!(nobody.try_sign_in(login, PASSWORD).await.text("signIn.user.id"), alice.id, "{login}");
        }
        let mut told = Vec::new();
        for (login, password) in [("alice", "another-password"), ("nobody", PASSWORD), ("nobody@example.org", PASSWORD)] {
            let answer = nobody.try_sign_in(login, password).await;
            answer.expect_code("INVALID_CREDENTIALS");
            told.push(answer.body["errors"][0]["message"].clone());
        }
        told.dedup();
        assert_eq!(told.len(), 1, "{told:?}");
        for (login, password) in [("", PASSWORD), ("alice", "")] {
            nobody.try_sign_in(login, password).await.expect_code("VALIDATION_FAILED");
        }
    }

    /// IDN-005: too many attempts at one login are refused, with the time to wait.
    async fn guessing_is_slowed_down(world) {
        world.person("alice").await;
        let strict = world.instance(|config| {
            config.limits.sign_in_by_login = Rate { count: 3, per: Duration::from_secs(60) };
        }).await;
        let nobody = world.anonymous().at(&strict);
        for _ in 0..3 {
            nobody.try_sign_in("alice", "another-password").await.expect_code("INVALID_CREDENTIALS");
        }
        let refused = nobody.try_sign_in("Alice", PASSWORD).await;
        refused.expect_code("RATE_LIMIT_EXCEEDED");
        assert!(refused.body["errors"][0]["extensions"]["retryAfter"].as_u64().is_some_and(|wait| (1..=60).contains(&wait)), "{refused}");
        world.advance(TimeDelta::seconds(61));
        nobody.try_sign_in("alice", PASSWORD).await.ok();
    }

    /// IDN-007: a refresh token is good once, and using it again ends the session it belongs to.
    async fn a_stolen_refresh_token_ends_its_session(world) {
        let alice = world.person("alice").await;
        let elsewhere = alice.sign_in().await;
        let nobody = world.anonymous();
        let first = nobody.try_refresh(&alice.refresh_token).await;
        let second = nobody.try_refresh(&first.text("refreshSession.refreshToken")).await;
        let current = nobody.with_token(Some(&second.text("refreshSession.accessToken")));
        assert_eq!(current.me().await.text("me.username"), "alice");
        // Somebody kept a copy of the first one.
        nobody.try_refresh(&alice.refresh_token).await.expect_code("INVALID_TOKEN");
        current.me().await.expect_code("INVALID_TOKEN");
        nobody.try_refresh(&second.text("refreshSession.refreshToken")).await.expect_code("INVALID_TOKEN");
        elsewhere.me().await.ok();
    }

    /// IDN-007: when the answer was lost, asking again soon gives the same successor.
    async fn a_lost_refresh_can_be_asked_again(world) {
        let alice = world.person("alice").await;
        let nobody = world.anonymous();
        let tries: Vec<_> = (0..5).map(|_| nobody.try_refresh(&alice.refresh_token)).collect();
        let mut successors = Vec::new();
        for answer in futures_util::future::join_all(tries).await {
            successors.push(answer.text("refreshSession.refreshToken"));
        }
        successors.dedup();
        assert_eq!(successors.len(), 1);
        world.advance(TimeDelta::seconds(61));
        nobody.try_refresh(&alice.refresh_token).await.expect_code("INVALID_TOKEN");
    }

    /// IDN-047: tokens end.
    async fn tokens_expire(world) {
        let alice = world.person("alice").await;
        world.advance(TimeDelta::seconds(899));
        alice.me().await.ok();
        world.advance(TimeDelta::seconds(2));
        alice.me().await.expect_code("INVALID_TOKEN").expect_status(401);
        world.anonymous().try_refresh(&alice.refresh_token).await.ok();
        world.advance(TimeDelta::days(8));
        world.anonymous().try_refresh(&alice.refresh_token).await.expect_code("INVALID_TOKEN");
    }

    /// IDN-047: a token that was tampered with, or is of another place, is refused and never "anonymous".
    async fn forged_tokens_are_refused(world) {
        let alice = world.person("alice").await;
        let token = alice.token.clone().unwrap();
        let [head, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
        let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
        for forged in [
            "nonsense".to_owned(),
            format!("{none}.{claims}."),
            format!("{none}.{claims}.{signature}"),
            format!("{head}.{claims}.{}", signature.chars().rev().collect::<String>()),
            format!("{head}.{}.{signature}", claims.replacen('e', "f", 1)),
        ] {
            world.anonymous().with_token(Some(&forged)).me().await.expect_code("INVALID_TOKEN");
        }
    }

    /// IDN-008, IDN-026, IDN-027: sign out here, elsewhere, everywhere; end one's own sessions and nobody else's.
    async fn sessions_end(world) {
        let alice = world.person("alice").await;
        let (phone, tablet) = (alice.sign_in().await, alice.sign_in().await);
        let bob = world.person("bob").await;
        let sessions = "{ me { sessions(first: 10) { totalCount nodes { id isCurrent } } } }";
        let answer = alice.ask(sessions, json!({})).await;
        assert_eq!(answer.number("me.sessions.totalCount"), 3);
        let revoke = "mutation($id: ID!) { revokeSession(input: { sessionId: $id }) { sessionId } }";
        bob.ask(revoke, json!({ "id": phone.session })).await.expect_code("NOT_FOUND");
        phone.me().await.ok();
        for _ in 0..2 {
            alice.ask(revoke, json!({ "id": phone.session })).await.ok();
        }
        phone.me().await.expect_code("INVALID_TOKEN");
        world.anonymous().try_refresh(&phone.refresh_token).await.expect_code("INVALID_TOKEN");
        assert_eq!(sign_out(&alice, "OTHERS").await, 1);
        tablet.me().await.expect_code("INVALID_TOKEN");
        alice.me().await.ok();
        assert_eq!(sign_out(&alice, "CURRENT").await, 1);
        alice.me().await.expect_code("INVALID_TOKEN");
        let again = alice.sign_in().await;
        assert_eq!(sign_out(&again, "ALL").await, 1);
        again.me().await.expect_code("INVALID_TOKEN");
        bob.me().await.ok();
    }

    /// IDN-017, IDN-018, IDN-023: the mailed token works once, for a day, and only the newest does.
    async fn an_address_is_proved_once(world) {
        let alice = world.person("alice").await;
        let nobody = world.anonymous();
        let verify = "mutation($token: String!) { verifyEmail(input: { token: $token }) { user { id } } }";
        let resend = "mutation($email: String!) { resendVerificationEmail(input: { email: $email }) { accepted } }";
        let first = world.mail_to(&alice.email).await.token();
        for email in ["ALICE@example.org", "nobody@example.org"] {
            assert_eq!(nobody.ask(resend, json!({ "email": email })).await.data("resendVerificationEmail.accepted"), true);
        }
        assert!(world.mails_to("nobody@example.org").await.is_empty());
        let mail = world.mail_to(&alice.email).await;
        assert_eq!(mail.subject, "Confirm your email address");
        let second = mail.token();
        assert_ne!(first, second);
        nobody.ask(verify, json!({ "token": first })).await.expect_code("INVALID_TOKEN");
        nobody.ask(verify, json!({ "token": "nonsense" })).await.expect_code("INVALID_TOKEN");
        assert_eq!(nobody.ask(verify, json!({ "token": second })).await.text("verifyEmail.user.id"), alice.id);
        nobody.ask(verify, json!({ "token": second })).await.expect_code("INVALID_TOKEN");

        let bob = world.person("bob").await;
        let late = world.mail_to(&bob.email).await.token();
        world.advance(TimeDelta::hours(25));
        nobody.ask(verify, json!({ "token": late })).await.expect_code("INVALID_TOKEN");
    }

    /// IDN-020, IDN-021, IDN-049: a reset link works once, and ends every session and token.
    async fn a_new_password_ends_every_session(world) {
        let alice = world.person("alice").await;
        let nobody = world.anonymous();
        let ask = "mutation($email: String!) { requestPasswordReset(input: { email: $email }) { accepted } }";
        let reset = "mutation($token: String!, $password: String!) {
            resetPassword(input: { token: $token, newPassword: $password }) { user { id } }
        }";
        for email in [alice.email.as_str(), "nobody@example.org"] {
            assert_eq!(nobody.ask(ask, json!({ "email": email })).await.data("requestPasswordReset.accepted"), true);
        }
        assert!(world.mails_to("nobody@example.org").await.is_empty());
        let mails = world.mails_to(&alice.email).await;
        let token = mails.iter().find(|mail| mail.body.contains("reset-password")).unwrap_or_else(|| panic!("{mails:#?}")).token();
        nobody.ask(reset, json!({ "token": token, "password": "short" })).await.expect_code("VALIDATION_FAILED");
        nobody.ask(reset, json!({ "token": token, "password": "Eight-drums-and-a-horn" })).await.ok();
        nobody.ask(reset, json!({ "token": token, "password": "Nine-drums-and-a-horn" })).await.expect_code("INVALID_TOKEN");
        alice.me().await.expect_code("INVALID_TOKEN");
        nobody.try_refresh(&alice.refresh_token).await.expect_code("INVALID_TOKEN");
        nobody.try_sign_in("alice", PASSWORD).await.expect_code("INVALID_CREDENTIALS");
        nobody.try_sign_in("alice", "Eight-drums-and-a-horn").await.ok();
    }

    /// IDN-028: what has expired is cleared away.
    async fn expired_sign_ins_are_cleared_away(world) {
        world.person("alice").await;
        world.run_jobs().await;
        world.advance(TimeDelta::days(40));
        let op = world.first().op();
        op.write(async |tx| tx.enqueue(&polyphony::domains::auth::PurgeExpired {})).await.unwrap();
        world.run_jobs().await;
        let dump = world.dump().await;
        for table in ["sessions", "refresh_tokens", "verification_requests"] {
            assert_eq!(dump.count(table), 0, "{table}");
        }
        assert_eq!(dump.count("users"), 1);
    }

    /// IDN-052 to IDN-059: roles are made and granted by administrators whose sign-in is fresh.
    async fn administrators_grant_roles(world) {
        let (admin, bob) = (world.admin().await, world.person("bob").await);
        let moderator = role_id(&admin, "MODERATOR").await;
        assign(&bob, &bob, &moderator).await.expect_code("PERMISSION_DENIED");
        assign(&admin, &bob, &moderator).await.ok();
        let mine = "{ me { roles { role { name } assignedBy { username } } } }";
        let answer = bob.ask(mine, json!({})).await;
        assert_eq!(answer.list("me.roles", "role.name"), [json!("MODERATOR")], "{answer}");
        assert_eq!(answer.list("me.roles", "assignedBy.username"), [json!(admin.username)]);
        let delete = "mutation($id: ID!) { deleteRole(input: { roleId: $id }) { roleId } }";
        admin.ask(delete, json!({ "id": moderator })).await.expect_code("BUSINESS_RULE_VIOLATION");
        let create = "mutation($name: String!) { createRole(input: { name: $name, displayName: \"Curator\" }) { role { id name } } }";
        let curator = admin.ask(create, json!({ "name": "CURATOR" })).await.text("createRole.role.id");
        admin.ask(create, json!({ "name": "CURATOR" })).await.expect_code("RESOURCE_CONFLICT");
        admin.ask(create, json!({ "name": "curator!" })).await.expect_code("VALIDATION_FAILED");
        assign(&admin, &bob, &curator).await.ok();
        admin.ask(delete, json!({ "id": curator })).await.ok();
        assert_eq!(bob.ask(mine, json!({})).await.list("me.roles", "role.name"), [json!("MODERATOR")]);
        // A while later the administrator has to prove who they are again.
        world.advance(TimeDelta::minutes(14));
        assign(&admin, &bob, &moderator).await.ok();
        let mut tired = admin.clone();
        for _ in 0..50 {
            let answer = world.anonymous().try_refresh(&tired.refresh_token).await;
            tired.refresh_token = answer.text("refreshSession.refreshToken");
            tired = tired.with_tokens(&answer.text("refreshSession.accessToken"));
            world.advance(TimeDelta::minutes(15) - TimeDelta::seconds(5));
        }
        assign(&tired, &bob, &moderator).await.expect_code("MFA_REQUIRED");
        assign(&tired.sign_in().await, &bob, &moderator).await.ok();
    }

    /// IDN-054: the last administrator stays one.
    async fn somebody_remains_administrator(world) {
        let admin = world.admin().await;
        let role = role_id(&admin, BaseRole::Admin.name()).await;
        let revoke = "mutation($user: ID!, $role: ID!) { revokeRole(input: { userId: $user, roleId: $role }) { user { id } } }";
        let before = world.dump().await;
        admin.ask(revoke, json!({ "user": admin.id, "role": role })).await.expect_code("BUSINESS_RULE_VIOLATION");
        world.dump().await.assert_unchanged(&before, "the last administrator stepping down");
        let second = world.person("bob").await;
        assign(&admin, &second, &role).await.ok();
        admin.ask(revoke, json!({ "user": admin.id, "role": role })).await.ok();
        assign(&admin, &admin, &role).await.expect_code("PERMISSION_DENIED");
    }

    /// IDN-003, IDN-050: a password is nowhere in the answers, and nowhere in the clear in the database.
    async fn passwords_are_kept_as_hashes(world) {
        let alice = world.person("alice").await;
        let text = format!("{:?}", world.dump().await);
        for secret in [PASSWORD, alice.refresh_token.as_str(), alice.token.as_deref().unwrap()] {
            assert!(!text.contains(secret), "the database holds {secret:?} in the clear");
        }
        assert!(text.contains("$argon2id$"));
    }
}
