//! Making and granting roles.

use async_graphql::{Context, MaybeUndefined, Object};

use super::{
    Role,
    inputs::{
        AssignRoleInput, AssignRolePayload, CreateRoleInput, CreateRolePayload, DeleteRoleInput, DeleteRolePayload,
        RevokeRoleInput, RevokeRolePayload, UpdateRoleInput, UpdateRolePayload,
    },
};
use crate::{
    base::error::Result,
    domains::{
        auth::{NewRole, RoleChange, assign_role, create_role, delete_role, revoke_role, update_role},
        users::{Seen, graphql::User},
    },
    graphql::{
        access::{Requires, access},
        loader::ContextExt,
        node,
    },
};

/// Making and granting roles.
#[derive(Default)]
pub struct RolesMutation;

#[Object]
impl RolesMutation {
    /// Makes a role. A taken name is RESOURCE_CONFLICT; MFA_REQUIRED asks for a fresh sign-in.
    #[graphql(directive = access::apply(Requires::Admin))]
    async fn create_role(&self, ctx: &Context<'_>, input: CreateRoleInput) -> Result<CreateRolePayload> {
        let CreateRoleInput { name, display_name, description, permission_ids } = input;
        let permissions = permission_ids.unwrap_or_default().into_iter().map(|id| *id).collect();
        let role = create_role(ctx.op(), NewRole { name, display_name, description, permissions }).await?;
        Ok(CreateRolePayload { role: Role::new(role) })
    }

    /// Changes a role. The system's own cannot be switched off: BUSINESS_RULE_VIOLATION. A stale `expectedVersion` is RESOURCE_CONFLICT.
    /// Open connections of those who hold it end when their rights change.
    #[graphql(directive = access::apply(Requires::Admin))]
    async fn update_role(&self, ctx: &Context<'_>, input: UpdateRoleInput) -> Result<UpdateRolePayload> {
        let description = match input.description {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(None),
            MaybeUndefined::Value(text) => Some(Some(text)),
        };
        let permissions = input.permission_ids.map(|ids| ids.into_iter().map(|id| *id).collect());
        let UpdateRoleInput { display_name, is_active, expected_version, .. } = input;
        let change = RoleChange { display_name, description, is_active, permissions, expected_version };
        Ok(UpdateRolePayload { role: Role::new(update_role(ctx.op(), *input.role_id, change).await?) })
    }

    /// Deletes a role; who held it holds it no more. The system's own stay: BUSINESS_RULE_VIOLATION.
    #[graphql(directive = access::apply(Requires::Admin))]
    async fn delete_role(&self, ctx: &Context<'_>, input: DeleteRoleInput) -> Result<DeleteRolePayload> {
        delete_role(ctx.op(), *input.role_id).await?;
        Ok(DeleteRolePayload { role_id: node::id(*input.role_id) })
    }

    /// Grants a role, perhaps until a date; again changes the date. The last administrator stays one for good:
    /// BUSINESS_RULE_VIOLATION. The person's open connections end, to come back with the new rights.
    #[graphql(directive = access::apply(Requires::Admin))]
    async fn assign_role(&self, ctx: &Context<'_>, input: AssignRoleInput) -> Result<AssignRolePayload> {
        let row = assign_role(ctx.op(), *input.user_id, *input.role_id, input.expires_at.map(|until| until.0)).await?;
        Ok(AssignRolePayload { user: User::new(Seen::by(&ctx.op().viewer, row, false)) })
    }

    /// Takes a role away; again is harmless. The last administrator keeps the role: BUSINESS_RULE_VIOLATION.
    #[graphql(directive = access::apply(Requires::Admin))]
    async fn revoke_role(&self, ctx: &Context<'_>, input: RevokeRoleInput) -> Result<RevokeRolePayload> {
        let row = revoke_role(ctx.op(), *input.user_id, *input.role_id).await?;
        Ok(RevokeRolePayload { user: User::new(Seen::by(&ctx.op().viewer, row, false)) })
    }
}
