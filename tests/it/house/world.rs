//! A world: a database, one or more servers on it, a clock that stands still, a mailbox, and the people in it.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use entity::{ids::TypedId, job, role, user_role};
use futures_util::{FutureExt, future::LocalBoxFuture};
use polyphony::{
    access::{BaseRole, Op},
    app::{App, listen},
    base::{clock::Clock, random::Random},
    config::{
        Config, Env,
        limits::{Allowance, Requests},
    },
    platform::{Chosen, Platform},
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectOptions, ConnectionTrait, Database, DatabaseConnection,
    EntityTrait, QueryFilter,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{
    Backend, Caller, Person,
    database::Home,
    dump::Dump,
    in_soak,
    mailbox::{self, Mail},
    skip, spawn, within,
};

/// When every world begins.
const BEGINNING: &str = "2026-11-21T09:00:00Z";
/// No test takes this long.
const TEST_TIMEOUT: Duration = Duration::from_secs(120);
/// Nor does a long form take this long.
const SOAK_TIMEOUT: Duration = Duration::from_secs(24 * 3600);

/// A server with doors of its own.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Its doors.
    pub platform: Platform,
    /// Its settings.
    pub config: Arc<Config>,
    /// `http://127.0.0.1:…`
    pub url: String,
}

impl Instance {
    /// An operation of the system itself.
    pub fn op(&self) -> Op {
        Op::system("test", self.platform.clone(), self.config.clone())
    }
}

/// A world.
pub struct World {
    /// Which database it is on.
    pub backend: Backend,
    /// Its time.
    pub clock: Clock,
    home: Home,
    folder: TempDir,
    instances: Mutex<Vec<Running>>,
    count: AtomicU64,
}

struct Running {
    instance: Instance,
    shutdown: CancellationToken,
    served: JoinHandle<polyphony::base::error::Result<()>>,
}

