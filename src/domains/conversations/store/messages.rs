//! Messages, their replies, earlier texts.

use std::collections::HashMap;

use entity::{
    conversation, conversation_member,
    ids::{ConversationId, MessageEditId, MessageId, UserId},
    message,
    message::{Column, Entity, Model},
    message_edit, message_reaction,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, Select,
    sea_query::{Expr, ExprTrait, Query},
};

use super::{
    rooms,
    top::{Bounds, Top},
};
use crate::{
    access::{Permit, Rights, Viewer},
    base::error::Result,
    domains::conversations::{
        error::ConversationError,
        model::{Spot, Standing},
        policy::{DeleteMessage, EditMessage, PinMessage, Post},
    },
    graphql::page::Window,
    platform::{
        Tx,
        database::Fetch,
        lean::{by_position, id_cells, padded, text_cells},
    },
};

id_cells!(MessageEditId);
text_cells!(message::Role, message::Type);
by_position!(Model {
    id,
    conversation_id,
    seq,
    sender_id,
    role,
    message_type,
    content,
    reply_to_id,
    thread_count,
    client_id,
    mentions,
    metadata,
    edit_count,
    edited_at,
    pinned_at,
    pinned_by,
    deleted_at,
    deleted_by,
    deletion_reason,
    version,
    created_at,
    updated_at,
});
by_position!(message_edit::Model { id, message_id, editor_id, content, reason, created_at });

/// Messages the viewer may read: those of the conversations they belong to.
pub fn visible_messages(viewer: &Viewer) -> Select<Entity> {
    let mut mine = Query::select();
    mine.column((conversation_member::Entity, conversation_member::Column::ConversationId))
        .from(conversation_member::Entity)
        .inner_join(
            conversation::Entity,
            Expr::col((conversation::Entity, conversation::Column::Id))
                .equals((conversation_member::Entity, conversation_member::Column::ConversationId)),
        )
        .and_where(conversation::Column::DeletedAt.is_null());
    match viewer {
        Viewer::System(_) => Entity::find(),
        Viewer::Anonymous => Entity::find().filter(Column::Id.is_null()),
        Viewer::Person(person) => {
            mine.and_where(conversation_member::Column::UserId.eq(person.id));
            Entity::find().filter(Column::ConversationId.in_subquery(mine))
        }
        Viewer::Audience(audience) => {
            let Rights::MemberOf(theirs) = audience.rights();
            let mut there = Query::select();
            there.column(conversation::Column::Id).from(conversation::Entity);
            there.and_where(conversation::Column::Id.eq(theirs)).and_where(conversation::Column::DeletedAt.is_null());
            Entity::find().filter(Column::ConversationId.in_subquery(there))
        }
    }
}

/// Several messages at once, those the viewer may read.
pub async fn messages_by_ids(db: &impl Fetch, viewer: &Viewer, ids: &[MessageId]) -> Result<HashMap<MessageId, Model>> {
    let rows: Vec<Model> = db.fetch_all(&visible_messages(viewer).filter(Column::Id.is_in(padded(ids)))).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// Whose list of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Of {
    /// What was said in a conversation.
    Conversation(ConversationId),
    /// The replies to a message.
    Message(MessageId),
}

/// Which messages of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Which {
    /// Replies too.
    pub with_replies: bool,
    /// Pinned ones only.
    pub pinned_only: bool,
}

/// One page of messages by number. Who asks must have shown that they may read the list.
pub async fn messages_page(db: &impl Fetch, of: Of, which: Which, window: &Window<i64>) -> Result<Vec<Model>> {
    let mut query = match of {
        Of::Conversation(id) => Entity::find().filter(Column::ConversationId.eq(id)),
        Of::Message(id) => Entity::find().filter(Column::ReplyToId.eq(id)),
    };
    if matches!(of, Of::Conversation(_)) && !which.with_replies {
        query = query.filter(Column::ReplyToId.is_null());
    }
    if which.pinned_only {
        query = query.filter(Column::PinnedAt.is_not_null());
    }
    if let Some(after) = window.after {
        query = query.filter(Column::Seq.gt(after));
    }
    if let Some(before) = window.before {
        query = query.filter(Column::Seq.lt(before));
    }
    let direction = if window.backward { sea_orm::Order::Desc } else { sea_orm::Order::Asc };
    db.fetch_all(&query.order_by(Column::Seq, direction).limit(window.fetch())).await
}

