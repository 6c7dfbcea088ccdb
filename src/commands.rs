//! Floor 7: what can be told on the command line.

use std::{io::Write as _, process::ExitCode, sync::Arc, time::Duration};

use clap::{Parser, Subcommand};
use tokio_util::sync::CancellationToken;

use crate::{
    access::Op,
    app,
    base::error::{Error, Result},
    config::{self, Config, Environment},
    demo,
    domains::auth,
    platform::{Chosen, Platform, database, logging, mail::Mailer},
    schema, worker,
};

/// One GraphQL backend for creator platforms. Settings come from the environment and from `.env`; see `.env.example`.
#[derive(Debug, Parser)]
#[command(name = "polyphony", version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves GraphQL and the playground (what happens without a command).
    Serve,
    /// Runs background jobs only, beside servers started with WORKER=false.
    Worker,
    /// Brings the database schema up to date, takes steps back, or says where it stands.
    Migrate {
        #[command(subcommand)]
        step: Migrate,
    },
    /// Fills an empty database with demo data.
    Demo,
    /// Prints the schema.
    Schema,
    /// Tries to reach everything outside and says what to do about what does not answer.
    Doctor,
    /// Prints the effective settings, without secrets.
    Config,
    /// Grants a role, such as ADMIN to the first administrator.
    Grant {
        /// Username or email address.
        login: String,
        /// USER, CREATOR, MODERATOR, ADMIN, or the name of a role of your own.
        role: String,
    },
}

#[derive(Debug, Subcommand)]
enum Migrate {
    /// Applies what has not been applied.
    Up,
    /// Takes the newest steps back. Their data is lost.
    Down {
        /// How many.
        #[arg(default_value_t = 1)]
        steps: u32,
    },
    /// Lists all steps and whether they have been applied.
    Status,
}

/// Runs the program.
pub fn main() -> ExitCode {
    // The first of the crypto providers compiled in, chosen by hand: rustls will not guess.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments = Arguments::parse();
    let config = match Config::from_env() {
        Ok(config) => Arc::new(config),
        Err(faults) => return complain(&format!("The settings are not right:\n{faults}")),
    };
    if let Err(error) = logging::start(&config.log) {
        return complain(&readable(&error));
    }
    config.doubts.iter().for_each(|doubt| tracing::warn!("{doubt}"));
    // Validation recurses over a document; the deepest that passes the pre-check needs less than half of this, unoptimised.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(4 << 20).build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(run(arguments.command.unwrap_or(Command::Serve), config)),
        Err(error) => Err(Error::internal(error)),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => complain(&readable(&error)),
    }
}

