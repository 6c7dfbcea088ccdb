//! The only SQL that shows jobs to people; the runner has its own.

use entity::{ids::JobId, job};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, Select,
};

use super::actions::Retry;
use crate::{access::Permit, base::error::Result, graphql::page::Window, platform::Tx};

/// Which jobs to show.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this kind.
    pub kind: Option<String>,
    /// In this state.
    pub status: Option<job::Status>,
}

fn matching(filter: &Filter) -> Select<job::Entity> {
    let mut query = job::Entity::find();
    if let Some(kind) = &filter.kind {
        query = query.filter(job::Column::Kind.eq(kind));
    }
    if let Some(status) = filter.status {
        query = query.filter(job::Column::Status.eq(status));
    }
    query
}

/// One page, newest first.
pub async fn page(db: &impl ConnectionTrait, filter: &Filter, window: &Window<JobId>) -> Result<Vec<job::Model>> {
    let mut query = matching(filter);
    if let Some(after) = window.after {
        query = query.filter(job::Column::Id.lt(after));
    }
    if let Some(before) = window.before {
        query = query.filter(job::Column::Id.gt(before));
    }
    let order = if window.backward { sea_orm::Order::Asc } else { sea_orm::Order::Desc };
    Ok(query.order_by(job::Column::Id, order).limit(window.fetch()).all(db).await?)
}

/// How many.
pub async fn count(db: &impl ConnectionTrait, filter: &Filter) -> Result<i64> {
    Ok(i64::try_from(matching(filter).count(db).await?).unwrap_or(i64::MAX))
}

/// Jobs by id.
pub async fn by_ids(db: &impl ConnectionTrait, ids: &[JobId]) -> Result<Vec<job::Model>> {
    Ok(job::Entity::find().filter(job::Column::Id.is_in(ids.iter().copied())).all(db).await?)
}

/// Locks one.
pub async fn lock(tx: &Tx, id: JobId) -> Result<Option<job::Model>> {
    tx.lock(&id, job::Entity::find_by_id(id)).await
}

/// Gives a failed job its attempts back.
pub async fn retry(tx: &Tx, permit: Permit<Retry, job::Model>) -> Result<job::Model> {
    let row = job::ActiveModel {
        id: Set(permit.row().id),
        status: Set(job::Status::Pending),
        attempts: Set(0),
        run_at: Set(tx.now()),
        locked_until: Set(None),
        updated_at: Set(tx.now()),
        ..Default::default()
    };
    Ok(row.update(tx).await?)
}
