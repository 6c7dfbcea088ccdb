//! The only SQL about sign-ins and roles.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::{
    credential,
    ids::{RefreshTokenId, RoleId, SessionId, UserId},
    permission, refresh_token, role, role_permission, session, user, user_role,
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::{Expr, ExprTrait, OnConflict, Query},
};
use uuid::Uuid;

use super::{
    error::AuthError,
    model::Standing,
    policy::{AllRoles, EndSession, ManageRoles},
};
use crate::{
    access::{BaseRole, Permit},
    base::error::Result,
    graphql::page::Window,
    platform::{
        Tx,
        database::{OnConstraint, statement},
    },
};

#[derive(FromQueryResult)]
struct StandingRow {
    session_id: Uuid,
    token_version: i32,
    is_shut_out: bool,
    revoked_at: Option<DateTime<Utc>>,
    expires_at: DateTime<Utc>,
    authenticated_at: DateTime<Utc>,
    roles: Option<String>,
    roles_until: Option<DateTime<Utc>>,
}

impl From<StandingRow> for Standing {
    fn from(row: StandingRow) -> Self {
        Self {
            token_version: row.token_version,
            is_shut_out: row.is_shut_out,
            revoked_at: row.revoked_at,
            expires_at: row.expires_at,
            authenticated_at: row.authenticated_at,
            roles: row.roles.map(|names| names.split(',').map(str::to_owned).collect()).unwrap_or_default(),
            roles_until: row.roles_until,
        }
    }
}

/// What is known of sessions and their accounts, by a condition on the sessions `s`; `now` is the first value.
fn standing_sql(join: &str, now: &str, which: &str) -> String {
    let held = format!(
        "FROM user_roles g JOIN roles r ON r.id = g.role_id \
         WHERE g.user_id = u.id AND r.is_active AND (g.expires_at IS NULL OR g.expires_at > {now})"
    );
    format!(
        "SELECT s.id AS session_id, u.token_version, \
         (u.suspended_at IS NOT NULL OR u.deleted_at IS NOT NULL) AS is_shut_out, \
         s.revoked_at, s.expires_at, s.authenticated_at, \
         (SELECT {join}(r.name, ',') {held}) AS roles, (SELECT min(g.expires_at) {held}) AS roles_until \
         FROM sessions s JOIN users u ON u.id = s.user_id WHERE {which}"
    )
}

