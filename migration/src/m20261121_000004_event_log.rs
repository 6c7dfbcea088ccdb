//! The event log and its state.

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
                    .table("events")
                    // AUTOINCREMENT on SQLite: a plain rowid may come back once the newest rows are gone.
                    .col(ColumnDef::new("number").big_integer().not_null().auto_increment().primary_key())
                    .col(bigint("epoch"))
                    .col(bigint("transaction_id"))
                    .col(key("id"))
                    .col(text("topic", 100))
                    .col(text("kind", 50))
                    .col(json("payload"))
                    .col(time("created_at"))
                    .take(),
            )
            .await?;
        manager.create_index(index("idx_events_order", "events", &["epoch", "transaction_id", "number"])).await?;
        manager
            .create_index(index("idx_events_topic", "events", &["topic", "epoch", "transaction_id", "number"]))
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("event_log")
                    .col(ColumnDef::new("id").integer().not_null().primary_key())
                    .col(bigint("epoch"))
                    .col(text("cluster", 100))
                    .col(bigint("pruned_epoch"))
                    .col(bigint("pruned_transaction_id"))
                    .col(bigint("pruned_number"))
                    .check(Expr::col("id").eq(1))
                    .take(),
            )
            .await?;
        manager
            .execute(
                Query::insert()
                    .into_table("event_log")
                    .columns(["id", "epoch", "cluster"])
                    .values_panic([1.into(), 1.into(), "".into()])
                    .take(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["event_log", "events"]).await
    }
}
