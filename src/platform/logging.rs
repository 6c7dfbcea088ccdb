//! Where the log is written: to standard error, which supervisors and containers collect, or into files of a day each.

use std::io::IsTerminal;

use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use super::private;
use crate::{
    base::error::{Error, Result},
    config::log::{Format, Log},
};

/// Days of files that are kept; older ones are deleted when a new day begins.
const DAYS: usize = 30;

/// Starts the log of this process. Call it once.
///
/// # Errors
/// When `LOG_DIR` cannot be written to.
pub fn start(config: &Log) -> Result<()> {
    let filter = EnvFilter::try_new(&config.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let registry = tracing_subscriber::registry().with(filter);
    match (&config.folder, config.format) {
        (None, Format::Text) => {
            let colours = std::io::stderr().is_terminal();
            registry.with(fmt::layer().with_ansi(colours).with_writer(std::io::stderr)).init();
        }
        (None, Format::Json) => registry.with(fmt::layer().json().with_writer(std::io::stderr)).init(),
        (Some(_), Format::Text) => {
            registry.with(fmt::layer().with_ansi(false).with_writer(files(config)?)).init();
        }
        (Some(_), Format::Json) => registry.with(fmt::layer().json().with_writer(files(config)?)).init(),
    }
    Ok(())
}

fn files(config: &Log) -> Result<RollingFileAppender> {
    let folder = config.folder.as_deref().unwrap_or(std::path::Path::new("."));
    let explain = |error: &dyn std::fmt::Display| {
        let advice = "set LOG_DIR to a folder this user may write to, or unset it: the log then goes to standard error";
        Error::internal(format!("cannot write the log into {}: {error}; {advice}", folder.display()))
    };
    // Addresses of people are in it: the folder keeps everybody else out.
    private::folder(folder).map_err(|error| explain(&error))?;
    RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("polyphony")
        .filename_suffix("log")
        .max_log_files(DAYS)
        .build(folder)
        .map_err(|error| explain(&error))
}
