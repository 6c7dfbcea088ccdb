//! The databases, and the one way to write.
//!
//! SQLite: one writer connection that begins with BEGIN IMMEDIATE and commits with `synchronous=FULL`, and a pool of readers that
//! cannot write. PostgreSQL: one pool. Nobody else opens a connection.

use std::{
    fmt::Display,
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use entity::{ids::JobId, job};
use futures_util::{FutureExt, future::BoxFuture};
use migration::MigratorTrait;
use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, EntityTrait,
    ExecResult, QueryResult, QuerySelect, QueryTrait, SqlErr, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait, Value,
    sea_query::OnConflict,
    sqlx::{
        self, ConnectOptions as _, Connection as _, postgres::PgConnectOptions, sqlite::SqliteJournalMode,
        sqlite::SqliteSynchronous,
    },
};
use sha2::{Digest, Sha256};

use super::{
    events::log,
    exclusive, failure,
    jobs::Job,
    lean::{self, Door, FromColumns},
    private,
    tasks::Tasks,
};
use crate::{
    base::{
        error::{Error, Result},
        ids::Ids,
    },
    config,
};

/// The databases.
#[derive(Clone, Debug)]
pub struct Database {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
    lean: Arc<Door>,
    statements: Arc<AtomicU64>,
}

impl Database {
    /// Connects; on SQLite makes the file and its folder on first use.
    pub async fn open(config: &config::database::Database) -> Result<Self> {
        let (writer, reader, lean) = if config.url.starts_with("sqlite:") {
            make_file(&sqlite_path(&config.url))?;
            let writer = connect(config, sqlite(config, false)).await?;
            (writer, connect(config, sqlite(config, true)).await?, Door::sqlite(sqlite_path(&config.url)))
        } else {
            let pool = connect(config, postgres(config, true)).await?;
            let options = tuned(config.url.parse().map_err(Error::internal)?, config, true);
            (pool.clone(), pool, Door::postgres(options, config.pool, config.acquire_timeout)?)
        };
        Ok(Self { writer, reader, lean: Arc::new(lean), statements: Arc::default() })
    }

    /// Which of the two it is.
    pub fn backend(&self) -> DbBackend {
        self.writer.get_database_backend()
    }

    /// True on the embedded database.
    pub fn is_sqlite(&self) -> bool {
        self.backend() == DbBackend::Sqlite
    }

    /// A door for reading.
    pub fn read(&self) -> Reader {
        Reader {
            inner: self.reader.clone(),
            lean: self.lean.clone(),
            mine: Arc::default(),
            all: self.statements.clone(),
        }
    }

    /// Statements run so far, by everybody: what the tests of flat lists count.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// The pool under SeaORM, for LISTEN. `None` on SQLite.
    pub(super) fn postgres_pool(&self) -> Option<&sqlx::PgPool> {
        (!self.is_sqlite()).then(|| self.writer.get_postgres_connection_pool())
    }

    /// Begins a write, in a task of its own: sqlx counts a transaction only when the answer to BEGIN is there, so one whose caller
    /// went away before would stay open on a connection of the pool. Here it is begun and then rolled back.
    pub(super) async fn begin(&self, tasks: &Tasks, now: DateTime<Utc>, ids: Ids) -> Result<Tx> {
        let options = TransactionOptions {
            sqlite_transaction_mode: self.is_sqlite().then_some(SqliteTransactionMode::Immediate),
            ..Default::default()
        };
        let writer = self.writer.clone();
        let begun = tasks.to_its_end(async move { writer.begin_with_options(options).await }).await?;
        Ok(Tx {
            inner: begun?,
            now,
            ids,
            mine: AtomicU32::new(0),
            all: self.statements.clone(),
            events: Mutex::default(),
            urgent: Mutex::default(),
            jobs: Mutex::default(),
        })
    }

    /// A statement that changes something and stands for itself, outside of any write: for what is nobody's data and belongs to no order,
    /// such as counters. PostgreSQL only: on SQLite the writer belongs to the writes.
    pub(super) async fn alone(&self, statement: Statement) -> Result<Option<QueryResult>> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        Ok(self.writer.query_one_raw(statement).await?)
    }

    /// One round trip, for the probes.
    pub async fn ping(&self) -> Result<()> {
        self.reader.execute_unprepared("SELECT 1").await?;
        Ok(())
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.lean.close();
        let _ = self.reader.clone().close().await;
        let _ = self.writer.clone().close().await;
    }
}

