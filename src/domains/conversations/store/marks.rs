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

use super::{
    members::{Joining, save_member},
    top::{Bounds, each, keys},
};
use crate::{
    access::Permit,
    base::error::Result,
    domains::conversations::{model::Standing, policy::Mark},
    graphql::page::Window,
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

/// When one member received and read a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Who.
    pub user: UserId,
    /// Since when they are a member: the order of receipts is the order of members.
    pub joined_at: DateTime<Utc>,
    /// When they received it, at the latest when they read it.
    pub delivered_at: DateTime<Utc>,
    /// When they read it.
    pub read_at: Option<DateTime<Utc>>,
}

/// The members `y` whom a message `p` has reached: who was there when it was said, other than its sender.
const REACHED: &str = "y.conversation_id = p.conversation_id AND y.last_delivered_seq >= p.seq AND y.joined_seq < p.seq \
                       AND (p.sender_id IS NULL OR y.user_id <> p.sender_id)";

#[derive(FromQueryResult)]
struct Reached {
    message_id: Uuid,
    user_id: Uuid,
    joined_at: DateTime<Utc>,
    delivered_at: Option<DateTime<Utc>>,
    read_at: Option<DateTime<Utc>>,
}

/// The same page of the receipts of each of several messages, longest-standing member first, in one statement. The first mark at or
/// past a message tells when.
pub async fn receipts_of_each(
    db: &impl ConnectionTrait,
    messages: &[MessageId],
    window: &Window<Joining>,
) -> Result<HashMap<MessageId, Vec<Receipt>>> {
    let bounds = Bounds::of(window, "y.joined_at, y.user_id", |(at, user)| vec![(*at).into(), user.0.into()]);
    let order = if window.backward { "y.joined_at DESC, y.user_id DESC" } else { "y.joined_at, y.user_id" };
    let also = &bounds.also;
    let first = |kind| {
        format!(
            "(SELECT r.created_at FROM conversation_receipts AS r WHERE r.conversation_id = x.conversation_id \
             AND r.user_id = x.user_id AND r.kind = '{kind}' AND r.seq >= p.seq ORDER BY r.seq LIMIT 1)"
        )
    };
    let (delivered, read) = (first("DELIVERED"), first("READ"));
    let columns = format!("p.id AS message_id, x.user_id, x.joined_at, {delivered} AS delivered_at, {read} AS read_at");
    let sqlite = format!(
        "SELECT {columns} FROM messages AS p CROSS JOIN conversation_members AS x \
         WHERE p.id IN (SELECT unhex(value) FROM json_each(?1)) AND x.rowid IN (\
         SELECT y.rowid FROM conversation_members AS y WHERE {REACHED}{also} ORDER BY {order} LIMIT ?2)"
    );
    let postgres = format!(
        "SELECT {columns} FROM messages AS p CROSS JOIN LATERAL (\
         SELECT y.* FROM conversation_members AS y WHERE {REACHED}{also} ORDER BY {order} LIMIT ?2) AS x \
         WHERE p.id IN (SELECT key::uuid FROM jsonb_array_elements_text(?1) AS keys(key))"
    );
    let lists = keys(messages.iter().map(|id| id.0));
    let statement = each(db.get_database_backend(), &sqlite, &postgres, lists, window.fetch(), bounds.values);
    let mut rows = Reached::find_by_statement(statement).all(db).await?;
    rows.sort_by_key(|row| (row.joined_at, row.user_id));
    if window.backward {
        rows.reverse();
    }
    let mut receipts: HashMap<MessageId, Vec<Receipt>> = HashMap::new();
    for Reached { message_id, user_id, joined_at, delivered_at, read_at } in rows {
        // What is read has arrived; a mark always has its row, and who had none would have come in with it.
        let delivered_at = delivered_at.into_iter().chain(read_at).min().unwrap_or(joined_at);
        let receipt = Receipt { user: UserId(user_id), joined_at, delivered_at, read_at };
        receipts.entry(MessageId(message_id)).or_default().push(receipt);
    }
    Ok(receipts)
}

/// How many members have received and read a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Received it, those who read it included.
    pub delivered: i64,
    /// Read it.
    pub read: i64,
}

