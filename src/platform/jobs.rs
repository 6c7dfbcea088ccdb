//! Background jobs: rows of our own, enqueued in the write that causes them, so that neither is without the other.
//!
//! A worker claims a job for a while (its lease) and gets a fence with it, a number that grows with every claim. Whatever it writes
//! about the job names its fence, so a worker that lost its lease cannot overwrite what its successor did. Jobs run at least once
//! and are written to be harmless the second time.
//!
//! A lease that runs out is an attempt like any other: a job that kills its process is tried so often and then set aside, or it would
//! take down one worker after another for ever.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use entity::{ids::JobId, job};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, Value,
    sea_query::Expr,
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::Notify;

use super::{
    Platform,
    bus::Bus,
    database::{Tx, statement},
};
use crate::base::error::{Error, Result};

/// Something to be done later, at least once.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Its stable name: rows outlive deployments.
    const KIND: &'static str;
    /// How often it is tried before an administrator has to look at it.
    const ATTEMPTS: i32 = 10;

    /// Two waiting jobs with the same key are one.
    fn unique_key(&self) -> Option<String> {
        None
    }
}

/// How long a worker may be silent before its job goes to another.
pub const LEASE: TimeDelta = TimeDelta::seconds(60);

/// Why an attempt failed of which nothing was heard again.
const SILENCE: &str =
    "the worker fell silent: its process was killed, ran out of memory, or lost the database for longer than the lease";

/// Wakes the runner.
#[derive(Clone, Debug)]
pub struct Bell(Bus);

impl Bell {
    pub(super) fn new(bus: Bus) -> Self {
        Self(bus)
    }

    /// Something was enqueued, here.
    pub(super) fn ring(&self) {
        self.0.hint_jobs();
    }

    /// Comes when something was enqueued, here or elsewhere.
    pub fn rung(&self) -> Arc<Notify> {
        self.0.job_hints()
    }
}

pub(super) fn row<J: Job>(job: &J, id: JobId, now: DateTime<Utc>, run_at: DateTime<Utc>) -> Result<job::ActiveModel> {
    Ok(job::ActiveModel {
        id: Set(id),
        kind: Set(J::KIND.to_owned()),
        payload: Set(serde_json::to_value(job).map_err(Error::internal)?),
        status: Set(job::Status::Pending),
        unique_key: Set(job.unique_key().map(|key| format!("{}:{key}", J::KIND))),
        run_at: Set(run_at),
        attempts: Set(0),
        max_attempts: Set(J::ATTEMPTS),
        locked_until: Set(None),
        fence: Set(0),
        last_error: Set(None),
        created_at: Set(now),
        updated_at: Set(now),
    })
}

/// A job a worker holds.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Claimed {
    /// Which.
    pub id: JobId,
    /// What kind.
    pub kind: String,
    /// What about.
    pub payload: serde_json::Value,
    /// How often it has been tried, this time included.
    pub attempts: i32,
    /// How often it may be tried.
    pub max_attempts: i32,
    /// The right to write about it.
    pub fence: i64,
}

/// Claims the job that has been due longest, if there is one: also one whose worker fell silent, unless that was its last attempt.
pub async fn claim(platform: &Platform) -> Result<Option<Claimed>> {
    let (claimed, abandoned) = platform
        .write(async |tx| {
            let now = tx.now();
            let abandoned = set_aside(tx, now).await?;
            let due = |one: &str, two: &str| {
                format!(
                    "(status = 'PENDING' AND run_at <= {one}) OR (status = 'RUNNING' AND locked_until <= {two}) ORDER BY run_at LIMIT 1"
                )
            };
            let set = |silence: &str| {
                format!(
                    "status = 'RUNNING', attempts = attempts + 1, fence = fence + 1, \
                     last_error = CASE WHEN status = 'RUNNING' THEN {silence} ELSE last_error END"
                )
            };
            let returning = "RETURNING id, kind, payload, attempts, max_attempts, fence";
            let sqlite = format!(
                "UPDATE jobs SET {}, locked_until = ?, updated_at = ? WHERE id = (SELECT id FROM jobs WHERE {}) {returning}",
                set("?"),
                due("?", "?")
            );
            let postgres = format!(
                "UPDATE jobs SET {}, locked_until = $2, updated_at = $3 WHERE id = (SELECT id FROM jobs WHERE {} \
                 FOR UPDATE SKIP LOCKED) {returning}",
                set("$1"),
                due("$4", "$5")
            );
            let values: [Value; 5] = [SILENCE.into(), (now + LEASE).into(), now.into(), now.into(), now.into()];
            let claim = statement(tx.get_database_backend(), &sqlite, &postgres, values);
            Ok((Claimed::find_by_statement(claim).one(tx).await?, abandoned))
        })
        .await?;
    for (id, kind) in abandoned {
        tracing::warn!(job = %id, kind, "a job was set aside: {SILENCE}, and this was its last attempt");
    }
    Ok(claimed)
}

/// Sets aside the jobs whose worker fell silent in their last attempt; gives which. Their fence grows, so that a worker that was only
/// asleep cannot write about them either.
async fn set_aside(tx: &Tx, now: DateTime<Utc>) -> Result<Vec<(JobId, String)>> {
    let set = |one: &str, two: &str, three: &str| {
        format!(
            "UPDATE jobs SET status = 'FAILED', unique_key = NULL, locked_until = NULL, fence = fence + 1, last_error = {one}, \
             updated_at = {two} WHERE status = 'RUNNING' AND locked_until <= {three} AND attempts >= max_attempts \
             RETURNING id, kind"
        )
    };
    let values: [Value; 3] = [SILENCE.into(), now.into(), now.into()];
    let set = statement(tx.get_database_backend(), &set("?", "?", "?"), &set("$1", "$2", "$3"), values);
    let rows = tx.query_all_raw(set).await?;
    Ok(rows.iter().map(|row| Ok((row.try_get("", "id")?, row.try_get("", "kind")?))).collect::<Result<_, DbErr>>()?)
}

