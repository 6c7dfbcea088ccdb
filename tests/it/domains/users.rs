//! People: profiles, the directory, blocks (USR-001 to USR-003, USR-020, USR-021, USR-030, PLT-027, PLT-050, PLT-052).

use serde_json::{Value, json};

const PROFILE: &str = "query($id: ID, $username: String) {
    user(id: $id, username: $username) { id username displayName bio avatarUrl location }
}";

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

    /// USR-003: names and addresses belong to one account, whatever their case.
    async fn a_taken_name_is_a_conflict(world) {
        let (alice, bob) = (world.person("alice").await, world.person("bob").await);
        let taken = alice.try_update_profile(json!({ "username": "BOB" })).await;
        taken.expect_code("RESOURCE_CONFLICT").expect_field("input.username");
        let taken = alice.try_update_profile(json!({ "email": bob.email.to_uppercase() })).await;
        taken.expect_code("RESOURCE_CONFLICT").expect_field("input.email");
        // One's own name in another case is no conflict.
        assert_eq!(alice.try_update_profile(json!({ "username": "Alice" })).await.text("updateProfile.user.username"), "Alice");
    }

    /// USR-003: a new address has to be proved again.
    async fn a_new_address_is_proved_again(world) {
        let alice = world.person("alice").await;
        let token = world.mail_to(&alice.email).await.token();
        let verify = "mutation($token: String!) { verifyEmail(input: { token: $token }) { user { id } } }";
        world.anonymous().ask(verify, json!({ "token": token })).await.ok();
        let proved = "{ me { emailVerifiedAt } }";
        assert!(alice.ask(proved, json!({})).await.data("me.emailVerifiedAt").is_string());
        alice.try_update_profile(json!({ "email": "alice@elsewhere.example" })).await.ok();
        assert!(alice.ask(proved, json!({})).await.data("me.emailVerifiedAt").is_null());
        let token = world.mail_to("alice@elsewhere.example").await.token();
        world.anonymous().ask(verify, json!({ "token": token })).await.ok();
        assert!(alice.ask(proved, json!({})).await.data("me.emailVerifiedAt").is_string());
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

    /// USR-020: two who block each other can both take it back; nobody blocks themselves or somebody unknown.
    async fn blocks_have_edges(world) {
        let (alice, bob) = (world.person("alice").await, world.person("bob").await);
        alice.block(&bob).await;
        bob.try_block(&alice.id).await.expect_code("NOT_FOUND");
        alice.try_block(&alice.id).await.expect_code("BUSINESS_RULE_VIOLATION");
        alice.try_block("user_00000000000000000000000000").await.expect_code("NOT_FOUND");
        alice.try_unblock(&bob.id).await.ok();
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
