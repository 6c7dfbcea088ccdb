//! The database of one test: a copy of one that was migrated once.
//!
//! SQLite: the migrated file is kept in memory and written out for each world. PostgreSQL: a template database named after the
//! migrations' text, so that several runs share it, and `CREATE DATABASE … TEMPLATE` for each world, one at a time because it takes
//! a lock of the whole cluster. A database of its own, not a schema: advisory locks and NOTIFY are per database.

use std::{
    path::Path,
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use polyphony::{config::Config, config::Env, platform::database::migrate};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
use sha2::{Digest, Sha256};
use tokio::sync::{Mutex, OnceCell};

use super::{project, variable};

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// The embedded one.
    Sqlite,
    /// The one of several instances.
    Postgres,
}

/// Where a world's rows live.
pub(super) struct Home {
    /// For `DATABASE_URL`.
    pub url: String,
    postgres: Option<String>,
}

impl Home {
    /// A fresh, migrated database; `None` when there is no server for it.
    pub async fn make(backend: Backend, folder: &Path) -> Option<Self> {
        match backend {
            Backend::Sqlite => {
                let path = folder.join("polyphony.db");
                std::fs::write(&path, sqlite_template().await).unwrap();
                Some(Self { url: format!("sqlite://{}", path.display()), postgres: None })
            }
            Backend::Postgres => {
                let server = variable("POLYPHONY_TEST_POSTGRES")?;
                let template = postgres_template(&server).await;
                static COUNT: AtomicU64 = AtomicU64::new(0);
                let name = format!("polyphony_test_{}_{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
                let admin = admin(&server).await;
                static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());
                let turn = ONE_AT_A_TIME.lock().await;
                run(&admin, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
                run(&admin, &format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")).await;
                drop(turn);
                let _ = admin.close().await;
                Some(Self { url: with_database(&server, &name), postgres: Some(name) })
            }
        }
    }

    /// Gives the database back.
    pub async fn remove(self) {
        let (Some(name), Some(server)) = (self.postgres, variable("POLYPHONY_TEST_POSTGRES")) else { return };
        let admin = admin(&server).await;
        run(&admin, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        let _ = admin.close().await;
    }
}

async fn sqlite_template() -> &'static [u8] {
    static TEMPLATE: OnceCell<Vec<u8>> = OnceCell::const_new();
    TEMPLATE
        .get_or_init(async || {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("template.db");
            migrate(&config(&format!("sqlite://{}", path.display())).database).await.unwrap();
            let rest = path.with_extension("db-wal");
            assert!(
                !rest.metadata().is_ok_and(|file| file.len() > 0),
                "the template was not written out when it was closed"
            );
            std::fs::read(&path).unwrap()
        })
        .await
}

async fn postgres_template(server: &str) -> &'static str {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    TEMPLATE
        .get_or_init(async || {
            let name = format!("polyphony_template_{}", migrations_digest());
            let admin = admin(server).await;
            // Another run may be making the same template.
            run(&admin, "SELECT pg_advisory_lock(7218394651)").await;
            let known = admin
                .query_one_raw(sea_orm::Statement::from_string(
                    sea_orm::DbBackend::Postgres,
                    format!("SELECT 1 FROM pg_database WHERE datname = '{name}'"),
                ))
                .await
                .unwrap();
            if known.is_none() {
                let making = format!("{name}_in_the_making");
                run(&admin, &format!("DROP DATABASE IF EXISTS {making} WITH (FORCE)")).await;
                run(&admin, &format!("CREATE DATABASE {making}")).await;
                migrate(&config(&with_database(server, &making)).database).await.unwrap();
                run(&admin, &format!("ALTER DATABASE {making} RENAME TO {name}")).await;
            }
            run(&admin, "SELECT pg_advisory_unlock(7218394651)").await;
            let _ = admin.close().await;
            name
        })
        .await
}

/// What the migrations say, in short: another text is another template.
fn migrations_digest() -> String {
    let mut files: Vec<_> =
        std::fs::read_dir(project().join("migration/src")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let digest =
        files.iter().fold(Sha256::new(), |digest, file| digest.chain_update(std::fs::read(file).unwrap())).finalize();
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn config(url: &str) -> Config {
    let mut config = Config::read(&mut Env::of([("DATABASE_URL", url)])).unwrap();
    config.database.durable = false;
    config
}

async fn admin(server: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(server);
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options)
        .await
        .unwrap_or_else(|error| panic!("POLYPHONY_TEST_POSTGRES cannot be reached: {error}"))
}

async fn run(connection: &DatabaseConnection, sql: &str) {
    if let Err(error) = connection.execute_unprepared(sql).await {
        panic!("{sql}: {error}");
    }
}

fn with_database(server: &str, name: &str) -> String {
    let (address, settings) = server.split_once('?').map_or((server, String::new()), |(a, s)| (a, format!("?{s}")));
    let (host, _) = address.rsplit_once('/').unwrap();
    format!("{host}/{name}{settings}")
}
