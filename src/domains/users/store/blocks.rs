//! Who keeps whom away.

use entity::{ids::UserId, user, user_block};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, ExprTrait, OnConflict, Query},
};

use crate::{base::error::Result, graphql::page::Window, platform::Tx};

/// `EXISTS (a block by <blocker> of <blocked>)`.
pub(super) fn blocks(blocker: Expr, blocked: UserId) -> Expr {
    Expr::exists(
        Query::select()
            .expr(Expr::val(1))
            .from(user_block::Entity)
            .and_where(Expr::col((user_block::Entity, user_block::Column::BlockerId)).eq(blocker))
            .and_where(Expr::col((user_block::Entity, user_block::Column::BlockedId)).eq(blocked))
            .take(),
    )
}

/// Keeps a person away. False when they were already.
pub async fn insert_block(tx: &Tx, blocker: UserId, blocked: UserId) -> Result<bool> {
    let row = user_block::ActiveModel { blocker_id: Set(blocker), blocked_id: Set(blocked), created_at: Set(tx.now()) };
    let once =
        OnConflict::columns([user_block::Column::BlockerId, user_block::Column::BlockedId]).do_nothing().to_owned();
    Ok(user_block::Entity::insert(row).on_conflict(once).exec_without_returning(tx).await? == 1)
}

/// Lets a person back in. False when they were not kept away.
pub async fn delete_block(tx: &Tx, blocker: UserId, blocked: UserId) -> Result<bool> {
    Ok(user_block::Entity::delete_by_id((blocker, blocked)).exec(tx).await?.rows_affected == 1)
}

/// The pairs `(me, other)` among which one has blocked the other, in either direction.
pub async fn blocked_between(
    db: &impl ConnectionTrait,
    me: UserId,
    others: &[UserId],
) -> Result<Vec<user_block::Model>> {
    use user_block::Column::{BlockedId, BlockerId};
    let among = |column: user_block::Column| column.is_in(others.iter().copied());
    let either = Condition::any()
        .add(Condition::all().add(BlockerId.eq(me)).add(among(BlockedId)))
        .add(Condition::all().add(BlockedId.eq(me)).add(among(BlockerId)));
    Ok(user_block::Entity::find().filter(either).all(db).await?)
}

/// Those of some people whom somebody keeps away.
pub async fn blocked_by(db: &impl ConnectionTrait, blocker: UserId, among: &[UserId]) -> Result<Vec<UserId>> {
    let query = user_block::Entity::find().select_only().column(user_block::Column::BlockedId);
    let query = query.filter(user_block::Column::BlockerId.eq(blocker));
    Ok(query.filter(user_block::Column::BlockedId.is_in(among.iter().copied())).into_tuple().all(db).await?)
}

/// Those of some people who keep somebody away.
pub async fn blockers_of(db: &impl ConnectionTrait, blocked: UserId, among: &[UserId]) -> Result<Vec<UserId>> {
    let query = user_block::Entity::find().select_only().column(user_block::Column::BlockerId);
    let query = query.filter(user_block::Column::BlockedId.eq(blocked));
    Ok(query.filter(user_block::Column::BlockerId.is_in(among.iter().copied())).into_tuple().all(db).await?)
}

/// The accounts somebody has blocked, without those that are gone.
fn blocked(blocker: UserId) -> Select<user::Entity> {
    let ids = Query::select()
        .column(user_block::Column::BlockedId)
        .from(user_block::Entity)
        .and_where(user_block::Column::BlockerId.eq(blocker))
        .take();
    user::Entity::find().filter(user::Column::DeletedAt.is_null()).filter(user::Column::Id.in_subquery(ids))
}

/// One page of the people somebody has blocked, newest account first.
pub async fn blocked_page(
    db: &impl ConnectionTrait,
    blocker: UserId,
    window: &Window<UserId>,
) -> Result<Vec<user::Model>> {
    let mut query = blocked(blocker);
    if let Some(after) = window.after {
        query = query.filter(user::Column::Id.lt(after));
    }
    if let Some(before) = window.before {
        query = query.filter(user::Column::Id.gt(before));
    }
    let direction = if window.backward { sea_orm::Order::Asc } else { sea_orm::Order::Desc };
    Ok(query.order_by(user::Column::Id, direction).limit(window.fetch()).all(db).await?)
}

/// How many people somebody has blocked.
pub async fn blocked_count(db: &impl ConnectionTrait, blocker: UserId) -> Result<i64> {
    Ok(i64::try_from(blocked(blocker).count(db).await?).unwrap_or(i64::MAX))
}
