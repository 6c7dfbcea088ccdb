//! The steps of the schema on a database that people already use: up fills what is new, down leaves what was there.

use std::collections::BTreeMap;

use polyphony::{
    config::{Config, Env},
    platform::database::{migrate, migrate_down, migrations},
};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement};
use serde_json::json;

use crate::house::{Backend, EmptyDatabase, Program, skip};

async fn texts(on: &DatabaseConnection, sql: &str) -> Vec<String> {
    let rows = on.query_all_raw(Statement::from_string(on.get_database_backend(), sql)).await;
    rows.unwrap_or_else(|error| panic!("{sql}: {error}"))
        .iter()
        .map(|row| row.try_get_by_index(0).unwrap_or_else(|error| panic!("{sql}: {error}")))
        .collect()
}

/// How many rows each table of the first steps has.
async fn counts(on: &DatabaseConnection) -> BTreeMap<&'static str, String> {
    let mut counts = BTreeMap::new();
    for table in
        ["users", "password_credentials", "roles", "user_roles", "conversations", "messages", "message_reactions"]
    {
        let count = texts(on, &format!("SELECT CAST(count(*) AS varchar(20)) FROM {table}")).await.remove(0);
        assert_ne!(count, "0", "the demo data has no {table}");
        counts.insert(table, count);
    }
    counts
}

const ALLOWED: &str = "SELECT r.name || ' ' || p.name FROM role_permissions a JOIN roles r ON r.id = a.role_id \
    JOIN permissions p ON p.id = a.permission_id ORDER BY 1";

async fn on_a_filled_database(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let Some(database) = EmptyDatabase::make(backend, folder.path()).await else { return skip("PostgreSQL") };
    let data = folder.path().join("data").display().to_string();
    let settings = [("DATABASE_URL", database.url.as_str()), ("DATA_DIR", data.as_str())];
    let server = Program::serve(folder.path(), &settings).await;
    server.terminate().await;
    server.ended().await;

    let config = Config::read(&mut Env::of(settings)).unwrap().database;
    let all = migrations(&config).await.unwrap();
    assert!(all.iter().all(|(_, applied)| *applied), "{all:?}");
    let first = all.iter().position(|(name, _)| name.contains("_000020_")).unwrap();
    let later = u32::try_from(all.len() - first).unwrap();

    // What people had before these steps.
    let on = Database::connect(&database.url).await.unwrap();
    let before = counts(&on).await;
    on.execute_unprepared("UPDATE users SET display_name = 'Ｚｏë \u{c5}NGSTRÖM ﬁ' WHERE username = 'alice'")
        .await
        .unwrap();
    on.execute_unprepared("UPDATE conversations SET name = '\u{c9}COLE Ｗide ﬁ' WHERE name = 'Studio'").await.unwrap();
    on.close().await.unwrap();

    // Down and up and down again: the second way down meets what the first way up has filled in.
    for _ in 0..2 {
        migrate_down(&config, later).await.unwrap();
        let on = Database::connect(&database.url).await.unwrap();
        assert_eq!(counts(&on).await, before);
        assert_eq!(texts(&on, "SELECT name FROM permissions").await, [""; 0]);
        for column in ["display_name_key", "subscription_plan", "xportal_address", "github_username"] {
            assert!(
                on.execute_unprepared(&format!("SELECT {column} FROM users")).await.is_err(),
                "{column} is still there"
            );
        }
        for (table, column) in [("user_roles", "is_active"), ("conversations", "name_key")] {
            assert!(on.execute_unprepared(&format!("SELECT {column} FROM {table}")).await.is_err(), "{table}.{column}");
        }
        on.close().await.unwrap();

        migrate(&config).await.unwrap();
        let on = Database::connect(&database.url).await.unwrap();
        assert_eq!(counts(&on).await, before);
        assert_eq!(
            texts(&on, "SELECT display_name_key FROM users WHERE username = 'alice'").await,
            ["zoë ångström fi"]
        );
        assert_eq!(texts(&on, "SELECT username FROM users WHERE display_name_key = ''").await, [""; 0]);
        assert_eq!(texts(&on, "SELECT name_key FROM conversations WHERE name LIKE '%ﬁ'").await, ["école wide fi"]);
        let keyless = "SELECT name FROM conversations WHERE (name IS NULL) <> (name_key IS NULL)";
        assert_eq!(texts(&on, keyless).await, [""; 0]);
        assert_eq!(texts(&on, "SELECT DISTINCT subscription_plan FROM users").await, ["FREE"]);
        assert_eq!(
            texts(&on, "SELECT username FROM users WHERE xportal_address IS NOT NULL OR github_username IS NOT NULL")
                .await,
            [""; 0]
        );
        assert_eq!(texts(&on, "SELECT CAST(id AS varchar(40)) FROM user_roles WHERE NOT is_active").await, [""; 0]);
        assert_eq!(texts(&on, ALLOWED).await, ["ADMIN jobs:read", "ADMIN jobs:retry"]);
        for plan in ["'GOLD'", "NULL"] {
            let broken = on.execute_unprepared(&format!("UPDATE users SET subscription_plan = {plan}")).await;
            assert!(broken.is_err(), "a plan of {plan} was taken");
        }
        on.close().await.unwrap();
    }

    // People go on where they were.
    let server = Program::serve(folder.path(), &settings).await;
    let alice = server.sign_in("alice").await;
    let answer = server
        .ask(
            Some(&alice),
            "{ me { username subscriptionPlan } users(search: \"ZOË ångström\") { nodes { username } } }",
            json!({}),
        )
        .await;
    assert_eq!(
        answer["data"],
        json!({
            "me": { "username": "alice", "subscriptionPlan": "FREE" },
            "users": { "nodes": [{ "username": "alice" }] },
        }),
        "{answer}"
    );
    server.terminate().await;
    server.ended().await;

    // All the way down.
    migrate_down(&config, u32::try_from(all.len()).unwrap()).await.unwrap();
    let on = Database::connect(&database.url).await.unwrap();
    let tables = match backend {
        Backend::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        Backend::Postgres => "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'",
    };
    assert_eq!(texts(&on, tables).await, ["seaql_migrations"]);
    on.close().await.unwrap();
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steps_on_a_filled_sqlite() {
    on_a_filled_database(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steps_on_a_filled_postgres() {
    on_a_filled_database(Backend::Postgres).await;
}
