//! The lean door: for the few reads that nearly every operation makes.
//!
//! SeaORM decodes rows by the names of columns, and on SQLite crosses threads for every statement and batch of rows: on a point read that
//! is most of the time. What goes through here is prepared once on a connection and decoded by position. SQLite is read in the calling
//! thread. Connections to PostgreSQL are lent for one statement, so that nobody holds one of them while waiting for another, and come back
//! without the round trip sqlx's pool makes. Everything else goes through SeaORM; `benches/` shows what is worth a leaner statement.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use rusqlite::types::{ToSqlOutput, Value as Stored, ValueRef};
use sea_orm::{
    ConnAcquireErr, DbErr, QueryResult, RuntimeErr, Statement, TryGetable, Value,
    sqlx::{
        self, AssertSqlSafe, ConnectOptions as _, Connection as _, Decode, PgConnection, Postgres, Row as _,
        ValueRef as _,
        error::BoxDynError,
        postgres::{PgConnectOptions, PgRow, PgValueRef},
    },
};
use uuid::Uuid;

use super::failure;
use crate::base::error::{Error, Result};

/// How long a read in the calling thread may hold it.
const BUDGET: Duration = Duration::from_secs(2);
/// Steps of SQLite's machine between two looks at the time.
const LOOK: std::ffi::c_int = 10_000;
/// Microseconds from 1970 to 2000, where PostgreSQL begins to count.
const MILLENNIUM: i64 = 946_684_800_000_000;
/// Prepared statements kept on each connection.
const STATEMENTS: usize = 256;

/// A row, read from its first column to its last.
#[derive(Debug)]
pub struct Columns<'r> {
    row: Row<'r>,
    next: usize,
}

enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r PgRow),
    /// Inside a write, where SeaORM holds the connection.
    SeaOrm(&'r QueryResult),
}

impl std::fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sqlite(_) => "a row of SQLite",
            Self::Postgres(_) => "a row of PostgreSQL",
            Self::SeaOrm(_) => "a row of a write",
        })
    }
}

impl Columns<'_> {
    /// The next column.
    pub fn take<T: Cell>(&mut self) -> Result<T> {
        let place = self.next;
        self.next += 1;
        match self.row {
            Row::Sqlite(row) => T::from_sqlite(row.get_ref(place).map_err(Error::internal)?),
            Row::Postgres(row) => T::from_postgres(row.try_get_raw(place).map_err(Error::internal)?),
            Row::SeaOrm(row) => Ok(row.try_get_by_index(place)?),
        }
    }

    /// Passes over `count` columns if the next one is NULL.
    fn skip_absent(&mut self, count: usize) -> Result<bool> {
        let is_null = match self.row {
            Row::Sqlite(row) => matches!(row.get_ref(self.next).map_err(Error::internal)?, ValueRef::Null),
            Row::Postgres(row) => row.try_get_raw(self.next).map_err(Error::internal)?.is_null(),
            Row::SeaOrm(row) => row.try_get_by_index::<Option<Uuid>>(self.next)?.is_none(),
        };
        self.next += if is_null { count } else { 0 };
        Ok(is_null)
    }
}

/// The rows of a statement that ran inside a write.
pub(super) fn within<T: FromColumns>(rows: &[QueryResult]) -> Result<Vec<T>> {
    rows.iter().map(|row| T::read(&mut columns(Row::SeaOrm(row)))).collect()
}

