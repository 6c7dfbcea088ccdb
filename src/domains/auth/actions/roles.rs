//! Making and granting roles.

use chrono::{DateTime, Utc};
use entity::{
    ids::{PermissionId, RoleId, UserId},
    role, user,
};
use sea_orm::ActiveValue::Set;

use crate::{
    access::{BaseRole, Op, Permit},
    base::{
        error::{Error, Result},
        text::Checks,
    },
    domains::{
        auth::{
            error::AuthError,
            events::AuthEvent,
            policy::{AllRoles, ManageRoles},
            store,
        },
        users,
    },
    platform::Tx,
};

/// A new role.
#[derive(Clone, Debug)]
pub struct NewRole {
    /// Upper case letters, digits and underscores; unique.
    pub name: String,
    /// How people read it.
    pub display_name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What it allows.
    pub permissions: Vec<PermissionId>,
}

/// What to change in a role.
#[derive(Clone, Debug, Default)]
pub struct RoleChange {
    /// How people read it.
    pub display_name: Option<String>,
    /// What it is for; `Some(None)` empties it.
    pub description: Option<Option<String>>,
    /// Grants of an inactive role give nothing.
    pub is_active: Option<bool>,
    /// What it allows, and nothing else.
    pub permissions: Option<Vec<PermissionId>>,
    /// The version the change was made from; another is a conflict.
    pub expected_version: Option<i32>,
}

/// Makes a role.
pub async fn create_role(op: &Op, input: NewRole) -> Result<role::Model> {
    let permit = op.permit::<ManageRoles, _>(AllRoles)?;
    let mut checks = Checks::new();
    let name = checks.text("name", &input.name, 2, 50);
    if !name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_') {
        checks.fault("name", "takes upper case letters, digits and underscores");
    }
    let display_name = checks.text("displayName", &input.display_name, 1, 100);
    let description = checks.optional_lines("description", input.description.as_deref(), 500);
    checks.finish()?;
    let permissions = distinct(input.permissions);
    op.write(async |tx| {
        let row = role::ActiveModel {
            id: Set(tx.new_id()),
            name: Set(name.clone()),
            display_name: Set(display_name.clone()),
            description: Set(description.clone()),
            is_system: Set(false),
            is_active: Set(true),
            version: Set(1),
            created_at: Set(tx.now()),
            updated_at: Set(tx.now()),
        };
        let role = store::insert_role(tx, &permit, row).await?;
        allow(tx, &permit, role.id, &permissions).await?;
        Ok(role)
    })
    .await
}

fn distinct(mut permissions: Vec<PermissionId>) -> Vec<PermissionId> {
    permissions.sort_unstable();
    permissions.dedup();
    permissions
}

async fn allow(tx: &Tx, permit: &Permit<ManageRoles, AllRoles>, role: RoleId, all: &[PermissionId]) -> Result<()> {
    if store::allow(tx, permit, role, all).await? {
        return Ok(());
    }
    Err(Error::invalid("input.permissionIds", "takes ids of the list `permissions`; one of these is unknown"))
}

/// Changes a role. The system's own cannot be switched off, and what everybody and what administrators may do is not in the table.
///
/// # Errors
/// VALIDATION_FAILED, NOT_FOUND, BUSINESS_RULE_VIOLATION, RESOURCE_CONFLICT for a stale version.
pub async fn update_role(op: &Op, id: RoleId, change: RoleChange) -> Result<role::Model> {
    let permit = op.permit::<ManageRoles, _>(AllRoles)?;
    let mut checks = Checks::new();
    let mut row = role::ActiveModel { id: Set(id), ..Default::default() };
    if let Some(name) = &change.display_name {
        row.display_name = Set(checks.text("displayName", name, 1, 100));
    }
    if let Some(description) = &change.description {
        row.description = Set(checks.optional_lines("description", description.as_deref(), 500));
    }
    checks.finish()?;
    let permissions = change.permissions.map(distinct);
    op.write(async |tx| {
        let current = store::lock_role(tx, id).await?.ok_or(AuthError::RoleNotFound)?;
        if change.expected_version.is_some_and(|expected| expected != current.version) {
            return Err(AuthError::StaleRole.into());
        }
        let mut row = row.clone();
        row.version = Set(current.version + 1);
        row.updated_at = Set(tx.now());
        if let Some(is_active) = change.is_active {
            if current.is_system && !is_active {
                return Err(AuthError::SystemRole.into());
            }
            row.is_active = Set(is_active);
        }
        if let Some(permissions) = &permissions {
            // Everybody holds the one without a grant, and the other may do everything.
            if [BaseRole::User, BaseRole::Admin].iter().any(|fixed| fixed.name() == current.name) {
                return Err(AuthError::FixedPermissions.into());
            }
            allow(tx, &permit, id, permissions).await?;
        }
        if change.is_active.is_some() || permissions.is_some() {
            for user in store::holders(tx, id).await? {
                tx.emit(AuthEvent::AccountChanged { user });
            }
        }
        store::update_role(tx, &permit, row).await
    })
    .await
}