/// A message to be counted for.
#[derive(FromQueryResult)]
struct Sent {
    id: Uuid,
    conversation_id: Uuid,
    seq: i64,
    /// Where its sender came in, who is not counted; `None` when they are no member.
    sender_joined_seq: Option<i64>,
}

/// Members of a conversation whose numbers are the same.
#[derive(FromQueryResult)]
struct Alike {
    conversation_id: Uuid,
    joined: i64,
    delivered: i64,
    seen: i64,
    members: i64,
}

/// How many members have received and read each of several messages, their senders left out. Two statements, which read each
/// conversation's members once: one count a message would read them as often as there are messages.
pub async fn reach_of(db: &impl ConnectionTrait, messages: &[MessageId]) -> Result<HashMap<MessageId, Reach>> {
    let sql = |ids: &str| {
        format!(
            "SELECT p.id, p.conversation_id, p.seq, y.joined_seq AS sender_joined_seq FROM messages AS p \
             LEFT JOIN conversation_members AS y ON y.conversation_id = p.conversation_id AND y.user_id = p.sender_id \
             WHERE p.id IN ({ids})"
        )
    };
    let asked = statement(
        db.get_database_backend(),
        &sql("SELECT unhex(value) FROM json_each(?)"),
        &sql("SELECT key::uuid FROM jsonb_array_elements_text($1) AS keys(key)"),
        [keys(messages.iter().map(|id| id.0)).into()],
    );
    let sent = Sent::find_by_statement(asked).all(db).await?;
    let alike = alike(db, &sent).await?;
    let reach = |message: Sent| {
        let reached = alike
            .get(&message.conversation_id)
            .into_iter()
            .flatten()
            .filter(|members| members.joined < message.seq && members.delivered >= message.seq);
        let (delivered, read) = reached.fold((0, 0), |(delivered, read), members| {
            let has_read = members.seen >= message.seq;
            (delivered + members.members, read + if has_read { members.members } else { 0 })
        });
        // A sender has read what they send.
        let sender = i64::from(message.sender_joined_seq.is_some_and(|joined| joined < message.seq));
        (MessageId(message.id), Reach { delivered: delivered - sender, read: read - sender })
    };
    Ok(sent.into_iter().map(reach).collect())
}

/// The members of the messages' conversations, those alike together. Numbers outside the messages' range are drawn to its ends, where
/// they compare the same: so most members are alike.
async fn alike(db: &impl ConnectionTrait, sent: &[Sent]) -> Result<HashMap<Uuid, Vec<Alike>>> {
    let mut ranges: HashMap<Uuid, (i64, i64)> = HashMap::new();
    for message in sent {
        let range = ranges.entry(message.conversation_id).or_insert((message.seq, message.seq));
        *range = (range.0.min(message.seq), range.1.max(message.seq));
    }
    if ranges.is_empty() {
        return Ok(HashMap::new());
    }
    let (low, high) = ("CAST(p.value->>1 AS BIGINT)", "CAST(p.value->>2 AS BIGINT)");
    let drawn = |column: &str| {
        format!("CASE WHEN y.{column} < {low} THEN {low} - 1 WHEN y.{column} > {high} THEN {high} ELSE y.{column} END")
    };
    let (joined, delivered, seen) = (drawn("joined_seq"), drawn("last_delivered_seq"), drawn("last_read_seq"));
    let sql = |ranges: &str, id: &str| {
        format!(
            "SELECT y.conversation_id, {joined} AS joined, {delivered} AS delivered, {seen} AS seen, COUNT(*) AS members \
             FROM {ranges} CROSS JOIN conversation_members AS y WHERE y.conversation_id = {id} GROUP BY 1, 2, 3, 4"
        )
    };
    let lists = ranges.iter().map(|(id, (low, high))| serde_json::json!([id.simple().to_string(), low, high]));
    let statement = statement(
        db.get_database_backend(),
        &sql("json_each(?) AS p", "unhex(p.value->>0)"),
        &sql("jsonb_array_elements($1) AS p(value)", "(p.value->>0)::uuid"),
        [lists.collect::<serde_json::Value>().into()],
    );
    let mut alike: HashMap<Uuid, Vec<Alike>> = HashMap::new();
    for members in Alike::find_by_statement(statement).all(db).await? {
        alike.entry(members.conversation_id).or_default().push(members);
    }
    Ok(alike)
}
