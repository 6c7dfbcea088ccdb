//! Background jobs: with the write or not at all, one worker at a time, and an end to trying.

use chrono::TimeDelta;
use entity::job;
use polyphony::{
    base::error::Error,
    platform::jobs::{self, Job},
};
use sea_orm::EntityTrait;
use serde::{Deserialize, Serialize};

use crate::house::World;

/// A job nobody runs.
#[derive(Serialize, Deserialize)]
struct Unknown {
    key: Option<String>,
}

impl Job for Unknown {
    const KIND: &'static str = "test.unknown";
    const ATTEMPTS: i32 = 3;

    fn unique_key(&self) -> Option<String> {
        self.key.clone()
    }
}

async fn waiting(world: &World) -> Vec<job::Model> {
    job::Entity::find().all(&world.platform().database.read()).await.unwrap()
}

async fn clear(world: &World) {
    world
        .platform()
        .write(async |tx| {
            job::Entity::delete_many().exec(tx).await?;
            Ok(())
        })
        .await
        .unwrap();
}

both! {
    /// A job of a write that fails was never there; two with the same key are one.
    async fn jobs_stand_or_fall_with_their_write(world) {
        let platform = world.platform();
        let failed = platform
            .write(async |tx| {
                tx.enqueue(&Unknown { key: None })?;
                Err::<(), _>(Error::rule("no"))
            })
            .await;
        assert!(failed.is_err());
        assert!(waiting(world).await.is_empty());
        for _ in 0..2 {
            platform.write(async |tx| tx.enqueue(&Unknown { key: Some("once".into()) })).await.unwrap();
        }
        assert_eq!(waiting(world).await.len(), 1);
        clear(world).await;
    }

    /// A worker that falls silent loses its job, and can no longer write about it.
    async fn a_silent_worker_is_fenced_off(world) {
        let platform = world.platform();
        platform.write(async |tx| tx.enqueue(&Unknown { key: None })).await.unwrap();
        let silent = jobs::claim(&platform).await.unwrap().unwrap();
        assert!(jobs::claim(&platform).await.unwrap().is_none(), "a claimed job is nobody else's");
        assert!(silent.renew(&platform).await.unwrap());
        world.advance(jobs::LEASE + TimeDelta::seconds(1));
        let heir = jobs::claim(&platform).await.unwrap().unwrap();
        assert_eq!((heir.id, heir.attempts), (silent.id, 2));
        assert!(!silent.renew(&platform).await.unwrap());
        silent.fail(&platform, "too late").await.unwrap();
        assert!(!silent.finish(&platform).await.unwrap());
        let told = waiting(world).await[0].last_error.clone().unwrap();
        assert!(told.contains("fell silent") && !told.contains("too late"), "{told}");
        assert!(heir.finish(&platform).await.unwrap());
        assert!(waiting(world).await.is_empty());
    }

    /// PLT-056: a job that kills its process is an attempt each time, and after the last one waits for an administrator, who may run it
    /// again. Whoever was only asleep can no longer write about it.
    async fn a_job_that_kills_its_process_is_set_aside(world) {
        let platform = world.platform();
        platform.write(async |tx| tx.enqueue(&Unknown { key: Some("once".into()) })).await.unwrap();
        let mut killed = Vec::new();
        for attempt in 1..=Unknown::ATTEMPTS {
            let claimed = jobs::claim(&platform).await.unwrap().unwrap();
            assert_eq!(claimed.attempts, attempt);
            killed.push(claimed);
            // Nothing is heard of the worker again.
            world.advance(jobs::LEASE + TimeDelta::seconds(1));
        }
        // Another job is not held up by it.
        platform.write(async |tx| tx.enqueue(&Unknown { key: Some("other".into()) })).await.unwrap();
        let other = jobs::claim(&platform).await.unwrap().unwrap();
        assert_ne!(other.id, killed[0].id);
        assert!(other.finish(&platform).await.unwrap());
        assert!(jobs::claim(&platform).await.unwrap().is_none(), "it is tried no more");
        let row = waiting(world).await.remove(0);
        assert_eq!((row.status, row.attempts, row.locked_until), (job::Status::Failed, Unknown::ATTEMPTS, None));
        assert!(row.last_error.clone().unwrap().contains("fell silent"), "{row:?}");
        for asleep in killed {
            assert!(!asleep.renew(&platform).await.unwrap() && !asleep.finish(&platform).await.unwrap());
            asleep.fail(&platform, "too late").await.unwrap();
        }
        assert_eq!(waiting(world).await, std::slice::from_ref(&row), "what was decided stays");
        // A successor is not held up by the dead letter, and an administrator gives it its attempts back.
        platform.write(async |tx| tx.enqueue(&Unknown { key: Some("once".into()) })).await.unwrap();
        assert_eq!(waiting(world).await.len(), 2);
        let retry = "mutation($id: ID!) { retryJob(input: { jobId: $id }) { job { status attempts } } }";
        let retried = world.admin().await.ask(retry, serde_json::json!({ "id": row.id.to_string() })).await;
        assert_eq!(retried.ok()["retryJob"]["job"], serde_json::json!({ "status": "PENDING", "attempts": 0 }));
        clear(world).await;
    }

    /// A job that keeps failing waits longer each time, then stays for an administrator, who runs it again.
    async fn a_poisoned_job_is_set_aside(world) {
        let platform = world.platform();
        let job = Unknown { key: Some("once".into()) };
        platform.write(async |tx| tx.enqueue(&job)).await.unwrap();
        let mut waits = Vec::new();
        for _ in 0..Unknown::ATTEMPTS {
            assert_eq!(world.run_jobs().await, 1);
            let job = waiting(world).await.remove(0);
            waits.push(job.run_at - world.now());
            world.advance(TimeDelta::hours(2));
        }
        assert!(waits[1] > waits[0], "{waits:?}");
        let job = waiting(world).await.remove(0);
        assert_eq!(job.status, job::Status::Failed);
        assert!(job.last_error.unwrap().contains("no handler"));
        assert_eq!(world.run_jobs().await, 0, "a failed job is not tried again by itself");

        let admin = world.admin().await;
        let listed = admin.ask("{ adminJobs(filter: { status: FAILED }) { nodes { id kind attempts } } }", serde_json::json!({})).await;
        assert_eq!(listed.ok()["adminJobs"]["nodes"][0]["kind"], "test.unknown");
        let retry = "mutation($id: ID!) { retryJob(input: { jobId: $id }) { job { status attempts } } }";
        let retried = admin.ask(retry, serde_json::json!({ "id": job.id.to_string() })).await;
        assert_eq!(retried.ok()["retryJob"]["job"], serde_json::json!({ "status": "PENDING", "attempts": 0 }));
        let other = admin.ask("{ adminJobs(filter: { status: FAILED, kind: \"test.other\" }) { totalCount } }", serde_json::json!({})).await;
        assert_eq!(other.number("adminJobs.totalCount"), 0);
        // Another of its kind may be enqueued beside it: a periodic job that failed once would never run again otherwise.
        platform.write(async |tx| tx.enqueue(&Unknown { key: Some("once".into()) })).await.unwrap();
        let of_kind = admin.ask("{ adminJobs(filter: { kind: \"test.unknown\" }) { totalCount } }", serde_json::json!({})).await;
        assert_eq!(of_kind.number("adminJobs.totalCount"), 2);
        clear(world).await;
    }
}
