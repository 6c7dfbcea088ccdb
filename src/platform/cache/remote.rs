//! Redis behind a breaker: a call waits a moment at the most, and while Redis does not answer nobody waits for it at all.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use redis::{
    RedisResult,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

use crate::{
    base::error::{Error, Result},
    platform::{metrics, tasks::Tasks},
};

/// How long a call may wait for Redis. In its own network it answers within a millisecond.
const PATIENCE: Duration = Duration::from_millis(400);
/// How often to look whether it is back.
const PROBE: Duration = Duration::from_millis(500);

/// The connection to Redis, and whether it is any good.
#[derive(Clone)]
pub(in crate::platform) struct Remote {
    connection: ConnectionManager,
    is_down: Arc<AtomicBool>,
    tasks: Tasks,
}

impl Remote {
    /// Connects with the first call: a server starts without its Redis too.
    pub(in crate::platform) fn open(url: &str, tasks: &Tasks) -> Result<Self> {
        let settings = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE))
            // Trying again is the probe's business.
            .set_number_of_retries(0);
        let client = redis::Client::open(url).map_err(|error| Error::internal(format!("REDIS_URL: {error}")))?;
        let connection = ConnectionManager::new_lazy_with_config(client, settings).map_err(Error::internal)?;
        metrics::redis_is_up(true);
        Ok(Self { connection, is_down: Arc::default(), tasks: tasks.clone() })
    }

    /// What Redis answers, or nothing when it does not: then whoever asked does without.
    pub(in crate::platform) async fn ask<T>(
        &self,
        work: impl AsyncFnOnce(ConnectionManager) -> RedisResult<T>,
    ) -> Option<T> {
        if self.is_down.load(Ordering::Acquire) {
            return None;
        }
        match self.try_now(work).await {
            Ok(answer) => Some(answer),
            Err(reason) => {
                self.is_lost(&reason);
                None
            }
        }
    }

    /// Whether Redis takes a value, now.
    pub(in crate::platform) async fn probe(&self) -> Result<(), String> {
        // Written, not only pinged: a replica that lost its primary answers a ping too.
        let write = async |mut connection: ConnectionManager| {
            redis::cmd("SET").arg("polyphony:probe").arg(1).arg("PX").arg(1000).query_async(&mut connection).await
        };
        self.try_now(write).await
    }

    async fn try_now<T>(&self, work: impl AsyncFnOnce(ConnectionManager) -> RedisResult<T>) -> Result<T, String> {
        match tokio::time::timeout(PATIENCE, work(self.connection.clone())).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err(format!("no answer within {} ms", PATIENCE.as_millis())),
        }
    }

    fn is_lost(&self, reason: &str) {
        if self.is_down.swap(true, Ordering::AcqRel) {
            return;
        }
        metrics::redis_is_up(false);
        tracing::warn!(
            reason,
            "Redis does not answer; until it is back, instances share only what they share by the database"
        );
        let this = self.clone();
        self.tasks.spawn_until_stop(async move {
            loop {
                tokio::time::sleep(PROBE).await;
                if this.probe().await.is_ok() {
                    this.is_down.store(false, Ordering::Release);
                    metrics::redis_is_up(true);
                    tracing::info!("Redis is back");
                    return;
                }
            }
        });
    }
}