/// What a column can be read as.
pub trait Cell: TryGetable {
    /// From SQLite.
    fn from_sqlite(value: ValueRef<'_>) -> Result<Self>;
    /// From PostgreSQL.
    fn from_postgres(value: PgValueRef<'_>) -> Result<Self>;
}

/// What is read by position.
pub trait FromColumns: Sized {
    /// Reads it.
    fn read(columns: &mut Columns<'_>) -> Result<Self>;
}

/// A row with something beside it.
impl<A: FromColumns, B: FromColumns> FromColumns for (A, B) {
    fn read(columns: &mut Columns<'_>) -> Result<Self> {
        Ok((A::read(columns)?, B::read(columns)?))
    }
}

/// A row of an outer join: nothing when its first column, a key, is NULL.
impl<T: ByPosition> FromColumns for Option<T> {
    fn read(columns: &mut Columns<'_>) -> Result<Self> {
        if columns.skip_absent(T::NAMES.len())? { Ok(None) } else { T::read(columns).map(Some) }
    }
}

/// A single column.
#[derive(Clone, Copy, Debug)]
pub struct One<T>(pub T);

impl<T: Cell> FromColumns for One<T> {
    fn read(columns: &mut Columns<'_>) -> Result<Self> {
        columns.take().map(Self)
    }
}

/// A row of a table that is read by position.
pub trait ByPosition: FromColumns {
    /// Its columns, in the order they are read.
    const NAMES: &'static [&'static str];

    /// The columns of `alias`, for a SELECT.
    fn list(alias: &str) -> String {
        Self::NAMES.iter().map(|name| format!("{alias}.{name}")).collect::<Vec<_>>().join(", ")
    }
}

/// Reads an entity's rows by position: `by_position!(message::Model { id, conversation_id, … })`, every field once.
macro_rules! by_position {
    ($row:path { $($field:ident),* $(,)? }) => {
        impl $crate::platform::lean::ByPosition for $row {
            const NAMES: &'static [&'static str] = &[$(stringify!($field)),*];
        }

        impl $crate::platform::lean::FromColumns for $row {
            fn read(columns: &mut $crate::platform::lean::Columns<'_>) -> $crate::base::error::Result<Self> {
                Ok(Self { $($field: columns.take()?),* })
            }
        }
    };
}

/// Ids as columns: `id_cells!(UserId, …)`.
macro_rules! id_cells {
    ($($id:ty),*) => {$(
        impl $crate::platform::lean::Cell for $id {
            fn from_sqlite(value: rusqlite::types::ValueRef<'_>) -> $crate::base::error::Result<Self> {
                uuid::Uuid::from_sqlite(value).map(Self)
            }

            fn from_postgres(value: sea_orm::sqlx::postgres::PgValueRef<'_>) -> $crate::base::error::Result<Self> {
                uuid::Uuid::from_postgres(value).map(Self)
            }
        }
    )*};
}

/// Enumerations that are stored as texts, as columns: `text_cells!(message::Role, …)`.
macro_rules! text_cells {
    ($($kind:ty),*) => {$(
        impl $crate::platform::lean::Cell for $kind {
            fn from_sqlite(value: rusqlite::types::ValueRef<'_>) -> $crate::base::error::Result<Self> {
                Ok(sea_orm::ActiveEnum::try_from_value(&String::from_sqlite(value)?)?)
            }

            fn from_postgres(value: sea_orm::sqlx::postgres::PgValueRef<'_>) -> $crate::base::error::Result<Self> {
                Ok(sea_orm::ActiveEnum::try_from_value(&String::from_postgres(value)?)?)
            }
        }
    )*};
}

pub(crate) use {by_position, id_cells, text_cells};

id_cells!(entity::ids::UserId, entity::ids::ConversationId, entity::ids::MessageId);

/// Ids for `IN`, the last one repeated up to a power of two: few lengths are few statements to prepare.
pub fn padded<T: Copy>(ids: &[T]) -> Vec<T> {
    let mut all = ids.to_vec();
    if let Some(last) = ids.last() {
        all.resize(ids.len().next_power_of_two(), *last);
    }
    all
}

fn decoded<'r, T: Decode<'r, Postgres>>(value: PgValueRef<'r>) -> Result<T> {
    T::decode(value).map_err(undecoded)
}

fn undecoded(error: BoxDynError) -> Error {
    Error::internal(format!("a column cannot be read: {error}"))
}

fn odd(value: ValueRef<'_>, wanted: &str) -> Error {
    Error::internal(format!("a column holds {:?}, not {wanted}", value.data_type()))
}

impl<T: Cell> Cell for Option<T> {
    fn from_sqlite(value: ValueRef<'_>) -> Result<Self> {
        if matches!(value, ValueRef::Null) { Ok(None) } else { T::from_sqlite(value).map(Some) }
    }

    fn from_postgres(value: PgValueRef<'_>) -> Result<Self> {
        if value.is_null() { Ok(None) } else { T::from_postgres(value).map(Some) }
    }
}

impl Cell for i64 {
    fn from_sqlite(value: ValueRef<'_>) -> Result<Self> {
        value.as_i64().map_err(|_| odd(value, "a number"))
    }

    fn from_postgres(value: PgValueRef<'_>) -> Result<Self> {
        decoded(value)
    }
}

impl Cell for i32 {
    fn from_sqlite(value: ValueRef<'_>) -> Result<Self> {
        i64::from_sqlite(value)?.try_into().map_err(Error::internal)
    }

    fn from_postgres(value: PgValueRef<'_>) -> Result<Self> {
        decoded(value)
    }
}

impl Cell for bool {
    fn from_sqlite(value: ValueRef<'_>) -> Result<Self> {
        Ok(i64::from_sqlite(value)? != 0)
    }

    fn from_postgres(value: PgValueRef<'_>) -> Result<Self> {
        decoded(value)
    }
}

impl Cell for String {
    fn from_sqlite(value: ValueRef<'_>) -> Result<Self> {
        value.as_str().map(str::to_owned).map_err(|_| odd(value, "a text"))
    }

