//! "Bad input" of people and sign-in: each wrong value has a stable code and a field, nothing changes, and nothing internal leaks.

use serde_json::{Value, json};

use crate::house::{Caller, PASSWORD, Person};

/// What PostgreSQL takes in no text, and SQLite does.
const NUL: &str = "a\0b";

/// An operation with `$input`, the input that is right but for what a test changes in it, and who may send it.
pub(super) struct Case {
    pub(super) query: &'static str,
    pub(super) right: Value,
    pub(super) by: Caller,
}

impl Case {
    pub(super) fn with(&self, field: &str, value: Value) -> Value {
        let mut input = self.right.clone();
        input[field] = value;
        json!({ "input": input })
    }

    /// Sends it with what no database should see, in each field by turns; what is too long may also be answered with one of these codes.
    pub(super) async fn spoil_every_field(&self, too_long: &[&str]) {
        for (field, right) in self.right.as_object().unwrap() {
            let path = if right.is_array() { format!("input.{field}.0") } else { format!("input.{field}") };
            // A NUL, wherever it stands.
            let nul = match right {
                Value::Array(_) => json!([NUL]),
                Value::Object(_) => json!({ "a": [{ "b": NUL }] }),
                _ => json!(NUL),
            };
            self.by.ask(self.query, self.with(field, nul)).await.expect_code("VALIDATION_FAILED").expect_field(&path);
            if right.is_object() {
                let named = json!({ NUL: 1 });
                self.by
                    .ask(self.query, self.with(field, named))
                    .await
                    .expect_code("VALIDATION_FAILED")
                    .expect_field(&path);
            }
            // Of another shape.
            let other = if right.is_boolean() { json!("true") } else { json!(true) };
            for wrong in [json!(7.5), json!([[1]]), other] {
                self.by.ask(self.query, self.with(field, wrong)).await.expect_code("VALIDATION_FAILED");
            }
            // Too much: of what stays one letter, and of what folding makes eighteen.
            for long in ["x".repeat(100_000), "\u{fdfa}".repeat(6000)] {
                let long = if right.is_object() { json!({ "a": long }) } else { json!(long) };
                let answer = self.by.ask(self.query, self.with(field, long)).await;
                let code = answer.code().unwrap_or_else(|| panic!("it was taken\n{answer}"));
                assert!(code == "VALIDATION_FAILED" || too_long.contains(&code), "{answer}");
                answer.is_well_formed();
            }
        }
    }
}

async fn cases(admin: &Person, alice: &Person, bob: &Person, nobody: &Caller) -> Vec<Case> {
    let roles = admin.ask("{ roles(first: 50) { nodes { id name } } }", json!({})).await;
    let role = roles.list("roles.nodes", "id")[0].clone();
    let case = |query, right, by: &Caller| Case { query, right, by: by.clone() };
    vec![
        case(
            "mutation($input: SignUpInput!) { signUp(input: $input) { user { id } } }",
            json!({ "username": "carol", "email": "carol@example.org", "password": PASSWORD, "displayName": "Carol", "device": "x" }),
            nobody,
        ),
        case(
            "mutation($input: SignInInput!) { signIn(input: $input) { user { id } } }",
            json!({ "login": "alice", "password": PASSWORD, "device": "x" }),
            nobody,
        ),
        case(
            "mutation($input: RefreshSessionInput!) { refreshSession(input: $input) { user { id } } }",
            json!({ "refreshToken": "nonsense" }),
            nobody,
        ),
        case(
            "mutation($input: VerifyEmailInput!) { verifyEmail(input: $input) { user { id } } }",
            json!({ "token": "nonsense" }),
            nobody,
        ),
        case(
            "mutation($input: ResendVerificationEmailInput!) { resendVerificationEmail(input: $input) { accepted } }",
            json!({ "email": "nobody@example.org" }),
            nobody,
        ),
        case(
            "mutation($input: RequestPasswordResetInput!) { requestPasswordReset(input: $input) { accepted } }",
            json!({ "email": "nobody@example.org" }),
            nobody,
        ),
        case(
            "mutation($input: ResetPasswordInput!) { resetPassword(input: $input) { user { id } } }",
            json!({ "token": "nonsense", "newPassword": PASSWORD }),
            nobody,
        ),
        case(
            "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) { user { id } } }",
            json!({
                "username": "alice", "email": alice.email, "currentPassword": PASSWORD, "displayName": "x", "firstName": "x",
                "lastName": "x", "bio": "x", "location": "x", "statusMessage": "x", "avatarUrl": "https://example.org/a",
                "bannerUrl": "https://example.org/b", "gender": "x", "socialLinks": {}, "preferences": {}, "birthdate": "1990-05-17",
            }),
            alice,
        ),
        case(
            "mutation($input: BlockUserInput!) { blockUser(input: $input) { user { id } } }",
            json!({ "userId": bob.id }),
            alice,
        ),
        case(
            "mutation($input: UnblockUserInput!) { unblockUser(input: $input) { user { id } } }",
            json!({ "userId": bob.id }),
            alice,
        ),
        case(
            "mutation($input: RevokeSessionInput!) { revokeSession(input: $input) { sessionId } }",
            json!({ "sessionId": alice.session }),
            alice,
        ),
        case(
            "mutation($input: CreateRoleInput!) { createRole(input: $input) { role { id } } }",
            json!({ "name": "EDITOR", "displayName": "x", "description": "x", "permissionIds": [] }),
            admin,
        ),
        case(
            "mutation($input: UpdateRoleInput!) { updateRole(input: $input) { role { id } } }",
            json!({ "roleId": role, "displayName": "x", "description": "x" }),
            admin,
        ),
        case(
            "mutation($input: DeleteRoleInput!) { deleteRole(input: $input) { roleId } }",
            json!({ "roleId": role }),
            admin,
        ),
        case(
            "mutation($input: AssignRoleInput!) { assignRole(input: $input) { user { id } } }",
            json!({ "userId": bob.id, "roleId": role }),
            admin,
        ),
        case(
            "mutation($input: RevokeRoleInput!) { revokeRole(input: $input) { user { id } } }",
            json!({ "userId": bob.id, "roleId": role }),
            admin,
        ),
    ]
}

