//! Sessions and their refresh tokens.

use chrono::{DateTime, Utc};
use entity::{
    ids::{RefreshTokenId, SessionId, UserId},
    refresh_token, session,
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::{Expr, Query},
};

use crate::{
    access::Permit,
    base::error::Result,
    domains::auth::{model::SessionState, policy::EndSession},
    graphql::page::Window,
    platform::{Tx, database::statement},
};

/// Writes a new session.
pub async fn insert_session(tx: &Tx, row: session::ActiveModel) -> Result<session::Model> {
    Ok(row.insert(tx).await?)
}

/// A session used its refresh token.
pub async fn touch_session(tx: &Tx, id: SessionId, expires_at: DateTime<Utc>) -> Result<()> {
    session::Entity::update_many()
        .col_expr(session::Column::LastUsedAt, Expr::value(tx.now()))
        .col_expr(session::Column::ExpiresAt, Expr::value(expires_at))
        .col_expr(session::Column::UpdatedAt, Expr::value(tx.now()))
        .filter(session::Column::Id.eq(id))
        .exec(tx)
        .await?;
    Ok(())
}

/// One session, whoever asks; the policy judges it.
pub async fn session(db: &impl ConnectionTrait, id: SessionId) -> Result<Option<session::Model>> {
    Ok(session::Entity::find_by_id(id).one(db).await?)
}

/// Those of some sessions that are this person's.
pub async fn sessions_by_ids(
    db: &impl ConnectionTrait,
    user: UserId,
    ids: &[SessionId],
) -> Result<Vec<session::Model>> {
    let query = session::Entity::find().filter(session::Column::UserId.eq(user));
    Ok(query.filter(session::Column::Id.is_in(ids.iter().copied())).all(db).await?)
}

fn in_state(user: UserId, state: SessionState, now: DateTime<Utc>) -> Condition {
    let (revoked, expires) = (session::Column::RevokedAt, session::Column::ExpiresAt);
    let mine = Condition::all().add(session::Column::UserId.eq(user));
    match state {
        SessionState::Active => mine.add(revoked.is_null()).add(expires.gt(now)),
        SessionState::Expired => mine.add(revoked.is_null()).add(expires.lte(now)),
        SessionState::Revoked => mine.add(revoked.is_not_null()),
    }
}

/// One page of a person's sessions in a state, newest first.
pub async fn sessions_page(
    db: &impl ConnectionTrait,
    user: UserId,
    state: SessionState,
    now: DateTime<Utc>,
    window: &Window<SessionId>,
) -> Result<Vec<session::Model>> {
    let mut query = session::Entity::find().filter(in_state(user, state, now));
    if let Some(after) = window.after {
        query = query.filter(session::Column::Id.lt(after));
    }
    if let Some(before) = window.before {
        query = query.filter(session::Column::Id.gt(before));
    }
    let order = if window.backward { sea_orm::Order::Asc } else { sea_orm::Order::Desc };
    Ok(query.order_by(session::Column::Id, order).limit(window.fetch()).all(db).await?)
}

/// How many sessions a person has in a state.
pub async fn sessions_count(
    db: &impl ConnectionTrait,
    user: UserId,
    state: SessionState,
    now: DateTime<Utc>,
) -> Result<i64> {
    let count = session::Entity::find().filter(in_state(user, state, now)).count(db).await?;
    Ok(i64::try_from(count).unwrap_or(i64::MAX))
}

/// A person's sessions by state: active, expired, revoked; and the distinct devices of the active ones.
pub async fn sessions_stats(db: &impl ConnectionTrait, user: UserId, now: DateTime<Utc>) -> Result<[i64; 4]> {
    #[derive(FromQueryResult)]
    struct Row {
        active: i64,
        expired: i64,
        revoked: i64,
        devices: i64,
    }
    let sql = |n: &str, u: &str| {
        format!(
            "SELECT count(CASE WHEN revoked_at IS NULL AND expires_at > {n} THEN 1 END) AS active, \
             count(CASE WHEN revoked_at IS NULL AND expires_at <= {n} THEN 1 END) AS expired, \
             count(revoked_at) AS revoked, \
             count(DISTINCT CASE WHEN revoked_at IS NULL AND expires_at > {n} THEN coalesce(device, user_agent, '') END) AS devices \
             FROM sessions WHERE user_id = {u}"
        )
    };
    let (sqlite, postgres) = (sql("?1", "?2"), sql("$1", "$2"));
    let row =
        Row::find_by_statement(statement(db.get_database_backend(), &sqlite, &postgres, [now.into(), user.0.into()]))
            .one(db)
            .await?;
    Ok(row.map_or([0; 4], |row| [row.active, row.expired, row.revoked, row.devices]))
}

