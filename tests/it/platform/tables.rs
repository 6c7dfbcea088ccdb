//! The schema of both databases: the whole way down and up again with data in it, what every table has, and what leads to its rows.

use std::{collections::BTreeMap, path::Path};

use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};

use crate::house::{Backend, EmptyDatabase, Program, skip};

async fn rows(url: &str, sqlite: &str, postgres: &str) -> Vec<(String, String)> {
    let database = Database::connect(url).await.unwrap();
    let backend = database.get_database_backend();
    let sql = if backend == DbBackend::Sqlite { sqlite } else { postgres };
    let rows = database.query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
    let rows = rows.iter().map(|row| (row.try_get("", "one").unwrap(), row.try_get("", "two").unwrap())).collect();
    database.close().await.unwrap();
    rows
}

/// Every table with every column, and every index.
async fn shape(url: &str) -> Vec<(String, String)> {
    let mut shape = rows(
        url,
        "SELECT t.name AS one, c.name || ' ' || c.type || ' ' || c.\"notnull\" AS two FROM sqlite_master t, pragma_table_info(t.name) c \
         WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' ORDER BY 1, 2",
        "SELECT table_name::text AS one, column_name || ' ' || data_type || ' ' || is_nullable AS two FROM information_schema.columns \
         WHERE table_schema = 'public' ORDER BY 1, 2",
    )
    .await;
    shape.extend(indexes(url).await);
    shape
}

async fn indexes(url: &str) -> Vec<(String, String)> {
    rows(
        url,
        "SELECT tbl_name AS one, coalesce(sql, name) AS two FROM sqlite_master WHERE type = 'index' ORDER BY 1, 2",
        "SELECT tablename::text AS one, indexdef AS two FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2",
    )
    .await
}