/// The first page of each of several lists, in one statement; each as [`messages_page`] would give it. All lists are of one sort.
pub async fn messages_of_each(
    db: &impl Fetch,
    lists: &[Of],
    which: Which,
    window: &Window<i64>,
) -> Result<HashMap<Of, Vec<Model>>> {
    let threads = matches!(lists.first(), Some(Of::Message(_)));
    let top = Top {
        table: "messages",
        parent: if threads { "reply_to_id" } else { "conversation_id" },
        also: match (which.with_replies || threads, which.pinned_only) {
            (true, false) => "",
            (true, true) => " AND x.pinned_at IS NOT NULL",
            (false, false) => " AND x.reply_to_id IS NULL",
            (false, true) => " AND x.reply_to_id IS NULL AND x.pinned_at IS NOT NULL",
        },
        order: if window.backward { "x.seq DESC" } else { "x.seq" },
    };
    let parents = lists.iter().map(|of| match of {
        Of::Conversation(id) => id.0,
        Of::Message(id) => id.0,
    });
    let mut rows: Vec<Model> =
        db.fetch(top.of_each::<Model>(db.get_database_backend(), parents, window.fetch())).await?;
    rows.sort_by_key(|row| if window.backward { -row.seq } else { row.seq });
    let mut pages: HashMap<Of, Vec<Model>> = HashMap::new();
    for row in rows {
        let of = match row.reply_to_id {
            Some(root) if threads => Of::Message(root),
            _ => Of::Conversation(row.conversation_id),
        };
        pages.entry(of).or_default().push(row);
    }
    Ok(pages)
}

/// How many messages each of several conversations has.
pub async fn message_counts(
    db: &impl ConnectionTrait,
    conversations: &[ConversationId],
    which: Which,
) -> Result<HashMap<ConversationId, i64>> {
    let mut query =
        Entity::find().select_only().column(Column::ConversationId).column_as(Column::Id.count(), "messages");
    query = query.filter(Column::ConversationId.is_in(conversations.iter().copied()));
    if !which.with_replies {
        query = query.filter(Column::ReplyToId.is_null());
    }
    if which.pinned_only {
        query = query.filter(Column::PinnedAt.is_not_null());
    }
    let rows: Vec<(ConversationId, i64)> = query.group_by(Column::ConversationId).into_tuple().all(db).await?;
    Ok(rows.into_iter().collect())
}

/// The newest message of each of several conversations.
pub async fn last_messages(
    db: &impl Fetch,
    conversations: &[ConversationId],
) -> Result<HashMap<ConversationId, Model>> {
    let top = Top { table: "messages", parent: "conversation_id", also: "", order: "x.seq DESC" };
    let statement = top.of_each::<Model>(db.get_database_backend(), conversations.iter().map(|id| id.0), 1);
    let rows: Vec<Model> = db.fetch(statement).await?;
    Ok(rows.into_iter().map(|row| (row.conversation_id, row)).collect())
}

/// How many replies each of several messages has had, deleted ones included: the length of the list of them.
pub async fn reply_counts(db: &impl ConnectionTrait, messages: &[MessageId]) -> Result<HashMap<MessageId, i64>> {
    let query = Entity::find().select_only().column(Column::ReplyToId).column_as(Column::Id.count(), "replies");
    let query = query.filter(Column::ReplyToId.is_in(messages.iter().copied())).group_by(Column::ReplyToId);
    let rows: Vec<(MessageId, i64)> = query.into_tuple().all(db).await?;
    Ok(rows.into_iter().collect())
}

