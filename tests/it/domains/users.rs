//! People: profiles, the directory, blocks (USR-001 to USR-003, USR-020, USR-021, USR-030, PLT-027, PLT-050, PLT-052).

use polyphony::config::limits::Rate;
use serde_json::{Value, json};

use crate::house::{Answer, Caller, Person};

const PROFILE: &str = "query($id: ID, $username: String) {
    user(id: $id, username: $username) { id username displayName bio avatarUrl location }
}";

const ADDRESS: &str = "{ me { email emailVerifiedAt pendingEmail } }";
const RESET: &str = "mutation($email: String!) { requestPasswordReset(input: { email: $email }) { accepted } }";

async fn prove(caller: &Caller, token: &str) -> Answer {
    let verify = "mutation($token: String!) { verifyEmail(input: { token: $token }) { user { id } } }";
    caller.ask(verify, json!({ "token": token })).await
}

both! {
    /// USR-002: by id or by username in any case, and exactly one of the two.
    async fn a_person_is_found_by_id_or_username(world) {
        let alice = world.person("alice").await;
        let bob = world.person("bob").await;
        let by_id = bob.ask(PROFILE, json!({ "id": alice.id })).await;
        assert_eq!(by_id.text("user.username"), "alice");
        let by_name = world.anonymous().ask(PROFILE, json!({ "username": "ALICE" })).await;
        assert_eq!(by_name.text("user.id"), alice.id);
        for variables in [json!({}), json!({ "id": alice.id, "username": "alice" })] {
            bob.ask(PROFILE, variables).await.expect_code("VALIDATION_FAILED");
        }
        let nobody = bob.ask(PROFILE, json!({ "username": "nobody" })).await;
        assert_eq!(nobody.data("user"), &Value::Null);
    }

    /// IDN-019: whether a username can be had, and others like it if not; specially limited.
    async fn a_username_can_be_looked_up_before_it_is_taken(world) {
        const ASK: &str = "query($name: String!) {
            usernameAvailability(username: $name) { username isAvailable problem suggestions }
        }";
        let strict = world.instance(|config| config.limits.username_check = Rate::new(9, 60)).await;
        let alice = world.person("alice").await.at(&strict);
        let (bob, nobody) = (world.person("alice1").await.at(&strict), world.anonymous().at(&strict));
        let ask = async |caller: &Caller, name: &str| {
            caller.ask(ASK, json!({ "name": name })).await.data("usernameAvailability").clone()
        };
        let free = json!({ "username": "carol", "isAvailable": true, "problem": null, "suggestions": [] });
        assert_eq!(ask(&nobody, " carol ").await, free);
        for caller in [&nobody, &*bob] {
            let taken = ask(caller, "ALICE").await;
            assert_eq!((&taken["isAvailable"], &taken["problem"]), (&json!(false), &Value::Null));
            assert_eq!(taken["suggestions"], json!(["ALICE2", "ALICE3", "ALICE4"]), "what nobody has, in the same letters");
            assert_eq!(ask(caller, "ALICE2").await["isAvailable"], true);
        }
        // One's own can be kept.
        assert_eq!(ask(&alice, "Alice").await["isAvailable"], true);
        let malformed = ask(&nobody, "al ice!").await;
        assert_eq!((&malformed["isAvailable"], &malformed["suggestions"][0]), (&json!(false), &json!("alice2")));
        assert!(malformed["problem"].as_str().is_some_and(|problem| problem.starts_with("takes 3 to 30")), "{malformed}");
        assert_eq!(ask(&nobody, "!").await["suggestions"], json!([]));
        assert_eq!(ask(&nobody, &"x".repeat(10_000)).await["isAvailable"], false);
        let refused = nobody.ask(ASK, json!({ "name": "carol" })).await;
        refused.expect_code("RATE_LIMIT_EXCEEDED");
        assert_eq!(refused.body["errors"][0]["extensions"]["details"]["limit"], "username-check", "{refused}");
    }

    /// USR-003: what is left out stays, what is null is emptied, every fault is named at once.
    async fn a_profile_is_changed_by_its_owner(world) {
        let alice = world.person("alice").await;
        let changed = alice.try_update_profile(json!({ "bio": "Plays the viola", "displayName": "Alice A." })).await;
        assert_eq!(changed.text("updateProfile.user.bio"), "Plays the viola");
        assert_eq!(changed.text("updateProfile.user.username"), "alice");
        let emptied = alice.try_update_profile(json!({ "bio": null })).await;
        assert_eq!(emptied.data("updateProfile.user.bio"), &Value::Null);
        assert_eq!(emptied.text("updateProfile.user.displayName"), "Alice A.");

        let before = world.dump().await;
        let long = "x".repeat(2001);
        let refused = alice.try_update_profile(json!({ "username": "a", "bio": long, "displayName": "" })).await;
        refused.expect_code("VALIDATION_FAILED");
        for field in ["input.username", "input.bio", "input.displayName"] {
            refused.expect_field(field);
        }
        // What is not even of its type is told before the rules of the profile are asked.
        let malformed = alice.try_update_profile(json!({ "avatarUrl": "javascript:alert(1)", "email": "nobody" })).await;
        malformed.expect_code("VALIDATION_FAILED").expect_field("input.avatarUrl").expect_field("input.email");
        world.dump().await.assert_unchanged(&before, "a refused profile");
    }

    /// PLT-052: a change made from an older version is a conflict.
    async fn a_stale_profile_is_a_conflict(world) {
        let alice = world.person("alice").await;
        let version = alice.ask("{ me { version } }", json!({})).await.number("me.version");
        alice.try_update_profile(json!({ "bio": "one", "expectedVersion": version })).await.ok();
        let stale = alice.try_update_profile(json!({ "bio": "two", "expectedVersion": version })).await;
        stale.expect_code("RESOURCE_CONFLICT");
        assert_eq!(alice.ask("{ me { bio } }", json!({})).await.text("me.bio"), "one");
    }

    /// USR-003: a username belongs to one account, whatever its case.
    async fn a_taken_name_is_a_conflict(world) {
        let (alice, _bob) = (world.person("alice").await, world.person("bob").await);
        let taken = alice.try_update_profile(json!({ "username": "BOB" })).await;
        taken.expect_code("RESOURCE_CONFLICT").expect_field("input.username");
        // One's own name in another case is no conflict; one's own address in another case is no change: it is proved as it is.
        assert_eq!(alice.try_update_profile(json!({ "username": "Alice" })).await.text("updateProfile.user.username"), "Alice");
        let same = alice.try_update_profile(json!({ "email": "Alice@Example.org" })).await;
        assert_eq!(same.text("updateProfile.user.email"), alice.email);
        assert_eq!(alice.ask(ADDRESS, json!({})).await.data("me.pendingEmail"), &Value::Null);
    }

    /// USR-003: a new address takes force when it is proved, and not before; the old one is told, and gets the reset mails until then.
    async fn a_new_address_waits_for_its_proof(world) {
        let alice = world.person("alice").await;
        let nobody = world.anonymous();
        prove(&nobody, &world.mail_to(&alice.email).await.token()).await.ok();
        let asked = alice.try_update_profile(json!({ "email": "alice@elsewhere.example" })).await;
        assert_eq!(asked.text("updateProfile.user.email"), alice.email);
        let before = alice.ask(ADDRESS, json!({})).await;
        assert_eq!((before.text("me.email"), before.text("me.pendingEmail")), (alice.email.clone(), "alice@elsewhere.example".to_owned()));
        assert!(before.data("me.emailVerifiedAt").is_string(), "the old address stays proved");
        for (email, mails) in [("alice@elsewhere.example", 0), (alice.email.as_str(), 1)] {
            nobody.ask(RESET, json!({ "email": email })).await.ok();
            let sent = world.mails_to(email).await;
            assert_eq!(sent.iter().filter(|mail| mail.subject == "Choose a new password").count(), mails, "{email}: {sent:#?}");
        }
        let old = world.mails_to(&alice.email).await;
        assert!(old.iter().any(|mail| mail.subject == "Your account is about to get another address"), "{old:#?}");
        assert!(nobody.try_sign_in("alice@elsewhere.example", crate::house::PASSWORD).await.code().is_some());
        let reset = old.iter().find(|mail| mail.subject == "Choose a new password").unwrap().token();

        prove(&nobody, &world.mail_to("alice@elsewhere.example").await.token()).await.ok();
        let after = alice.ask(ADDRESS, json!({})).await;
        assert_eq!((after.text("me.email").as_str(), after.data("me.pendingEmail")), ("alice@elsewhere.example", &Value::Null));
        assert!(after.data("me.emailVerifiedAt").is_string());
        let told = world.mails_to(&alice.email).await;
        assert!(told.iter().any(|mail| mail.subject == "Your account has another address now"), "{told:#?}");
        // What was mailed to the old address opens nothing any more.
        let stale = "mutation($token: String!) {
            resetPassword(input: { token: $token, newPassword: \"Eight-drums-and-a-horn\" }) { user { id } }
        }";
        nobody.ask(stale, json!({ "token": reset })).await.expect_code("INVALID_TOKEN");
    }

    /// USR-003: the last wish counts: a link to an address that was given up moves nothing.
    async fn a_new_address_withdraws_the_one_before(world) {
        let alice = world.person("alice").await;
        let nobody = world.anonymous();
        alice.try_update_profile(json!({ "email": "first@elsewhere.example" })).await.ok();
        let first = world.mail_to("first@elsewhere.example").await.token();
        alice.try_update_profile(json!({ "email": "second@elsewhere.example" })).await.ok();
        let second = world.mail_to("second@elsewhere.example").await.token();
        prove(&nobody, &first).await.expect_code("INVALID_TOKEN");
        alice.try_update_profile(json!({ "email": alice.email })).await.ok();
        prove(&nobody, &second).await.expect_code("INVALID_TOKEN");
        let mine = alice.ask(ADDRESS, json!({})).await;
        assert_eq!((mine.text("me.email"), mine.data("me.pendingEmail")), (alice.email.clone(), &Value::Null));
    }

    /// USR-003, IDN-018: nobody learns from the answer whether an address has an account; its owner does, by mail.
    async fn a_new_address_tells_nothing_of_other_accounts(world) {
        let (alice, bob) = (world.person("alice").await, world.person("bob").await);
        prove(&world.anonymous(), &world.mail_to(&bob.email).await.token()).await.ok();
        let mut answers = Vec::new();
        for email in [bob.email.to_uppercase(), "nobody@elsewhere.example".to_owned()] {
            let answer = alice.try_update_profile(json!({ "email": email })).await;
            answer.ok();
            assert_eq!(alice.ask(ADDRESS, json!({})).await.text("me.pendingEmail"), email);
            let mut user = answer.data("updateProfile.user").clone();
            user["version"] = Value::Null;
            answers.push(user);
            world.run_jobs().await;
        }
        assert_eq!(answers[0], answers[1]);
        let mails = world.mails_to(&bob.email.to_uppercase()).await;
        assert_eq!(mails.iter().map(|mail| mail.subject.as_str()).collect::<Vec<_>>(), ["Your email address is in use already"]);
        assert!(!mails[0].body.contains("token="), "{mails:#?}");
        assert!(mails[0].body.starts_with("Hello bob,"), "{mails:#?}");
    }

    /// IDN-001: an address somebody only claimed at sign-up goes to whoever proves it.
    async fn a_proof_beats_a_claim(world) {
        let (squatter, alice) = (world.person("squatter").await, world.person("alice").await);
        world.mail_to(&squatter.email).await;
        alice.try_update_profile(json!({ "email": squatter.email })).await.ok();
        let mails = world.mails_to(&squatter.email).await;
        let link = mails.iter().find(|mail| mail.body.starts_with("Hello alice,")).unwrap_or_else(|| panic!("{mails:#?}"));
        prove(&world.anonymous(), &link.token()).await.ok();
        assert_eq!(alice.ask(ADDRESS, json!({})).await.text("me.email"), squatter.email);
        assert_eq!(squatter.ask(ADDRESS, json!({})).await.data("me.email"), &Value::Null);
        world.anonymous().try_sign_in("squatter", crate::house::PASSWORD).await.ok();
        let mine = world.anonymous().try_sign_in(&squatter.email, crate::house::PASSWORD).await;
        assert_eq!(mine.text("signIn.user.id"), alice.id);
    }

    /// USR-003: whoever finds an open session cannot take the account with it: a new address wants the password or a fresh sign-in.
    async fn a_new_address_wants_the_password(world) {
        let alice = world.person("alice").await;
        world.advance(chrono::TimeDelta::minutes(14));
        let answer = world.anonymous().try_refresh(&alice.refresh_token).await;
        let alice = alice.with_tokens(&answer.text("refreshSession.accessToken"));
        world.advance(chrono::TimeDelta::minutes(2));
        world.run_jobs().await;
        let before = world.dump().await;
        let change = |password: Value| json!({ "email": "alice@elsewhere.example", "currentPassword": password });
        alice.try_update_profile(change(Value::Null)).await.expect_code("MFA_REQUIRED").expect_field("input.currentPassword");
        alice.try_update_profile(change(json!("another-password"))).await.expect_code("INVALID_CREDENTIALS");
        world.dump().await.assert_unchanged(&before, "a new address without the password");
        // Everything else goes without.
        alice.try_update_profile(json!({ "bio": "x" })).await.ok();
        alice.try_update_profile(change(json!(crate::house::PASSWORD))).await.ok();
        assert_eq!(alice.ask(ADDRESS, json!({})).await.text("me.pendingEmail"), "alice@elsewhere.example");
    }

    /// USR-003: nobody makes us write to strangers by the hundred.
    async fn mails_about_addresses_are_limited(world) {
        let alice = world.person("alice").await;
        let strict = world.instance(|config| {
            let hour = std::time::Duration::from_secs(3600);
            config.limits.mail_by_account = Rate { count: 4, per: hour };
            config.limits.mail_by_recipient = Rate { count: 2, per: hour };
        }).await;
        let alice = alice.at(&strict);
        for email in ["a@elsewhere.example", "b@elsewhere.example", "a@elsewhere.example", "a@elsewhere.example"] {
            alice.try_update_profile(json!({ "email": email })).await.ok();
        }
        assert_eq!(world.mails_to("a@elsewhere.example").await.len(), 1, "a withdrawn link is not mailed, and the third is one too many");
        let refused = alice.try_update_profile(json!({ "email": "c@elsewhere.example" })).await;
        refused.expect_code("RATE_LIMIT_EXCEEDED");
        // A sign-up counts as well, and says nothing of it.
        let bob = Person::sign_up(world.anonymous().at(&strict), "bob").await;
        let carol = json!({ "email": "a@elsewhere.example" });
        bob.at(&strict).try_update_profile(carol).await.ok();
        assert_eq!(world.mails_to("a@elsewhere.example").await.len(), 1);
    }

    /// IDN-001: a name is one line, because it ends up in mails and lists.
    async fn a_name_is_one_line(world) {
        let alice = world.person("alice").await;
        for field in ["displayName", "firstName", "lastName", "location", "statusMessage", "gender"] {
            for text in ["a\nb", "a\r\nb", "a\tb", "a\u{2028}b"] {
                let refused = alice.try_update_profile(json!({ field: text })).await;
                refused.expect_code("VALIDATION_FAILED").expect_field(&format!("input.{field}"));
            }
        }
        let several = alice.try_update_profile(json!({ "bio": "two\nlines" })).await;
        assert_eq!(several.text("updateProfile.user.bio"), "two\nlines");
    }

    /// USR-030: what is private is its owner's alone, by every way to the person.
    async fn private_fields_are_their_owners(world) {
        let (alice, bob) = (world.person("alice").await, world.person("bob").await);
        for field in ["email", "emailVerifiedAt", "firstName", "lastName", "birthdate", "gender", "preferences", "version"] {
            let by_user = format!("query($id: ID!) {{ user(id: $id) {{ {field} }} }}");
            let by_node = format!("query($id: ID!) {{ node(id: $id) {{ ... on User {{ {field} }} }} }}");
            let by_list = format!("query($id: ID!) {{ nodes(ids: [$id]) {{ ... on User {{ {field} }} }} }}");
            for query in [by_user, by_node, by_list] {
                let variables = json!({ "id": alice.id });
                let answer = bob.ask(&query, variables.clone()).await;
                answer.expect_code("PERMISSION_DENIED");
                assert!(!answer.body.to_string().contains("alice@example.org"), "{answer}");
                world.anonymous().ask(&query, variables.clone()).await.expect_code("UNAUTHENTICATED");
                alice.ask(&query, variables).await.ok();
            }
        }
    }

    /// USR-002: a private profile is a card.
    async fn a_private_profile_is_a_card(world) {
        let (alice, bob) = (world.person("alice").await, world.person("bob").await);
        alice.try_update_profile(json!({ "bio": "secret", "location": "here", "isPublic": false })).await.ok();
        let card = bob.ask(PROFILE, json!({ "id": alice.id })).await;
        assert_eq!(card.text("user.displayName"), "alice");
        assert!(card.data("user.bio").is_null() && card.data("user.location").is_null(), "{card}");
        assert_eq!(alice.ask(PROFILE, json!({ "id": alice.id })).await.text("user.bio"), "secret");
        let listed = bob.ask("{ users { nodes { username } totalCount } }", json!({})).await;
        assert_eq!(listed.list("users.nodes", "username"), [json!("bob")]);
        assert_eq!(listed.number("users.totalCount"), 1);
    }

    /// USR-001, PLT-011: both ways, without gap or overlap, in both orders.
    async fn the_directory_is_paged_both_ways(world) {
        for name in ["erin", "alice", "dave", "bob", "carol"] {
            world.person(name).await;
        }
        let query = "query($orderBy: UserOrder, $first: Int, $after: String, $last: Int, $before: String) {
            users(orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
                totalCount nodes { username } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
            }
        }";
        let nobody = world.anonymous();
        for (order, all) in
            [("USERNAME", ["alice", "bob", "carol", "dave", "erin"]), ("NEWEST", ["carol", "bob", "dave", "alice", "erin"])]
        {
            let (mut forward, mut after) = (Vec::new(), Value::Null);
            loop {
                let page = nobody.ask(query, json!({ "orderBy": order, "first": 2, "after": after })).await;
                assert_eq!(page.number("users.totalCount"), 5);
                assert_eq!(page.data("users.pageInfo.hasPreviousPage"), !forward.is_empty());
                forward.extend(page.list("users.nodes", "username"));
                after = page.data("users.pageInfo.endCursor").clone();
                if page.data("users.pageInfo.hasNextPage") == false {
                    break;
                }
            }
            assert_eq!(forward, all, "{order}");
            let (mut backward, mut before) = (Vec::new(), Value::Null);
            loop {
                let page = nobody.ask(query, json!({ "orderBy": order, "last": 2, "before": before })).await;
                let mut names = page.list("users.nodes", "username");
                names.append(&mut backward);
                backward = names;
                before = page.data("users.pageInfo.startCursor").clone();
                if page.data("users.pageInfo.hasPreviousPage") == false {
                    break;
                }
            }
            assert_eq!(backward, all, "{order} backward");
        }
    }

    /// PLT-011: a cursor belongs to its list, with its order and filter; sizes are bounded.
    async fn a_cursor_of_another_list_is_refused(world) {
        for name in ["alice", "bob", "carol"] {
            world.person(name).await;
        }
        let nobody = world.anonymous();
        let page = nobody.ask("{ users(first: 1, orderBy: USERNAME) { pageInfo { endCursor } } }", json!({})).await;
        let cursor = page.text("users.pageInfo.endCursor");
        for arguments in ["first: 1, orderBy: NEWEST", "first: 1, orderBy: USERNAME, search: \"a\""] {
            let query = format!("query($after: String) {{ users({arguments}, after: $after) {{ nodes {{ id }} }} }}");
            nobody.ask(&query, json!({ "after": cursor })).await.expect_code("VALIDATION_FAILED").expect_field("after");
        }
        for arguments in ["first: 101", "first: -1", "last: 101", "first: 1, last: 1", "first: 1, after: \"nonsense\""] {
            nobody.ask(&format!("{{ users({arguments}) {{ nodes {{ id }} }} }}"), json!({})).await.expect_code("VALIDATION_FAILED");
        }
        let none = nobody.ask("{ users(first: 0) { nodes { id } totalCount pageInfo { hasNextPage } } }", json!({})).await;
        assert_eq!((none.number("users.totalCount"), none.data("users.nodes")), (3, &json!([])));
    }

    /// USR-001: the search takes what is typed as text and not as a pattern.
    async fn the_directory_is_searched(world) {
        for name in ["alice", "al_ice", "bob"] {
            world.person(name).await;
        }
        let query = "query($search: String) { users(search: $search, orderBy: USERNAME) { nodes { username } totalCount } }";
        for (search, found) in [("LIC", vec!["alice"]), ("l_i", vec!["al_ice"]), ("%", vec![]), ("al", vec!["al_ice", "alice"]), ("'", vec![])] {
            let answer = world.anonymous().ask(query, json!({ "search": search })).await;
            assert_eq!(answer.list("users.nodes", "username"), found, "{search}");
            assert_eq!(answer.number("users.totalCount"), found.len() as i64, "{search}");
        }
        world.anonymous().ask(query, json!({ "search": "x".repeat(101) })).await.expect_code("VALIDATION_FAILED");
    }

    /// USR-001: letters of every alphabet are found in any case, on both databases; a search gives ten unless told.
    async fn a_search_folds_every_alphabet(world) {
        for (name, display) in [("dave", "Dave Dvořák"), ("erin", "Erin Érard"), ("zoe", "ΖΩΉ")] {
            let person = world.person(name).await;
            person.try_update_profile(json!({ "displayName": display })).await.ok();
        }
        let query = "query($search: String) { users(search: $search, orderBy: USERNAME) { nodes { username } totalCount } }";
        for (search, found) in [("DVOŘÁK", "dave"), ("éRARD", "erin"), ("ζωή", "zoe")] {
            let answer = world.anonymous().ask(query, json!({ "search": search })).await;
            assert_eq!(answer.list("users.nodes", "username"), [json!(found)], "{search}");
        }
        for number in 0..12 {
            world.person(&format!("many-{number}")).await;
        }
        let searched = world.anonymous().ask(query, json!({ "search": "many" })).await;
        assert_eq!((searched.list("users.nodes", "username").len(), searched.number("users.totalCount")), (10, 12));
        let listed = world.anonymous().ask(query, json!({})).await;
        assert_eq!(listed.list("users.nodes", "username").len(), 15);
    }

    /// USR-001: by when they came; a cursor of one filter is none of another.
    async fn the_directory_is_filtered(world) {
        world.person("alice").await;
        world.advance(chrono::TimeDelta::days(2));
        let yesterday = (world.now() - chrono::TimeDelta::days(1)).to_rfc3339();
        world.person("bob").await;
        let query = "query($filter: UserFilter, $after: String) {
            users(filter: $filter, after: $after) { nodes { username } totalCount pageInfo { endCursor } }
        }";
        for (field, found) in [("joinedAfter", "bob"), ("joinedBefore", "alice")] {
            let answer = world.anonymous().ask(query, json!({ "filter": { field: yesterday } })).await;
            assert_eq!(answer.list("users.nodes", "username"), [json!(found)], "{field}");
            assert_eq!(answer.number("users.totalCount"), 1);
            let cursor = answer.text("users.pageInfo.endCursor");
            world.anonymous().ask(query, json!({ "after": cursor })).await.expect_code("VALIDATION_FAILED");
        }
    }

    /// USR-020, USR-021: a block hides the blocker, again is harmless, and only its maker sees it.
    async fn a_block_hides_the_blocker(world) {
        let (alice, bob) = (world.person("alice").await, world.person("bob").await);
        for _ in 0..2 {
            alice.block(&bob).await;
        }
        assert!(bob.ask(PROFILE, json!({ "username": "alice" })).await.data("user").is_null());
        assert!(bob.ask(PROFILE, json!({ "id": alice.id })).await.data("user").is_null());
        let listed = bob.ask("{ users { nodes { username } totalCount } }", json!({})).await;
        assert_eq!(listed.list("users.nodes", "username"), [json!("bob")]);
        assert_eq!(listed.number("users.totalCount"), 1);
        // The blocker still sees whom they blocked, and nobody else sees the list.
        let mine = "query($id: ID!) { user(id: $id) { isBlocked } me { blockedUsers { totalCount nodes { username } } } }";
        let answer = alice.ask(mine, json!({ "id": bob.id })).await;
        assert_eq!(answer.data("user.isBlocked"), true);
        assert_eq!(answer.list("me.blockedUsers.nodes", "username"), [json!("bob")]);
        assert_eq!(answer.number("me.blockedUsers.totalCount"), 1);
        let others = "query($id: ID!) { user(id: $id) { blockedUsers { totalCount } } }";
        let carol = world.person("carol").await;
        carol.ask(others, json!({ "id": alice.id })).await.expect_code("PERMISSION_DENIED");
        for _ in 0..2 {
            alice.try_unblock(&bob.id).await.ok();
        }
        assert_eq!(bob.ask(PROFILE, json!({ "username": "alice" })).await.text("user.id"), alice.id);
    }

    /// USR-020: whoever is blocked blocks back, and each takes back their own; nobody blocks themselves or somebody unknown.
    async fn a_blocked_person_blocks_back(world) {
        let (alice, bob) = (world.person("alice").await, world.person("bob").await);
        alice.try_update_profile(json!({ "bio": "secret" })).await.ok();
        alice.block(&bob).await;
        let back = "mutation($id: ID!) { blockUser(input: { userId: $id }) { user { username bio isBlocked } } }";
        let blocked = bob.ask(back, json!({ "id": alice.id })).await;
        assert_eq!((blocked.data("blockUser.user.isBlocked"), blocked.data("blockUser.user.bio")), (&json!(true), &Value::Null));
        // In the list of whom one keeps away, too, somebody who does the same is a card.
        let mine = bob.ask("{ me { blockedUsers { totalCount nodes { username bio } } } }", json!({})).await;
        assert_eq!(mine.list("me.blockedUsers.nodes", "username"), [json!("alice")]);
        assert_eq!(mine.list("me.blockedUsers.nodes", "bio"), [Value::Null]);
        alice.try_unblock(&bob.id).await.ok();
        assert!(alice.ask(PROFILE, json!({ "username": "bob" })).await.data("user").is_null(), "bob still keeps alice away");
        for _ in 0..2 {
            bob.try_unblock(&alice.id).await.ok();
        }
        assert_eq!(alice.ask(PROFILE, json!({ "username": "bob" })).await.text("user.id"), bob.id);
        alice.try_block(&alice.id).await.expect_code("BUSINESS_RULE_VIOLATION");
        alice.try_block("user_00000000000000000000000000").await.expect_code("NOT_FOUND");
    }

    /// USR-021: whom one blocks costs one statement for a whole list, and for nobody signed in it is nobody.
    async fn blocks_of_a_list_are_one_statement(world) {
        let alice = world.person("alice").await;
        for name in ["bob", "carol", "dave", "erin"] {
            let person = world.person(name).await;
            if name == "carol" {
                alice.block(&person).await;
            }
        }
        let query = "query($first: Int) { users(first: $first, orderBy: USERNAME) { nodes { username isBlocked role } } }";
        let quiet = world.quiet_instance().await;
        let mut counts = Vec::new();
        // What the instance keeps for a while, such as keys, is read first.
        alice.at(&quiet).ask(query, json!({ "first": 1 })).await.ok();
        for first in [1, 5] {
            let (count, answer) = quiet.statements(alice.at(&quiet).ask(query, json!({ "first": first }))).await;
            answer.ok();
            counts.push(count);
        }
        assert_eq!(counts[0], counts[1], "statements grow with the page");
        let answer = alice.ask(query, json!({ "first": 5 })).await;
        assert_eq!(answer.list("users.nodes", "isBlocked"), [json!(false), json!(false), json!(true), json!(false), json!(false)]);
        let nobody = world.anonymous().ask(query, json!({ "first": 2 })).await;
        assert_eq!(nobody.list("users.nodes", "isBlocked"), [json!(false), json!(false)]);
        assert_eq!(nobody.list("users.nodes", "role"), [json!("USER"), json!("USER")]);
    }

    /// "Bad input": an id of another kind names the kind expected; nonsense is no id; nothing changes.
    async fn ids_of_another_kind_are_refused(world) {
        let alice = world.person("alice").await;
        let before = world.dump().await;
        for id in ["conversation_00000000000000000000000000", "alice", "", "user_", "user_zzzzzzzzzzzzzzzzzzzzzzzzzz", "' OR 1=1 --"] {
            let answer = alice.try_block(id).await;
            answer.expect_code("VALIDATION_FAILED");
            assert!(answer.body["errors"][0]["message"].as_str().unwrap_or_default().contains("user"), "{answer}");
            alice.ask(PROFILE, json!({ "id": id })).await.expect_code("VALIDATION_FAILED");
        }
        world.dump().await.assert_unchanged(&before, "ids of another kind");
    }

    /// PLT-050: everything with an id is found by it, under its own rules; what is nobody's is null in its place.
    async fn anything_is_found_by_its_id(world) {
        let (alice, bob) = (world.person("alice").await, world.person("bob").await);
        let query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on User { username } } }";
        let ids = json!([bob.id, "user_00000000000000000000000000", alice.id, bob.session, alice.session]);
        let answer = alice.ask(query, json!({ "ids": ids })).await;
        assert_eq!(answer.list("nodes", "username"), [json!("bob"), Value::Null, json!("alice"), Value::Null, Value::Null]);
        assert_eq!(answer.list("nodes", "__typename"), [json!("User"), Value::Null, json!("User"), Value::Null, json!("Session")]);
        let many: Vec<_> = (0..101).map(|_| alice.id.clone()).collect();
        alice.ask(query, json!({ "ids": many })).await.expect_code("VALIDATION_FAILED");
        alice.ask("query($id: ID!) { node(id: $id) { id } }", json!({ "id": "nonsense" })).await.expect_code("VALIDATION_FAILED");
    }
}
