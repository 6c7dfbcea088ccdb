//! Floor 7: configuration to platform to schema to transports and worker, and the way back down.

use std::{pin::pin, sync::Arc};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    access::Op,
    base::error::{Error, Result},
    config::{Config, Environment},
    demo, http,
    platform::{Chosen, Platform, database},
    schema::Api,
    worker,
};

/// A server with everything it needs, not yet listening.
pub struct App {
    /// Everything outside.
    pub platform: Platform,
    /// Settings.
    pub config: Arc<Config>,
    state: http::State,
}

impl App {
    /// Brings the database up to date, fills an empty one with demo data if asked to, and opens every door.
    pub async fn open(config: Arc<Config>, chosen: Chosen) -> Result<Self> {
        // Before anything outside is touched: a document that cannot be trusted stops the start.
        let api = Api::new(config.clone()).await?;
        if config.database.migrate_on_start {
            database::migrate(&config.database).await?;
        }
        if config.app.demo_data {
            demo::fill_if_empty(&config).await?;
        }
        let platform = Platform::open(&config, chosen).await?;
        if config.app.environment == Environment::Production
            && let Err(error) = demo::refuse_open_accounts(&platform).await
        {
            platform.close().await;
            return Err(error);
        }
        let state = http::State::new(platform.clone(), config.clone(), api);
        Ok(Self { platform, config, state })
    }

    /// Runs background jobs in this process too.
    pub fn work(&self) {
        worker::start(Arc::new(Op::system("worker", self.platform.clone(), self.config.clone())));
    }

    /// Serves until `shutdown`, then drains sockets, stops tasks and closes the databases.
    pub async fn serve(self, listener: TcpListener, shutdown: CancellationToken) -> Result<()> {
        let door = http::Door::new(self.config.app.environment);
        door.open(self.state);
        let served = http::serve(listener, door, self.config, shutdown).await;
        self.platform.close().await;
        served.map_err(Error::internal)
    }
}

/// Listens and answers that it is starting, opens everything, tells `opened`, and serves until `shutdown`.
pub async fn run(
    config: Arc<Config>,
    listener: TcpListener,
    shutdown: CancellationToken,
    opened: impl FnOnce(&App),
) -> Result<()> {
    let door = http::Door::new(config.app.environment);
    let mut serving = pin!(http::serve(listener, door.clone(), config.clone(), shutdown));
    let app = tokio::select! {
        served = &mut serving => return served.map_err(Error::internal),
        app = Box::pin(App::open(config, Chosen::default())) => app?,
    };
    door.open(app.state.clone());
    opened(&app);
    let served = serving.await;
    app.platform.close().await;
    served.map_err(Error::internal)
}

/// Listens where the configuration says; port 0 takes a free one.
pub async fn listen(config: &Config) -> Result<TcpListener> {
    let address = (config.app.host.as_str(), config.app.port);
    TcpListener::bind(address).await.map_err(|error| {
        Error::internal(format!("cannot listen on {}:{}: {error}; set HOST and PORT", config.app.host, config.app.port))
    })
}

/// Comes on Ctrl-C and on SIGTERM.
pub async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                tokio::select! {
                    _ = interrupt => {}
                    _ = terminate.recv() => {}
                }
            }
            Err(_) => drop(interrupt.await),
        }
    }
    #[cfg(not(unix))]
    drop(interrupt.await);
}
