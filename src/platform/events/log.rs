//! Writing and reading the log.
//!
//! A position is (epoch, transaction, number). On SQLite the single writer hands out numbers in commit order. On PostgreSQL a number
//! alone is not enough: it is taken before the commit, so a late committer would appear behind a reader that has passed it.
//! There the order is (transaction id, number), and readers stay below `pg_snapshot_xmin`: under it every transaction has ended, so
//! nothing can still appear. Transaction ids start again in a new cluster; the epoch then grows, and old events keep their place.

use std::{
    any::Any,
    fmt,
    str::FromStr,
    sync::{Arc, OnceLock},
};

use chrono::{DateTime, Utc};
use entity::ids::EventId;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement, Value};
use serde::de::DeserializeOwned;

use crate::{
    base::error::{Code, Error, Result},
    platform::database::{Database, Reader, statement},
};

/// A place in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The age of the log.
    pub epoch: i64,
    /// The writing transaction on PostgreSQL, 0 on SQLite.
    pub transaction: i64,
    /// The number within.
    pub number: i64,
}

/// A position as a client holds it, with a mark of the event that stands there: a restored backup may hand the same position out
/// again, and then the mark differs and the cursor is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The place.
    pub position: Position,
    /// The last 32 bits of the event's id; 0 in an empty log.
    pub mark: u32,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { epoch, transaction, number } = self.position;
        write!(f, "ev_{epoch:x}_{transaction:x}_{number:x}_{:08x}", self.mark)
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parse = || {
            let mut parts = text.strip_prefix("ev_")?.split('_');
            let mut next = || i64::from_str_radix(parts.next()?, 16).ok().filter(|part| *part >= 0);
            let position = Position { epoch: next()?, transaction: next()?, number: next()? };
            let mark = u32::from_str_radix(parts.next()?, 16).ok()?;
            parts.next().is_none().then_some(Self { position, mark })
        };
        parse()
            .ok_or_else(|| Error::invalid("after", "takes the cursor of an event or an eventCursor, as it was given"))
    }
}

/// An event of the log.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its place.
    pub position: Position,
    /// Its id, the same for every consumer.
    pub id: EventId,
    /// Whose event it is.
    pub topic: Arc<str>,
    /// What happened: `message.sent`.
    pub kind: Box<str>,
    /// The facts.
    pub payload: serde_json::Value,
    /// When.
    pub created_at: DateTime<Utc>,
    read: OnceLock<Arc<dyn Any + Send + Sync>>,
}

impl Event {
    /// One that says nothing, at a place of the log.
    #[cfg(test)]
    pub fn blank(position: Position) -> Self {
        Self {
            position,
            id: EventId(uuid::Uuid::from_u128(7)),
            topic: "t".into(),
            kind: "k".into(),
            payload: serde_json::Value::Null,
            created_at: DateTime::UNIX_EPOCH,
            read: OnceLock::new(),
        }
    }

    /// The facts, as a room knows them; `None` when they are something else. Read once for all who hear of the event.
    pub fn facts<T: DeserializeOwned + Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        if let Some(Ok(facts)) = self.read.get().map(|read| read.clone().downcast::<T>()) {
            return Some(facts);
        }
        let facts = Arc::new(T::deserialize(&self.payload).ok()?);
        let _ = self.read.set(facts.clone());
        Some(facts)
    }

    /// What a client resumes after.
    pub fn cursor(&self) -> Cursor {
        Cursor { position: self.position, mark: mark(self.id) }
    }
}

fn mark(id: EventId) -> u32 {
    // The 128 bits' low word: random, and never 0 in practice (0 stands for the empty log).
    (id.0.as_u128() & 0xffff_ffff) as u32
}

/// An event about to be appended.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Its id.
    pub id: EventId,
    /// Whose event it is.
    pub topic: String,
    /// What happened.
    pub kind: &'static str,
    /// The facts.
    pub payload: serde_json::Value,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// What a room can emit.
pub trait IntoEvent {
    /// The signal of what cannot wait until the log's order is settled: the event's topic is told on it, beside the log, as soon as it
    /// is committed. The log stays the truth; a foreign transaction that holds its horizon only must not hold this up.
    fn signal(&self) -> Option<String> {
        None
    }

    /// The event as the log keeps it.
    fn into_event(self, id: EventId, at: DateTime<Utc>) -> NewEvent;
}

