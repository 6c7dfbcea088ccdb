//! The first rows of each of many lists, in one statement that reads no more of a list than it gives: LATERAL on PostgreSQL, a
//! correlated LIMIT on SQLite (ROW_NUMBER would read whole rooms).

use sea_orm::{DbBackend, Statement, Value};
use uuid::Uuid;

use crate::{
    graphql::page::Window,
    platform::{database::statement, lean::ByPosition},
};

/// Which rows of a parent, and in which order; all of it is text from a few shapes, so that each is one prepared statement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Top<'a> {
    /// The table.
    pub table: &'static str,
    /// Its column that names the parent.
    pub parent: &'static str,
    /// Further conditions on `x`, each beginning with ` AND`.
    pub also: &'a str,
    /// The order of `x`.
    pub order: &'static str,
}

impl Top<'_> {
    /// At most `limit` rows of each parent.
    pub(super) fn of_each<T: ByPosition>(
        self,
        backend: DbBackend,
        parents: impl Iterator<Item = Uuid>,
        limit: u64,
    ) -> Statement {
        self.of_each_between::<T>(backend, parents, limit, Vec::new())
    }

    /// At most `limit` rows of each parent, between the [`Bounds`] that `also` names.
    pub(super) fn of_each_between<T: ByPosition>(
        self,
        backend: DbBackend,
        parents: impl Iterator<Item = Uuid>,
        limit: u64,
        bounds: Vec<Value>,
    ) -> Statement {
        let Self { table, parent, also, order } = self;
        let columns = T::list("m");
        let sqlite = format!(
            "SELECT {columns} FROM json_each(?1) AS p CROSS JOIN {table} AS m WHERE m.rowid IN (\
             SELECT x.rowid FROM {table} AS x WHERE x.{parent} = unhex(p.value){also} ORDER BY {order} LIMIT ?2)"
        );
        let postgres = format!(
            "SELECT {columns} FROM jsonb_array_elements_text(?1) AS p(id) CROSS JOIN LATERAL (\
             SELECT x.* FROM {table} AS x WHERE x.{parent} = p.id::uuid{also} ORDER BY {order} LIMIT ?2) AS m"
        );
        each(backend, &sqlite, &postgres, keys(parents), limit, bounds)
    }
}

/// A statement about many lists: `?1` are the lists, `?2` is how many rows each gives, `?3` and on are bounds. PostgreSQL writes `$`.
pub(super) fn each(
    backend: DbBackend,
    sqlite: &str,
    postgres: &str,
    lists: serde_json::Value,
    limit: u64,
    bounds: Vec<Value>,
) -> Statement {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let values = [lists.into(), limit.into()].into_iter().chain(bounds);
    statement(backend, sqlite, &postgres.replace('?', "$"), values)
}

/// Between which rows of its order a page lies: a condition that begins with ` AND`, and its values, numbered from `?3`.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    pub(super) also: String,
    pub(super) values: Vec<Value>,
}

impl Bounds {
    /// Behind `after` and before `before` in the ascending order of `columns`, of which `values` gives a key's.
    pub(super) fn of<K>(window: &Window<K>, columns: &str, values: impl Fn(&K) -> Vec<Value>) -> Self {
        let mut bounds = Self::default();
        for (key, sign) in [(&window.after, '>'), (&window.before, '<')] {
            let Some(key) = key else { continue };
            let first = bounds.values.len() + 3;
            bounds.values.extend(values(key));
            let places: Vec<String> = (first..bounds.values.len() + 3).map(|place| format!("?{place}")).collect();
            bounds.also += &format!(" AND ({columns}) {sign} ({})", places.join(", "));
        }
        bounds
    }
}

/// Ids as a JSON array of 32 hexadecimal digits each: `unhex` reads them on SQLite, `::uuid` on PostgreSQL.
pub(super) fn keys(ids: impl Iterator<Item = Uuid>) -> serde_json::Value {
    ids.map(|id| serde_json::Value::String(id.simple().to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_numbered_behind_the_lists_and_the_limit() {
        let window = Window { limit: 2, backward: false, after: Some((1, 2)), before: Some((3, 4)) };
        let bounds = Bounds::of(&window, "a, b", |(a, b): &(i32, i32)| vec![(*a).into(), (*b).into()]);
        assert_eq!(bounds.also, " AND (a, b) > (?3, ?4) AND (a, b) < (?5, ?6)");
        assert_eq!(bounds.values.len(), 4);
        let open = Window { limit: 2, backward: true, after: None, before: None };
        assert_eq!(Bounds::of(&open, "a, b", |(a, b): &(i32, i32)| vec![(*a).into(), (*b).into()]).also, "");
    }
}
