//! Clearing away what was deleted.

use chrono::{DateTime, Utc};
use entity::{conversation, ids::ConversationId, message};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect, sea_query::Query,
};

use crate::{
    base::error::Result,
    platform::{Tx, database::statement},
};

/// A conversation that was deleted before this moment, the longest ago first.
pub async fn deleted_before(db: &impl ConnectionTrait, moment: DateTime<Utc>) -> Result<Option<ConversationId>> {
    use conversation::Column::{DeletedAt, Id};
    let query = conversation::Entity::find().select_only().column(Id).filter(DeletedAt.lt(moment));
    Ok(query.order_by_asc(DeletedAt).into_tuple().one(db).await?)
}

/// Clears away messages of a deleted conversation with all that hangs on them, newest first, at most `limit`; gives how many. Replies
/// stand behind what they reply to, so none has to let go of it first.
pub async fn purge_messages(tx: &Tx, conversation: ConversationId, limit: u64) -> Result<u64> {
    let newest = Query::select()
        .column(message::Column::Id)
        .from(message::Entity)
        .and_where(message::Column::ConversationId.eq(conversation))
        .order_by(message::Column::Seq, Order::Desc)
        .limit(limit)
        .take();
    let query = message::Entity::delete_many().filter(message::Column::Id.in_subquery(newest));
    Ok(query.exec(tx).await?.rows_affected)
}

/// Clears away marks, bans and members of a deleted conversation, at most `limit` of each; gives how many.
pub async fn purge_people(tx: &Tx, conversation: ConversationId, limit: u64) -> Result<u64> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut gone = 0;
    for table in ["conversation_receipts", "conversation_bans", "conversation_members"] {
        let sql = |row: &str, conversation: &str, limit: &str| {
            format!(
                "DELETE FROM {table} WHERE {row} IN (\
                 SELECT x.{row} FROM {table} AS x WHERE x.conversation_id = {conversation} LIMIT {limit})"
            )
        };
        let (sqlite, postgres) = (sql("rowid", "?1", "?2"), sql("ctid", "$1", "$2"));
        let values = [conversation.0.into(), limit.into()];
        gone += tx.execute_raw(statement(tx.get_database_backend(), &sqlite, &postgres, values)).await?.rows_affected();
    }
    Ok(gone)
}

/// Clears away a deleted conversation of which nothing else is left.
pub async fn purge_conversation(tx: &Tx, conversation: ConversationId) -> Result<()> {
    let query = conversation::Entity::delete_by_id(conversation);
    query.filter(conversation::Column::DeletedAt.is_not_null()).exec(tx).await?;
    Ok(())
}
