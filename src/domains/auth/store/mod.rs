//! The only SQL about sign-ins and roles.

/// The keys that sign tokens.
mod keys;
/// Roles, what they allow, and who holds them.
mod roles;
/// Sessions and their refresh tokens.
mod sessions;

pub use keys::*;
pub use roles::*;
pub use sessions::*;

use chrono::{DateTime, Utc};
use entity::{
    credential,
    ids::{SessionId, UserId},
    user,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter,
    sea_query::{Expr, ExprTrait, OnConflict},
};

use super::model::Standing;
use crate::{
    base::error::Result,
    platform::{Tx, database::statement},
};

/// What is known of a session and its account, in one statement.
pub async fn standing(
    db: &impl ConnectionTrait,
    session: SessionId,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<Option<Standing>> {
    #[derive(FromQueryResult)]
    struct Row {
        token_version: i32,
        is_shut_out: bool,
        revoked_at: Option<DateTime<Utc>>,
        expires_at: DateTime<Utc>,
        authenticated_at: DateTime<Utc>,
        rights: Option<String>,
    }
    // What a role allows stands beside its name: both are rights that have to be read anew with every request.
    let sql = |join: &str, [now, session, user]: [&str; 3]| {
        let held = format!(
            "user_roles g JOIN roles r ON r.id = g.role_id AND r.is_active AND g.is_active AND g.user_id = {user} \
             AND (g.expires_at IS NULL OR g.expires_at > {now})"
        );
        format!(
            "SELECT u.token_version, (u.suspended_at IS NOT NULL OR u.deleted_at IS NOT NULL) AS is_shut_out, \
             s.revoked_at, s.expires_at, s.authenticated_at, \
             (SELECT {join}(held.name, ',') FROM (SELECT r.name FROM {held} UNION SELECT p.name FROM {held} \
              JOIN role_permissions a ON a.role_id = r.id JOIN permissions p ON p.id = a.permission_id) held) AS rights \
             FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = {session} AND s.user_id = {user}"
        )
    };
    let (sqlite, postgres) = (sql("group_concat", ["?1", "?2", "?3"]), sql("string_agg", ["$1", "$2", "$3"]));
    let values = [now.into(), session.0.into(), user.0.into()];
    let row = Row::find_by_statement(statement(db.get_database_backend(), &sqlite, &postgres, values)).one(db).await?;
    Ok(row.map(|row| Standing {
        token_version: row.token_version,
        is_shut_out: row.is_shut_out,
        revoked_at: row.revoked_at,
        expires_at: row.expires_at,
        authenticated_at: row.authenticated_at,
        roles: row.rights.map(|names| names.split(',').map(str::to_owned).collect()).unwrap_or_default(),
    }))
}

/// The kept hash of a person's password.
pub async fn password_hash(db: &impl ConnectionTrait, user: UserId) -> Result<Option<String>> {
    Ok(credential::Entity::find_by_id(user).one(db).await?.map(|row| row.password_hash))
}

/// The highest cost of the bcrypt hashes that imported accounts still have; `None` when there are none. Looks at every hash.
pub async fn bcrypt_cost(db: &impl ConnectionTrait) -> Result<Option<u32>> {
    #[derive(FromQueryResult)]
    struct Row {
        cost: Option<String>,
    }
    // `$2b$12$…`: two digits of cost.
    let sql = "SELECT max(substr(password_hash, 5, 2)) AS cost FROM password_credentials WHERE substr(password_hash, 1, 2) = '$2'";
    let row = Row::find_by_statement(statement(db.get_database_backend(), sql, sql, [])).one(db).await?;
    Ok(row.and_then(|row| row.cost).and_then(|cost| cost.parse().ok()))
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
