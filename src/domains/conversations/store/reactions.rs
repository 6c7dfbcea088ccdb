//! Reactions.

use std::collections::HashMap;

use entity::{
    ids::{MessageId, UserId},
    message,
    message_reaction::{Column, Entity, Model},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
    sea_query::OnConflict,
};

use super::messages::save;
use crate::{
    access::Permit,
    base::error::Result,
    domains::conversations::{
        model::Spot,
        policy::{React, Unreact},
    },
    platform::Tx,
};

/// The reactions to several messages, oldest first.
pub async fn reactions_of(db: &impl ConnectionTrait, messages: &[MessageId]) -> Result<HashMap<MessageId, Vec<Model>>> {
    let query = Entity::find().filter(Column::MessageId.is_in(messages.iter().copied()));
    let query = query.order_by_asc(Column::CreatedAt).order_by_asc(Column::UserId);
    let mut reactions: HashMap<MessageId, Vec<Model>> = HashMap::new();
    for row in query.all(db).await? {
        reactions.entry(row.message_id).or_default().push(row);
    }
    Ok(reactions)
}

/// How many emoji somebody has put on a message.
pub async fn reactions_by(db: &impl ConnectionTrait, message: MessageId, user: UserId) -> Result<u64> {
    Ok(Entity::find().filter(Column::MessageId.eq(message)).filter(Column::UserId.eq(user)).count(db).await?)
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
