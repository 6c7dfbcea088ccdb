//! Writes whose callers go away, at whatever point.

use std::{future::Future, pin::pin, time::Duration};

use polyphony::base::random::Random;
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::house::within;

/// How many writes are dropped.
const WRITES: u64 = 400;

/// Lets a future run until it has been asked `times` whether it is done, then drops it.
async fn ask_only(future: impl Future, times: u64) {
    let mut future = pin!(future);
    let mut left = times;
    std::future::poll_fn(|context| {
        if left == 0 || future.as_mut().poll(context).is_ready() {
            return std::task::Poll::Ready(());
        }
        left -= 1;
        std::task::Poll::Pending
    })
    .await;
}

on_postgres! {
    /// sqlx forgets a transaction whose BEGIN was not awaited to its end: it would stay open on a connection of the pool, hold the
    /// log's horizon, and give the next caller somebody else's transaction.
    async fn a_dropped_write_leaves_no_transaction_behind(world) {
        let platform = world.platform();
        let random = Random::seeded(7);
        for _ in 0..WRITES {
            let write = platform.write(async |tx| {
                tx.execute_unprepared("SELECT 1").await?;
                Ok(())
            });
            // By waiting too: a future that is only polled when something happened is dropped right there.
            let some_time = Duration::from_micros(random.below(1500));
            tokio::select! {
                () = ask_only(write, random.below(6)) => {}
                () = tokio::time::sleep(some_time) => {}
            }
        }
        let open = async || {
            let sql = "SELECT count(*) AS open FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
            let row = platform.database.read().query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap().unwrap();
            row.try_get::<i64>("", "open").unwrap()
        };
        // Sooner than PostgreSQL itself ends idle transactions (5 s), and what rolls back may take a moment.
        let all_closed = async {
            while open().await > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let outcome = tokio::time::timeout(Duration::from_secs(3), all_closed).await;
        assert!(outcome.is_ok(), "transactions stayed open on connections of the pool");
        within("a write", platform.write(async |tx| Ok(tx.execute_unprepared("SELECT 1").await?))).await.unwrap();
    }
}
