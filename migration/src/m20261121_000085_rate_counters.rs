//! Counters of the tight limits, which instances without Redis keep together.

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
                    .table("rate_counters")
                    .col(key("key").primary_key())
                    .col(bigint("count"))
                    .col(time("until"))
                    .take(),
            )
            .await?;
        manager.create_index(index("idx_rate_counters_until", "rate_counters", &["until"])).await?;
        if manager.get_database_backend() == sea_orm::DbBackend::Postgres {
            // Every guess at a password is counted: it need not wait for the disk, and replicas need not hear of it.
            manager.get_connection().execute_unprepared("ALTER TABLE rate_counters SET UNLOGGED").await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["rate_counters"]).await
    }
}