/// Brings the schema up to date. One process does it while the others wait.
pub async fn migrate(config: &config::database::Database) -> Result<()> {
    exclusive::exclusively(config, async || stepping(config, async |on| migration::Migrator::up(on, None).await).await)
        .await
}

/// Takes the newest `steps` migrations back.
///
/// # Errors
/// When there are not so many.
pub async fn migrate_down(config: &config::database::Database, steps: u32) -> Result<()> {
    exclusive::exclusively(config, async || {
        let applied = migrations(config).await?.iter().filter(|(_, applied)| *applied).count();
        if usize::try_from(steps).is_ok_and(|steps| steps > applied) {
            return Err(Error::rule(format!(
                "There are {applied} applied migrations, so {steps} cannot be taken back; nothing was changed."
            )));
        }
        stepping(config, async |on| migration::Migrator::down(on, Some(steps)).await).await
    })
    .await
}

/// Takes every migration back and applies them anew: the database is empty afterwards. Hold the lock of
/// [`exclusive::exclusively`] while you do.
pub async fn start_afresh(config: &config::database::Database) -> Result<()> {
    stepping(config, async |on| {
        migration::Migrator::down(on, None).await?;
        migration::Migrator::up(on, None).await
    })
    .await
}

/// The names of all migrations, each with whether it has been applied.
pub async fn migrations(config: &config::database::Database) -> Result<Vec<(String, bool)>> {
    let database = Database::open(config).await?;
    let pending: Vec<_> = migration::Migrator::get_pending_migrations_read_only(&database.reader)
        .await?
        .iter()
        .map(|step| step.name().to_owned())
        .collect();
    database.close().await;
    let all = migration::Migrator::migrations();
    Ok(all.iter().map(|step| (step.name().to_owned(), !pending.contains(&step.name().to_owned()))).collect())
}

impl Database {
    /// True once every migration has been applied.
    pub async fn is_migrated(&self) -> Result<bool> {
        Ok(migration::Migrator::get_pending_migrations_read_only(&self.reader).await?.is_empty())
    }

    /// Makes sure that every migration has been applied.
    ///
    /// # Errors
    /// What to do when one has not.
    pub async fn require_migrated(&self, config: &config::database::Database) -> Result<()> {
        if self.is_migrated().await? {
            return Ok(());
        }
        let url = config::without_password(&config.url);
        let advice = "run `polyphony migrate up`, or set MIGRATE_ON_START=true";
        Err(Error::internal(format!("the schema of {url} is not up to date; {advice}")))
    }
}

/// Changes the schema over a connection of its own: migrations may take longer than a write.
async fn stepping(
    config: &config::database::Database,
    work: impl AsyncFnOnce(&DatabaseConnection) -> Result<(), DbErr>,
) -> Result<()> {
    let connection = connect_alone(config).await?;
    let result = work(&connection).await;
    let _ = connection.close().await;
    Ok(result?)
}

/// One connection beside the pools, without the statement timeout, that may write.
pub(super) async fn connect_alone(config: &config::database::Database) -> Result<DatabaseConnection> {
    if config.url.starts_with("sqlite:") {
        make_file(&sqlite_path(&config.url))?;
        return connect(config, sqlite(config, false)).await;
    }
    connect(config, postgres(config, false)).await
}

/// Makes the file of the database before SQLite does, which would let everybody read it. Its two companions get its mode.
fn make_file(path: &std::path::Path) -> Result<()> {
    let explain = |error: std::io::Error| private::unusable(path, &error);
    if let Some(folder) = path.parent() {
        private::folder(folder).map_err(explain)?;
    }
    private::file(path).map(drop).map_err(explain)
}

pub(super) fn sqlite_path(url: &str) -> std::path::PathBuf {
    let path = url.trim_start_matches("sqlite://").trim_start_matches("sqlite:");
    path.split('?').next().unwrap_or(path).into()
}

