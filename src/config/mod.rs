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
/// What the log looks like.
pub mod log;

mod env;

pub use app::Environment;
pub use env::Env;

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
        let config = Self {
            database: database::Database::read(env, &app),
            cache: cache::Cache::read(env),
            auth: auth::Auth::read(env, &app),
            mail: mail::Mail::read(env, &app),
            limits: limits::Limits::read(env, &app),
            log: log::Log::read(env, &app),
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

/// An address without its password.
pub(crate) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    match rest.rsplit_once('@') {
        Some((credentials, host)) => {
            let user = credentials.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:***@{host}")
        }
        None => url.to_owned(),
    }
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

    #[test]
    fn a_number_that_is_none_is_refused() {
        let error = Config::read(&mut Env::of([("PORT", "http")])).unwrap_err();
        assert!(error.contains("PORT"), "{error}");
    }

    #[test]
    fn no_secret_is_described() {
        let config = Config::read(&mut Env::of([
            ("DATABASE_URL", "postgres://polyphony:hunter2@db/polyphony"),
            ("REDIS_URL", "redis://:hunter2@cache"),
            ("SMTP_URL", "smtps://mailer:hunter2@mail"),
        ]))
        .unwrap();
        assert!(config.describe().iter().all(|(_, value)| !value.contains("hunter2")));
    }
}
