//! Where the server listens, who may call it, and what kind of place it runs in.

use std::{fmt, str::FromStr, time::Duration};

use url::{Origin, Url};

use super::Env;

/// The kind of place: how strict to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// A laptop: demo data, any origin, readable logs.
    Development,
    /// A rehearsal of production.
    Staging,
    /// Strict.
    Production,
}

impl FromStr for Environment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "development" => Ok(Self::Development),
            "staging" => Ok(Self::Staging),
            "production" => Ok(Self::Production),
            other => Err(format!("takes development, staging or production, this is {other:?}")),
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Production => "production",
        })
    }
}

/// Who may call from a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// Anybody. Never in production.
    Any,
    /// Exactly these, such as `https://app.example.org`.
    Listed(Vec<String>),
}

/// The application as a whole.
#[derive(Clone, Debug)]
pub struct App {
    /// `APP_ENV`: how strict to be.
    pub environment: Environment,
    /// `HOST`: the address to listen on.
    pub host: String,
    /// `PORT`: 0 takes a free one and prints it.
    pub port: u16,
    /// `PUBLIC_URL`: how the world reaches this server.
    pub public_url: Option<String>,
    /// `FRONTEND_URL`: where mailed links lead.
    pub frontend_url: Option<String>,
    /// `ALLOWED_ORIGINS`: `*`, or origins separated by commas.
    pub origins: Origins,
    /// `DATA_DIR`: the folder of the embedded database, the mailbox and the keys of a laptop.
    pub data_dir: std::path::PathBuf,
    /// `DEMO_DATA`: fill an empty database with people who talk.
    pub demo_data: bool,
    /// `PLAYGROUND`: serve the playground at `/`.
    pub playground: bool,
    /// `INTROSPECTION`: let anybody ask for the schema.
    pub introspection: bool,
    /// `TRUSTED_DOCUMENTS`: the file that lists the only documents to run; without one, any may be run.
    pub trusted_documents: Option<std::path::PathBuf>,
    /// `PUBLIC_CACHE_SECONDS`: how long a cache on the way may keep what anybody gets by GET for a persisted document. None, unless the
    /// operator says what may be stale for so long.
    pub public_cache: Duration,
    /// `WORKER`: run background jobs inside `serve`; off where `polyphony worker` runs beside it.
    pub worker: bool,
    /// `METRICS_TOKEN`: what a scraper sends as a bearer token; without one, only loopback may scrape.
    pub metrics_token: Option<String>,
    /// `TRUST_PROXY`: take the client's address from `X-Forwarded-For`, set by your own proxy.
    pub trust_proxy: bool,
}

/// An origin as a browser writes it, or a fault that says how.
fn listed(env: &mut Env, origin: &str) -> String {
    let written = Url::parse(origin).ok().map(|url| url.origin()).filter(Origin::is_tuple);
    let written = written.map(|written| written.ascii_serialization());
    match written {
        Some(written) if written == origin => {}
        Some(written) => env.fault(format!(
            "ALLOWED_ORIGINS: {origin:?} is not written as browsers write an origin; did you mean {written}?"
        )),
        None => env.fault(format!(
            "ALLOWED_ORIGINS: takes * alone, or origins such as https://app.example.org separated by commas, this is {origin:?}"
        )),
    }
    origin.to_owned()
}

impl App {
    pub(super) fn read(env: &mut Env) -> Self {
        let environment = env.parse("APP_ENV", Environment::Development);
        let strict = environment == Environment::Production;
        let origins = match env.text("ALLOWED_ORIGINS").as_deref() {
            None if environment == Environment::Development => Origins::Any,
            None => Origins::Listed(Vec::new()),
            Some("*") if strict => {
                env.fault("ALLOWED_ORIGINS: production takes a list such as https://app.example.org, not *");
                Origins::Listed(Vec::new())
            }
            Some("*") => Origins::Any,
            Some(list) => Origins::Listed(list.split(',').map(|origin| listed(env, origin.trim())).collect()),
        };
        let app = Self {
            environment,
            host: env.text("HOST").unwrap_or_else(|| "127.0.0.1".into()),
            port: env.number("PORT", 8000, 0..=u16::MAX),
            public_url: env.address("PUBLIC_URL", strict),
            frontend_url: env.address("FRONTEND_URL", strict),
            origins,
            data_dir: env.text("DATA_DIR").unwrap_or_else(|| "./data".into()).into(),
            demo_data: env.flag("DEMO_DATA", environment == Environment::Development),
            playground: env.flag("PLAYGROUND", !strict),
            introspection: env.flag("INTROSPECTION", !strict),
            trusted_documents: env.text("TRUSTED_DOCUMENTS").map(Into::into),
            public_cache: Duration::from_secs(env.number("PUBLIC_CACHE_SECONDS", 0, 0..=86_400)),
            worker: env.flag("WORKER", true),
            metrics_token: env.text("METRICS_TOKEN"),
            trust_proxy: env.flag("TRUST_PROXY", false),
        };
        if strict && app.demo_data {
            env.fault("DEMO_DATA: production takes no demo data; leave it unset");
        }
        if strict && app.public_url.is_none() {
            env.fault("PUBLIC_URL: set the address the world reaches this server by, such as https://api.example.org");
        }
        app
    }

    /// The address for links: `FRONTEND_URL`, else `PUBLIC_URL`, else where the server listens.
    pub fn link_base(&self) -> String {
        let own = || format!("http://{}:{}", self.host, self.port);
        self.frontend_url.clone().or_else(|| self.public_url.clone()).unwrap_or_else(own)
    }

    pub(super) fn describe(&self) -> Vec<(&'static str, String)> {
        let origins = match &self.origins {
            Origins::Any => "*".to_owned(),
            Origins::Listed(list) => list.join(","),
        };
        vec![
            ("APP_ENV", self.environment.to_string()),
            ("HOST", self.host.clone()),
            ("PORT", self.port.to_string()),
            ("PUBLIC_URL", self.public_url.clone().unwrap_or_default()),
            ("FRONTEND_URL", self.frontend_url.clone().unwrap_or_default()),
            ("ALLOWED_ORIGINS", origins),
            ("DATA_DIR", self.data_dir.display().to_string()),
            ("DEMO_DATA", self.demo_data.to_string()),
            ("PLAYGROUND", self.playground.to_string()),
            ("INTROSPECTION", self.introspection.to_string()),
            (
                "TRUSTED_DOCUMENTS",
                self.trusted_documents.as_ref().map(|path| path.display().to_string()).unwrap_or_default(),
            ),
            ("PUBLIC_CACHE_SECONDS", self.public_cache.as_secs().to_string()),
            ("WORKER", self.worker.to_string()),
            ("METRICS_TOKEN", if self.metrics_token.is_some() { "(set)" } else { "" }.to_owned()),
            ("TRUST_PROXY", self.trust_proxy.to_string()),
        ]
    }
}
