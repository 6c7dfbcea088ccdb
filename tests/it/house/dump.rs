//! What a database holds, row by row, to see that a refused request changed nothing.

use std::collections::BTreeMap;

use polyphony::platform::Platform;
use sea_orm::{ConnectionTrait, Statement};

/// Every table's rows as texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dump(BTreeMap<String, Vec<String>>);

impl Dump {
    pub(super) async fn of(platform: &Platform) -> Self {
        let tables = match platform.database.is_sqlite() {
            true => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
            false => "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'public'",
        };
        let mut dump = BTreeMap::new();
        for table in texts(platform, tables, "name").await {
            // A refusal counts as a try, and is meant to.
            if table == "rate_counters" {
                continue;
            }
            let line = match platform.database.is_sqlite() {
                true => {
                    let columns =
                        texts(platform, &format!("SELECT name FROM pragma_table_info('{table}')"), "name").await;
                    columns
                        .iter()
                        .map(|column| format!("'{column}=' || quote({column})"))
                        .collect::<Vec<_>>()
                        .join(" || ' ' || ")
                }
                false => format!("to_json({table}.*)::text"),
            };
            let rows = texts(platform, &format!("SELECT {line} AS line FROM {table} ORDER BY 1"), "line").await;
            dump.insert(table, rows);
        }
        Self(dump)
    }

    /// How many rows a table has.
    #[track_caller]
    pub fn count(&self, table: &str) -> usize {
        self.0.get(table).unwrap_or_else(|| panic!("no table {table}")).len()
    }

    /// Nothing has changed since `before`.
    #[track_caller]
    pub fn assert_unchanged(&self, before: &Self, after_what: &str) {
        if self == before {
            return;
        }
        for (table, rows) in &self.0 {
            let old = before.0.get(table).map(Vec::as_slice).unwrap_or_default();
            let appeared: Vec<_> = rows.iter().filter(|row| !old.contains(row)).collect();
            let vanished: Vec<_> = old.iter().filter(|row| !rows.contains(row)).collect();
            assert!(
                appeared.is_empty() && vanished.is_empty(),
                "{table} changed after {after_what}\nappeared: {appeared:#?}\nvanished: {vanished:#?}"
            );
        }
    }
}

async fn texts(platform: &Platform, sql: &str, column: &str) -> Vec<String> {
    let reader = platform.database.read();
    let rows = reader.query_all_raw(Statement::from_string(reader.get_database_backend(), sql)).await;
    rows.unwrap_or_else(|error| panic!("{sql}: {error}")).iter().map(|row| row.try_get("", column).unwrap()).collect()
}
