//! Settings, one struct a concern. The only floor that reads the environment.
//!
//! Every setting has a default that suits a laptop. Production (`APP_ENV=production`) refuses what would be unsafe there, and
//! says all that has to be set at once.

/// Where the server listens, who may call it, and what kind of place it runs in.
pub mod app;
/// The databases.
pub mod database;
/// Redis, when there is one.
pub mod cache;
/// Tokens, passwords and the keys of the vault.
pub mod auth;
/// How mail leaves the house.
pub mod mail;
/// Every ceiling, with its reason.
pub mod limits;
/// How often: what every request has to pass.
mod rates;
/// What the log looks like.
pub mod log;

mod env;

pub use app::Environment;
pub use env::Env;

use url::Url;

/// All settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the server listens, and in what kind of place.
    pub app: app::App,
    /// The databases.
    pub database: database::Database,
    /// Redis, when there is one.
    pub cache: cache::Cache,
    /// Tokens, passwords and keys.
    pub auth: auth::Auth,
    /// How mail leaves the house.
    pub mail: mail::Mail,
    /// Every ceiling.
    pub limits: limits::Limits,
    /// What the log looks like.
    pub log: log::Log,
    /// Variables that look like misspelt settings, a sentence each: told at the start. Outside of development they stop it.
    pub doubts: Vec<String>,
}

impl Config {
    /// Reads settings from the environment, after `.env` in the working folder where there is one.
    ///
    /// # Errors
    /// Everything that is malformed or missing, one sentence a line, each saying what to set.
    pub fn from_env() -> Result<Self, String> {
        Self::read(&mut Env::process()?)
    }

    /// Reads settings from a given set of variables.
    pub fn read(env: &mut Env) -> Result<Self, String> {
        let app = app::App::read(env);
        let doubts = env.misspelt();
        // A setting that goes unheard is found out too late there.
        if app.environment != Environment::Development {
            doubts.iter().for_each(|doubt| env.fault(format!("{doubt} Set that one, or leave this one out.")));
        }
        let config = Self {
            database: database::Database::read(env, &app),
            cache: cache::Cache::read(env),
            auth: auth::Auth::read(env, &app),
            mail: mail::Mail::read(env, &app),
            limits: limits::Limits::read(env, &app),
            log: log::Log::read(env, &app),
            doubts,
            app,
        };
        env.finish()?;
        Ok(config)
    }

    /// The effective settings, a line each, without secrets.
    pub fn describe(&self) -> Vec<(&'static str, String)> {
        let mut lines = self.app.describe();
        lines.extend(self.database.describe());
        lines.extend(self.cache.describe());
        lines.extend(self.auth.describe());
        lines.extend(self.mail.describe());
        lines.extend(self.limits.describe());
        lines.extend(self.log.describe());
        lines
    }
}

