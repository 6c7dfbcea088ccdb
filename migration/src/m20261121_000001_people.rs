//! Accounts with their profiles, and who keeps whom away.

use sea_orm_migration::prelude::*;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("users")
                    .col(id())
                    .col(text_or_null("username", 100))
                    .col(text_or_null("username_key", 100))
                    .col(text_or_null("email", 255))
                    .col(text_or_null("email_key", 255))
                    .col(time_or_null("email_verified_at"))
                    .col(text("display_name", 100))
                    .col(text_or_null("first_name", 100))
                    .col(text_or_null("last_name", 100))
                    .col(text_or_null("avatar_url", 2048))
                    .col(text_or_null("banner_url", 2048))
                    .col(text_or_null("bio", 2000))
                    .col(text_or_null("location", 200))
                    .col(text_or_null("status_message", 200))
                    .col(ColumnDef::new("birthdate").date().null())
                    .col(text_or_null("gender", 20))
                    .col(json("preferences"))
                    .col(json("social_links"))
                    .col(flag("is_public", true))
                    .col(time_or_null("suspended_at"))
                    .col(int("token_version", 0))
                    .col(int("login_count", 0))
                    .col(time_or_null("last_login_at"))
                    .col(time_or_null("password_changed_at"))
                    .col(int("version", 1))
                    .col(time("created_at"))
                    .col(time("updated_at"))
                    .col(time_or_null("deleted_at"))
                    .take(),
            )
            .await?;
        manager.create_index(unique("users", &["username_key"])).await?;
        manager.create_index(unique("users", &["email_key"])).await?;
        manager.create_index(index("idx_users_deleted", "users", &["deleted_at"])).await?;
        manager
            .create_table(
                Table::create()
                    .table("user_blocks")
                    .col(key("blocker_id"))
                    .col(key("blocked_id"))
                    .col(time("created_at"))
                    .primary_key(Index::create().col("blocker_id").col("blocked_id"))
                    .foreign_key(&mut references(
                        "user_blocks_blocker",
                        ("user_blocks", "blocker_id"),
                        "users",
                        ForeignKeyAction::Cascade,
                    ))
                    .foreign_key(&mut references(
                        "user_blocks_blocked",
                        ("user_blocks", "blocked_id"),
                        "users",
                        ForeignKeyAction::Cascade,
                    ))
                    .take(),
            )
            .await?;
        manager.create_index(index("idx_user_blocks_blocked", "user_blocks", &["blocked_id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["user_blocks", "users"]).await
    }
}
