//! Roles, what they allow, and who holds them.

use sea_orm_migration::prelude::*;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        use ForeignKeyAction::{Cascade, SetNull};
        manager
            .create_table(
                Table::create()
                    .table("roles")
                    .col(id())
                    .col(text("name", 50))
                    .col(text("display_name", 100))
                    .col(text_or_null("description", 500))
                    .col(flag("is_system", false))
                    .col(flag("is_active", true))
                    .col(time("created_at"))
                    .col(time("updated_at"))
                    .take(),
            )
            .await?;
        manager.create_index(unique("roles", &["name"])).await?;
        manager
            .create_table(
                Table::create()
                    .table("permissions")
                    .col(id())
                    .col(text("name", 100))
                    .col(text("resource", 50))
                    .col(text("action", 50))
                    .col(text_or_null("description", 500))
                    .col(time("created_at"))
                    .take(),
            )
            .await?;
        manager.create_index(unique("permissions", &["name"])).await?;
        manager
            .create_table(
                Table::create()
                    .table("role_permissions")
                    .col(key("role_id"))
                    .col(key("permission_id"))
                    .primary_key(Index::create().col("role_id").col("permission_id"))
                    .foreign_key(&mut references(
                        "role_permissions_role",
                        ("role_permissions", "role_id"),
                        "roles",
                        Cascade,
                    ))
                    .foreign_key(&mut references(
                        "role_permissions_permission",
                        ("role_permissions", "permission_id"),
                        "permissions",
                        Cascade,
                    ))
                    .take(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("user_roles")
                    .col(id())
                    .col(key("user_id"))
                    .col(key("role_id"))
                    .col(time("assigned_at"))
                    .col(key_or_null("assigned_by"))
                    .col(time_or_null("expires_at"))
                    .foreign_key(&mut references("user_roles_user", ("user_roles", "user_id"), "users", Cascade))
                    .foreign_key(&mut references("user_roles_role", ("user_roles", "role_id"), "roles", Cascade))
                    .foreign_key(&mut references(
                        "user_roles_assigned_by",
                        ("user_roles", "assigned_by"),
                        "users",
                        SetNull,
                    ))
                    .take(),
            )
            .await?;
        manager.create_index(unique("user_roles", &["user_id", "role_id"])).await?;
        manager.create_index(index("idx_user_roles_role", "user_roles", &["role_id"])).await?;
        manager.create_index(index("idx_user_roles_assigned_by", "user_roles", &["assigned_by"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["user_roles", "role_permissions", "permissions", "roles"]).await
    }
}