/// One statement that appends events in their order.
pub(crate) fn append(backend: DbBackend, events: &[NewEvent]) -> Statement {
    let sqlite = backend == DbBackend::Sqlite;
    let transaction = if sqlite { "0" } else { "pg_current_xact_id()::text::bigint" };
    let mut sql =
        String::from("INSERT INTO events (epoch, transaction_id, id, topic, kind, payload, created_at) VALUES ");
    let mut values: Vec<Value> = Vec::with_capacity(events.len() * 5);
    for (index, event) in events.iter().enumerate() {
        let at = index * 5;
        let place = |n: usize| if sqlite { "?".to_owned() } else { format!("${}", at + n) };
        let comma = if index == 0 { "" } else { ", " };
        sql.push_str(&format!(
            "{comma}((SELECT epoch FROM event_log), {transaction}, {}, {}, {}, {}, {})",
            place(1),
            place(2),
            place(3),
            place(4),
            place(5)
        ));
        values.extend([
            event.id.0.into(),
            event.topic.clone().into(),
            event.kind.into(),
            event.payload.clone().into(),
            event.created_at.into(),
        ]);
    }
    Statement::from_sql_and_values(backend, sql, values)
}

#[derive(FromQueryResult)]
struct Row {
    number: i64,
    epoch: i64,
    transaction_id: i64,
    id: uuid::Uuid,
    topic: String,
    kind: String,
    payload: serde_json::Value,
    created_at: DateTime<Utc>,
}

impl From<Row> for Event {
    fn from(row: Row) -> Self {
        Self {
            position: Position { epoch: row.epoch, transaction: row.transaction_id, number: row.number },
            id: EventId(row.id),
            topic: row.topic.into(),
            kind: row.kind.into(),
            payload: row.payload,
            created_at: row.created_at,
            read: OnceLock::new(),
        }
    }
}

const COLUMNS: &str = "number, epoch, transaction_id, id, topic, kind, payload, created_at";
/// What no transaction can still add to. In an old epoch all have ended.
const BELOW_HORIZON: &str = "(epoch < (SELECT epoch FROM event_log) \
     OR transaction_id < pg_snapshot_xmin(pg_current_snapshot())::text::bigint)";

/// Events of all topics after a position, in order, at most `limit`.
pub(crate) async fn after(reader: &Reader, position: Position, limit: u64) -> Result<Vec<Event>> {
    let backend = reader.get_database_backend();
    let sqlite = format!("SELECT {COLUMNS} FROM events WHERE number > ? ORDER BY number LIMIT ?");
    let postgres = format!(
        "SELECT {COLUMNS} FROM events WHERE (epoch, transaction_id, number) > ($1, $2, $3) AND {BELOW_HORIZON} \
         ORDER BY epoch, transaction_id, number LIMIT $4"
    );
    let mut values: Vec<Value> = match backend {
        DbBackend::Sqlite => vec![position.number.into()],
        _ => vec![position.epoch.into(), position.transaction.into(), position.number.into()],
    };
    values.push(i64::try_from(limit).unwrap_or(i64::MAX).into());
    let rows = Row::find_by_statement(statement(backend, &sqlite, &postgres, values)).all(reader).await?;
    Ok(rows.into_iter().map(Event::from).collect())
}

/// Events of some topics after a position, in order, at most `limit`.
pub(crate) async fn after_in(
    reader: &Reader,
    topics: &[Arc<str>],
    position: Position,
    limit: u64,
) -> Result<Vec<Event>> {
    let backend = reader.get_database_backend();
    let names = serde_json::Value::from(topics.iter().map(|topic| topic.to_string()).collect::<Vec<_>>());
    let sqlite = format!(
        "SELECT {COLUMNS} FROM events WHERE topic IN (SELECT value FROM json_each(?)) AND number > ? ORDER BY number LIMIT ?"
    );
    let postgres = format!(
        "SELECT {COLUMNS} FROM events WHERE topic IN (SELECT jsonb_array_elements_text($1)) \
         AND (epoch, transaction_id, number) > ($2, $3, $4) AND {BELOW_HORIZON} \
         ORDER BY epoch, transaction_id, number LIMIT $5"
    );
    let mut values: Vec<Value> = match backend {
        DbBackend::Sqlite => vec![names.into(), position.number.into()],
        _ => vec![names.into(), position.epoch.into(), position.transaction.into(), position.number.into()],
    };
    values.push(i64::try_from(limit).unwrap_or(i64::MAX).into());
    let rows = Row::find_by_statement(statement(backend, &sqlite, &postgres, values)).all(reader).await?;
    Ok(rows.into_iter().map(Event::from).collect())
}

