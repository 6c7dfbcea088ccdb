//! Background jobs.

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
                    .table("jobs")
                    .col(id())
                    .col(text("kind", 100))
                    .col(json("payload"))
                    .col(text("status", 20))
                    .col(text_or_null("unique_key", 200))
                    .col(time("run_at"))
                    .col(int("attempts", 0))
                    .col(int("max_attempts", 10))
                    .col(time_or_null("locked_until"))
                    .col(bigint("fence"))
                    .col(ColumnDef::new("last_error").text().null())
                    .col(time("created_at"))
                    .col(time("updated_at"))
                    .check(one_of("status", &["PENDING", "RUNNING", "FAILED"]))
                    .take(),
            )
            .await?;
        manager.create_index(unique("jobs", &["unique_key"])).await?;
        manager.create_index(index("idx_jobs_due", "jobs", &["status", "run_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["jobs"]).await
    }
}