fn sqlite(config: &config::database::Database, read_only: bool) -> ConnectOptions {
    let durable = config.durable;
    let mut options = ConnectOptions::new(format!("sqlite://{}", sqlite_path(&config.url).display()));
    options.max_connections(if read_only { config.pool } else { 1 });
    options.map_sqlx_sqlite_opts(move |options| {
        options
            .create_if_missing(!read_only)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(if durable { SqliteSynchronous::Full } else { SqliteSynchronous::Off })
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10))
            .pragma("query_only", if read_only { "ON" } else { "OFF" })
            .pragma("temp_store", "MEMORY")
            // What was deleted is overwritten, or it could still be read out of the file.
            .pragma("secure_delete", "ON")
            .pragma("cache_size", "-16384")
            .statement_cache_capacity(256)
    });
    // SQLite takes a transaction back by itself when the disk is full or fails. sqlx then still counts it, and what came after would be
    // answered as done inside a transaction that nobody ever commits: such a connection is closed, which undoes what it holds.
    options.map_sqlx_sqlite_pool_opts(|options| {
        options.before_acquire(|connection, _| Box::pin(std::future::ready(Ok(!connection.is_in_transaction()))))
    });
    options
}

fn postgres(config: &config::database::Database, timeouts: bool) -> ConnectOptions {
    let mut options = ConnectOptions::new(config.url.clone());
    options.max_connections(if timeouts { config.pool } else { 1 });
    let settings = config.clone();
    options.map_sqlx_postgres_opts(move |options| tuned(options, &settings, timeouts));
    // A server that restarted leaves a pool full of dead connections. Who has rested is asked before it is used; under load nobody rests.
    options.map_sqlx_postgres_pool_opts(|options| {
        options.before_acquire(|connection, resting| {
            Box::pin(async move {
                if failure::in_doubt(resting.idle_for) {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
    });
    options
}

fn tuned(options: PgConnectOptions, config: &config::database::Database, timeouts: bool) -> PgConnectOptions {
    let limit = config.write_timeout.as_millis().to_string();
    let options = options.application_name("polyphony").statement_cache_capacity(256);
    if timeouts {
        options.options([("statement_timeout", &limit), ("idle_in_transaction_session_timeout", &limit)])
    } else {
        options
    }
    .disable_statement_logging()
}

async fn connect(config: &config::database::Database, mut options: ConnectOptions) -> Result<DatabaseConnection> {
    options.acquire_timeout(config.acquire_timeout).sqlx_logging(false).test_before_acquire(false);
    let explain = |reason: String| {
        let advice = match config.url.starts_with("sqlite:") {
            true => "is it a database? Set DATA_DIR or DATABASE_URL",
            false => "check DATABASE_URL and that the server runs",
        };
        let url = config::without_password(&config.url);
        Error::internal(format!("cannot open the database {url}: {reason}; {advice}"))
    };
    if !config.url.starts_with("sqlite:") {
        // The pool tries again until its time is over, and then only knows that it is over.
        let once = async { config.url.parse::<PgConnectOptions>()?.connect().await?.close().await };
        match tokio::time::timeout(config.acquire_timeout, once).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(explain(error.to_string())),
            Err(_) => return Err(explain(format!("no answer within {} seconds", config.acquire_timeout.as_secs()))),
        }
    }
    sea_orm::Database::connect(options).await.map_err(|error| explain(error.to_string()))
}

/// A door for reading. Counts what goes through it.
#[derive(Clone, Debug)]
pub struct Reader {
    inner: DatabaseConnection,
    lean: Arc<Door>,
    mine: Arc<AtomicU64>,
    all: Arc<AtomicU64>,
}

impl Reader {
    /// Statements run through this door and its clones.
    pub fn statements(&self) -> u64 {
        self.mine.load(Ordering::Relaxed)
    }

    fn count(&self) {
        self.mine.fetch_add(1, Ordering::Relaxed);
        self.all.fetch_add(1, Ordering::Relaxed);
    }
}

/// A write under way: what it wrote, emitted and enqueued stands or falls together.
#[derive(Debug)]
pub struct Tx {
    inner: DatabaseTransaction,
    now: DateTime<Utc>,
    ids: Ids,
    mine: AtomicU32,
    all: Arc<AtomicU64>,
    events: Mutex<Vec<log::NewEvent>>,
    urgent: Mutex<Vec<(String, String)>>,
    jobs: Mutex<Vec<job::ActiveModel>>,
}

/// What a commit left to be woken.
#[derive(Clone, Debug)]
pub(super) struct Left {
    pub(super) events: bool,
    /// What cannot wait for the log's order: signals, each with the topic it tells.
    pub(super) urgent: Vec<(String, String)>,
    pub(super) jobs: bool,
}

impl Tx {
    /// The moment of this write: the same for everything it writes.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// A new id.
    pub fn new_id<T: entity::ids::TypedId>(&self) -> T {
        self.ids.new_id()
    }

    /// Appends an event to the log, to be committed with the rest.
    pub fn emit<E: log::IntoEvent>(&self, event: E) {
        let signal = event.signal();
        let event = event.into_event(self.ids.new_id(), self.now);
        if let Some(signal) = signal {
            self.urgent.lock().unwrap_or_else(PoisonError::into_inner).push((signal, event.topic.clone()));
        }
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }

    /// Enqueues a job, to be committed with the rest.
    pub fn enqueue<J: Job>(&self, job: &J) -> Result<()> {
        self.enqueue_at(job, self.now)
    }

    /// Enqueues a job for later.
    pub fn enqueue_at<J: Job>(&self, job: &J, run_at: DateTime<Utc>) -> Result<()> {
        let row = super::jobs::row(job, self.ids.new_id::<JobId>(), self.now, run_at)?;
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).push(row);
        Ok(())
    }

    /// Locks the aggregate called `key` until the end of the write, then reads its row.
    ///
    /// It must come first: the events of an aggregate are ordered by the ids of the transactions that wrote them, so a write takes its
    /// id only once it holds the lock. On PostgreSQL the row's own lock will not do: a `SELECT … FOR UPDATE` that waited for an update
    /// takes its id when it wakes, and may then wait again behind a later one that found the new version first (seen under 40
    /// parallel senders on PostgreSQL 15). An advisory lock queues in order and takes no id. On SQLite the write already has the
    /// database to itself.
    pub async fn lock<E>(&self, key: &(impl Display + ?Sized), query: sea_orm::Select<E>) -> Result<Option<E::Model>>
    where
        E: EntityTrait,
    {
        self.hold(key).await?;
        self.also_lock(query).await
    }

    /// Holds a name until the end of the write without reading anything, before [`Self::lock`]: for a rule over several aggregates,
    /// such as "somebody remains". Like any lock it takes no transaction id, so the order of events stays that of the locks.
    pub async fn hold(&self, key: &(impl Display + ?Sized)) -> Result<()> {
        debug_assert_eq!(self.mine.load(Ordering::Relaxed), 0, "locks come first in a write");
        if self.get_database_backend() == DbBackend::Postgres {
            let digest = Sha256::digest(key.to_string());
            let number = digest.first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes));
            let sql = "SELECT pg_advisory_xact_lock($1)";
            self.all.fetch_add(1, Ordering::Relaxed);
            self.inner.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, [number.into()])).await?;
        }
        Ok(())
    }

    /// Locks a further row, after [`Self::lock`]. Always in the same order, or two writes wait for each other.
    pub async fn also_lock<E: EntityTrait>(&self, query: sea_orm::Select<E>) -> Result<Option<E::Model>> {
        Ok(query.lock_exclusive().one(self).await?)
    }

    pub(super) async fn commit(self) -> Result<Left> {
        let events = std::mem::take(&mut *self.events.lock().unwrap_or_else(PoisonError::into_inner));
        let jobs = std::mem::take(&mut *self.jobs.lock().unwrap_or_else(PoisonError::into_inner));
        let urgent = std::mem::take(&mut *self.urgent.lock().unwrap_or_else(PoisonError::into_inner));
        let left = Left { events: !events.is_empty(), urgent, jobs: !jobs.is_empty() };
        if left.events {
            self.execute_raw(log::append(self.get_database_backend(), &events)).await?;
        }
        if left.jobs {
            let once = OnConflict::column(job::Column::UniqueKey).do_nothing().to_owned();
            job::Entity::insert_many(jobs).on_conflict(once).exec_without_returning(&self).await?;
        }
        self.inner.commit().await?;
        Ok(left)
    }

    pub(super) async fn rollback(self) {
        if let Err(error) = self.inner.rollback().await {
            tracing::warn!(%error, "a rollback failed; the connection is dropped");
        }
    }

    fn count(&self) {
        self.mine.fetch_add(1, Ordering::Relaxed);
        self.all.fetch_add(1, Ordering::Relaxed);
    }
}