/// The same page of the earlier texts of each of several messages, oldest first, in one statement.
pub async fn edits_of_each(
    db: &impl Fetch,
    messages: &[MessageId],
    window: &Window<MessageEditId>,
) -> Result<HashMap<MessageId, Vec<message_edit::Model>>> {
    let bounds = Bounds::of(window, "x.id", |id| vec![id.0.into()]);
    let order = if window.backward { "x.id DESC" } else { "x.id" };
    let top = Top { table: "message_edits", parent: "message_id", also: &bounds.also, order };
    let parents = messages.iter().map(|id| id.0);
    let statement =
        top.of_each_between::<message_edit::Model>(db.get_database_backend(), parents, window.fetch(), bounds.values);
    let mut rows: Vec<message_edit::Model> = db.fetch(statement).await?;
    rows.sort_by_key(|row| row.id);
    if window.backward {
        rows.reverse();
    }
    let mut edits: HashMap<MessageId, Vec<message_edit::Model>> = HashMap::new();
    for row in rows {
        edits.entry(row.message_id).or_default().push(row);
    }
    Ok(edits)
}

/// Where a message was said. A message never moves, so this may be read before the conversation is locked.
pub async fn conversation_of(db: &impl ConnectionTrait, id: MessageId) -> Result<ConversationId> {
    let query = Entity::find_by_id(id).select_only().column(Column::ConversationId);
    Ok(query.into_tuple().one(db).await?.ok_or(ConversationError::MessageNotFound)?)
}

/// Locks a message's conversation, the first statement of every write on it, then reads the message.
pub async fn lock_message(tx: &Tx, viewer: &Viewer, conversation: ConversationId, id: MessageId) -> Result<Spot> {
    let query = conversation::Entity::find_by_id(conversation).filter(conversation::Column::DeletedAt.is_null());
    let row = tx.lock(&conversation, query).await?.ok_or(ConversationError::MessageNotFound)?;
    let standing = rooms::standing(tx, viewer, row).await?;
    let message = in_conversation(tx, conversation, id).await?.ok_or(ConversationError::MessageNotFound)?;
    Ok(Spot { standing, message })
}

/// A message of a conversation.
pub async fn in_conversation(
    db: &impl ConnectionTrait,
    conversation: ConversationId,
    id: MessageId,
) -> Result<Option<Model>> {
    Ok(Entity::find_by_id(id).filter(Column::ConversationId.eq(conversation)).one(db).await?)
}

/// What somebody sent in a conversation under this key.
pub async fn sent_as(
    db: &impl ConnectionTrait,
    conversation: ConversationId,
    sender: UserId,
    client_id: &str,
) -> Result<Option<Model>> {
    let query = Entity::find().filter(Column::ConversationId.eq(conversation)).filter(Column::SenderId.eq(sender));
    Ok(query.filter(Column::ClientId.eq(client_id)).one(db).await?)
}

/// The text a message was sent with; `None` once it is deleted.
pub async fn original_content(db: &impl ConnectionTrait, row: &Model) -> Result<Option<String>> {
    if row.deleted_at.is_some() {
        return Ok(None);
    }
    if row.edit_count == 0 {
        return Ok(Some(row.content.clone()));
    }
    use message_edit::Column::{Content, Id, MessageId as Of};
    let query = message_edit::Entity::find().select_only().column(Content).filter(Of.eq(row.id)).order_by_asc(Id);
    Ok(query.limit(1).into_tuple().one(db).await?)
}

/// Writes a message under the next number of the locked conversation, and counts it at the message it replies to.
pub async fn insert_message(tx: &Tx, permit: Permit<Post, Standing>, mut row: Model) -> Result<(Standing, Model)> {
    let mut standing = permit.into_row();
    standing.conversation.last_seq += 1;
    // Of two servers one clock may be behind: a list must not see its newest conversation sink.
    let active_at = Ord::max(standing.conversation.last_activity_at, tx.now());
    standing.conversation.last_activity_at = active_at;
    standing.conversation.updated_at = tx.now();
    row.seq = standing.conversation.last_seq;
    Entity::insert(row.clone().into_active_model()).exec_without_returning(tx).await?;
    let change = conversation::ActiveModel {
        id: sea_orm::ActiveValue::Unchanged(standing.conversation.id),
        last_seq: sea_orm::ActiveValue::Set(standing.conversation.last_seq),
        last_activity_at: sea_orm::ActiveValue::Set(active_at),
        updated_at: sea_orm::ActiveValue::Set(tx.now()),
        ..Default::default()
    };
    conversation::Entity::update_many()
        .set(change)
        .filter(conversation::Column::Id.eq(standing.conversation.id))
        .exec(tx)
        .await?;
    count_reply(tx, &row, 1).await?;
    Ok((standing, row))
}