/// Ends one session the viewer may end.
pub async fn end_session(tx: &Tx, permit: Permit<EndSession, session::Model>) -> Result<()> {
    end_sessions(tx, Condition::all().add(session::Column::Id.eq(permit.row().id))).await.map(drop)
}

/// Ends a person's sessions, all or all but one; gives how many.
pub async fn end_sessions_of(tx: &Tx, user: UserId, except: Option<SessionId>) -> Result<u64> {
    let mut which = Condition::all().add(session::Column::UserId.eq(user));
    if let Some(except) = except {
        which = which.add(session::Column::Id.ne(except));
    }
    end_sessions(tx, which).await
}

/// Ends a session whose refresh token came back: nobody's permission is asked, because nobody knows who holds it.
pub async fn end_stolen_session(tx: &Tx, id: SessionId) -> Result<()> {
    end_sessions(tx, Condition::all().add(session::Column::Id.eq(id))).await.map(drop)
}

async fn end_sessions(tx: &Tx, which: Condition) -> Result<u64> {
    let ended = session::Entity::update_many()
        .col_expr(session::Column::RevokedAt, Expr::value(tx.now()))
        .col_expr(session::Column::UpdatedAt, Expr::value(tx.now()))
        .filter(which)
        .filter(session::Column::RevokedAt.is_null())
        .exec(tx)
        .await?;
    Ok(ended.rows_affected)
}

/// The session a refresh token was given to, by its digest, whether or not either is still good.
pub async fn session_of_refresh_token(db: &impl ConnectionTrait, hash: &str) -> Result<Option<SessionId>> {
    let query = refresh_token::Entity::find().select_only().column(refresh_token::Column::SessionId);
    Ok(query.filter(refresh_token::Column::TokenHash.eq(hash)).into_tuple().one(db).await?)
}

/// A refresh token by its digest, locked.
pub async fn lock_refresh_token(tx: &Tx, hash: &str) -> Result<Option<refresh_token::Model>> {
    tx.lock(hash, refresh_token::Entity::find().filter(refresh_token::Column::TokenHash.eq(hash))).await
}

/// Writes a refresh token.
pub async fn insert_refresh_token(
    tx: &Tx,
    session: &session::Model,
    parent: Option<RefreshTokenId>,
    hash: String,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    let row = refresh_token::ActiveModel {
        id: Set(tx.new_id()),
        session_id: Set(session.id),
        user_id: Set(session.user_id),
        parent_id: Set(parent),
        token_hash: Set(hash),
        expires_at: Set(expires_at),
        used_at: Set(None),
        created_at: Set(tx.now()),
        updated_at: Set(tx.now()),
    };
    row.insert(tx).await?;
    Ok(())
}

/// A refresh token was exchanged.
pub async fn use_refresh_token(tx: &Tx, id: RefreshTokenId) -> Result<()> {
    refresh_token::Entity::update_many()
        .col_expr(refresh_token::Column::UsedAt, Expr::value(tx.now()))
        .col_expr(refresh_token::Column::UpdatedAt, Expr::value(tx.now()))
        .filter(refresh_token::Column::Id.eq(id))
        .exec(tx)
        .await?;
    Ok(())
}

/// The token this one was exchanged for.
pub async fn successor(db: &impl ConnectionTrait, id: RefreshTokenId) -> Result<Option<refresh_token::Model>> {
    Ok(refresh_token::Entity::find().filter(refresh_token::Column::ParentId.eq(id)).one(db).await?)
}

/// Clears away sessions and refresh tokens that ended before `before`, at most `limit` of each; gives how many.
pub async fn purge(tx: &Tx, before: DateTime<Utc>, limit: u64) -> Result<u64> {
    let tokens = Query::select()
        .column(refresh_token::Column::Id)
        .from(refresh_token::Entity)
        .and_where(refresh_token::Column::ExpiresAt.lt(before))
        .limit(limit)
        .take();
    let over = Condition::any().add(session::Column::ExpiresAt.lt(before)).add(session::Column::RevokedAt.lt(before));
    let sessions =
        Query::select().column(session::Column::Id).from(session::Entity).cond_where(over).limit(limit).take();
    let tokens =
        refresh_token::Entity::delete_many().filter(refresh_token::Column::Id.in_subquery(tokens)).exec(tx).await?;
    let sessions = session::Entity::delete_many().filter(session::Column::Id.in_subquery(sessions)).exec(tx).await?;
    Ok(tokens.rows_affected + sessions.rows_affected)
}