/// What may be claimed now.
fn due(now: DateTime<Utc>) -> Condition {
    let waiting = Condition::all().add(job::Column::Status.eq(job::Status::Pending)).add(job::Column::RunAt.lte(now));
    let abandoned =
        Condition::all().add(job::Column::Status.eq(job::Status::Running)).add(job::Column::LockedUntil.lte(now));
    Condition::any().add(waiting).add(abandoned)
}

/// True when a job waits to be claimed.
pub async fn any_due(platform: &Platform) -> Result<bool> {
    let due = job::Entity::find()
        .select_only()
        .column(job::Column::Id)
        .filter(due(platform.clock.now()))
        .into_tuple::<JobId>()
        .one(&platform.database.read())
        .await?;
    Ok(due.is_some())
}

/// The queue at a glance.
#[derive(Clone, Copy, Debug)]
pub struct Backlog {
    /// Jobs that could be running now.
    pub due: u64,
    /// Jobs a worker has.
    pub running: u64,
    /// Jobs that have failed for good.
    pub failed: u64,
    /// How long the first of those that are due has been waiting.
    pub oldest: Option<TimeDelta>,
}

/// How the queue stands.
pub async fn backlog(platform: &Platform) -> Result<Backlog> {
    let (now, read) = (platform.clock.now(), platform.database.read());
    let waiting = job::Entity::find().filter(due(now));
    let oldest = waiting
        .clone()
        .select_only()
        .column(job::Column::RunAt)
        .order_by_asc(job::Column::RunAt)
        .into_tuple::<DateTime<Utc>>()
        .one(&read)
        .await?;
    let [_, (_, running), (_, failed)] = counts(platform).await?;
    Ok(Backlog { due: waiting.count(&read).await?, running, failed, oldest: oldest.map(|since| now - since) })
}

/// How many jobs wait, run and have failed for good.
pub async fn counts(platform: &Platform) -> Result<[(&'static str, u64); 3]> {
    let rows: Vec<(job::Status, i64)> = job::Entity::find()
        .select_only()
        .column(job::Column::Status)
        .column_as(job::Column::Id.count(), "jobs")
        .group_by(job::Column::Status)
        .into_tuple()
        .all(&platform.database.read())
        .await?;
    let of = |status| rows.iter().find(|(found, _)| *found == status).map_or(0, |(_, count)| count.unsigned_abs());
    use job::Status::{Failed, Pending, Running};
    Ok([("pending", of(Pending)), ("running", of(Running)), ("failed", of(Failed))])
}

impl Claimed {
    fn mine(&self) -> Condition {
        Condition::all().add(job::Column::Id.eq(self.id)).add(job::Column::Fence.eq(self.fence))
    }

    /// Says that the worker is alive. False when the job has gone to another: stop.
    pub async fn renew(&self, platform: &Platform) -> Result<bool> {
        platform
            .write(async |tx| {
                let renewed = job::Entity::update_many()
                    .col_expr(job::Column::LockedUntil, Expr::value(tx.now() + LEASE))
                    .col_expr(job::Column::UpdatedAt, Expr::value(tx.now()))
                    .filter(self.mine())
                    .exec(tx)
                    .await?;
                Ok(renewed.rows_affected == 1)
            })
            .await
    }

    /// The job is done: its row goes. False when it had gone to another meanwhile.
    pub async fn finish(&self, platform: &Platform) -> Result<bool> {
        platform
            .write(async |tx| Ok(job::Entity::delete_many().filter(self.mine()).exec(tx).await?.rows_affected == 1))
            .await
    }

    /// The job failed: it waits longer each time (1 s, 2 s, 4 s … an hour at most, up to a quarter more by chance), and after its
    /// last attempt for an administrator.
    pub async fn fail(&self, platform: &Platform, reason: &str) -> Result<()> {
        let last = self.attempts >= self.max_attempts;
        let exponent = u32::try_from(self.attempts.clamp(1, 12) - 1).unwrap_or(0);
        let wait = 1000u64.saturating_mul(1 << exponent).min(3_600_000);
        let wait = Duration::from_millis(wait + platform.random.below(wait / 4 + 1));
        let reason: String = reason.chars().take(2000).collect();
        platform
            .write(async |tx| {
                let status = if last { job::Status::Failed } else { job::Status::Pending };
                let run_at = tx.now() + TimeDelta::from_std(wait).unwrap_or(TimeDelta::hours(1));
                let row = job::ActiveModel {
                    id: NotSet,
                    status: Set(status),
                    // A dead letter does not stand in the way of its successors: only one that waits does.
                    unique_key: if last { Set(None) } else { NotSet },
                    run_at: Set(run_at),
                    locked_until: Set(None),
                    last_error: Set(Some(reason.clone())),
                    updated_at: Set(tx.now()),
                    ..Default::default()
                };
                job::Entity::update_many().set(row).filter(self.mine()).exec(tx).await?;
                Ok(())
            })
            .await
    }
}
