//! What the log looks like.

use std::path::PathBuf;

use tracing_subscriber::filter::{EnvFilter, LevelFilter};

use super::{Env, Environment, app::App};

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

/// Log settings.
#[derive(Clone, Debug)]
pub struct Log {
    /// `LOG_LEVEL`: a level, or a filter such as `info,polyphony=debug`.
    pub filter: String,
    /// `LOG_FORMAT`: `text` or `json`; production writes JSON unless told.
    pub format: Format,
    /// `LOG_DIR`: the folder of the log, a file a day, the newest thirty kept; standard error unless set.
    pub folder: Option<PathBuf>,
    /// Whether a panic is written down with its stack outside of DEBUG: in development only.
    pub stacks: bool,
}

/// True for a level, and for a target with one. The filter itself would take a misspelt level for a target and log nothing else.
fn is_directive(part: &str) -> bool {
    let level = part.rsplit_once('=').map_or(part, |(_, level)| level);
    level.parse::<LevelFilter>().is_ok() && EnvFilter::try_new(part).is_ok()
}

impl Log {
    pub(super) fn read(env: &mut Env, app: &App) -> Self {
        let production = app.environment == Environment::Production;
        let format = match env.text("LOG_FORMAT").as_deref() {
            None if production => Format::Json,
            None | Some("text") => Format::Text,
            Some("json") => Format::Json,
            Some(other) => {
                env.fault(format!("LOG_FORMAT: takes text or json, this is {other:?}"));
                Format::Text
            }
        };
        let quiet = if production {
            "warn,polyphony=warn,polyphony::request=info"
        } else {
            "info,sqlx=warn,sea_orm_migration=warn"
        };
        let filter = env.text("LOG_LEVEL").unwrap_or_else(|| quiet.into());
        if let Some(part) = filter.split(',').map(str::trim).find(|part| !is_directive(part)) {
            env.fault(format!(
                "LOG_LEVEL: takes error, warn, info, debug, trace, off, or a filter such as info,polyphony=debug, this is {part:?}"
            ));
        }
        let stacks = app.environment == Environment::Development;
        Self { filter, format, folder: env.text("LOG_DIR").map(PathBuf::from), stacks }
    }

    pub(super) fn describe(&self) -> Vec<(&'static str, String)> {
        let format = match self.format {
            Format::Text => "text",
            Format::Json => "json",
        };
        let folder = self.folder.as_ref().map(|folder| folder.display().to_string()).unwrap_or_default();
        vec![("LOG_LEVEL", self.filter.clone()), ("LOG_FORMAT", format.to_owned()), ("LOG_DIR", folder)]
    }
}