/// The newest event below the horizon, as a cursor.
pub(crate) async fn head(reader: &Reader) -> Result<Cursor> {
    let sqlite = format!("SELECT {COLUMNS} FROM events ORDER BY number DESC LIMIT 1");
    let postgres = format!(
        "SELECT {COLUMNS} FROM events WHERE {BELOW_HORIZON} ORDER BY epoch DESC, transaction_id DESC, number DESC LIMIT 1"
    );
    let row =
        Row::find_by_statement(statement(reader.get_database_backend(), &sqlite, &postgres, [])).one(reader).await?;
    Ok(row.map(Event::from).map_or_else(Cursor::default, |event| event.cursor()))
}

/// How many committed events stand after a position, horizon or not.
pub(crate) async fn count_after(reader: &Reader, position: Position) -> Result<u64> {
    let row = reader
        .query_one_raw(statement(
            reader.get_database_backend(),
            "SELECT count(*) AS lag FROM events WHERE number > ?",
            "SELECT count(*) AS lag FROM events WHERE (epoch, transaction_id, number) > ($1, $2, $3)",
            match reader.get_database_backend() {
                DbBackend::Sqlite => vec![position.number.into()],
                _ => vec![position.epoch.into(), position.transaction.into(), position.number.into()],
            },
        ))
        .await?;
    let lag: i64 = row.map(|row| row.try_get("", "lag")).transpose()?.unwrap_or(0);
    Ok(lag.unsigned_abs())
}

/// Changes of some kinds on one topic after a position, committed or not yet below the horizon: what a row read before this call may
/// already show. In no order that later readers could rely on.
pub(crate) async fn committed_after(
    reader: &Reader,
    topic: &str,
    kinds: &[&str],
    position: Position,
) -> Result<Vec<Event>> {
    let backend = reader.get_database_backend();
    let kinds = serde_json::Value::from(kinds.to_vec());
    let sqlite = format!(
        "SELECT {COLUMNS} FROM events WHERE topic = ? AND kind IN (SELECT value FROM json_each(?)) AND number > ? \
         ORDER BY number"
    );
    let postgres = format!(
        "SELECT {COLUMNS} FROM events WHERE topic = $1 AND kind IN (SELECT jsonb_array_elements_text($2)) \
         AND (epoch, transaction_id, number) > ($3, $4, $5) ORDER BY epoch, transaction_id, number"
    );
    let values: Vec<Value> = match backend {
        DbBackend::Sqlite => vec![topic.into(), kinds.into(), position.number.into()],
        _ => {
            let Position { epoch, transaction, number } = position;
            vec![topic.into(), kinds.into(), epoch.into(), transaction.into(), number.into()]
        }
    };
    let rows = Row::find_by_statement(statement(backend, &sqlite, &postgres, values)).all(reader).await?;
    Ok(rows.into_iter().map(Event::from).collect())
}

/// What the log says about itself: its age, and the last place that was cleared away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// Grows when the log goes on in another cluster.
    pub(crate) epoch: i64,
    /// Everything up to here is gone.
    pub(crate) pruned: Position,
}

/// Reads the state of the log.
pub(crate) async fn state(reader: &Reader) -> Result<State> {
    let sql = "SELECT epoch, pruned_epoch, pruned_transaction_id, pruned_number FROM event_log";
    let row = reader.query_one_raw(statement(reader.get_database_backend(), sql, sql, [])).await?;
    let Some(row) = row else { return Ok(State::default()) };
    let number = |name: &str| row.try_get::<i64>("", name);
    let pruned = Position {
        epoch: number("pruned_epoch")?,
        transaction: number("pruned_transaction_id")?,
        number: number("pruned_number")?,
    };
    Ok(State { epoch: number("epoch")?, pruned })
}

/// Makes sure that nothing after a position has been cleared away: asked after a read from there, it vouches for the read.
pub(crate) async fn still_reaches(reader: &Reader, position: Position) -> Result<()> {
    if state(reader).await?.pruned <= position { Ok(()) } else { Err(expired()) }
}

