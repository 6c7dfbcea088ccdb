//! Marks of what was read and received.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::{
    conversation_member,
    conversation_receipt::{Column, Entity, Kind, Model},
    ids::{MessageId, UserId},
};
use sea_orm::{ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel, sea_query::OnConflict};
use uuid::Uuid;

use super::{members::save_member, top::keys};
use crate::{
    access::Permit,
    base::error::Result,
    domains::conversations::{model::Standing, policy::Mark},
    platform::{Tx, database::statement},
};

/// Moves the viewer's mark on, never back. `None` when it stands there or further already.
pub async fn move_mark(
    tx: &Tx,
    permit: &Permit<Mark, Standing>,
    kind: Kind,
    seq: i64,
) -> Result<Option<conversation_member::Model>> {
    let Some(member) = permit.row().member.clone() else { return Ok(None) };
    advance(tx, member, kind, seq).await
}

/// Counts what the viewer has just sent, and so everything before it, as read. Gives the membership, and whether the mark
/// passed messages of others, which is news to them.
pub async fn mark_sent(tx: &Tx, standing: &Standing) -> Result<(Option<conversation_member::Model>, bool)> {
    let Some(mut member) = standing.member.clone() else { return Ok((None, false)) };
    let seq = standing.conversation.last_seq;
    if member.last_read_seq < seq - 1 {
        return Ok((advance(tx, member, Kind::Read, seq).await?, true));
    }
    member.last_read_seq = seq;
    member.last_delivered_seq = seq;
    Ok((Some(save_member(tx, member).await?), false))
}

async fn advance(
    tx: &Tx,
    mut member: conversation_member::Model,
    kind: Kind,
    seq: i64,
) -> Result<Option<conversation_member::Model>> {
    let stands = match kind {
        Kind::Read => member.last_read_seq,
        Kind::Delivered => member.last_delivered_seq,
    };
    if seq <= stands {
        return Ok(None);
    }
    if kind == Kind::Read {
        member.last_read_seq = seq;
    }
    // What is read has arrived.
    member.last_delivered_seq = member.last_delivered_seq.max(seq);
    let row =
        Model { conversation_id: member.conversation_id, user_id: member.user_id, kind, seq, created_at: tx.now() };
    // Somebody who left and came back may pass the same number again: the first time counts.
    let first = OnConflict::columns([Column::ConversationId, Column::UserId, Column::Kind, Column::Seq])
        .do_nothing()
        .to_owned();
    Entity::insert(row.into_active_model()).on_conflict(first).exec_without_returning(tx).await?;
    Ok(Some(save_member(tx, member).await?))
}

/// When one person received and read a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Who.
    pub user: UserId,
    /// When they received it, at the latest when they read it.
    pub delivered_at: DateTime<Utc>,
    /// When they read it.
    pub read_at: Option<DateTime<Utc>>,
}

#[derive(FromQueryResult)]
struct First {
    message_id: Uuid,
    user_id: Uuid,
    kind: Kind,
    at: DateTime<Utc>,
}

/// Who has received and read several messages, their senders left out: the first mark at or past a message tells when.
pub async fn receipts_of(
    db: &impl ConnectionTrait,
    messages: &[MessageId],
) -> Result<HashMap<MessageId, Vec<Receipt>>> {
    let sql = |ids: &str| {
        format!(
            "SELECT m.id AS message_id, r.user_id, r.kind, MIN(r.created_at) AS at FROM messages AS m \
             JOIN conversation_receipts AS r ON r.conversation_id = m.conversation_id AND r.seq >= m.seq \
             WHERE m.id IN ({ids}) AND (m.sender_id IS NULL OR r.user_id <> m.sender_id) \
             GROUP BY m.id, r.user_id, r.kind ORDER BY at, r.user_id"
        )
    };
    let statement = statement(
        db.get_database_backend(),
        &sql("SELECT unhex(value) FROM json_each(?)"),
        &sql("SELECT key::uuid FROM jsonb_array_elements_text($1) AS keys(key)"),
        [keys(messages.iter().map(|id| id.0)).into()],
    );
    let mut receipts: HashMap<MessageId, Vec<Receipt>> = HashMap::new();
    for First { message_id, user_id, kind, at } in First::find_by_statement(statement).all(db).await? {
        let of = receipts.entry(MessageId(message_id)).or_default();
        let user = UserId(user_id);
        let read_at = (kind == Kind::Read).then_some(at);
        match of.iter_mut().find(|receipt| receipt.user == user) {
            Some(receipt) => {
                receipt.delivered_at = receipt.delivered_at.min(at);
                receipt.read_at = receipt.read_at.or(read_at);
            }
            None => of.push(Receipt { user, delivered_at: at, read_at }),
        }
    }
    Ok(receipts)
}
