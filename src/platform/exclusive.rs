//! One process at a time: what must not be done twice at once, such as migrating or filling an empty database.

use std::{fs::TryLockError, time::Duration};

use sea_orm::{ConnectionTrait, DatabaseConnection};

use super::{database, private};
use crate::{base::error::Result, config};

/// The key of the advisory lock: the first 63 bits of SHA-256("polyphony.migrate").
const LOCK: i64 = 0x2d1f_88c4_7be0_513a;
/// How often to look whether the other process on the same SQLite file is done.
const AGAIN: Duration = Duration::from_millis(20);

/// Held until dropped, or until the process dies.
enum Held {
    /// A lock of a file beside the database.
    File(std::fs::File),
    /// An advisory lock of a connection of its own.
    Connection(DatabaseConnection),
}

/// Does something while no other process on the same database does anything under this lock. Do not nest.
pub async fn exclusively<T>(config: &config::database::Database, work: impl AsyncFnOnce() -> Result<T>) -> Result<T> {
    let held = hold(config).await?;
    let result = work().await;
    match held {
        Held::File(file) => drop(file),
        Held::Connection(connection) => {
            let _ = connection.close().await;
        }
    }
    result
}

async fn hold(config: &config::database::Database) -> Result<Held> {
    if config.url.starts_with("sqlite:") {
        let mut path = database::sqlite_path(&config.url).into_os_string();
        path.push(".lock");
        let path = std::path::PathBuf::from(path);
        let explain = |error: std::io::Error| private::unusable(&path, &error);
        if let Some(folder) = path.parent() {
            private::folder(folder).map_err(explain)?;
        }
        let file = private::file(&path).map_err(explain)?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Held::File(file)),
                Err(TryLockError::WouldBlock) => tokio::time::sleep(AGAIN).await,
                Err(TryLockError::Error(error)) => return Err(explain(error)),
            }
        }
    }
    let connection = database::connect_alone(config).await?;
    connection.execute_unprepared(&format!("SELECT pg_advisory_lock({LOCK})")).await?;
    Ok(Held::Connection(connection))
}
