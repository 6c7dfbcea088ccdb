//! The only SQL about accounts.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use entity::{
    ids::{TypedId, UserId, VerificationRequestId},
    user, user_block, verification_request,
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    Select,
    sea_query::{Expr, ExprTrait, OnConflict, Query},
};

use super::{error::UserError, model::Seen, policy::EditProfile};
use crate::{
    access::{BaseRole, Permit, Viewer},
    base::error::{Error, Result},
    graphql::page::Window,
    platform::Tx,
};

/// Accounts the viewer may find: not deleted, not suspended (moderators see those), and not of somebody who keeps the viewer away.
pub fn visible_to(viewer: &Viewer) -> Select<user::Entity> {
    let mut query = user::Entity::find().filter(user::Column::DeletedAt.is_null());
    if viewer.has(BaseRole::Moderator) {
        return query;
    }
    let mut open = Condition::any().add(user::Column::SuspendedAt.is_null());
    if let Some(me) = viewer.id() {
        open = open.add(user::Column::Id.eq(me));
        query = query.filter(blocks(Expr::col((user::Entity, user::Column::Id)), me).not());
    }
    query.filter(open)
}

/// `EXISTS (a block by <blocker> of <blocked>)`.
fn blocks(blocker: Expr, blocked: UserId) -> Expr {
    Expr::exists(
        Query::select()
            .expr(Expr::val(1))
            .from(user_block::Entity)
            .and_where(Expr::col((user_block::Entity, user_block::Column::BlockerId)).eq(blocker))
            .and_where(Expr::col((user_block::Entity, user_block::Column::BlockedId)).eq(blocked))
            .take(),
    )
}

/// One account by id, if the viewer may find it.
pub async fn find(db: &impl ConnectionTrait, viewer: &Viewer, id: UserId) -> Result<Option<Seen>> {
    Ok(find_all(db, viewer, &[id]).await?.pop())
}

/// Those of some accounts that the viewer may find.
pub async fn find_all(db: &impl ConnectionTrait, viewer: &Viewer, ids: &[UserId]) -> Result<Vec<Seen>> {
    let rows = visible_to(viewer).filter(user::Column::Id.is_in(ids.iter().copied())).all(db).await?;
    Ok(rows.into_iter().map(|row| Seen::by(viewer, row, false)).collect())
}

/// One account by username, if the viewer may find it.
pub async fn find_by_username(db: &impl ConnectionTrait, viewer: &Viewer, key: &str) -> Result<Option<Seen>> {
    let row = visible_to(viewer).filter(user::Column::UsernameKey.eq(key)).one(db).await?;
    Ok(row.map(|row| Seen::by(viewer, row, false)))
}

/// Accounts met by way of shared content, as the viewer sees them: those who keep the viewer away are cards, deleted ones are left out.
pub async fn seen_by_ids(db: &impl ConnectionTrait, viewer: &Viewer, ids: &[UserId]) -> Result<HashMap<UserId, Seen>> {
    let rows = by_ids(db, ids).await?;
    let blockers: HashSet<UserId> = match viewer.id() {
        None => HashSet::new(),
        Some(me) => {
            let all = user_block::Entity::find()
                .select_only()
                .column(user_block::Column::BlockerId)
                .filter(user_block::Column::BlockedId.eq(me))
                .filter(user_block::Column::BlockerId.is_in(ids.iter().copied()))
                .into_tuple::<UserId>()
                .all(db)
                .await?;
            all.into_iter().collect()
        }
    };
    let seen = rows.into_iter().map(|row| (row.id, Seen::by(viewer, row.clone(), blockers.contains(&row.id))));
    Ok(seen.collect())
}

/// Accounts by id, whoever asks; deleted ones are left out.
pub async fn by_ids(db: &impl ConnectionTrait, ids: &[UserId]) -> Result<Vec<user::Model>> {
    let query = user::Entity::find().filter(user::Column::Id.is_in(ids.iter().copied()));
    Ok(query.filter(user::Column::DeletedAt.is_null()).all(db).await?)
}

