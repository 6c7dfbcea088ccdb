//! Where the log is written: to standard error, which supervisors and containers collect, or into files of a day each.

use std::{backtrace::Backtrace, io::IsTerminal, panic::PanicHookInfo};

use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use super::{metrics, private};
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
    let stacks = config.stacks;
    std::panic::set_hook(Box::new(move |panic| note(panic, stacks)));
    Ok(())
}

/// A panic is a line of the log like any other, counted, and with its stack in development or at DEBUG only. Whoever catches it answers
/// INTERNAL or tries the job again.
fn note(panic: &PanicHookInfo<'_>, stacks: bool) {
    metrics::panicked();
    let said = panic.payload_as_str().unwrap_or("without words");
    let place = panic.location().map(ToString::to_string);
    let stack = (stacks || tracing::enabled!(tracing::Level::DEBUG)).then(|| Backtrace::force_capture().to_string());
    tracing::error!(target: "polyphony::panic", said, place, stack);
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

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What a panic leaves in a JSON log.
    fn logged(level: &str, stacks: bool) -> serde_json::Value {
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = fmt::layer().json().with_writer(move || writer.clone());
        let subscriber = tracing_subscriber::registry().with(EnvFilter::new(level)).with(layer);
        let before = std::panic::take_hook();
        let tester = std::thread::current().id();
        std::panic::set_hook(Box::new(move |panic| {
            if std::thread::current().id() == tester {
                note(panic, stacks);
            }
        }));
        let caught =
            tracing::subscriber::with_default(subscriber, || std::panic::catch_unwind(|| panic!("over {}", "board")));
        std::panic::set_hook(before);
        assert!(caught.is_err());
        let bytes = lines.0.lock().unwrap().clone();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn a_panic_is_one_line_with_a_stack_where_one_may_be_shown() {
        for (level, stacks, shown) in [("warn", false, false), ("warn", true, true), ("debug", false, true)] {
            let line = logged(level, stacks);
            assert_eq!((&line["level"], &line["fields"]["said"]), (&"ERROR".into(), &"over board".into()), "{line}");
            assert!(line["fields"]["place"].as_str().unwrap().contains("logging.rs"), "{line}");
            assert_eq!(line["fields"]["stack"].is_string(), shown, "{level} {stacks}: {line}");
        }
    }
}