impl World {
    /// Makes a world, lets a test loose in it, and takes it down. What the test left to be done is done, and must succeed.
    pub async fn run(backend: Backend, test: impl for<'a> FnOnce(&'a Self) -> LocalBoxFuture<'a, ()>) {
        let Some(world) = Self::make(backend).await else { return skip("PostgreSQL") };
        let limit = if in_soak() { SOAK_TIMEOUT } else { TEST_TIMEOUT };
        let outcome = tokio::time::timeout(limit, AssertUnwindSafe(test(&world)).catch_unwind()).await;
        let outcome = match outcome {
            Ok(Ok(())) => AssertUnwindSafe(world.finish()).catch_unwind().await,
            Ok(panic) => panic,
            Err(_) => Err(Box::new("the test took too long") as Box<dyn std::any::Any + Send>),
        };
        world.close().await;
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    }

    async fn make(backend: Backend) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let world = Self {
            backend,
            clock: Clock::standing(BEGINNING.parse().unwrap()),
            home: Home::make(backend, folder.path()).await?,
            folder,
            instances: Mutex::default(),
            count: AtomicU64::new(0),
        };
        world.instance(|_| {}).await;
        Some(world)
    }

    /// Starts a further server on the same database, with other settings if the test wants them.
    pub async fn instance(&self, change: impl FnOnce(&mut Config)) -> Instance {
        let number = self.next_number();
        let mut config = self.config();
        change(&mut config);
        let config = Arc::new(config);
        // Every instance draws other numbers, or they would make the same ids.
        let chosen = Chosen { clock: Some(self.clock.clone()), random: Some(Random::seeded(number)) };
        let app = App::open(config.clone(), chosen).await.unwrap();
        let listener = listen(&config).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let instance = Instance { platform: app.platform.clone(), config, url };
        let shutdown = CancellationToken::new();
        let served = spawn(app.serve(listener, shutdown.clone()));
        self.instances.lock().unwrap().push(Running { instance: instance.clone(), shutdown, served });
        instance
    }

    /// A second server like the first.
    pub async fn second_instance(&self) -> Instance {
        self.instance(|_| {}).await
    }

    fn config(&self) -> Config {
        let folder = self.folder.path().display().to_string();
        let key = "07".repeat(32);
        let mut config = Config::read(&mut Env::of([
            ("DATABASE_URL", self.home.url.as_str()),
            ("DATABASE_POOL", "5"),
            ("DATA_DIR", &folder),
            ("DEMO_DATA", "false"),
            ("WORKER", "false"),
            ("PORT", "0"),
            ("VAULT_KEYS", &key),
        ]))
        .unwrap();
        config.database.durable = false;
        config.database.migrate_on_start = false;
        config.database.poll_interval = Duration::from_millis(20);
        config.auth.argon2_memory_kib = 8;
        config.auth.argon2_passes = 1;
        // A stage has many people, all of one address. Tests of the limits set their own.
        config.limits.sign_up.count = 100_000;
        config.limits.requests = raised(config.limits.requests);
        // The tests' clients hang up by themselves; who does not is not waited for.
        config.limits.drain = Duration::from_millis(50);
        config
    }

    /// The first server.
    pub fn first(&self) -> Instance {
        self.instances.lock().unwrap()[0].instance.clone()
    }

    /// The doors of the first server.
    pub fn platform(&self) -> Platform {
        self.first().platform
    }

    fn next_number(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    // --- Time

    /// Now, in this world.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Moves the clock on.
    pub fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
    }

    // --- People

    /// Somebody who signs up with this name.
    pub async fn person(&self, name: &str) -> Person {
        Person::sign_up(self.anonymous(), name).await
    }

    /// Nobody.
    pub fn anonymous(&self) -> Caller {
        Caller::new(&self.first())
    }

    /// An administrator whose sign-in is fresh.
    pub async fn admin(&self) -> Person {
        let name = format!("admin-{}", self.next_number());
        let person = self.person(&name).await;
        self.grant(&person, BaseRole::Admin).await;
        person.sign_in().await
    }

    /// A moderator of the whole place.
    pub async fn moderator(&self) -> Person {
        let name = format!("moderator-{}", self.next_number());
        let person = self.person(&name).await;
        self.grant(&person, BaseRole::Moderator).await;
        person.sign_in().await
    }

    /// Grants a role by writing the row. The first administrator of a place is made by its operator and not through the API, so there
    /// is no way in for a test either.
    pub async fn grant(&self, person: &Person, base: BaseRole) {
        let platform = self.platform();
        let user_id = entity::ids::UserId::parse(&person.id).unwrap();
        platform
            .write(async |tx| {
                let known = role::Entity::find().filter(role::Column::Name.eq(base.name())).one(tx).await?;
                let role_id = match known {
                    Some(role) => role.id,
                    None => {
                        let row = role::ActiveModel {
                            id: Set(tx.new_id()),
                            name: Set(base.name().to_owned()),
                            display_name: Set(base.name().to_owned()),
                            description: Set(None),
                            is_system: Set(true),
                            is_active: Set(true),
                            version: Set(1),
                            created_at: Set(tx.now()),
                            updated_at: Set(tx.now()),
                        };
                        row.insert(tx).await?.id
                    }
                };
                let row = user_role::ActiveModel {
                    id: Set(tx.new_id()),
                    user_id: Set(user_id),
                    role_id: Set(role_id),
                    assigned_at: Set(tx.now()),
                    assigned_by: Set(None),
                    expires_at: Set(None),
                    is_active: Set(true),
                };
                row.insert(tx).await?;
                Ok(())
            })
            .await
            .unwrap();
    }

    // --- What happened

    /// Runs the jobs that are due, and those they enqueue; gives how many.
    pub async fn run_jobs(&self) -> u64 {
        polyphony::worker::run_until_idle(&Arc::new(self.first().op())).await.unwrap()
    }

    /// Runs the jobs that are due, then reads the mails sent to an address, oldest first.
    pub async fn mails_to(&self, address: &str) -> Vec<Mail> {
        self.run_jobs().await;
        let mut mails = mailbox::read(&self.folder.path().join("mail"));
        mails.retain(|mail| mail.to.contains(address));
        mails
    }

    /// The newest mail to an address.
    pub async fn mail_to(&self, address: &str) -> Mail {
        self.mails_to(address).await.pop().unwrap_or_else(|| panic!("no mail was sent to {address}"))
    }

    /// Runs SQL as an operator at a console would: nobody is told.
    pub async fn by_hand(&self, sql: &str) {
        self.platform()
            .write(async |tx| {
                tx.execute_unprepared(sql).await?;
                Ok(())
            })
            .await
            .unwrap();
    }

    /// A connection to the database that is not the server's: another program on the same PostgreSQL.
    pub async fn foreign_connection(&self) -> DatabaseConnection {
        let mut options = ConnectOptions::new(&self.home.url);
        options.max_connections(1).sqlx_logging(false);
        Database::connect(options).await.unwrap()
    }

    /// The database file of a world on SQLite.
    pub fn database_file(&self) -> std::path::PathBuf {
        self.folder.path().join("polyphony.db")
    }

    /// What the database holds.
    pub async fn dump(&self) -> Dump {
        Dump::of(&self.platform()).await
    }

    /// Waits until every server has seen everything that was committed.
    pub async fn settle(&self) {
        let events: Vec<_> =
            self.instances.lock().unwrap().iter().map(|running| running.instance.platform.events.clone()).collect();
        for events in events {
            within("the log to be read", events.settle()).await.unwrap();
        }
    }

    async fn finish(&self) {
        self.run_jobs().await;
        let left: Vec<_> = job::Entity::find()
            .filter(
                sea_orm::Condition::any()
                    .add(job::Column::Status.ne(job::Status::Pending))
                    .add(job::Column::RunAt.lte(self.now())),
            )
            .all(&self.platform().database.read())
            .await
            .unwrap();
        assert!(left.is_empty(), "jobs were left undone: {left:#?}");
    }

    async fn close(self) {
        for running in self.instances.into_inner().unwrap() {
            running.shutdown.cancel();
            within("the server to stop", running.served).await.unwrap().unwrap();
        }
        self.home.remove().await;
    }
}

