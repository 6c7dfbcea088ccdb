//! What administrators do to jobs.

use entity::{ids::JobId, job};

use super::store;
use crate::{
    access::{Op, Permission, Policy, Verdict, Viewer},
    base::error::{Error, Result},
};

/// Run a job again.
#[derive(Debug)]
pub struct Retry;

impl Policy<Retry> for job::Model {
    fn verdict(&self, viewer: &Viewer) -> Verdict {
        match viewer.may(Permission::JobsRetry) {
            Ok(()) => Verdict::Yes,
            Err(error) => Verdict::No(error),
        }
    }

    fn hidden(&self) -> Error {
        Error::not_found("There is no such job.")
    }
}

/// Gives a failed job all its attempts back, from now on.
///
/// # Errors
/// BUSINESS_RULE_VIOLATION when it has not failed.
pub async fn retry_job(op: &Op, id: JobId) -> Result<job::Model> {
    // Nobody else may even learn which jobs there are.
    op.viewer.may(Permission::JobsRetry)?;
    op.write(async |tx| {
        let job = store::lock(tx, id).await?.ok_or_else(|| Error::not_found("There is no such job."))?;
        let permit = op.permit::<Retry, _>(job)?;
        if permit.row().status != job::Status::Failed {
            return Err(Error::rule("Only a failed job can be run again."));
        }
        store::retry(tx, permit).await
    })
    .await
}