async fn run(folder: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> String {
    let (success, said) = Program::run(folder, arguments, settings).await;
    assert!(success, "{arguments:?}\n{said}");
    said
}

/// PLT-028: from demo data down to nothing, up again to the same schema, and filled again; then one step after the other.
async fn down_and_up(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let Some(database) = EmptyDatabase::make(backend, folder.path()).await else { return skip("PostgreSQL") };
    let url = database.url.clone();
    let settings = [("DATABASE_URL", url.as_str())];
    assert!(run(folder.path(), &settings, &["demo"]).await.contains("holds the demo data"));
    let before = shape(&url).await;
    let steps = run(folder.path(), &settings, &["migrate", "status"]).await.lines().count();
    run(folder.path(), &settings, &["migrate", "down", &steps.to_string()]).await;
    let left: Vec<String> = shape(&url).await.into_iter().map(|(table, _)| table).collect();
    assert!(left.iter().all(|table| table == "seaql_migrations"), "{left:?}");
    assert!(!run(folder.path(), &settings, &["migrate", "status"]).await.contains("applied"));
    run(folder.path(), &settings, &["migrate", "up"]).await;
    assert_eq!(shape(&url).await, before);
    assert!(run(folder.path(), &settings, &["demo"]).await.contains("holds the demo data"));
    for _ in 0..steps {
        run(folder.path(), &settings, &["migrate", "down"]).await;
    }
    run(folder.path(), &settings, &["migrate", "up"]).await;
    assert_eq!(shape(&url).await, before);
    let program = Program::serve(folder.path(), &settings).await;
    program.sign_in("alice").await;
    drop(program);
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_schema_goes_down_and_up_on_sqlite() {
    down_and_up(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_schema_goes_down_and_up_on_postgres() {
    down_and_up(Backend::Postgres).await;
}

/// Tables without `created_at` or `updated_at`, and why.
const WITHOUT: [(&str, &str); 16] = [
    ("seaql_migrations", "the migrator's own, with applied_at"),
    ("event_log", "one row that names the log"),
    ("events", "a row never changes"),
    ("message_edits", "a row never changes"),
    ("message_reactions", "a row never changes"),
    ("conversation_bans", "a row never changes"),
    ("conversation_receipts", "a row never changes"),
    ("user_blocks", "a row never changes"),
    ("permissions", "a row never changes"),
    ("role_permissions", "a row never changes, and is written with its role"),
    ("signing_keys", "a row never changes"),
    ("rate_counters", "a row is gone when its time is over"),
    ("milestones", "reached_at, and a row never changes"),
    ("user_roles", "assigned_at, the moment of the last assignment"),
    ("verification_requests", "completed_at is its one change"),
    ("conversation_members", "joined_at is when it was made"),
];

/// PLT-027: every table says when its rows were made and, where they change, when they were changed; what is deleted softly is found by
/// an index.
async fn tables_say_when(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let Some(database) = EmptyDatabase::make(backend, folder.path()).await else { return skip("PostgreSQL") };
    run(folder.path(), &[("DATABASE_URL", database.url.as_str())], &["migrate", "up"]).await;
    let mut tables = BTreeMap::<String, Vec<String>>::new();
    for (table, column) in shape(&database.url).await {
        tables.entry(table).or_default().push(column.split(' ').next().unwrap_or_default().to_owned());
    }
    let indexes = indexes(&database.url).await;
    let excused: Vec<&str> = WITHOUT.iter().map(|(table, _)| *table).collect();
    let mut missing = Vec::new();
    for (table, columns) in &tables {
        let has = |name: &str| columns.iter().any(|column| column == name);
        let dated = has("created_at") && has("updated_at");
        if !dated && !excused.contains(&table.as_str()) {
            missing.push(format!("{table}: created_at, updated_at"));
        }
        let indexed = indexes.iter().any(|(of, text)| of == table && text.contains("deleted_at"));
        // A deleted message stays as a mark in its conversation and goes with it: nothing looks for it by that time.
        if has("deleted_at") && !indexed && table != "messages" {
            missing.push(format!("{table}: an index of deleted_at"));
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
    for table in excused {
        assert!(tables.contains_key(table), "{table} is no table any more");
    }
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_say_when_on_sqlite() {
    tables_say_when(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_say_when_on_postgres() {
    tables_say_when(Backend::Postgres).await;
}

/// Every column that is a foreign key.
async fn foreign_keys(url: &str) -> Vec<(String, String)> {
    rows(
        url,
        "SELECT t.name AS one, f.\"from\" AS two FROM sqlite_master t, pragma_foreign_key_list(t.name) f \
         WHERE t.type = 'table' ORDER BY 1, 2",
        "SELECT c.conrelid::regclass::text AS one, a.attname::text AS two FROM pg_constraint c \
         JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey) \
         WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace ORDER BY 1, 2",
    )
    .await
}

/// The first column of every index, and behind it the rows that it holds when it does not hold all.
async fn leading_columns(url: &str) -> Vec<(String, String)> {
    let of = rows(
        url,
        "SELECT t.name AS one, i.name || CASE WHEN l.partial THEN substr(x.sql, instr(x.sql, ' WHERE ')) ELSE '' END AS two \
         FROM sqlite_master t, pragma_index_list(t.name) l, pragma_index_info(l.name) i \
         LEFT JOIN sqlite_master x ON x.name = l.name WHERE t.type = 'table' AND i.seqno = 0",
        "SELECT i.indrelid::regclass::text AS one, \
         a.attname || coalesce(' WHERE ' || pg_get_expr(i.indpred, i.indrelid), '') AS two FROM pg_index i \
         JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] \
         JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace = 'public'::regnamespace",
    )
    .await;
    of.into_iter().map(|(table, column)| (table, column.replace(['"', '(', ')'], ""))).collect()
}

/// Whatever goes is looked for in every column that may name it: each of those leads an index, which may leave out rows that name
/// nothing.
async fn foreign_keys_are_indexed(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let Some(database) = EmptyDatabase::make(backend, folder.path()).await else { return skip("PostgreSQL") };
    run(folder.path(), &[("DATABASE_URL", database.url.as_str())], &["migrate", "up"]).await;
    let keys = foreign_keys(&database.url).await;
    assert!(keys.len() > 20, "{keys:?}");
    let indexed = leading_columns(&database.url).await;
    let leads = |table: &String, column: &String| {
        let filled = format!("{column} WHERE {column} IS NOT NULL");
        indexed.iter().any(|(of, first)| of == table && (first == column || *first == filled))
    };
    let missing: Vec<_> = keys.iter().filter(|(table, column)| !leads(table, column)).collect();
    assert!(missing.is_empty(), "no index leads with {missing:?}");
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn foreign_keys_are_indexed_on_sqlite() {
    foreign_keys_are_indexed(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn foreign_keys_are_indexed_on_postgres() {
    foreign_keys_are_indexed(Backend::Postgres).await;
}