/// What requests have to pass, so high that a world of many people, in which time stands still, does not meet it.
fn raised(mut requests: Requests) -> Requests {
    let Requests { overall, by_address, person, anonymous, socket } = &mut requests;
    for rate in [overall, by_address, socket] {
        rate.count = 1_000_000;
    }
    for Allowance { operations, mutations, subscriptions } in [person, anonymous] {
        for rate in [operations, mutations, subscriptions] {
            rate.count = 1_000_000;
        }
    }
    requests
}

/// Waits for what is behind to catch up.
pub trait Settle {
    /// Waits until this instance has seen everything that is committed.
    async fn settle(&self) -> polyphony::base::error::Result<()>;
}

impl Settle for polyphony::platform::events::Events {
    async fn settle(&self) -> polyphony::base::error::Result<()> {
        while self.lag().await? > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }
}

impl Instance {
    /// Statements `work` runs on this instance. Nothing else may be going on there; see [`World::quiet_instance`].
    pub async fn statements<T>(&self, work: impl Future<Output = T>) -> (u64, T) {
        let before = self.platform.database.statements();
        let value = work.await;
        (self.platform.database.statements() - before, value)
    }
}

impl World {
    /// A server that does nothing by itself, so that statements can be counted on it.
    pub async fn quiet_instance(&self) -> Instance {
        self.settle().await;
        self.instance(|config| {
            config.database.poll_interval = Duration::from_secs(3600);
            config.auth.recheck_interval = Duration::from_secs(3600);
            config.auth.standing_age = Duration::ZERO;
        })
        .await
    }
}
