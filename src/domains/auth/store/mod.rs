//! The only SQL about sign-ins and roles.

/// The keys that sign tokens.
mod keys;
/// Roles, what they allow, and who holds them.
mod roles;
/// Sessions and their refresh tokens.
mod sessions;
/// How sessions and their accounts stand.
mod standing;

pub use keys::*;
pub use roles::*;
pub use sessions::*;
pub use standing::*;

use entity::{credential, ids::UserId, user};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter,
    sea_query::{Expr, ExprTrait, OnConflict},
};

use crate::{
    base::error::Result,
    platform::{Tx, database::statement},
};

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
