//! The first rows of each of many lists, in one statement that reads no more of a list than it gives: LATERAL on PostgreSQL, a
//! correlated LIMIT on SQLite (ROW_NUMBER would read whole rooms).

use sea_orm::{DbBackend, Statement};
use uuid::Uuid;

use crate::platform::database::statement;

/// Which rows of a parent, and in which order; all of it is constant text, so that each shape is one prepared statement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Top {
    /// The table.
    pub table: &'static str,
    /// Its column that names the parent.
    pub parent: &'static str,
    /// Further conditions on `x`, each beginning with ` AND`.
    pub also: &'static str,
    /// The order of `x`.
    pub order: &'static str,
}

impl Top {
    /// At most `limit` rows of each parent.
    pub(super) fn of_each(self, backend: DbBackend, parents: impl Iterator<Item = Uuid>, limit: u64) -> Statement {
        let Self { table, parent, also, order } = self;
        let sqlite = format!(
            "SELECT m.* FROM json_each(?) AS p CROSS JOIN {table} AS m WHERE m.rowid IN (\
             SELECT x.rowid FROM {table} AS x WHERE x.{parent} = unhex(p.value){also} ORDER BY {order} LIMIT ?)"
        );
        let postgres = format!(
            "SELECT m.* FROM jsonb_array_elements_text($1) AS p(id) CROSS JOIN LATERAL (\
             SELECT x.* FROM {table} AS x WHERE x.{parent} = p.id::uuid{also} ORDER BY {order} LIMIT $2) AS m"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        statement(backend, &sqlite, &postgres, [keys(parents).into(), limit.into()])
    }
}

/// Ids as a JSON array of 32 hexadecimal digits each: `unhex` reads them on SQLite, `::uuid` on PostgreSQL.
pub(super) fn keys(ids: impl Iterator<Item = Uuid>) -> serde_json::Value {
    ids.map(|id| serde_json::Value::String(id.simple().to_string())).collect()
}