    fn from_postgres(value: PgValueRef<'_>) -> Result<Self> {
        decoded(value)
    }
}

impl Cell for Uuid {
    fn from_sqlite(value: ValueRef<'_>) -> Result<Self> {
        value.as_blob().ok().and_then(|bytes| Self::from_slice(bytes).ok()).ok_or_else(|| odd(value, "a UUID"))
    }

    fn from_postgres(value: PgValueRef<'_>) -> Result<Self> {
        decoded(value)
    }
}

impl Cell for DateTime<Utc> {
    fn from_sqlite(value: ValueRef<'_>) -> Result<Self> {
        let text = value.as_str().map_err(|_| odd(value, "an instant"))?;
        Ok(DateTime::parse_from_rfc3339(text).map_err(Error::internal)?.to_utc())
    }

    fn from_postgres(value: PgValueRef<'_>) -> Result<Self> {
        // Microseconds since 2000, whatever the session's time zone.
        let micros: i64 = decoded(value)?;
        let moment = micros.checked_add(MILLENNIUM).and_then(Self::from_timestamp_micros);
        moment.ok_or_else(|| Error::internal("a column holds an instant beyond all calendars"))
    }
}

impl Cell for NaiveDate {
    fn from_sqlite(value: ValueRef<'_>) -> Result<Self> {
        let text = value.as_str().map_err(|_| odd(value, "a day"))?;
        text.parse().map_err(Error::internal)
    }

    fn from_postgres(value: PgValueRef<'_>) -> Result<Self> {
        decoded(value)
    }
}

impl Cell for serde_json::Value {
    fn from_sqlite(value: ValueRef<'_>) -> Result<Self> {
        json(value.as_bytes().map_err(|_| odd(value, "JSON"))?)
    }

    fn from_postgres(value: PgValueRef<'_>) -> Result<Self> {
        let bytes = value.as_bytes().map_err(undecoded)?;
        // JSONB in binary has its version, which is 1, before the text.
        json(bytes.strip_prefix(&[1]).unwrap_or(bytes))
    }
}

/// Most JSON columns of most rows are empty: those need no parser.
fn json(text: &[u8]) -> Result<serde_json::Value> {
    match text {
        b"[]" => Ok(serde_json::Value::Array(Vec::new())),
        b"{}" => Ok(serde_json::Value::Object(serde_json::Map::new())),
        text => serde_json::from_slice(text).map_err(Error::internal),
    }
}

/// The connections of this process.
#[derive(Debug)]
pub(super) enum Door {
    /// Read in the calling thread: there are never more of them than threads that read at once.
    Sqlite { path: PathBuf, idle: Mutex<Vec<rusqlite::Connection>> },
    /// Lent for a statement each.
    Postgres(deadpool::managed::Pool<Connector>),
}

/// Makes connections to PostgreSQL. One that comes back is not asked whether it is well, unless it has rested or others were cut.
#[derive(Debug)]
pub(super) struct Connector(PgConnectOptions);

impl deadpool::managed::Manager for Connector {
    type Type = PgConnection;
    type Error = sqlx::Error;

    async fn create(&self) -> std::result::Result<PgConnection, Self::Error> {
        self.0.connect().await
    }

    async fn recycle(
        &self,
        connection: &mut PgConnection,
        metrics: &deadpool::managed::Metrics,
    ) -> deadpool::managed::RecycleResult<Self::Error> {
        if failure::in_doubt(metrics.last_used()) {
            connection.ping().await?;
        }
        Ok(())
    }
}

impl Door {
    pub(super) fn sqlite(path: PathBuf) -> Self {
        Self::Sqlite { path, idle: Mutex::default() }
    }

    pub(super) fn postgres(options: PgConnectOptions, size: u32, wait: Duration) -> Result<Self> {
        let builder = deadpool::managed::Pool::builder(Connector(options))
            .max_size(size as usize)
            .wait_timeout(Some(wait))
            .create_timeout(Some(wait))
            .runtime(deadpool::Runtime::Tokio1);
        Ok(Self::Postgres(builder.build().map_err(Error::internal)?))
    }

    pub(super) fn close(&self) {
        match self {
            Self::Sqlite { idle, .. } => idle.lock().unwrap_or_else(PoisonError::into_inner).clear(),
            Self::Postgres(pool) => pool.close(),
        }
    }

