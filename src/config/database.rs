//! The databases.

use std::time::Duration;

use super::{Env, app::App, without_password};

/// What `DB_TLS` takes: the values of PostgreSQL's own `sslmode`.
const TLS: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// Where rows live.
#[derive(Clone, Debug)]
pub struct Database {
    /// `DATABASE_URL`: `postgres://…` or `sqlite://path`; else from `DB_HOST`, `DB_PORT`, `DB_NAME`, `DB_USER`, `DB_PASSWORD`;
    /// else the embedded file `polyphony.db` in `DATA_DIR`.
    pub url: String,
    /// `DATABASE_POOL`: connections for reading (SQLite) or for everything (PostgreSQL).
    pub pool: u32,
    /// How long a write may take before PostgreSQL ends it. The log's horizon waits for the slowest writer of the cluster, so a
    /// stuck one would hold up every listener.
    pub write_timeout: Duration,
    /// How long to wait for a free connection.
    pub acquire_timeout: Duration,
    /// `fsync` at every commit. Off only in tests that do not test crashes.
    pub durable: bool,
    /// `MIGRATE_ON_START`: bring the schema up to date before serving; safe with several instances.
    pub migrate_on_start: bool,
    /// How often to look for events when no wake-up comes.
    pub poll_interval: Duration,
    /// How often to make sure that the log is still the same one, and not that of a restored backup or another cluster.
    pub log_check_interval: Duration,
    /// Events kept in memory for listeners: about half a kilobyte each.
    pub ring: usize,
    /// `EVENT_RETENTION_HOURS`: how long the log is kept, and so how long a cursor lives.
    pub event_retention: Duration,
    /// `DELETED_RETENTION_DAYS`: how long deleted conversations stay before they are cleared away, at least as long as the log.
    pub deleted_retention: Duration,
}

impl Database {
    pub(super) fn read(env: &mut Env, app: &App) -> Self {
        let parts = env.text("DB_HOST").map(|host| {
            let port: u16 = env.number("DB_PORT", 5432, 1..=u16::MAX);
            let user = env.text("DB_USER").unwrap_or_else(|| "polyphony".into());
            let name = env.text("DB_NAME").unwrap_or_else(|| "polyphony".into());
            let password = env.text("DB_PASSWORD").map(|word| format!(":{}", percent(&word))).unwrap_or_default();
            let tls = env.text("DB_TLS").unwrap_or_else(|| "prefer".into());
            if !TLS.contains(&tls.as_str()) {
                env.fault(format!("DB_TLS: takes {}, this is {tls:?}", TLS.join(", ")));
            }
            format!("postgres://{}{password}@{host}:{port}/{}?sslmode={tls}", percent(&user), percent(&name))
        });
        let url = env.text("DATABASE_URL").or(parts);
        let embedded = || format!("sqlite://{}", app.data_dir.join("polyphony.db").display());
        let url = url.unwrap_or_else(embedded);
        if !["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| url.starts_with(scheme)) {
            env.fault("DATABASE_URL: takes postgres://user:password@host/name or sqlite://path");
        }
        let sqlite = url.starts_with("sqlite:");
        let pool: u32 = env.number("DATABASE_POOL", if sqlite { 4 } else { 16 }, 1..=100);
        let event_retention = Duration::from_secs(3600 * env.number("EVENT_RETENTION_HOURS", 72, 1..=8760));
        // A listener that resumes hears of the deletion by a row that is still there.
        let deleted_retention = Duration::from_secs(24 * 3600 * env.number("DELETED_RETENTION_DAYS", 30, 1..=3650));
        Self {
            pool,
            write_timeout: Duration::from_secs(5),
            acquire_timeout: Duration::from_secs(10),
            durable: true,
            migrate_on_start: env.flag("MIGRATE_ON_START", true),
            // Another process on the same SQLite file can only be noticed by looking.
            poll_interval: Duration::from_millis(if sqlite { 250 } else { 1000 }),
            log_check_interval: Duration::from_secs(60),
            ring: env.number("EVENT_RING", 20_000, 100..=10_000_000),
            event_retention,
            deleted_retention: deleted_retention.max(event_retention),
            url,
        }
    }

    pub(super) fn describe(&self) -> Vec<(&'static str, String)> {
        vec![
            ("DATABASE_URL", without_password(&self.url)),
            ("DATABASE_POOL", self.pool.to_string()),
            ("MIGRATE_ON_START", self.migrate_on_start.to_string()),
            ("EVENT_RING", self.ring.to_string()),
            ("EVENT_RETENTION_HOURS", (self.event_retention.as_secs() / 3600).to_string()),
            ("DELETED_RETENTION_DAYS", (self.deleted_retention.as_secs() / (24 * 3600)).to_string()),
        ]
    }
}

/// Percent-encodes what could end a part of an address early.
fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    fn url(settings: &[(&str, &str)]) -> Result<String, String> {
        let mut env = Env::of(settings.iter().copied());
        let app = App::read(&mut env);
        let url = Database::read(&mut env, &app).url;
        env.finish().map(|()| url)
    }

    /// PLT-034: the address in parts, whatever a password is made of; the whole wins over its parts.
    #[test]
    fn parts_make_the_address() {
        assert_eq!(url(&[("DB_HOST", "db")]).unwrap(), "postgres://polyphony@db:5432/polyphony?sslmode=prefer");
        let word = "p@ss:w/rd?#% é";
        let parts = [
            ("DB_HOST", "db.example.org"),
            ("DB_PORT", "6432"),
            ("DB_NAME", "my shop"),
            ("DB_USER", "shop/keeper"),
            ("DB_PASSWORD", word),
            ("DB_TLS", "verify-full"),
        ];
        let made = url(&parts).unwrap();
        let read = Url::parse(&made).unwrap();
        assert_eq!((read.host_str(), read.port()), (Some("db.example.org"), Some(6432)));
        assert_eq!(read.username(), "shop%2Fkeeper");
        assert_eq!(read.password(), Some("p%40ss%3Aw%2Frd%3F%23%25%20%C3%A9"));
        assert_eq!((read.path(), read.query()), ("/my%20shop", Some("sslmode=verify-full")));
        let whole = [("DATABASE_URL", "postgres://other/name")];
        assert_eq!(url(&[&parts[..], &whole].concat()).unwrap(), "postgres://other/name");
        // Nothing is read of the rest without a host: it belongs to another program.
        assert!(url(&[("DB_PORT", "tcp://10.0.0.7:5432")]).unwrap().starts_with("sqlite://"));
        assert!(url(&[("DB_HOST", "db"), ("DB_PORT", "pg")]).unwrap_err().starts_with("DB_PORT: "));
        let fault = url(&[("DB_HOST", "db"), ("DB_TLS", "on")]).unwrap_err();
        assert!(fault.starts_with("DB_TLS: takes disable") && fault.ends_with("this is \"on\""), "{fault}");
    }
}