/// Deletes a role; who held it holds it no more.
pub async fn delete_role(op: &Op, id: RoleId) -> Result<()> {
    let permit = op.permit::<ManageRoles, _>(AllRoles)?;
    op.write(async |tx| {
        let current = store::lock_role(tx, id).await?.ok_or(AuthError::RoleNotFound)?;
        if current.is_system {
            return Err(AuthError::SystemRole.into());
        }
        for user in store::holders(tx, id).await? {
            tx.emit(AuthEvent::AccountChanged { user });
        }
        store::delete_role(tx, &permit, id).await
    })
    .await
}

/// Grants a role, perhaps until a date. Again changes the date.
///
/// # Errors
/// BUSINESS_RULE_VIOLATION for an end to the rights of the last administrator.
pub async fn assign_role(
    op: &Op,
    user: UserId,
    role: RoleId,
    expires_at: Option<DateTime<Utc>>,
) -> Result<user::Model> {
    let permit = op.permit::<ManageRoles, _>(AllRoles)?;
    if expires_at.is_some_and(|until| until <= op.platform.clock.now()) {
        return Err(Error::invalid("input.expiresAt", "takes a moment in the future"));
    }
    op.write(async |tx| {
        // Who holds the role is counted below: others who grant or revoke it wait until this is committed.
        tx.hold(&role).await?;
        let person = users::lock(tx, user).await?.ok_or(AuthError::PersonNotFound)?;
        let kept = store::role(tx, role).await?.ok_or(AuthError::RoleNotFound)?;
        let ends = kept.name == BaseRole::Admin.name() && expires_at.is_some();
        let had_admin = ends && store::lasting_admins(tx).await? > 0;
        store::put_grant(tx, &permit, user, role, op.viewer.id(), expires_at).await?;
        if had_admin && store::lasting_admins(tx).await? == 0 {
            return Err(AuthError::LastAdmin.into());
        }
        tx.emit(AuthEvent::AccountChanged { user });
        Ok(person)
    })
    .await
}

/// Takes a role away. Again is harmless.
///
/// # Errors
/// BUSINESS_RULE_VIOLATION for the last administrator.
pub async fn revoke_role(op: &Op, user: UserId, role: RoleId) -> Result<user::Model> {
    let permit = op.permit::<ManageRoles, _>(AllRoles)?;
    op.write(async |tx| {
        // Two administrators who take the role from each other at once: the second has to see what the first did.
        tx.hold(&role).await?;
        let person = users::lock(tx, user).await?.ok_or(AuthError::PersonNotFound)?;
        let kept = store::role(tx, role).await?.ok_or(AuthError::RoleNotFound)?;
        if store::delete_grant(tx, &permit, user, role).await? {
            if kept.name == BaseRole::Admin.name() && store::lasting_admins(tx).await? == 0 {
                return Err(AuthError::LastAdmin.into());
            }
            tx.emit(AuthEvent::AccountChanged { user });
        }
        Ok(person)
    })
    .await
}

/// Grants a role by its name to the account behind a login: how an installation gets its first administrator.
pub async fn grant_by_name(op: &Op, login: &str, role: &str) -> Result<user::Model> {
    let user = users::find_by_login(op.read(), login).await?.ok_or(AuthError::PersonNotFound)?;
    let role = store::role_by_name(op.read(), role).await?.ok_or(AuthError::RoleNotFound)?;
    assign_role(op, user.id, role.id, None).await
}