/// An address without its passwords: neither that before the host nor those in the query.
pub(crate) fn without_password(url: &str) -> String {
    const SECRET: [&str; 5] = ["pass", "secret", "token", "key", "credential"];
    let Ok(mut parsed) = Url::parse(url) else {
        // Better to show too little of what cannot be read.
        return url.split_once(':').map_or_else(|| "***".to_owned(), |(scheme, _)| format!("{scheme}:***"));
    };
    if parsed.password().is_some() {
        let _ = parsed.set_password(Some("***"));
    }
    if parsed.query().is_some() {
        let pairs: Vec<(String, String)> = parsed.query_pairs().into_owned().collect();
        let hidden = pairs.iter().map(|(name, value)| {
            let lower = name.to_ascii_lowercase();
            let is_secret = SECRET.iter().any(|word| lower.contains(word));
            (name.as_str(), if is_secret { "***" } else { value.as_str() })
        });
        parsed.query_pairs_mut().clear().extend_pairs(hidden);
    }
    parsed.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_configured_is_a_laptop() {
        let config = Config::read(&mut Env::of([])).unwrap();
        assert_eq!(config.app.environment, Environment::Development);
        assert_eq!((config.app.host.as_str(), config.app.port), ("127.0.0.1", 8000));
        assert!(config.app.demo_data);
    }

    #[test]
    fn production_says_all_that_is_missing_at_once() {
        let error = Config::read(&mut Env::of([("APP_ENV", "production"), ("ALLOWED_ORIGINS", "*")])).unwrap_err();
        for name in ["VAULT_KEYS", "ALLOWED_ORIGINS", "SMTP_URL", "PUBLIC_URL"] {
            assert!(error.contains(name), "{name} is not named in: {error}");
        }
    }

    /// On a laptop it is told and does not stop anything; elsewhere it does, see below.
    #[test]
    fn a_misspelt_setting_is_a_doubt_on_a_laptop() {
        let config = Config::read(&mut Env::of([("DATABASE_URI", "postgres://db/polyphony")])).unwrap();
        assert_eq!(config.doubts, ["DATABASE_URI: there is no such setting; did you mean DATABASE_URL?"]);
    }

    /// Whoever copies the example to `.env` may take the mark of a comment from any of its lines, or from all.
    #[test]
    fn every_line_of_the_example_can_be_uncommented() {
        let example = include_str!("../../.env.example");
        let lines = example.lines().map(|line| match line.strip_prefix('#') {
            Some(setting) if setting.starts_with(|first: char| first.is_ascii_uppercase()) => setting,
            _ => line,
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        let read: Result<Vec<(String, String)>, _> = dotenvy::from_read_iter(text.as_bytes()).collect();
        let read = read.unwrap();
        assert!(read.len() > 40, "{read:?}");
        let variables = read.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let config = Config::read(&mut Env::of(variables)).unwrap();
        assert_eq!(config.mail.from, "Polyphony <no-reply@example.org>");
    }

    #[test]
    fn a_number_that_is_none_is_refused() {
        let error = Config::read(&mut Env::of([("PORT", "http")])).unwrap_err();
        assert!(error.contains("PORT"), "{error}");
    }

    #[test]
    fn no_secret_is_described() {
        let config = Config::read(&mut Env::of([
            ("DATABASE_URL", "postgres://db/polyphony?user=polyphony&password=hunter2&sslmode=require"),
            ("REDIS_URL", "redis://:hunter2@cache"),
            ("SMTP_URL", "smtps://mailer:hunter2@mail"),
            ("METRICS_TOKEN", "hunter2"),
        ]))
        .unwrap();
        assert!(config.describe().iter().all(|(_, value)| !value.contains("hunter2")), "{:?}", config.describe());
        assert_eq!(without_password("postgres://u:hunter2@db/p"), "postgres://u:***@db/p");
        assert_eq!(without_password("sqlite://./data/polyphony.db"), "sqlite://./data/polyphony.db");
        for odd in ["postgres://u:hunter2@db:port/p", "hunter2"] {
            assert!(!without_password(odd).contains("hunter2"), "{odd}: {}", without_password(odd));
        }
    }

    /// What production refuses, each by its name.
    #[test]
    fn production_refuses_what_would_be_unsafe_there() {
        let key = "0123456789abcdef".repeat(4);
        let good = [
            ("APP_ENV", "production"),
            ("VAULT_KEYS", key.as_str()),
            ("SMTP_URL", "smtps://mailer:word@mail"),
            ("PUBLIC_URL", "https://api.example.org"),
            ("ALLOWED_ORIGINS", "https://app.example.org,https://admin.example.org:8443"),
        ];
        assert_eq!(Config::read(&mut Env::of(good)).err(), None);
        let zeros = "0".repeat(64);
        for (name, value) in [
            ("PUBLIC_URL", "http://api.example.org"),
            ("PUBLIC_URL", "api.example.org"),
            ("PUBLIC_URL", "https://"),
            ("PUBLIC_URL", "https://user@api.example.org/?a"),
            ("FRONTEND_URL", "http://app.example.org"),
            ("VAULT_KEYS", zeros.as_str()),
            ("VAULT_KEYS", "abcd"),
            ("ALLOWED_ORIGINS", "*"),
            ("ALLOWED_ORIGINS", "null"),
            ("ALLOWED_ORIGINS", "https://a.example,*"),
            ("ALLOWED_ORIGINS", "https://a.example/"),
            ("ALLOWED_ORIGINS", "https://a.example/app"),
            ("ALLOWED_ORIGINS", "a.example"),
            ("REFRESH_LIFETIME_HOURS", "0"),
            ("EVENT_RETENTION_HOURS", "18446744073709551615"),
            ("DATABASE_POOL", "0"),
            ("DEMO_DATA", "true"),
            ("SMTP_URL", "mail.example.org"),
            ("LOG_LEVEL", "verbose"),
            ("LOG_LEVEL", "info,polyphony=loud"),
            ("REDIS_URI", "redis://cache"),
        ] {
            let error = Config::read(&mut Env::of(good.into_iter().chain([(name, value)]))).unwrap_err();
            assert!(error.starts_with(&format!("{name}: ")) && error.lines().count() == 1, "{name}={value}: {error}");
        }
    }
}
