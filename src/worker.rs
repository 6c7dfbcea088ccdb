//! Floor 6: the list of all jobs, who runs them, and what runs on a timer.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use futures_util::{FutureExt, future::BoxFuture};
use serde::{Deserialize, Serialize};

use crate::{
    access::Op,
    base::error::{Error, Result},
    domains::{auth, conversations, users},
    platform::{
        events::log,
        jobs::{self, Claimed, Job},
        metrics,
    },
};

/// Jobs at once in one process. They mostly wait for mail servers and the database.
const HANDS: usize = 4;
/// How often to look for due jobs when nobody rings.
const POLL: Duration = Duration::from_secs(2);
/// How often a running job says that its worker lives: three times a lease.
const RENEW: Duration = Duration::from_secs(20);

type Handler = Box<dyn Fn(Arc<Op>, serde_json::Value) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// Every job of the house, by its name.
fn handlers() -> HashMap<&'static str, Handler> {
    let mut all = HashMap::new();
    macro_rules! run {
        ($($job:path),* $(,)?) => {
            $(add(&mut all, |op, job| async move { $job(&op, job).await }.boxed());)*
        };
    }
    run!(
        users::find_account_to_mail,
        users::mail_proof,
        users::mail_notice,
        auth::purge_expired,
        auth::expire_grants,
        auth::rotate_keys,
        prune_events,
    );
    run!(conversations::purge_deleted);
    all
}

/// Everything that runs on a timer, with its interval.
async fn enqueue_periodic(op: &Op) -> Result<()> {
    op.write(async |tx| {
        tx.enqueue_at(&auth::PurgeExpired {}, tx.now() + TimeDelta::minutes(15))?;
        tx.enqueue_at(&auth::ExpireGrants {}, tx.now() + TimeDelta::minutes(1))?;
        tx.enqueue_at(&auth::RotateKeys {}, tx.now() + TimeDelta::hours(6))?;
        tx.enqueue_at(&conversations::PurgeDeleted {}, tx.now() + TimeDelta::hours(1))?;
        tx.enqueue_at(&PruneEvents {}, tx.now() + TimeDelta::minutes(10))
    })
    .await
}

/// Clear away events older than the log is kept.
#[derive(Debug, Serialize, Deserialize)]
struct PruneEvents {}

impl Job for PruneEvents {
    const KIND: &'static str = "events.prune";

    fn unique_key(&self) -> Option<String> {
        Some("periodic".to_owned())
    }
}

async fn prune_events(op: &Op, _: PruneEvents) -> Result<()> {
    const BATCH: u64 = 1000;
    let keep = TimeDelta::from_std(op.config.database.event_retention).unwrap_or(TimeDelta::days(3));
    while op.write(async |tx| log::prune(tx, tx.now() - keep, BATCH).await).await? == BATCH {}
    Ok(())
}

fn add<J: Job>(
    all: &mut HashMap<&'static str, Handler>,
    run: impl Fn(Arc<Op>, J) -> BoxFuture<'static, Result<()>> + Send + Sync + 'static,
) {
    let handler = move |op, payload| match serde_json::from_value(payload) {
        Ok(job) => run(op, job),
        Err(error) => std::future::ready(Err(Error::internal(error))).boxed(),
    };
    all.insert(J::KIND, Box::new(handler));
}

/// Runs jobs until the process stops.
pub fn start(op: Arc<Op>) {
    let handlers = Arc::new(handlers());
    let timer = op.clone();
    op.platform.tasks.spawn_until_stop(async move {
        loop {
            if let Err(error) = enqueue_periodic(&timer).await {
                tracing::warn!(?error, "periodic jobs could not be enqueued");
            }
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
    });
    for _ in 0..HANDS {
        let (op, handlers) = (op.clone(), handlers.clone());
        // Not cut off in the middle: a job under way may end, within the time a shutdown waits.
        op.platform.tasks.clone().spawn(async move {
            let stop = op.platform.tasks.stopping();
            let bell = op.platform.jobs.rung();
            while !stop.is_cancelled() {
                match run_one(&op, &handlers).await {
                    Ok(true) => {
                        // There may be more than one hand's work.
                        bell.notify_one();
                        continue;
                    }
                    Ok(false) => {}
                    Err(error) => tracing::warn!(?error, "no job could be claimed"),
                }
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = bell.notified() => {}
                    () = tokio::time::sleep(POLL) => {}
                }
            }
        });
    }
}

/// Runs everything that is due, and what that enqueues; gives how many ran. For commands and tests.
pub async fn run_until_idle(op: &Arc<Op>) -> Result<u64> {
    let handlers = handlers();
    let mut ran = 0;
    while run_one(op, &handlers).await? {
        ran += 1;
    }
    Ok(ran)
}

async fn run_one(op: &Arc<Op>, handlers: &HashMap<&'static str, Handler>) -> Result<bool> {
    // Looked at first, because a claim is a write.
    if !jobs::any_due(&op.platform).await? {
        return Ok(false);
    }
    let Some(job) = jobs::claim(&op.platform).await? else { return Ok(false) };
    let started = Instant::now();
    let outcome = match handlers.get(job.kind.as_str()) {
        None => Err(Error::internal(format!("no handler for jobs of kind {}", job.kind))),
        Some(run) => with_renewals(op, &job, run(op.clone(), job.payload.clone())).await,
    };
    match outcome {
        Ok(()) => {
            job.finish(&op.platform).await?;
            metrics::job(&job.kind, "done", started.elapsed());
        }
        Err(error) => {
            tracing::warn!(job = %job.id, kind = job.kind, attempt = job.attempts, ?error, "a job failed");
            job.fail(&op.platform, &format!("{error:?}")).await?;
            metrics::job(&job.kind, "failed", started.elapsed());
        }
    }
    Ok(true)
}

async fn with_renewals(op: &Op, job: &Claimed, work: BoxFuture<'static, Result<()>>) -> Result<()> {
    let mut work = std::panic::AssertUnwindSafe(work).catch_unwind();
    loop {
        match tokio::time::timeout(RENEW, &mut work).await {
            Ok(Ok(result)) => return result,
            Ok(Err(_)) => return Err(Error::internal("the job panicked; the log says where")),
            Err(_) => {
                if !job.renew(&op.platform).await? {
                    return Err(Error::internal("the lease was lost; another worker has the job"));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::{Config, Env},
        platform::{Chosen, Platform, database},
    };

    #[derive(Debug, Serialize, Deserialize)]
    struct Stumble {}

    impl Job for Stumble {
        const KIND: &'static str = "test.stumble";
    }

    /// PLT-020: a job that panics is a job that failed; its worker goes on.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_job_that_panics_has_failed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display().to_string();
        let config = Arc::new(Config::read(&mut Env::of([("DATA_DIR", path.as_str())])).unwrap());
        database::migrate(&config.database).await.unwrap();
        let platform = Platform::open(&config, Chosen::default()).await.unwrap();
        let op = Arc::new(Op::system("test", platform.clone(), config));
        let mut handlers = HashMap::new();
        add(&mut handlers, |_, _: Stumble| async { panic!("over a stone") }.boxed());
        platform.write(async |tx| tx.enqueue(&Stumble {})).await.unwrap();
        assert!(run_one(&op, &handlers).await.unwrap());
        assert_eq!(jobs::counts(&platform).await.unwrap(), [("pending", 1), ("running", 0), ("failed", 0)]);
        assert!(!run_one(&op, &handlers).await.unwrap(), "it waits before it is tried again");
        platform.close().await;
    }
}
