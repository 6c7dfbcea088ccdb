//! How people prove who they are: passwords, sessions, refresh tokens, mailed proofs, and the keys that sign tokens.

use sea_orm_migration::prelude::*;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        use ForeignKeyAction::Cascade;
        manager
            .create_table(
                Table::create()
                    .table("password_credentials")
                    .col(ColumnDef::new("user_id").uuid().not_null().primary_key())
                    .col(text("password_hash", 255))
                    .col(time("created_at"))
                    .col(time("updated_at"))
                    .foreign_key(&mut references(
                        "password_credentials_user",
                        ("password_credentials", "user_id"),
                        "users",
                        Cascade,
                    ))
                    .take(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("sessions")
                    .col(id())
                    .col(key("user_id"))
                    .col(text_or_null("device", 100))
                    .col(text_or_null("ip_address", 45))
                    .col(text_or_null("user_agent", 512))
                    .col(time("authenticated_at"))
                    .col(time("last_used_at"))
                    .col(time("expires_at"))
                    .col(time_or_null("revoked_at"))
                    .col(time("created_at"))
                    .col(time("updated_at"))
                    .foreign_key(&mut references("sessions_user", ("sessions", "user_id"), "users", Cascade))
                    .take(),
            )
            .await?;
        manager.create_index(index("idx_sessions_user", "sessions", &["user_id", "id"])).await?;
        manager.create_index(index("idx_sessions_expires", "sessions", &["expires_at"])).await?;
        manager
            .create_table(
                Table::create()
                    .table("refresh_tokens")
                    .col(id())
                    .col(key("session_id"))
                    .col(key("user_id"))
                    .col(key_or_null("parent_id"))
                    .col(text("token_hash", 64))
                    .col(time("expires_at"))
                    .col(time_or_null("used_at"))
                    .col(time("created_at"))
                    .col(time("updated_at"))
                    .foreign_key(&mut references(
                        "refresh_tokens_session",
                        ("refresh_tokens", "session_id"),
                        "sessions",
                        Cascade,
                    ))
                    .foreign_key(&mut references(
                        "refresh_tokens_user",
                        ("refresh_tokens", "user_id"),
                        "users",
                        Cascade,
                    ))
                    .take(),
            )
            .await?;
        manager.create_index(unique("refresh_tokens", &["token_hash"])).await?;
        manager.create_index(index("idx_refresh_tokens_session", "refresh_tokens", &["session_id"])).await?;
        manager.create_index(index("idx_refresh_tokens_parent", "refresh_tokens", &["parent_id"])).await?;
        manager.create_index(index("idx_refresh_tokens_expires", "refresh_tokens", &["expires_at"])).await?;
        manager
            .create_table(
                Table::create()
                    .table("verification_requests")
                    .col(id())
                    .col(key("user_id"))
                    .col(text("kind", 50))
                    .col(text("email", 255))
                    .col(text("token_hash", 64))
                    .col(time("expires_at"))
                    .col(time_or_null("completed_at"))
                    .col(time("created_at"))
                    .check(one_of("kind", &["EMAIL", "PASSWORD_RESET"]))
                    .foreign_key(&mut references(
                        "verification_requests_user",
                        ("verification_requests", "user_id"),
                        "users",
                        Cascade,
                    ))
                    .take(),
            )
            .await?;
        manager.create_index(unique("verification_requests", &["token_hash"])).await?;
        manager
            .create_index(index("idx_verification_requests_user", "verification_requests", &["user_id", "kind"]))
            .await?;
        manager
            .create_index(index("idx_verification_requests_expires", "verification_requests", &["expires_at"]))
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("signing_keys")
                    .col(id())
                    .col(text("public_key", 64))
                    .col(text("private_key", 512))
                    .col(time("signs_until"))
                    .col(time("verifies_until"))
                    .col(time("created_at"))
                    .take(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(
            manager,
            &["signing_keys", "verification_requests", "refresh_tokens", "sessions", "password_credentials"],
        )
        .await
    }
}