/// The ids behind some folded usernames, among these people.
pub async fn by_username_keys(db: &impl ConnectionTrait, keys: &[String]) -> Result<HashMap<String, UserId>> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = user::Entity::find()
        .select_only()
        .column(user::Column::UsernameKey)
        .column(user::Column::Id)
        .filter(user::Column::UsernameKey.is_in(keys.iter().map(String::as_str)))
        .filter(user::Column::DeletedAt.is_null())
        .into_tuple::<(String, UserId)>()
        .all(db)
        .await?;
    Ok(rows.into_iter().collect())
}

/// What orders a list of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Newest account first.
    Newest,
    /// By username.
    Username,
}

/// The people a directory shows: public, with a username, matching the search if there is one.
fn directory(viewer: &Viewer, search: Option<&str>) -> Select<user::Entity> {
    let query =
        visible_to(viewer).filter(user::Column::IsPublic.eq(true)).filter(user::Column::UsernameKey.is_not_null());
    match search {
        None => query,
        Some(search) => {
            let pattern = format!("%{}%", search.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
            let like = |column: user::Column| {
                let text = Expr::expr(sea_orm::sea_query::Func::lower(Expr::col((user::Entity, column))));
                text.like(sea_orm::sea_query::LikeExpr::new(&pattern).escape('\\'))
            };
            query.filter(Condition::any().add(like(user::Column::UsernameKey)).add(like(user::Column::DisplayName)))
        }
    }
}

/// One page of the directory. The key is the id when newest first, else the folded username.
pub async fn page(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    search: Option<&str>,
    order: Order,
    window: &Window<String>,
) -> Result<Vec<user::Model>> {
    let mut query = directory(viewer, search);
    // "Further down the list" is a smaller id when newest come first, a greater name when sorted by name.
    let descending = (order == Order::Newest) != window.backward;
    for (cursor, behind) in [(&window.after, true), (&window.before, false)] {
        let Some(cursor) = cursor else { continue };
        let smaller = (order == Order::Newest) == behind;
        query = query.filter(match order {
            Order::Newest => {
                let id = UserId::parse(cursor).map_err(|error| Error::invalid("after", error.to_string()))?;
                if smaller { user::Column::Id.lt(id) } else { user::Column::Id.gt(id) }
            }
            Order::Username if smaller => user::Column::UsernameKey.lt(cursor.as_str()),
            Order::Username => user::Column::UsernameKey.gt(cursor.as_str()),
        });
    }
    let column = if order == Order::Newest { user::Column::Id } else { user::Column::UsernameKey };
    let direction = if descending { sea_orm::Order::Desc } else { sea_orm::Order::Asc };
    Ok(query.order_by(column, direction).limit(window.fetch()).all(db).await?)
}

/// How many people the directory shows.
pub async fn count(db: &impl ConnectionTrait, viewer: &Viewer, search: Option<&str>) -> Result<i64> {
    Ok(i64::try_from(directory(viewer, search).count(db).await?).unwrap_or(i64::MAX))
}

/// The account a login (username or address) belongs to, for signing in.
pub async fn find_by_login(db: &impl ConnectionTrait, login: &str) -> Result<Option<user::Model>> {
    let key = crate::base::text::fold(login);
    let column = if key.contains('@') { user::Column::EmailKey } else { user::Column::UsernameKey };
    Ok(user::Entity::find().filter(column.eq(key)).filter(user::Column::DeletedAt.is_null()).one(db).await?)
}

/// Locks an account for a change: the first statement of the write.
pub async fn lock(tx: &Tx, id: UserId) -> Result<Option<user::Model>> {
    let query = user::Entity::find_by_id(id).filter(user::Column::DeletedAt.is_null());
    tx.lock(&id, query).await
}

/// Writes a new account.
pub async fn insert(tx: &Tx, row: user::ActiveModel) -> Result<user::Model> {
    unique(row.insert(tx).await)
}

/// Which of a username and an address somebody has already.
pub async fn taken(db: &impl ConnectionTrait, username_key: Option<&str>, email_key: Option<&str>) -> Result<()> {
    for (column, key, error) in [
        (user::Column::UsernameKey, username_key, UserError::UsernameTaken),
        (user::Column::EmailKey, email_key, UserError::EmailTaken),
    ] {
        if let Some(key) = key
            && user::Entity::find().filter(column.eq(key)).count(db).await? > 0
        {
            return Err(error.into());
        }
    }
    Ok(())
}

/// Changes a profile the viewer may change.
pub async fn update(
    tx: &Tx,
    permit: Permit<EditProfile, user::Model>,
    mut change: user::ActiveModel,
) -> Result<user::Model> {
    let row = permit.into_row();
    change.id = Set(row.id);
    change.version = Set(row.version + 1);
    change.updated_at = Set(tx.now());
    unique(change.update(tx).await)
}

/// Counts a sign-in.
pub async fn touch_login(tx: &Tx, id: UserId) -> Result<()> {
    user::Entity::update_many()
        .col_expr(user::Column::LoginCount, Expr::col(user::Column::LoginCount).add(1))
        .col_expr(user::Column::LastLoginAt, Expr::value(tx.now()))
        .filter(user::Column::Id.eq(id))
        .exec(tx)
        .await?;
    Ok(())
}

fn unique<T>(result: Result<T, DbErr>) -> Result<T> {
    match result.as_ref().err().and_then(crate::platform::database::broken_unique).as_deref() {
        Some("users_email_key") => Err(UserError::EmailTaken.into()),
        Some("users_username_key") => Err(UserError::UsernameTaken.into()),
        _ => Ok(result?),
    }
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

/// One page of the people somebody has blocked, newest block first by the blocked person's id.
pub async fn blocked_page(
    db: &impl ConnectionTrait,
    blocker: UserId,
    window: &Window<UserId>,
) -> Result<Vec<user::Model>> {
    let mut query = user::Entity::find().filter(user::Column::DeletedAt.is_null()).filter(
        user::Column::Id.in_subquery(
            Query::select()
                .column(user_block::Column::BlockedId)
                .from(user_block::Entity)
                .and_where(user_block::Column::BlockerId.eq(blocker))
                .take(),
        ),
    );
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
    let count = user_block::Entity::find().filter(user_block::Column::BlockerId.eq(blocker)).count(db).await?;
    Ok(i64::try_from(count).unwrap_or(i64::MAX))
}

/// A new pending proof; earlier ones of the same kind are withdrawn.
pub async fn insert_verification(
    tx: &Tx,
    user: UserId,
    kind: verification_request::Kind,
    email: &str,
    token_hash: String,
    expires_at: DateTime<Utc>,
) -> Result<VerificationRequestId> {
    verification_request::Entity::delete_many()
        .filter(verification_request::Column::UserId.eq(user))
        .filter(verification_request::Column::Kind.eq(kind))
        .filter(verification_request::Column::CompletedAt.is_null())
        .exec(tx)
        .await?;
    let row = verification_request::ActiveModel {
        id: Set(tx.new_id()),
        user_id: Set(user),
        kind: Set(kind),
        email: Set(email.to_owned()),
        token_hash: Set(token_hash),
        expires_at: Set(expires_at),
        completed_at: Set(None),
        created_at: Set(tx.now()),
    };
    Ok(row.insert(tx).await?.id)
}

/// A pending proof by its token, locked.
pub async fn lock_verification(
    tx: &Tx,
    kind: verification_request::Kind,
    token_hash: &str,
) -> Result<Option<verification_request::Model>> {
    let query = verification_request::Entity::find()
        .filter(verification_request::Column::TokenHash.eq(token_hash))
        .filter(verification_request::Column::Kind.eq(kind))
        .filter(verification_request::Column::CompletedAt.is_null())
        .filter(verification_request::Column::ExpiresAt.gt(tx.now()));
    tx.lock(token_hash, query).await
}

/// A proof was given: its token works no more.
pub async fn complete_verification(tx: &Tx, id: VerificationRequestId) -> Result<()> {
    verification_request::Entity::update_many()
        .col_expr(verification_request::Column::CompletedAt, Expr::value(tx.now()))
        .filter(verification_request::Column::Id.eq(id))
        .exec(tx)
        .await?;
    Ok(())
}

/// Clears away expired and completed proofs, at most `limit`; gives how many.
pub async fn purge_verifications(tx: &Tx, limit: u64) -> Result<u64> {
    let gone = Query::select()
        .column(verification_request::Column::Id)
        .from(verification_request::Entity)
        .and_where(verification_request::Column::ExpiresAt.lt(tx.now()))
        .limit(limit)
        .take();
    let query = verification_request::Entity::delete_many().filter(verification_request::Column::Id.in_subquery(gone));
    Ok(query.exec(tx).await?.rows_affected)
}
