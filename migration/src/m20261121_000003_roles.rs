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
        manager.create_index(index("idx_user_roles_assigned_by", "user_roles", &["assigned_by"])).await?;
        manager.execute(base_roles()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["user_roles", "role_permissions", "permissions", "roles"]).await
    }
}

/// The roles every installation knows. Their ids are the same everywhere.
fn base_roles() -> InsertStatement {
    let at = sea_orm::prelude::DateTimeUtc::UNIX_EPOCH;
    let mut insert = Query::insert();
    insert.into_table("roles").columns([
        "id",
        "name",
        "display_name",
        "description",
        "is_system",
        "is_active",
        "created_at",
        "updated_at",
    ]);
    for (number, name, display_name, description) in [
        (1u128, "USER", "User", "Everybody holds it."),
        (2, "CREATOR", "Creator", "May publish tracks and sell."),
        (3, "MODERATOR", "Moderator", "Keeps order: sees reported content and acts on it."),
        (4, "ADMIN", "Administrator", "Runs the place."),
    ] {
        // A well-formed UUIDv7 of the year 1970.
        let id = sea_orm::prelude::Uuid::from_u128(0x7000_8000_0000_0000_0000 | number);
        insert.values_panic([
            id.into(),
            name.into(),
            display_name.into(),
            description.into(),
            true.into(),
            true.into(),
            at.into(),
            at.into(),
        ]);
    }
    insert.take()
}