/// What is known of a session and its account, in one statement.
pub async fn standing(
    db: &impl ConnectionTrait,
    session: SessionId,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<Option<Standing>> {
    let sqlite = standing_sql("group_concat", "?1", "s.id = ?2 AND s.user_id = ?3");
    let postgres = standing_sql("string_agg", "$1", "s.id = $2 AND s.user_id = $3");
    let values = [now.into(), session.0.into(), user.0.into()];
    let statement = statement(db.get_database_backend(), &sqlite, &postgres, values);
    Ok(StandingRow::find_by_statement(statement).one(db).await?.map(Standing::from))
}

/// What is known of many sessions and their accounts, in one statement; what is not there is left out.
pub async fn standings(
    db: &impl ConnectionTrait,
    sessions: &[SessionId],
    now: DateTime<Utc>,
) -> Result<HashMap<SessionId, Standing>> {
    let ids: serde_json::Value = sessions.iter().map(|id| id.0.simple().to_string()).collect();
    let sqlite = standing_sql("group_concat", "?1", "s.id IN (SELECT unhex(value) FROM json_each(?2))");
    let postgres =
        standing_sql("string_agg", "$1", "s.id IN (SELECT id::uuid FROM jsonb_array_elements_text($2) AS ids(id))");
    let statement = statement(db.get_database_backend(), &sqlite, &postgres, [now.into(), ids.into()]);
    let rows = StandingRow::find_by_statement(statement).all(db).await?;
    Ok(rows.into_iter().map(|row| (SessionId(row.session_id), Standing::from(row))).collect())
}

/// The kept hash of a person's password.
pub async fn password_hash(db: &impl ConnectionTrait, user: UserId) -> Result<Option<String>> {
    Ok(credential::Entity::find_by_id(user).one(db).await?.map(|row| row.password_hash))
}

/// Keeps a hash, in place of any earlier one.
pub async fn put_password(tx: &Tx, user: UserId, hash: &str) -> Result<()> {
    let row = credential::ActiveModel {
        user_id: Set(user),
        password_hash: Set(hash.to_owned()),
        created_at: Set(tx.now()),
        updated_at: Set(tx.now()),
    };
    let replace = OnConflict::column(credential::Column::UserId)
        .update_columns([credential::Column::PasswordHash, credential::Column::UpdatedAt])
        .to_owned();
    credential::Entity::insert(row).on_conflict(replace).exec_without_returning(tx).await?;
    Ok(())
}

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

fn active(user: UserId, now: DateTime<Utc>) -> Condition {
    Condition::all()
        .add(session::Column::UserId.eq(user))
        .add(session::Column::RevokedAt.is_null())
        .add(session::Column::ExpiresAt.gt(now))
}

/// One page of a person's active sessions, newest first.
pub async fn sessions_page(
    db: &impl ConnectionTrait,
    user: UserId,
    now: DateTime<Utc>,
    window: &Window<SessionId>,
) -> Result<Vec<session::Model>> {
    let mut query = session::Entity::find().filter(active(user, now));
    if let Some(after) = window.after {
        query = query.filter(session::Column::Id.lt(after));
    }
    if let Some(before) = window.before {
        query = query.filter(session::Column::Id.gt(before));
    }
    let order = if window.backward { sea_orm::Order::Asc } else { sea_orm::Order::Desc };
    Ok(query.order_by(session::Column::Id, order).limit(window.fetch()).all(db).await?)
}

/// How many active sessions a person has.
pub async fn sessions_count(db: &impl ConnectionTrait, user: UserId, now: DateTime<Utc>) -> Result<i64> {
    Ok(i64::try_from(session::Entity::find().filter(active(user, now)).count(db).await?).unwrap_or(i64::MAX))
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

/// The password changed: every older token dies.
pub async fn bump_token_version(tx: &Tx, user: UserId) -> Result<()> {
    user::Entity::update_many()
        .col_expr(user::Column::TokenVersion, Expr::col(user::Column::TokenVersion).add(1))
        .col_expr(user::Column::PasswordChangedAt, Expr::value(tx.now()))
        .col_expr(user::Column::UpdatedAt, Expr::value(tx.now()))
        .filter(user::Column::Id.eq(user))
        .exec(tx)
        .await?;
    Ok(())
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

/// One role.
pub async fn role(db: &impl ConnectionTrait, id: RoleId) -> Result<Option<role::Model>> {
    Ok(role::Entity::find_by_id(id).one(db).await?)
}

/// Roles by id.
pub async fn roles_by_ids(db: &impl ConnectionTrait, ids: &[RoleId]) -> Result<Vec<role::Model>> {
    Ok(role::Entity::find().filter(role::Column::Id.is_in(ids.iter().copied())).all(db).await?)
}

/// One role by its name.
pub async fn role_by_name(db: &impl ConnectionTrait, name: &str) -> Result<Option<role::Model>> {
    Ok(role::Entity::find().filter(role::Column::Name.eq(name)).one(db).await?)
}

/// One page of the roles, by name.
pub async fn roles_page(db: &impl ConnectionTrait, window: &Window<String>) -> Result<Vec<role::Model>> {
    let mut query = role::Entity::find();
    if let Some(after) = &window.after {
        query = query.filter(role::Column::Name.gt(after));
    }
    if let Some(before) = &window.before {
        query = query.filter(role::Column::Name.lt(before));
    }
    let order = if window.backward { sea_orm::Order::Desc } else { sea_orm::Order::Asc };
    Ok(query.order_by(role::Column::Name, order).limit(window.fetch()).all(db).await?)
}

/// How many roles there are.
pub async fn roles_count(db: &impl ConnectionTrait) -> Result<i64> {
    Ok(i64::try_from(role::Entity::find().count(db).await?).unwrap_or(i64::MAX))
}

/// What some roles allow.
pub async fn permissions_of(db: &impl ConnectionTrait, roles: &[RoleId]) -> Result<Vec<(RoleId, permission::Model)>> {
    let pairs = role_permission::Entity::find()
        .filter(role_permission::Column::RoleId.is_in(roles.iter().copied()))
        .all(db)
        .await?;
    let ids = pairs.iter().map(|pair| pair.permission_id);
    let rows = permission::Entity::find()
        .filter(permission::Column::Id.is_in(ids))
        .order_by_asc(permission::Column::Name)
        .all(db)
        .await?;
    let of = |row: &permission::Model| {
        pairs
            .iter()
            .filter(|pair| pair.permission_id == row.id)
            .map(|pair| (pair.role_id, row.clone()))
            .collect::<Vec<_>>()
    };
    Ok(rows.iter().flat_map(of).collect())
}

/// The roles granted to some people that have not expired.
pub async fn grants_of(
    db: &impl ConnectionTrait,
    users: &[UserId],
    now: DateTime<Utc>,
) -> Result<Vec<(user_role::Model, role::Model)>> {
    let open = Condition::any().add(user_role::Column::ExpiresAt.is_null()).add(user_role::Column::ExpiresAt.gt(now));
    let grants = user_role::Entity::find()
        .filter(user_role::Column::UserId.is_in(users.iter().copied()))
        .filter(open)
        .order_by_asc(user_role::Column::Id)
        .all(db)
        .await?;
    let roles =
        role::Entity::find().filter(role::Column::Id.is_in(grants.iter().map(|grant| grant.role_id))).all(db).await?;
    let with_role = |grant: user_role::Model| {
        let role = roles.iter().find(|role| role.id == grant.role_id)?.clone();
        Some((grant, role))
    };
    Ok(grants.into_iter().filter_map(with_role).collect())
}

/// Writes a new role.
pub async fn insert_role(tx: &Tx, _: &Permit<ManageRoles, AllRoles>, row: role::ActiveModel) -> Result<role::Model> {
    row.insert(tx).await.on_constraint("roles_name", || AuthError::RoleNameTaken.into())
}

/// Changes a role.
pub async fn update_role(tx: &Tx, _: &Permit<ManageRoles, AllRoles>, row: role::ActiveModel) -> Result<role::Model> {
    row.update(tx).await.on_constraint("roles_name", || AuthError::RoleNameTaken.into())
}

/// Deletes a role; who held it holds it no more.
pub async fn delete_role(tx: &Tx, _: &Permit<ManageRoles, AllRoles>, id: RoleId) -> Result<()> {
    role::Entity::delete_by_id(id).exec(tx).await?;
    Ok(())
}

/// Who holds a role.
pub async fn holders(db: &impl ConnectionTrait, role: RoleId) -> Result<Vec<UserId>> {
    let query = user_role::Entity::find().select_only().column(user_role::Column::UserId);
    Ok(query.filter(user_role::Column::RoleId.eq(role)).into_tuple().all(db).await?)
}

/// Grants a role, or changes until when it is granted.
pub async fn put_grant(
    tx: &Tx,
    _: &Permit<ManageRoles, AllRoles>,
    user: UserId,
    role: RoleId,
    by: Option<UserId>,
    expires_at: Option<DateTime<Utc>>,
) -> Result<()> {
    let row = user_role::ActiveModel {
        id: Set(tx.new_id()),
        user_id: Set(user),
        role_id: Set(role),
        assigned_at: Set(tx.now()),
        assigned_by: Set(by),
        expires_at: Set(expires_at),
    };
    let replace = OnConflict::columns([user_role::Column::UserId, user_role::Column::RoleId])
        .update_columns([user_role::Column::AssignedAt, user_role::Column::AssignedBy, user_role::Column::ExpiresAt])
        .to_owned();
    user_role::Entity::insert(row).on_conflict(replace).exec_without_returning(tx).await?;
    Ok(())
}

/// Takes a role away. False when it was not held.
pub async fn delete_grant(tx: &Tx, _: &Permit<ManageRoles, AllRoles>, user: UserId, role: RoleId) -> Result<bool> {
    let query = user_role::Entity::delete_many()
        .filter(user_role::Column::UserId.eq(user))
        .filter(user_role::Column::RoleId.eq(role));
    Ok(query.exec(tx).await?.rows_affected == 1)
}

/// How many people are administrators for good.
pub async fn lasting_admins(db: &impl ConnectionTrait) -> Result<u64> {
    let admin = Query::select()
        .column(role::Column::Id)
        .from(role::Entity)
        .and_where(role::Column::Name.eq(BaseRole::Admin.name()))
        .take();
    let query = user_role::Entity::find()
        .filter(user_role::Column::RoleId.in_subquery(admin))
        .filter(user_role::Column::ExpiresAt.is_null());
    Ok(query.count(db).await?)
}