async fn run(command: Command, config: Arc<Config>) -> Result<ExitCode> {
    match command {
        Command::Serve => serve(config).await?,
        Command::Worker => work(config).await?,
        Command::Migrate { step: Migrate::Up } => {
            database::migrate(&config.database).await?;
            say("The database schema is up to date.");
        }
        Command::Migrate { step: Migrate::Down { steps } } => {
            database::migrate_down(&config.database, steps).await?;
            say(&match steps {
                1 => "The newest step is taken back.".to_owned(),
                _ => format!("The newest {steps} steps are taken back."),
            });
        }
        Command::Migrate { step: Migrate::Status } => {
            for (name, applied) in database::migrations(&config.database).await? {
                say(&format!("{}  {name}", if applied { "applied" } else { "pending" }));
            }
        }
        Command::Demo if config.app.environment == Environment::Production => {
            return Err(Error::internal(
                "production takes no demo data: everybody knows its passwords; set APP_ENV=development, and DATABASE_URL to a database \
                 that production does not use",
            ));
        }
        Command::Demo => {
            database::migrate(&config.database).await?;
            say(if demo::fill_if_empty(&config).await? {
                "The database holds the demo data now."
            } else {
                "The database is not empty; nothing was changed."
            });
        }
        Command::Schema => say(schema::sdl(&config).trim_end()),
        Command::Config => {
            for (name, value) in config.describe() {
                say(&format!("{name}={value}"));
            }
        }
        Command::Doctor => return doctor(&config).await,
        Command::Grant { login, role } => {
            let platform = Platform::open(&config, Chosen::default()).await?;
            let op = Op::system("grant", platform.clone(), config);
            let user = auth::grant_by_name(&op, &login, &role).await?;
            platform.close().await;
            say(&format!("{} holds the role {role} now.", user.display_name));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn serve(config: Arc<Config>) -> Result<()> {
    // Bound first: a taken port should be told before anything is opened.
    let listener = app::listen(&config).await?;
    let address = listener.local_addr().map_err(Error::internal)?;
    let shutdown = CancellationToken::new();
    let (settings, raise) = (config.clone(), shutdown.clone());
    let running = app::run(config, listener, shutdown, |app| {
        if settings.app.worker {
            app.work();
        }
        say(&format!("Polyphony is listening on http://{address}"));
        if settings.app.playground {
            say(&format!("  playground  http://{address}/"));
        }
        say(&format!("  GraphQL     http://{address}/graphql (POST, GET, WebSocket, server-sent events)"));
        if settings.app.demo_data {
            say(&format!("  demo people {} (password: {})", demo::USERNAMES.join(", "), demo::PASSWORD));
        }
    });
    let stopping = async {
        app::stop_signal().await;
        tracing::info!("stopping: letting what is open end; once more stops at once");
        raise.cancel();
        app::stop_signal().await;
    };
    tokio::select! {
        served = Box::pin(running) => served,
        () = stopping => Ok(()),
    }
}

async fn work(config: Arc<Config>) -> Result<()> {
    if config.database.migrate_on_start {
        database::migrate(&config.database).await?;
    }
    let platform = Platform::open(&config, Chosen::default()).await?;
    worker::start(Arc::new(Op::system("worker", platform.clone(), config)));
    say("Polyphony is running background jobs.");
    app::stop_signal().await;
    tracing::info!("stopping: letting jobs under way end");
    platform.close().await;
    Ok(())
}

async fn doctor(config: &Arc<Config>) -> Result<ExitCode> {
    let mut healthy = true;
    let mut report = |what: &str, result: std::result::Result<String, String>, advice: &str| match result {
        Ok(detail) => say(&format!("ok    {what}: {detail}")),
        Err(fault) => {
            healthy = false;
            say(&format!("FAIL  {what}: {fault}\n      {advice}"));
        }
    };
    let url = config::without_password(&config.database.url);
    let pending = database::migrations(&config.database).await.map(|all| all.iter().filter(|(_, done)| !done).count());
    let (is_ready, advice) = match &pending {
        Ok(pending) => (*pending == 0, "Run `polyphony migrate up`, or set MIGRATE_ON_START=true."),
        Err(_) => (false, "Nothing works without it."),
    };
    let state = match pending {
        Ok(0) => Ok(format!("{url}, schema up to date")),
        Ok(pending) if config.database.migrate_on_start => {
            Ok(format!("{url}, the next start applies {pending} migrations"))
        }
        Ok(pending) => Err(format!("{url}, {pending} migrations have not been applied")),
        Err(error) => Err(readable(&error)),
    };
    report("database", state, advice);
    if !config.doubts.is_empty() {
        report(
            "settings",
            Err(config.doubts.join(" ")),
            "Set the right one, or leave the other out: outside of development it stops the start.",
        );
    }
    if let Some(url) = &config.cache.redis_url {
        let answer = ping_redis(url).await.map(|()| config::without_password(url));
        report(
            "Redis",
            answer,
            "Check REDIS_URL; without Redis, unset it: instances then share their limits by PostgreSQL.",
        );
    }
    if let Some(path) = &config.app.trusted_documents {
        let read = schema::Api::new(config.clone()).await.map_err(|error| readable(&error));
        let state = read.map(|api| format!("{} in {}", api.trusted_documents().unwrap_or_default(), path.display()));
        report("trusted documents", state, "Mend the file, or unset TRUSTED_DOCUMENTS: any document may be run then.");
    }
    report("mail", ping_mail(config).await, "Check SMTP_URL; on a laptop unset it, and mail goes into a folder.");
    if is_ready {
        match Platform::open(config, Chosen::default()).await {
            Err(error) => {
                report("doors", Err(readable(&error)), "Mend what is named there; nothing starts without it.")
            }
            Ok(platform) => {
                let lag = platform.events.lag().await.map(|lag| (lag, format!("{lag} events waiting")));
                let state = match lag {
                    Ok((lag, text)) if lag < 1000 => Ok(text),
                    Ok((_, text)) => Err(text),
                    Err(error) => Err(readable(&error)),
                };
                let advice = "An old transaction holds the log's horizon back: look for it in pg_stat_activity.";
                report("event log", state, advice);
                let state = match auth::unopened_keys(&platform).await {
                    Ok(0) => Ok("the vault opens them".to_owned()),
                    Ok(count) => Err(format!("{count} of them cannot be opened")),
                    Err(error) => Err(readable(&error)),
                };
                report("signing keys", state, auth::UNOPENED_KEYS);
                platform.close().await;
            }
        }
    }
    Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn ping_mail(config: &Config) -> std::result::Result<String, String> {
    let mailer = Mailer::open(&config.mail).map_err(|error| readable(&error))?;
    match tokio::time::timeout(Duration::from_secs(10), mailer.is_reachable()).await {
        Ok(Ok(true)) => Ok("answers".to_owned()),
        Ok(Ok(false)) => Err("refuses".to_owned()),
        Ok(Err(error)) => Err(readable(&error)),
        Err(_) => Err("does not answer within 10 seconds".to_owned()),
    }
}

async fn ping_redis(url: &str) -> std::result::Result<(), String> {
    let ping = async {
        let client = redis::Client::open(url)?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd("PING").query_async::<String>(&mut connection).await
    };
    match tokio::time::timeout(Duration::from_secs(5), ping).await {
        Ok(answer) => answer.map(drop).map_err(|error: redis::RedisError| error.to_string()),
        Err(_) => Err("does not answer within 5 seconds".to_owned()),
    }
}

/// For the person at the terminal: the sentence, or for an inner fault its chain.
fn readable(error: &Error) -> String {
    let chain = error.chain();
    if chain.is_empty() { error.message().to_owned() } else { chain }
}

/// What the command was asked for. Who reads it may have heard enough, as `head` does: a closed pipe is no fault.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

#[expect(clippy::print_stderr, reason = "the log may not have been started yet")]
fn complain(sentence: &str) -> ExitCode {
    eprintln!("{sentence}");
    ExitCode::FAILURE
}