    /// Runs a statement and reads all its rows.
    pub(super) async fn run<T: FromColumns>(&self, statement: Statement) -> Result<Vec<T>> {
        match self {
            Self::Sqlite { path, idle } => {
                let pop = || idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let connection = match pop() {
                    Some(connection) => connection,
                    None => open(path)?,
                };
                let rows = in_thread(&connection, &statement)?;
                idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
                Ok(rows)
            }
            Self::Postgres(pool) => {
                let rows = failure::again(statement, |statement| over_the_wire(pool, statement)).await?;
                rows.iter().map(|row| T::read(&mut columns(Row::Postgres(row)))).collect()
            }
        }
    }
}

fn columns(row: Row<'_>) -> Columns<'_> {
    Columns { row, next: 0 }
}

fn open(path: &std::path::Path) -> rusqlite::Result<rusqlite::Connection> {
    use rusqlite::OpenFlags;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = rusqlite::Connection::open_with_flags(path, flags)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.execute_batch(
        "PRAGMA busy_timeout = 10000; PRAGMA query_only = ON; PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY",
    )?;
    Ok(connection)
}

fn in_thread<T: FromColumns>(connection: &rusqlite::Connection, statement: &Statement) -> Result<Vec<T>> {
    let end = Instant::now() + BUDGET;
    connection.progress_handler(LOOK, Some(move || Instant::now() > end))?;
    let mut prepared = connection.prepare_cached(&statement.sql)?;
    let values = statement.values.iter().flat_map(|values| &values.0).map(Bound);
    let mut found = prepared.query(rusqlite::params_from_iter(values))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        rows.push(T::read(&mut columns(Row::Sqlite(row)))?);
    }
    Ok(rows)
}

/// A value on its way into SQLite.
struct Bound<'a>(&'a Value);

impl rusqlite::ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let number = |number: i64| Ok(ToSqlOutput::Owned(Stored::Integer(number)));
        let text = |text: String| Ok(ToSqlOutput::Owned(Stored::Text(text)));
        match self.0 {
            Value::Uuid(Some(id)) => Ok(ToSqlOutput::Borrowed(ValueRef::Blob(id.as_bytes()))),
            Value::String(Some(text)) => Ok(ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes()))),
            Value::Bool(Some(flag)) => number(i64::from(*flag)),
            Value::Int(Some(int)) => number(i64::from(*int)),
            Value::BigInt(Some(int)) => number(*int),
            Value::BigUnsigned(Some(int)) => number(i64::try_from(*int).unwrap_or(i64::MAX)),
            // As SeaORM's driver writes them, so that texts compare as what they stand for.
            Value::ChronoDateTimeUtc(Some(time)) => text(time.to_rfc3339_opts(SecondsFormat::AutoSi, false)),
            Value::ChronoDate(Some(day)) => text(day.to_string()),
            Value::Json(Some(json)) => text(json.to_string()),
            value if *value == value.as_null() => Ok(ToSqlOutput::Owned(Stored::Null)),
            value => Err(rusqlite::Error::ToSqlConversionFailure(format!("no way to bind {value:?}").into())),
        }
    }
}

async fn over_the_wire(
    pool: &deadpool::managed::Pool<Connector>,
    statement: Statement,
) -> std::result::Result<Vec<PgRow>, DbErr> {
    let mut connection = pool.get().await.map_err(unreachable)?;
    let found = ask(&mut connection, statement).await;
    // What is wrong may be the connection: it does not go back.
    if let Err(error) = &found
        && !matches!(error, sqlx::Error::Database(told) if told.code().is_some_and(|code| !code.starts_with("57P")))
    {
        drop(deadpool::managed::Object::take(connection));
    }
    found.map_err(|error| DbErr::Query(RuntimeErr::SqlxError(Arc::new(error))))
}

async fn ask(connection: &mut PgConnection, statement: Statement) -> std::result::Result<Vec<PgRow>, sqlx::Error> {
    let mut query = sqlx::query(AssertSqlSafe(statement.sql));
    for value in statement.values.into_iter().flat_map(|values| values.0) {
        query = match value {
            Value::Uuid(id) => query.bind(id),
            Value::String(text) => query.bind(text),
            Value::Bool(flag) => query.bind(flag),
            Value::Int(int) => query.bind(int),
            Value::BigInt(int) => query.bind(int),
            Value::BigUnsigned(int) => query.bind(int.map(|int| i64::try_from(int).unwrap_or(i64::MAX))),
            Value::ChronoDateTimeUtc(time) => query.bind(time),
            Value::ChronoDate(day) => query.bind(day),
            Value::Json(json) => query.bind(json.map(|json| *json)),
            value => return Err(sqlx::Error::Encode(format!("no way to bind {value:?}").into())),
        };
    }
    query.fetch_all(connection).await
}

fn unreachable(error: deadpool::managed::PoolError<sqlx::Error>) -> DbErr {
    match error {
        deadpool::managed::PoolError::Backend(error) => DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))),
        _ => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
    }
}
