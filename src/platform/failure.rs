//! When the database fails: whose fault it is, and what is done about it.

use std::{
    future::Future,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sea_orm::{DbErr, RuntimeErr, Statement, sqlx};

use crate::base::error::{Code, Error};

/// How long connections are asked whether they live before they are used, after one was found dead: a server that restarts leaves a pool
/// full of them.
const DOUBT: Duration = Duration::from_secs(5);

/// How long a connection may rest before it is asked whether it lives. Under load nobody rests.
const RESTED: Duration = Duration::from_secs(1);

static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);
/// Milliseconds from the beginning until when connections are in doubt.
static IN_DOUBT_UNTIL: AtomicU64 = AtomicU64::new(0);

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Whether a connection that rested so long is asked whether it lives before it is used: any one, for a while after another was found
/// dead.
pub(super) fn in_doubt(rested: Duration) -> bool {
    rested > RESTED || millis(BEGINNING.elapsed()) < IN_DOUBT_UNTIL.load(Ordering::Relaxed)
}

/// The waits before a read is tried over another line.
const WAITS: [u64; 3] = [0, 20, 100];

/// Runs a statement, and again when the line it went over was cut, a few times. For reads outside of writes only.
pub(super) async fn again<T, F: Future<Output = Result<T, DbErr>>>(
    statement: Statement,
    run: impl Fn(Statement) -> F,
) -> Result<T, DbErr> {
    for wait in WAITS {
        match run(statement.clone()).await {
            Err(error) if is_cut(&error) => tracing::debug!(%error, "a read was cut off; trying again"),
            settled => return settled,
        }
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }
    run(statement).await
}

/// Runs a statement.
pub(super) async fn once<T, F: Future<Output = Result<T, DbErr>>>(
    statement: Statement,
    run: impl Fn(Statement) -> F,
) -> Result<T, DbErr> {
    run(statement).await
}

/// Whether the line was cut under a statement; then the others are in doubt too.
fn is_cut(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(inner)) | DbErr::Query(RuntimeErr::SqlxError(inner))) = error else {
        return false;
    };
    let is_cut = match &**inner {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(told) => {
            told.code().is_some_and(|code| code.len() == 5 && (code.starts_with("57P") || code.starts_with("08")))
        }
        _ => false,
    };
    if is_cut {
        IN_DOUBT_UNTIL.store(millis(BEGINNING.elapsed() + DOUBT), Ordering::Relaxed);
    }
    is_cut
}

impl From<DbErr> for Error {
    /// A statement that failed is our fault unless the database could not be reached, went away or is short of something: then trying
    /// again may help, and the client is told so. Broken constraints are named by [`OnConstraint`](super::database::OnConstraint) where
    /// a room expects them, never guessed here.
    #[track_caller]
    fn from(error: DbErr) -> Self {
        let second = Duration::from_secs(1);
        match &error {
            DbErr::ConnectionAcquire(_) => {
                tracing::warn!(%error, "no connection to the database was free");
                Self::unavailable("The server is busy; try again in a moment.")
                    .with_retry_after(second)
                    .caused_by(error)
            }
            DbErr::Conn(RuntimeErr::SqlxError(_)) => {
                tracing::error!(%error, "the database cannot be reached");
                Self::unavailable("The server cannot reach its database; try again in a moment.")
                    .with_retry_after(second)
                    .caused_by(error)
            }
            DbErr::Exec(RuntimeErr::SqlxError(inner)) | DbErr::Query(RuntimeErr::SqlxError(inner))
                if is_cut(&error) || passes(inner) =>
            {
                tracing::warn!(%error, "the database broke off");
                let told = "The server could not use its database just now; try again in a moment.";
                Self::unavailable(told).with_retry_after(second).caused_by(error)
            }
            _ => Self::internal(error),
        }
    }
}

impl From<rusqlite::Error> for Error {
    /// As of a statement that went through SeaORM; and a read that was stopped for holding its thread too long.
    #[track_caller]
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error().map(|told| told.extended_code);
        match code {
            Some(rusqlite::ffi::SQLITE_INTERRUPT) => {
                Self::new(Code::Timeout, "Reading took too long; ask for less at once.").caused_by(error)
            }
            Some(code) if code_passes(&code.to_string()) => {
                tracing::warn!(%error, "the database broke off");
                let told = "The server could not use its database just now; try again in a moment.";
                Self::unavailable(told).with_retry_after(Duration::from_secs(1)).caused_by(error)
            }
            _ => Self::internal(error),
        }
    }
}

/// Whether a failure lies in the moment and not in the statement.
fn passes(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(told) => told.code().is_some_and(|code| code_passes(&code)),
        _ => false,
    }
}

/// PostgreSQL's SQLSTATE, or the number of a result of SQLite.
fn code_passes(code: &str) -> bool {
    // SQLite's extended results hold the plain one in their low byte: busy, locked, I/O error, full, cannot open.
    if let (Ok(number), true) = (code.parse::<u32>(), code.len() != 5) {
        return matches!(number & 0xff, 5 | 6 | 10 | 13 | 14);
    }
    // Connection exceptions, a transaction that was ended or taken back, insufficient resources, operator intervention.
    ["08", "25P", "40", "53", "57"].iter().any(|class| code.starts_with(class))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_told_from_what_is_wrong() {
        for code in ["57P01", "57014", "08006", "53300", "25P03", "40P01", "5", "261", "10", "778"] {
            assert!(code_passes(code), "{code}");
        }
        let told = |number| Error::from(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(number), None)).code();
        assert_eq!([5, 778, 13].map(told), [Code::ServiceUnavailable; 3]);
        assert_eq!((told(rusqlite::ffi::SQLITE_INTERRUPT), told(1)), (Code::Timeout, Code::Internal));
        for code in ["42P01", "23505", "22001", "25001", "1", "19", "2067", ""] {
            assert!(!code_passes(code), "{code}");
        }
    }
}
