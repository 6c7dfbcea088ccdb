//! Roles, what they allow, and who holds them.

use chrono::{DateTime, Utc};
use entity::{
    ids::{PermissionId, RoleId, UserId},
    permission, role, role_permission, user, user_role,
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, OnConflict, Query},
};

use crate::{
    access::{BaseRole, Permit},
    base::error::Result,
    domains::auth::{
        error::AuthError,
        policy::{AllRoles, ManageRoles},
    },
    graphql::page::Window,
    platform::{Tx, database::OnConstraint},
};

/// One role.
pub async fn role(db: &impl ConnectionTrait, id: RoleId) -> Result<Option<role::Model>> {
    Ok(role::Entity::find_by_id(id).one(db).await?)
}

/// One role, locked for a change: the first statement of the write.
pub async fn lock_role(tx: &Tx, id: RoleId) -> Result<Option<role::Model>> {
    tx.lock(&id, role::Entity::find_by_id(id)).await
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

/// Everything a role may be given to allow, by name.
pub async fn permissions(db: &impl ConnectionTrait) -> Result<Vec<permission::Model>> {
    Ok(permission::Entity::find().order_by_asc(permission::Column::Name).all(db).await?)
}

/// Lets a role allow exactly this. False when one of the permissions is unknown; the write must then fail.
pub async fn allow(
    tx: &Tx,
    _: &Permit<ManageRoles, AllRoles>,
    role: RoleId,
    permissions: &[PermissionId],
) -> Result<bool> {
    let known = permission::Entity::find().filter(permission::Column::Id.is_in(permissions.iter().copied()));
    if known.count(tx).await? != permissions.len() as u64 {
        return Ok(false);
    }
    role_permission::Entity::delete_many().filter(role_permission::Column::RoleId.eq(role)).exec(tx).await?;
    if !permissions.is_empty() {
        let rows =
            permissions.iter().map(|id| role_permission::ActiveModel { role_id: Set(role), permission_id: Set(*id) });
        role_permission::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(true)
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
        .filter(user_role::Column::IsActive.eq(true))
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
        is_active: Set(true),
    };
    let replace = OnConflict::columns([user_role::Column::UserId, user_role::Column::RoleId])
        .update_columns([
            user_role::Column::AssignedAt,
            user_role::Column::AssignedBy,
            user_role::Column::ExpiresAt,
            user_role::Column::IsActive,
        ])
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

/// How many people are administrators for good: neither until a date, nor suspended, nor deleted.
pub async fn lasting_admins(db: &impl ConnectionTrait) -> Result<u64> {
    let admin = Query::select()
        .column(role::Column::Id)
        .from(role::Entity)
        .and_where(role::Column::Name.eq(BaseRole::Admin.name()))
        .take();
    let able = Query::select()
        .column(user::Column::Id)
        .from(user::Entity)
        .and_where(user::Column::SuspendedAt.is_null())
        .and_where(user::Column::DeletedAt.is_null())
        .take();
    let query = user_role::Entity::find()
        .filter(user_role::Column::RoleId.in_subquery(admin))
        .filter(user_role::Column::UserId.in_subquery(able))
        .filter(user_role::Column::IsActive.eq(true))
        .filter(user_role::Column::ExpiresAt.is_null());
    Ok(query.count(db).await?)
}

/// Switches off grants that have ended, at most `limit`; gives whose they were.
pub async fn expire_grants(tx: &Tx, limit: u64) -> Result<Vec<UserId>> {
    let over = user_role::Entity::find()
        .filter(user_role::Column::IsActive.eq(true))
        .filter(user_role::Column::ExpiresAt.lte(tx.now()))
        .order_by_asc(user_role::Column::ExpiresAt)
        .limit(limit)
        .all(tx)
        .await?;
    user_role::Entity::update_many()
        .col_expr(user_role::Column::IsActive, Expr::value(false))
        .filter(user_role::Column::Id.is_in(over.iter().map(|grant| grant.id)))
        // A grant that was renewed meanwhile stays.
        .filter(user_role::Column::ExpiresAt.lte(tx.now()))
        .exec(tx)
        .await?;
    Ok(over.into_iter().map(|grant| grant.user_id).collect())
}
