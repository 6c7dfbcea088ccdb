//! The database of one test: a copy of one that was migrated once.
//!
//! SQLite: the migrated file is kept in memory and written out for each world. PostgreSQL: a template database, and copies of it in
//! numbered places. A world takes a place that is free (it holds an advisory lock on it), empties what the last one left there, and
//! leaves its own behind to be looked at; so `CREATE DATABASE`, which takes half a second and holds up the event log's horizon of the
//! whole cluster meanwhile, runs a few times and not for every test. A database of its own, not a schema: advisory locks and NOTIFY
//! are per database. Template and places are named after the migrations' text, so that several runs and processes share them.

use std::path::Path;

use polyphony::{config::Config, config::Env, platform::database::migrate};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use super::{project, variable};

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// The embedded one.
    Sqlite,
    /// The one of several instances.
    Postgres,
}

/// Places on a PostgreSQL: far more than worlds at once.
const PLACES: i32 = 200;

/// Where a world's rows live.
pub(super) struct Home {
    /// For `DATABASE_URL`.
    pub url: String,
    /// Holds the lock of the place.
    place: Option<DatabaseConnection>,
}

impl Home {
    /// A fresh, migrated database; `None` when there is no server for it.
    pub async fn make(backend: Backend, folder: &Path) -> Option<Self> {
        match backend {
            Backend::Sqlite => {
                let path = folder.join("polyphony.db");
                std::fs::write(&path, sqlite_template().await).unwrap();
                Some(Self { url: format!("sqlite://{}", path.display()), place: None })
            }
            Backend::Postgres => {
                let server = variable("POLYPHONY_TEST_POSTGRES")?;
                let template = postgres_template(&server).await;
                let admin = admin(&server).await;
                let mut place = 0;
                while !is_true(&admin, &format!("SELECT pg_try_advisory_lock(7218394, {place})")).await {
                    place += 1;
                    assert!(place < PLACES, "every place on the PostgreSQL is taken");
                }
                let name = format!("{template}_{place}");
                let url = with_database(&server, &name);
                if exists(&admin, &name).await {
                    restore(&url).await;
                } else {
                    run(&admin, &format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")).await;
                }
                Some(Self { url, place: Some(admin) })
            }
        }
    }

    /// Gives the place back.
    pub async fn remove(self) {
        if let Some(place) = self.place {
            let _ = place.close().await;
        }
    }
}

/// Empties a database of what the last world left in it, and puts back what the migrations had put in.
async fn restore(url: &str) {
    let connection = admin(url).await;
    run(
        &connection,
        "DO $$ DECLARE names text; kept text; BEGIN
            PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid();
            -- Rows come back in no order: their foreign keys are not looked at meanwhile.
            PERFORM set_config('session_replication_role', 'replica', true);
            SELECT string_agg(format('public.%I', tablename), ', ') INTO names
                FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'seaql_migrations';
            EXECUTE 'TRUNCATE ' || names || ' RESTART IDENTITY CASCADE';
            FOR kept IN SELECT tablename FROM pg_tables WHERE schemaname = 'pristine' LOOP
                EXECUTE format('INSERT INTO public.%I SELECT * FROM pristine.%I', kept, kept);
            END LOOP;
        END $$",
    )
    .await;
    let _ = connection.close().await;
}

/// Keeps what the migrations put in, for [`restore`].
const KEEP: &str = "DO $$ DECLARE kept text; filled boolean; BEGIN
    CREATE SCHEMA pristine;
    FOR kept IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'seaql_migrations' LOOP
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM public.%I)', kept) INTO filled;
        IF filled THEN EXECUTE format('CREATE TABLE pristine.%I AS TABLE public.%I', kept, kept); END IF;
    END LOOP;
END $$";

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
            if !exists(&admin, &name).await {
                let making = format!("{name}_in_the_making");
                run(&admin, &format!("DROP DATABASE IF EXISTS {making} WITH (FORCE)")).await;
                run(&admin, &format!("CREATE DATABASE {making}")).await;
                let url = with_database(server, &making);
                migrate(&config(&url).database).await.unwrap();
                let connection = self::admin(&url).await;
                run(&connection, KEEP).await;
                let _ = connection.close().await;
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
    let kept = Sha256::new_with_prefix(KEEP);
    let digest = files.iter().fold(kept, |digest, file| digest.chain_update(std::fs::read(file).unwrap())).finalize();
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

async fn exists(connection: &DatabaseConnection, database: &str) -> bool {
    is_true(connection, &format!("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = '{database}')")).await
}

async fn is_true(connection: &DatabaseConnection, sql: &str) -> bool {
    let row = connection.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await;
    row.unwrap_or_else(|error| panic!("{sql}: {error}")).is_some_and(|row| row.try_get_by_index(0).unwrap())
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
