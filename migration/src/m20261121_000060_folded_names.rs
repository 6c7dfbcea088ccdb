//! Display names as a search compares them, once more: the step that made the key (20) put accounts that were there before in lower case,
//! and the program compares by NFKC as well, so that a search passed over names in wide or composed letters.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, prelude::Uuid},
};
use unicode_normalization::UnicodeNormalization;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Accounts read at once.
const BATCH: u64 = 1000;
/// Characters of the column.
const LENGTH: usize = 400;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let mut last: Option<Uuid> = None;
        loop {
            let mut batch = Query::select();
            batch.columns(["id", "display_name", "display_name_key"]).from("users");
            batch.and_where_option(last.map(|last| Expr::col("id").gt(last))).order_by("id", Order::Asc).limit(BATCH);
            let rows = db.query_all(&batch).await?;
            for row in &rows {
                let (id, name): (Uuid, String) = (row.try_get("", "id")?, row.try_get("", "display_name")?);
                let (key, kept) = (fold(&name), row.try_get::<String>("", "display_name_key")?);
                last = Some(id);
                if key != kept {
                    let update = Query::update()
                        .table("users")
                        .value("display_name_key", key)
                        .and_where(Expr::col("id").eq(id))
                        .take();
                    db.execute(&update).await?;
                }
            }
            if rows.is_empty() {
                return Ok(());
            }
        }
    }

    /// Nothing to take back: the keys of before found fewer of the same people.
    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Ok(())
    }
}

/// As the program folds names today. It stands here again because a step must do the same for ever, whatever the program does later.
fn fold(name: &str) -> String {
    name.trim().nfkc().flat_map(char::to_lowercase).take(LENGTH).collect()
}