macro_rules! counted_connection {
    ($($name:ty, $settled:path;)*) => {$(
        #[async_trait::async_trait]
        impl ConnectionTrait for $name {
            fn get_database_backend(&self) -> DbBackend {
                self.inner.get_database_backend()
            }

            async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
                self.count();
                self.inner.execute_raw(statement).await
            }

            async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
                self.count();
                self.inner.execute_unprepared(sql).await
            }

            async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
                self.count();
                $settled(statement, |statement| self.inner.query_one_raw(statement)).await
            }

            async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
                self.count();
                $settled(statement, |statement| self.inner.query_all_raw(statement)).await
            }
        }
    )*};
}

// A line that was cut costs a read nothing but another try. Within a write, what came before is lost with the line.
counted_connection! {
    Reader, failure::again;
    Tx, failure::once;
}

/// Reads rows by the position of their columns: through the lean door, or inside a write through the write.
pub trait Fetch: ConnectionTrait {
    /// All rows of a statement, whose columns must be selected in the order they are read.
    fn fetch<'a, T: FromColumns + Send + 'a>(&'a self, statement: Statement) -> BoxFuture<'a, Result<Vec<T>>>;

    /// All rows of what SeaORM selects: the columns of an entity come in the order of its fields.
    fn fetch_all<'a, T: FromColumns + Send + 'a>(&'a self, query: &impl QueryTrait) -> BoxFuture<'a, Result<Vec<T>>> {
        self.fetch(query.build(self.get_database_backend()))
    }
}

impl Fetch for Reader {
    fn fetch<'a, T: FromColumns + Send + 'a>(&'a self, statement: Statement) -> BoxFuture<'a, Result<Vec<T>>> {
        self.count();
        self.lean.run(statement).boxed()
    }
}

impl Fetch for Tx {
    fn fetch<'a, T: FromColumns + Send + 'a>(&'a self, statement: Statement) -> BoxFuture<'a, Result<Vec<T>>> {
        async move { lean::within(&self.query_all_raw(statement).await?) }.boxed()
    }
}

tokio::task_local! {
    static WRITING: ();
}

/// Panics in debug builds when a write begins inside a write: on SQLite it would wait for itself.
pub(super) async fn guard_against_nesting<T>(work: impl Future<Output = T>) -> T {
    debug_assert!(WRITING.try_with(|()| ()).is_err(), "a write inside a write: pass `tx` down instead");
    WRITING.scope((), work).await
}

/// Maps one named unique constraint to one error.
pub trait OnConstraint<T> {
    /// When the unique index `name` (`<table>_<column>…`) was broken, answers `error`.
    fn on_constraint(self, name: &str, error: impl FnOnce() -> Error) -> Result<T>;
}

impl<T> OnConstraint<T> for Result<T, DbErr> {
    #[track_caller]
    fn on_constraint(self, name: &str, error: impl FnOnce() -> Error) -> Result<T> {
        self.map_err(|failure| {
            if broken_unique(&failure).is_some_and(|broken| broken == name) { error() } else { failure.into() }
        })
    }
}

/// The unique index a statement broke, by its name.
pub fn broken_unique(error: &DbErr) -> Option<String> {
    let Some(SqlErr::UniqueConstraintViolation(message)) = error.sql_err() else { return None };
    // SQLite: UNIQUE constraint failed: users.email_key, users.other. PostgreSQL: … unique constraint "users_email_key".
    if let Some((_, columns)) = message.split_once("UNIQUE constraint failed: ") {
        let mut columns = columns.split(", ").filter_map(|column| column.trim().split_once('.'));
        let (table, first) = columns.next()?;
        return Some(columns.fold(format!("{table}_{first}"), |name, (_, column)| format!("{name}_{column}")));
    }
    message.split('"').nth(1).map(str::to_owned)
}

/// A statement with its values, for the few places that write SQL by hand. Values are always bound, never joined into the text.
pub fn statement(
    backend: DbBackend,
    sqlite: &str,
    postgres: &str,
    values: impl IntoIterator<Item = Value>,
) -> Statement {
    Statement::from_sql_and_values(backend, if backend == DbBackend::Sqlite { sqlite } else { postgres }, values)
}