/// Counts a reply at the message it replies to, or no longer.
async fn count_reply(tx: &Tx, reply: &Model, by: i32) -> Result<()> {
    let Some(root) = reply.reply_to_id else { return Ok(()) };
    Entity::update_many()
        .col_expr(Column::ThreadCount, Expr::col(Column::ThreadCount).add(by))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .col_expr(Column::UpdatedAt, Expr::value(tx.now()))
        .filter(Column::Id.eq(root))
        .exec(tx)
        .await?;
    Ok(())
}

/// Writes a locked message as it shall be.
pub(super) async fn save(tx: &Tx, mut row: Model) -> Result<Model> {
    row.version += 1;
    row.updated_at = tx.now();
    Ok(row.into_active_model().reset_all().update(tx).await?)
}

/// Gives a message another text and keeps the one it had.
pub async fn edit(
    tx: &Tx,
    permit: Permit<EditMessage, Spot>,
    editor: UserId,
    content: String,
    mentions: serde_json::Value,
    reason: Option<String>,
) -> Result<Model> {
    let mut row = permit.into_row().message;
    let earlier = message_edit::Model {
        id: tx.new_id(),
        message_id: row.id,
        editor_id: Some(editor),
        content: std::mem::replace(&mut row.content, content),
        reason,
        created_at: tx.now(),
    };
    message_edit::Entity::insert(earlier.into_active_model()).exec_without_returning(tx).await?;
    row.mentions = mentions;
    row.edit_count += 1;
    row.edited_at = Some(tx.now());
    save(tx, row).await
}

/// Blanks a message for good: its text, its earlier texts, whom it named, what came with it and how people reacted to it. Its place
/// and number stay.
pub async fn blank(
    tx: &Tx,
    permit: Permit<DeleteMessage, Spot>,
    by: Option<UserId>,
    reason: Option<String>,
) -> Result<Model> {
    let mut row = permit.into_row().message;
    message_edit::Entity::delete_many().filter(message_edit::Column::MessageId.eq(row.id)).exec(tx).await?;
    message_reaction::Entity::delete_many().filter(message_reaction::Column::MessageId.eq(row.id)).exec(tx).await?;
    count_reply(tx, &row, -1).await?;
    row.content = String::new();
    row.mentions = serde_json::json!([]);
    row.metadata = serde_json::json!({});
    row.pinned_at = None;
    row.pinned_by = None;
    row.deleted_at = Some(tx.now());
    row.deleted_by = by;
    row.deletion_reason = reason;
    save(tx, row).await
}

/// How many messages of a conversation are pinned.
pub async fn pins(db: &impl ConnectionTrait, conversation: ConversationId) -> Result<u64> {
    let query = Entity::find().filter(Column::ConversationId.eq(conversation)).filter(Column::PinnedAt.is_not_null());
    Ok(query.count(db).await?)
}

/// Pins or unpins a message.
pub async fn set_pinned(tx: &Tx, permit: Permit<PinMessage, Spot>, by: Option<UserId>) -> Result<Model> {
    let mut row = permit.into_row().message;
    row.pinned_at = by.map(|_| tx.now());
    row.pinned_by = by;
    save(tx, row).await
}

/// The kind of a new message, written by a person.
pub fn new_message(tx: &Tx, conversation: ConversationId, sender: UserId, content: String) -> Model {
    Model {
        id: tx.new_id(),
        conversation_id: conversation,
        seq: 0,
        sender_id: Some(sender),
        role: message::Role::User,
        message_type: message::Type::Text,
        content,
        reply_to_id: None,
        thread_count: 0,
        client_id: None,
        mentions: serde_json::json!([]),
        metadata: serde_json::json!({}),
        edit_count: 0,
        edited_at: None,
        pinned_at: None,
        pinned_by: None,
        deleted_at: None,
        deleted_by: None,
        deletion_reason: None,
        version: 1,
        created_at: tx.now(),
        updated_at: tx.now(),
    }
}
