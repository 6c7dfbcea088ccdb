//! What a profile keeps, field by field (USR-002, USR-003, USR-030), and what its scalars take (PLT-051).

use polyphony::domains::auth::{Vouched, create_vouched_account};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};

use crate::house::{Caller, World};

const WRITE: &str = "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) { user { id } } }";
const READ: &str = "{ me {
    username displayName firstName lastName bio location statusMessage avatarUrl bannerUrl birthdate gender socialLinks preferences
    isPublic
} }";

async fn read(person: &Caller) -> Value {
    person.ask(READ, json!({})).await.data("me").clone()
}

async fn write(person: &Caller, input: Value) {
    person.ask(WRITE, json!({ "input": input })).await.ok();
}

/// The kinds of the events about an account, in order.
async fn events_of(world: &World, user: &str) -> Vec<String> {
    let query = entity::event::Entity::find().filter(entity::event::Column::Topic.eq(user));
    let rows = query.all(&world.platform().database.read()).await.unwrap();
    rows.into_iter().map(|row| row.kind).collect()
}

both! {
    /// USR-003: each field alone is written, is read back by another operation, and leaves the others alone; null empties it.
    async fn every_field_of_a_profile_is_kept(world) {
        let alice = world.person("alice").await;
        let mut expected = read(&alice).await;
        let preferences = json!({ "theme": "dark", "zoom": 1.5, "columns": ["a", null, true], "deep": { "ö": [{}] } });
        let fields = [
            ("username", json!("Alice.Ä"), None),
            ("displayName", json!("Alice Änne 😀"), None),
            ("firstName", json!("Alice"), Some(Value::Null)),
            ("lastName", json!("Dvořák"), Some(Value::Null)),
            ("bio", json!("one\ntwo\tthree"), Some(Value::Null)),
            ("location", json!("Göteborg"), Some(Value::Null)),
            ("statusMessage", json!("on air"), Some(Value::Null)),
            ("avatarUrl", json!("https://example.org/a.png?x=1#y"), Some(Value::Null)),
            ("bannerUrl", json!("http://example.org/b.png"), Some(Value::Null)),
            ("birthdate", json!("1990-02-28"), Some(Value::Null)),
            ("gender", json!("as I say it"), Some(Value::Null)),
            ("socialLinks", json!({ "website": "https://alice.example", "Ma stodon": "https://m.example/@alice" }), Some(json!({}))),
            ("preferences", preferences, Some(json!({}))),
            ("isPublic", json!(false), None),
        ];
        assert_eq!(fields.len(), expected.as_object().unwrap().len(), "a field of READ is not tried");
        for (field, value, _) in &fields {
            assert_ne!(&expected[field], value, "{field}");
            write(&alice, json!({ *field: value })).await;
            expected[field] = value.clone();
            assert_eq!(read(&alice).await, expected, "{field}");
        }
        for (field, _, emptied) in &fields {
            let Some(emptied) = emptied else { continue };
            write(&alice, json!({ *field: null })).await;
            expected[field] = emptied.clone();
            assert_eq!(read(&alice).await, expected, "{field}");
        }
        write(&alice, json!({})).await;
        assert_eq!(read(&alice).await, expected);
    }

    /// USR-003: addresses elsewhere are addresses, each fault with its path, and nothing of a refused change is kept.
    async fn links_are_addresses(world) {
        let alice = world.person("alice").await;
        write(&alice, json!({ "socialLinks": { "site": "https://alice.example", "gone": null, "empty": " ", " padded ": " https://p.example " } })).await;
        let kept = json!({ "site": "https://alice.example", "padded": "https://p.example" });
        assert_eq!(read(&alice).await["socialLinks"], kept);
        let many: Value = (0..51).map(|number| (number.to_string(), json!("https://example.org"))).collect::<serde_json::Map<_, _>>().into();
        let long = format!("https://example.org/{}", "x".repeat(2048));
        for (links, field) in [
            (json!({ "site": "javascript:alert(1)", "other": "https://fine.example" }), "input.socialLinks.site"),
            (json!({ "site": "alice.example" }), "input.socialLinks.site"),
            (json!({ "site": "https://" }), "input.socialLinks.site"),
            (json!({ "site": "https://a b.example" }), "input.socialLinks.site"),
            (json!({ "site": long }), "input.socialLinks.site"),
            (json!({ "site": 7 }), "input.socialLinks.site"),
            (json!({ "site": { "url": "https://alice.example" } }), "input.socialLinks.site"),
            (json!({ " ": "https://alice.example" }), "input.socialLinks"),
            (json!({ "two\nlines": "https://alice.example" }), "input.socialLinks"),
            (json!({ "x".repeat(51): "https://alice.example" }), "input.socialLinks"),
            (json!(["https://alice.example"]), "input.socialLinks"),
            (json!("https://alice.example"), "input.socialLinks"),
            (many, "input.socialLinks"),
        ] {
            let answer = alice.ask(WRITE, json!({ "input": { "bio": "new", "socialLinks": links } })).await;
            answer.expect_code("VALIDATION_FAILED").expect_field(field);
        }
        let large = json!({ "note": "x".repeat(16 * 1024) });
        alice.ask(WRITE, json!({ "input": { "preferences": large } })).await.expect_code("VALIDATION_FAILED").expect_field("input.preferences");
        let left = read(&alice).await;
        assert_eq!((&left["socialLinks"], &left["bio"], &left["preferences"]), (&kept, &Value::Null, &json!({})));
    }

    /// PLT-051: moments and days are those of RFC 3339 with years of four digits, in literals and in variables, each fault with its path;
    /// what is taken, both databases compare alike.
    async fn moments_and_days_are_strict(world) {
        let alice = world.person("alice").await;
        let list = "query($after: DateTime) { users(filter: { joinedAfter: $after }) { totalCount } }";
        for moment in ["2026-11-21t09:30:00Z", "2026-11-21 09:30:00Z", "2026-11-21T09:30:00", "2016-12-31T23:59:60Z", "0000-01-01T00:00:00Z"] {
            alice.ask(list, json!({ "after": moment })).await.expect_code("VALIDATION_FAILED").expect_field("filter.joinedAfter");
            let literal = format!("{{ users(filter: {{ joinedAfter: \"{moment}\" }}) {{ totalCount }} }}");
            alice.ask(&literal, json!({})).await.expect_code("VALIDATION_FAILED").expect_field("filter.joinedAfter");
        }
        for (moment, count) in [
            ("0001-01-01T00:00:00Z", 1),
            ("2026-11-21T08:59:59.999999999Z", 1),
            ("2026-11-21T10:00:00+01:00", 1),
            ("2026-11-21T10:00:01+01:00", 0),
            ("9999-12-31T23:59:59.999999Z", 0),
        ] {
            assert_eq!(alice.ask(list, json!({ "after": moment })).await.number("users.totalCount"), count, "{moment}");
        }
        for day in ["1990-5-17", "+1990-05-17", "1990-W20-4", "0000-01-01", "1990-02-30", "1990-05-17T00:00:00Z"] {
            alice.ask(WRITE, json!({ "input": { "birthdate": day } })).await.expect_code("VALIDATION_FAILED").expect_field("input.birthdate");
        }
    }

    /// USR-002, USR-030: what its owner shows to nobody, moderators do not see either; blocks and suspensions hide nothing from them.
    async fn a_private_profile_is_a_card_to_moderators_too(world) {
        let (alice, bob, moderator, admin) =
            (world.person("alice").await, world.person("bob").await, world.moderator().await, world.admin().await);
        write(&alice, json!({ "bio": "secret", "isPublic": false })).await;
        write(&bob, json!({ "bio": "for all" })).await;
        let bio = "query($id: ID!) { user(id: $id) { username bio } }";
        for person in [&moderator, &admin] {
            let card = person.ask(bio, json!({ "id": alice.id })).await;
            assert_eq!((card.text("user.username").as_str(), card.data("user.bio")), ("alice", &Value::Null));
            bob.block(person).await;
        }
        world.by_hand("UPDATE users SET suspended_at = '2026-11-21 09:00:00+00:00' WHERE username = 'bob'").await;
        for person in [&moderator, &admin] {
            assert_eq!(person.ask(bio, json!({ "id": bob.id })).await.text("user.bio"), "for all");
        }
        assert_eq!(alice.ask(bio, json!({ "id": bob.id })).await.data("user"), &Value::Null);
    }

    /// IDN-004, PLT-040: an account that is made is told of, on its own topic, before anything else; one that is refused is not.
    async fn a_new_account_is_told_of(world) {
        let alice = world.person("alice").await;
        write(&alice, json!({ "bio": "x" })).await;
        assert_eq!(events_of(world, &alice.id).await, ["user.created", "user.updated"]);
        let vouched = Vouched { username: "imported", email: "imported@example.org", display_name: "Imported", bio: "", password_hash: "x" };
        let imported = create_vouched_account(&world.first().op(), vouched.clone()).await.unwrap();
        assert_eq!(events_of(world, &imported.id.to_string()).await, ["user.created"]);
        let before = world.dump().await;
        assert!(create_vouched_account(&world.first().op(), vouched).await.is_err());
        world.dump().await.assert_unchanged(&before, "a refused account");
    }
}
