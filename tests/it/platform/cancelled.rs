//! Writes whose callers go away, at whatever point.

use std::{future::Future, pin::pin, task::Poll, time::Duration};

use futures_util::future::join_all;
use polyphony::base::random::Random;
use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};

use crate::house::within;

/// How often writes are dropped, and how many at once.
const ROUNDS: u64 = 100;
const TOGETHER: u64 = 4;

/// Lets a future run for some time or until it has been asked `times` whether it is done, then drops it.
async fn ask_only(future: impl Future, times: u64, time: Duration) {
    let mut future = pin!(future);
    let mut left = times;
    let asking = std::future::poll_fn(|context| {
        if left == 0 || future.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        left -= 1;
        Poll::Pending
    });
    let _ = tokio::time::timeout(time, asking).await;
}

on_postgres! {
    /// sqlx forgets a transaction whose BEGIN was not awaited to its end: it would stay open on a connection of the pool, hold the
    /// log's horizon, and give the next caller somebody else's transaction.
    async fn a_dropped_write_leaves_no_transaction_behind(world) {
        let platform = world.platform();
        let random = Random::seeded(7);
        // Beside the pool: a look through it could be through the connection in question, and a later write would heal it.
        let beside = Database::connect(&world.first().config.database.url).await.unwrap();
        let open = async || {
            let sql = "SELECT count(*) AS open FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
            let row = beside.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap().unwrap();
            row.try_get::<i64>("", "open").unwrap()
        };
        for round in 0..ROUNDS {
            let dropped = (0..TOGETHER).map(|_| {
                let write = platform.write(async |tx| {
                    tx.execute_unprepared("SELECT 1").await?;
                    Ok(())
                });
                ask_only(write, random.below(6), Duration::from_micros(random.below(1500)))
            });
            join_all(dropped).await;
            let all_closed = async {
                while open().await > 0 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            // Sooner than PostgreSQL itself ends idle transactions (5 s); what rolls back may take a moment.
            let outcome = tokio::time::timeout(Duration::from_secs(3), all_closed).await;
            assert!(outcome.is_ok(), "round {round}: a transaction stayed open on a connection of the pool");
        }
        beside.close().await.unwrap();
        within("a write", platform.write(async |tx| Ok(tx.execute_unprepared("SELECT 1").await?))).await.unwrap();
    }
}
