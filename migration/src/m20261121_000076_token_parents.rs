//! The parent of a refresh token is a foreign key. Parents are cleared away before their successors, which then have none.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend, Statement},
};

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLE: &str = "refresh_tokens";
const PARENT: &str = "refresh_tokens_parent";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let orphans = "UPDATE refresh_tokens SET parent_id = NULL WHERE parent_id IS NOT NULL \
                       AND NOT EXISTS (SELECT 1 FROM refresh_tokens AS p WHERE p.id = refresh_tokens.parent_id)";
        manager.get_connection().execute_unprepared(orphans).await?;
        match manager.get_database_backend() {
            DbBackend::Sqlite => rebuild(manager, true).await,
            _ => {
                manager
                    .create_foreign_key(references(PARENT, (TABLE, "parent_id"), TABLE, ForeignKeyAction::SetNull))
                    .await
            }
        }
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        match manager.get_database_backend() {
            DbBackend::Sqlite => rebuild(manager, false).await,
            _ => manager.drop_foreign_key(ForeignKey::drop().name(PARENT).table(TABLE).to_owned()).await,
        }
    }
}

/// SQLite cannot add a foreign key to a table: the table is made again, filled from the old one, and takes its place and its indexes.
async fn rebuild(manager: &SchemaManager<'_>, with_parents: bool) -> Result<(), DbErr> {
    use ForeignKeyAction::{Cascade, SetNull};
    const NEW: &str = "new_refresh_tokens";
    let db = manager.get_connection();
    let indexes =
        "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'refresh_tokens' AND sql IS NOT NULL";
    let indexes = db.query_all_raw(Statement::from_string(DbBackend::Sqlite, indexes)).await?;
    let indexes: Vec<String> = indexes.iter().map(|row| row.try_get("", "sql")).collect::<Result<_, _>>()?;
    let mut table = Table::create()
        .table(NEW)
        .col(id())
        .col(key("session_id"))
        .col(key("user_id"))
        .col(key_or_null("parent_id"))
        .col(text("token_hash", 64))
        .col(time("expires_at"))
        .col(time_or_null("used_at"))
        .col(time("created_at"))
        .col(time("updated_at"))
        .foreign_key(&mut references("refresh_tokens_session", (NEW, "session_id"), "sessions", Cascade))
        .foreign_key(&mut references("refresh_tokens_user", (NEW, "user_id"), "users", Cascade))
        .take();
    if with_parents {
        // A table that is renamed takes the references to itself along.
        table.foreign_key(&mut references(PARENT, (NEW, "parent_id"), NEW, SetNull));
    }
    manager.create_table(table).await?;
    // Parents are older than their successors, and ids are in the order of time.
    const COLUMNS: &str = "id, session_id, user_id, parent_id, token_hash, expires_at, used_at, created_at, updated_at";
    db.execute_unprepared(&format!("INSERT INTO {NEW} ({COLUMNS}) SELECT {COLUMNS} FROM {TABLE} ORDER BY id")).await?;
    manager.drop_table(Table::drop().table(TABLE).take()).await?;
    manager.rename_table(Table::rename().table(NEW, TABLE).take()).await?;
    for index in indexes {
        db.execute_unprepared(&index).await?;
    }
    Ok(())
}
