//! What roles may be given to allow, and grants that can be switched off.

use sea_orm_migration::{prelude::*, sea_orm::prelude::Uuid};

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The permissions the server asks for, and nothing else: the same list as the program's, which a test compares.
const PERMISSIONS: [(u128, &str, &str, &str); 2] = [
    (1, "jobs", "read", "See background jobs and why they failed."),
    (2, "jobs", "retry", "Run failed background jobs again."),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut is_active = flag("is_active", true);
        manager.alter_table(Table::alter().table("user_roles").add_column(&mut is_active).take()).await?;
        manager.create_index(index("idx_user_roles_expires", "user_roles", &["expires_at"])).await?;
        manager.create_index(index("idx_role_permissions_permission", "role_permissions", &["permission_id"])).await?;
        let at = sea_orm::prelude::DateTimeUtc::UNIX_EPOCH;
        for (number, resource, action, description) in PERMISSIONS {
            let insert = Query::insert()
                .into_table("permissions")
                .columns(["id", "name", "resource", "action", "description", "created_at"])
                .values_panic([
                    known(number).into(),
                    format!("{resource}:{action}").into(),
                    resource.into(),
                    action.into(),
                    description.into(),
                    at.into(),
                ])
                .take();
            manager.execute(insert).await?;
            let admin = Query::insert()
                .into_table("role_permissions")
                .columns(["role_id", "permission_id"])
                .values_panic([known(4).into(), known(number).into()])
                .take();
            manager.execute(admin).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.execute(Query::delete().from_table("role_permissions").take()).await?;
        manager.execute(Query::delete().from_table("permissions").take()).await?;
        for (name, table) in
            [("idx_role_permissions_permission", "role_permissions"), ("idx_user_roles_expires", "user_roles")]
        {
            manager.drop_index(Index::drop().name(name).table(table).to_owned()).await?;
        }
        manager.alter_table(Table::alter().table("user_roles").drop_column("is_active").take()).await
    }
}

/// The id of a row every installation knows: a well-formed UUIDv7 of the year 1970. 4 is the administrators' role.
fn known(number: u128) -> Uuid {
    Uuid::from_u128(0x7000_8000_0000_0000_0000 | number)
}
