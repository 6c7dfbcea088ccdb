//! Jobs in the schema.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject, dataloader::Loader};
use entity::{ids::JobId, job};
use futures_util::FutureExt;

use super::{retry_job, store};
use crate::{
    access::Permission,
    base::error::{Error, Result},
    graphql::{
        access::{Requires, access},
        loader::{ContextExt, Rows},
        node::{self, GlobalId},
        page::{Connection, PageArgs, Scope},
        ready::{enum_leaves, ready},
        scalars::{DateTime, Json},
    },
};

/// Where a background job stands. A finished job is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "job::Status")]
pub enum JobStatus {
    /// Waiting for its time and a worker.
    Pending,
    /// A worker has it.
    Running,
    /// Out of attempts: look at `lastError`, then run it again with `retryJob`.
    Failed,
}

/// A job, for an administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct JobById(JobId);

impl Loader<JobById> for Rows {
    type Value = job::Model;
    type Error = Error;

    async fn load(&self, keys: &[JobById]) -> Result<HashMap<JobById, job::Model>, Error> {
        self.asked_for(keys);
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let rows = store::by_ids(self.0.read(), &ids).await?;
        Ok(rows.into_iter().map(|row| (JobById(row.id), row)).collect())
    }
}

/// A background job.
#[derive(Clone, Debug)]
pub struct Job(Arc<job::Model>);

impl Job {
    fn new(row: job::Model) -> Self {
        Self(Arc::new(row))
    }

    /// A job by id; for whoever may not see jobs there is none.
    pub async fn find(ctx: &Context<'_>, id: JobId) -> Result<Option<Self>> {
        if ctx.op().viewer.may(Permission::JobsRead).is_err() {
            return Ok(None);
        }
        Ok(ctx.load(JobById(id)).await?.map(Self::new))
    }
}

/// A background job that waits, runs or has failed.
#[Object]
impl Job {
    /// The global id.
    pub async fn id(&self) -> ID {
        node::id(self.0.id)
    }

    /// What it does: `users.mail_proof`.
    fn kind(&self) -> &str {
        &self.0.kind
    }

    /// What about.
    fn payload(&self) -> Json {
        Json(self.0.payload.clone())
    }

    /// Where it stands.
    fn status(&self) -> JobStatus {
        self.0.status.into()
    }

    /// When it may run, or run again.
    fn run_at(&self) -> DateTime {
        self.0.run_at.into()
    }

    /// How often it has been tried.
    fn attempts(&self) -> i32 {
        self.0.attempts
    }

    /// How often it may be tried before it counts as failed.
    fn max_attempts(&self) -> i32 {
        self.0.max_attempts
    }

    /// Why the last attempt failed.
    fn last_error(&self) -> Option<&String> {
        self.0.last_error.as_ref()
    }

    /// When it was enqueued.
    fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }
}

enum_leaves!(JobStatus);
ready!(Job {
    "kind": kind, "payload": payload, "status": status, "runAt": run_at, "attempts": attempts, "maxAttempts": max_attempts, "lastError": last_error, "createdAt": created_at
});

/// Which jobs to list.
#[derive(InputObject)]
pub struct JobFilter {
    /// Only of this kind, by its full name: `users.mail_proof`. A kind that does not exist has no jobs.
    kind: Option<String>,
    /// Only in this state.
    status: Option<JobStatus>,
}

/// Watching jobs.
#[derive(Default)]
pub struct OperationsQuery;

#[Object]
impl OperationsQuery {
    /// Background jobs that wait, run or have failed, newest first. Roles with the permission `jobs:read` see them too.
    #[graphql(directive = access::apply(Requires::Admin))]
    async fn admin_jobs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which jobs; all unless said.")] filter: Option<JobFilter>,
        #[graphql(desc = "So many from the start, or from `after`; 0 to 100, 20 unless said.")] first: Option<i32>,
        #[graphql(desc = "Begin behind the row with this cursor.")] after: Option<String>,
        #[graphql(desc = "So many up to the end, or up to `before`; 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before the row with this cursor.")] before: Option<String>,
    ) -> Result<Option<Connection<Job>>> {
        let op = ctx.op().clone();
        op.viewer.may(Permission::JobsRead)?;
        let filter = filter.map_or_else(store::Filter::default, |filter| store::Filter {
            kind: filter.kind,
            status: filter.status.map(Into::into),
        });
        let scope = Scope::new("adminJobs", &filter);
        let window = PageArgs::new(first, after, last, before).window(op.config.limits.page, &scope)?;
        let page = window.page(store::page(op.read(), &filter, &window).await?);
        let count = move || {
            let (op, filter) = (op.clone(), filter.clone());
            async move { store::count(op.read(), &filter).await }.boxed()
        };
        Ok(Some(Connection::new(page, &scope, |row| row.id.to_string().into(), Job::new, Arc::new(count))))
    }
}

/// Which job to run again.
#[derive(InputObject)]
pub struct RetryJobInput {
    /// A job with the status FAILED.
    job_id: GlobalId<JobId>,
}

/// The job that will run again.
#[derive(SimpleObject)]
pub struct RetryJobPayload {
    /// The job.
    job: Job,
}

/// Mending jobs.
#[derive(Default)]
pub struct OperationsMutation;

#[Object]
impl OperationsMutation {
    /// Runs a failed job again, with all its attempts. One that has not failed is BUSINESS_RULE_VIOLATION. Roles with the permission
    /// `jobs:retry` may do it too.
    #[graphql(directive = access::apply(Requires::Admin))]
    async fn retry_job(&self, ctx: &Context<'_>, input: RetryJobInput) -> Result<RetryJobPayload> {
        Ok(RetryJobPayload { job: Job::new(retry_job(ctx.op(), *input.job_id).await?) })
    }
}