/// Makes sure that a cursor is of this log and still within it.
pub(crate) async fn resolve(reader: &Reader, cursor: Cursor) -> Result<Position> {
    if cursor == Cursor::default() {
        // Taken from an empty log: good as long as nothing has been cleared away since.
        return still_reaches(reader, cursor.position).await.map(|()| cursor.position);
    }
    let backend = reader.get_database_backend();
    // The log is cleared from its beginning and in order, so an event that is there has everything behind it too.
    let sqlite = format!("SELECT {COLUMNS} FROM events WHERE number = ?");
    let postgres = format!("SELECT {COLUMNS} FROM events WHERE number = $1");
    let row = Row::find_by_statement(statement(backend, &sqlite, &postgres, [cursor.position.number.into()]))
        .one(reader)
        .await?;
    match row.map(Event::from) {
        Some(event) if event.cursor() == cursor => Ok(cursor.position),
        _ => Err(expired()),
    }
}

/// What a listener is told whose place is gone.
#[track_caller]
pub(crate) fn expired() -> Error {
    Error::new(
        Code::CursorExpired,
        "The log no longer goes back to this cursor. Fetch what you show again, and follow from the eventCursor that comes with it.",
    )
}

/// On PostgreSQL, begins a new epoch when the log was moved to a cluster whose transaction ids started again.
pub(crate) async fn ensure_epoch(database: &Database) -> Result<()> {
    if database.is_sqlite() {
        return Ok(());
    }
    // One statement, so that two instances that start together agree: the second finds the row already changed.
    let sql = "WITH here AS (SELECT system_identifier::text AS cluster FROM pg_control_system()) \
               UPDATE event_log SET cluster = here.cluster, epoch = CASE WHEN event_log.cluster = '' THEN epoch ELSE epoch + 1 END \
               FROM here WHERE event_log.cluster <> here.cluster";
    database.read().execute_unprepared(sql).await?;
    Ok(())
}

/// Clears away events older than `before`, at most `limit` in one short write; gives how many went.
///
/// Only a beginning of the log goes, up to the first event that is young enough, so that one place says what is gone. The newest
/// event below the horizon always stays: a head that an instance takes is then the mark of an event, and never that of an empty log.
pub async fn prune(tx: &crate::platform::Tx, before: DateTime<Utc>, limit: u64) -> Result<u64> {
    #[derive(FromQueryResult)]
    struct Place {
        number: i64,
        epoch: i64,
        transaction_id: i64,
        created_at: DateTime<Utc>,
    }
    let backend = tx.get_database_backend();
    const PLACE: &str = "SELECT number, epoch, transaction_id, created_at FROM events";
    let sqlite = format!("{PLACE} ORDER BY number LIMIT ?");
    let postgres = format!("{PLACE} WHERE {BELOW_HORIZON} ORDER BY epoch, transaction_id, number LIMIT $1");
    // One more than may go: the last of them stays, be it because it is the newest.
    let limit = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let rows = Place::find_by_statement(statement(backend, &sqlite, &postgres, [limit.into()])).all(tx).await?;
    let old = rows.split_last().map_or(&[][..], |(_, others)| others);
    let gone = old.iter().take_while(|row| row.created_at < before).count();
    let Some(last) = gone.checked_sub(1).and_then(|last| old.get(last)) else { return Ok(0) };
    let place = || -> Vec<Value> { vec![last.epoch.into(), last.transaction_id.into(), last.number.into()] };
    tx.execute_raw(statement(
        backend,
        "DELETE FROM events WHERE number <= ?",
        "DELETE FROM events WHERE (epoch, transaction_id, number) <= ($1, $2, $3)",
        if backend == DbBackend::Sqlite { vec![last.number.into()] } else { place() },
    ))
    .await?;
    tx.execute_raw(statement(
        backend,
        "UPDATE event_log SET pruned_epoch = ?, pruned_transaction_id = ?, pruned_number = ?",
        "UPDATE event_log SET pruned_epoch = $1, pruned_transaction_id = $2, pruned_number = $3",
        place(),
    ))
    .await?;
    Ok(gone as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_itself_back() {
        let cursor = Cursor { position: Position { epoch: 1, transaction: 77, number: 1_000_000 }, mark: 0xdead_beef };
        assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        for text in ["", "ev_", "ev_1_2_3", "ev_1_2_3_4_5", "ev_-1_0_0_0", "xy_1_2_3_4"] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }
}
