//! Reactions, counted and listed emoji by emoji.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::{
    ids::{MessageId, TypedId, UserId},
    message,
    message_reaction::{Column, Entity, Model},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel, QueryFilter, QuerySelect,
    sea_query::{ExprTrait, OnConflict},
};
use uuid::Uuid;

use super::{
    messages::save,
    top::{Bounds, each, keys},
};
use crate::{
    access::{Permit, Personal, Viewer},
    base::error::Result,
    domains::conversations::{
        model::Spot,
        policy::{React, Unreact},
    },
    graphql::page::Window,
    platform::{
        Tx,
        database::{Fetch, statement},
        lean::by_position,
    },
};

/// One emoji on one message.
#[derive(Clone, Debug)]
pub struct EmojiCount {
    /// On which.
    pub message: MessageId,
    /// The emoji.
    pub emoji: String,
    /// How many put it there.
    pub people: i64,
    /// When the first of them did.
    pub first_at: DateTime<Utc>,
    /// When the latest of them did.
    pub last_at: DateTime<Utc>,
    /// The viewer is one of them.
    pub is_mine: Personal<bool>,
}

struct Counted {
    message_id: Uuid,
    emoji: String,
    people: i64,
    first_at: DateTime<Utc>,
    last_at: DateTime<Utc>,
    mine: i32,
}

by_position!(Counted { message_id, emoji, people, first_at, last_at, mine });

/// The emoji on several messages, the one that came first first; counted in the database, a row an emoji.
pub async fn emoji_of(
    db: &impl Fetch,
    viewer: &Viewer,
    messages: &[MessageId],
) -> Result<HashMap<MessageId, Vec<EmojiCount>>> {
    let sql = |ids: &str, me: &str| {
        format!(
            "SELECT x.message_id, x.emoji, COUNT(*) AS people, MIN(x.created_at) AS first_at, \
             MAX(x.created_at) AS last_at, MAX(CASE WHEN x.user_id = {me} THEN 1 ELSE 0 END) AS mine \
             FROM message_reactions AS x WHERE x.message_id IN ({ids}) GROUP BY x.message_id, x.emoji"
        )
    };
    let me = viewer.one().unwrap_or(UserId::from_uuid(Uuid::nil()));
    let statement = statement(
        db.get_database_backend(),
        &sql("SELECT unhex(value) FROM json_each(?1)", "?2"),
        &sql("SELECT key::uuid FROM jsonb_array_elements_text($1) AS keys(key)", "$2"),
        [keys(messages.iter().map(|id| id.0)).into(), me.0.into()],
    );
    let mut rows: Vec<Counted> = db.fetch(statement).await?;
    rows.sort_by(|one, other| (one.first_at, &one.emoji).cmp(&(other.first_at, &other.emoji)));
    let mut counts: HashMap<MessageId, Vec<EmojiCount>> = HashMap::new();
    for Counted { message_id, emoji, people, first_at, last_at, mine } in rows {
        let message = MessageId(message_id);
        let is_mine = Personal::of(viewer, mine == 1);
        let count = EmojiCount { message, emoji, people, first_at, last_at, is_mine };
        counts.entry(message).or_default().push(count);
    }
    Ok(counts)
}

/// Where a reaction stands among those with its emoji: the first to react first.
pub type Reacting = (DateTime<Utc>, UserId);

/// An emoji on a message, to list its people.
pub type EmojiOn<'a> = (MessageId, &'a str);

#[derive(FromQueryResult)]
struct Placed {
    place: i64,
    user_id: Uuid,
    created_at: DateTime<Utc>,
}

/// The same page of the people behind each of several emoji, the first to react first, in one statement; in the order asked.
pub async fn people_of_each(
    db: &impl ConnectionTrait,
    emoji: &[EmojiOn<'_>],
    window: &Window<Reacting>,
) -> Result<Vec<Vec<Reacting>>> {
    let bounds = Bounds::of(window, "y.created_at, y.user_id", |(at, user)| vec![(*at).into(), user.0.into()]);
    let order = if window.backward { "y.created_at DESC, y.user_id DESC" } else { "y.created_at, y.user_id" };
    let also = &bounds.also;
    let sqlite = format!(
        "SELECT p.key AS place, x.user_id, x.created_at FROM json_each(?1) AS p CROSS JOIN message_reactions AS x \
         WHERE x.rowid IN (SELECT y.rowid FROM message_reactions AS y WHERE y.message_id = unhex(p.value->>0) \
         AND y.emoji = p.value->>1{also} ORDER BY {order} LIMIT ?2)"
    );
    let postgres = format!(
        "SELECT p.place - 1 AS place, x.user_id, x.created_at \
         FROM jsonb_array_elements(?1) WITH ORDINALITY AS p(pair, place) CROSS JOIN LATERAL (\
         SELECT y.* FROM message_reactions AS y WHERE y.message_id = (p.pair->>0)::uuid AND y.emoji = p.pair->>1{also} \
         ORDER BY {order} LIMIT ?2) AS x"
    );
    let lists =
        emoji.iter().map(|(message, emoji)| serde_json::json!([message.0.simple().to_string(), emoji])).collect();
    let statement = each(db.get_database_backend(), &sqlite, &postgres, lists, window.fetch(), bounds.values);
    let mut rows = Placed::find_by_statement(statement).all(db).await?;
    rows.sort_by_key(|row| (row.created_at, row.user_id));
    if window.backward {
        rows.reverse();
    }
    let mut people: Vec<Vec<Reacting>> = vec![Vec::new(); emoji.len()];
    for row in rows {
        if let Some(list) = usize::try_from(row.place).ok().and_then(|place| people.get_mut(place)) {
            list.push((row.created_at, UserId(row.user_id)));
        }
    }
    Ok(people)
}

/// How many different emoji a message has.
pub async fn emoji_count(db: &impl ConnectionTrait, message: MessageId) -> Result<u64> {
    let count = Column::Emoji.into_expr().count_distinct();
    let query = Entity::find().select_only().column_as(count, "emoji").filter(Column::MessageId.eq(message));
    let count: Option<i64> = query.into_tuple().one(db).await?;
    Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default())
}

/// Adds a reaction. `None` when it was there already.
pub async fn react(tx: &Tx, permit: &Permit<React, Spot>, user: UserId, emoji: &str) -> Result<Option<message::Model>> {
    let message = &permit.row().message;
    let row = Model { message_id: message.id, user_id: user, emoji: emoji.to_owned(), created_at: tx.now() };
    let once = OnConflict::columns([Column::MessageId, Column::UserId, Column::Emoji]).do_nothing().to_owned();
    let added = Entity::insert(row.into_active_model()).on_conflict(once).exec_without_returning(tx).await? == 1;
    Ok(if added { Some(save(tx, message.clone()).await?) } else { None })
}

/// Takes a reaction back. `None` when there was none.
pub async fn unreact(
    tx: &Tx,
    permit: &Permit<Unreact, Spot>,
    user: UserId,
    emoji: &str,
) -> Result<Option<message::Model>> {
    let message = &permit.row().message;
    let gone = Entity::delete_by_id((message.id, user, emoji.to_owned())).exec(tx).await?.rows_affected == 1;
    Ok(if gone { Some(save(tx, message.clone()).await?) } else { None })
}