both! {
    /// Every field of every mutation about people, with what no database should see.
    async fn no_field_breaks_the_server(world) {
        let (alice, bob, admin) = (world.person("alice").await, world.person("bob").await, world.admin().await);
        world.run_jobs().await;
        let before = world.dump().await;
        for case in cases(&admin, &alice, &bob, &world.anonymous()).await {
            case.spoil_every_field(&["INVALID_TOKEN", "INVALID_CREDENTIALS"]).await;
        }
        world.dump().await.assert_unchanged(&before, "bad input");
    }

    /// Ids of nothing, of another kind and of another person.
    async fn no_id_reaches_what_is_not_there(world) {
        let (alice, bob, admin) = (world.person("alice").await, world.person("bob").await, world.admin().await);
        world.run_jobs().await;
        let before = world.dump().await;
        for case in cases(&admin, &alice, &bob, &world.anonymous()).await {
            for (field, right) in case.right.as_object().unwrap().iter().filter(|(field, _)| field.ends_with("Id")) {
                let kind = right.as_str().unwrap().split('_').next().unwrap();
                let unknown = json!(format!("{kind}_00000000000000000000000000"));
                let answer = case.by.ask(case.query, case.with(field, unknown)).await;
                answer.expect_code("NOT_FOUND");
                let others = [alice.id.as_str(), &alice.session, "conversation_00000000000000000000000000", "1", ""];
                for other in others.into_iter().filter(|id| !id.starts_with(&format!("{kind}_"))) {
                    let answer = case.by.ask(case.query, case.with(field, json!(other))).await;
                    answer.expect_code("VALIDATION_FAILED").expect_field(&format!("input.{field}"));
                }
            }
        }
        let revoke = "mutation($input: RevokeSessionInput!) { revokeSession(input: $input) { sessionId } }";
        alice.ask(revoke, json!({ "input": { "sessionId": bob.session } })).await.expect_code("NOT_FOUND");
        world.dump().await.assert_unchanged(&before, "ids of nothing");
    }

    /// What is written out when it is folded is kept, and found.
    async fn a_name_of_ligatures_is_kept(world) {
        let alice = world.person("alice").await;
        let name = "\u{fdfa}".repeat(100);
        let answer = alice.ask(
            "mutation($name: String!) { updateProfile(input: { displayName: $name }) { user { displayName } } }",
            json!({ "name": name }),
        ).await;
        assert_eq!(answer.text("updateProfile.user.displayName"), name);
        let found = alice.ask("query($text: String!) { users(search: $text) { nodes { id } } }", json!({ "text": "\u{fdfa}" })).await;
        assert_eq!(found.list("users.nodes", "id"), [json!(alice.id)]);
    }

    /// Queries take what they take, and cursors somebody made up are refused.
    async fn no_query_breaks_the_server(world) {
        let alice = world.person("alice").await;
        for (query, field) in [
            ("query($text: String!) { users(search: $text) { nodes { id } } }", "search"),
            ("query($text: String!) { user(username: $text) { id } }", "username"),
            ("query($text: String!) { users(after: $text) { nodes { id } } }", "after"),
            ("query($text: String!) { roles(before: $text) { nodes { id } } }", "before"),
        ] {
            alice.ask(query, json!({ "text": NUL })).await.expect_code("VALIDATION_FAILED").expect_field(field);
        }
        let roles = alice.ask("{ roles(first: 1) { pageInfo { endCursor } } }", json!({})).await;
        let cursor = roles.text("roles.pageInfo.endCursor");
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).unwrap()).unwrap();
        let scope = text.split('"').next().unwrap();
        for key in [r#""a\u0000b""#, "7", "null", "", r#"{"a":1}"#] {
            let forged = URL_SAFE_NO_PAD.encode(format!("{scope}{key}"));
            let answer = alice.ask("query($after: String!) { roles(after: $after) { nodes { id } } }", json!({ "after": forged })).await;
            answer.expect_code("VALIDATION_FAILED").expect_field("after");
        }
    }
}
