//! What people do in conversations, one verb a file.

/// Making a room.
pub(super) mod create;
/// The direct conversation with somebody.
pub(super) mod open_direct;
/// Changing what a room is called and whom it takes.
pub(super) mod update;
/// Putting a conversation aside.
pub(super) mod archive;
/// Silencing a conversation for oneself.
pub(super) mod mute;
/// Taking a conversation away.
pub(super) mod delete;
/// Entering a public room.
pub(super) mod join;
/// Going.
pub(super) mod leave;
/// Bringing somebody in.
pub(super) mod add_member;
/// Giving a member another role.
pub(super) mod change_member;
/// Showing somebody out.
pub(super) mod remove_member;
/// Saying something.
pub(super) mod send;
/// Correcting a message.
pub(super) mod edit;
/// Taking a message away.
pub(super) mod delete_message;
/// Pinning a message.
pub(super) mod pin;
/// Reacting to a message.
pub(super) mod react;
/// Telling how far one has read or received.
pub(super) mod mark;
/// Showing that one is writing.
pub(super) mod typing;

use std::collections::HashSet;

use entity::ids::{ConversationId, UserId};

use super::{model, store};
use crate::{
    base::{error::Result, text::mentioned_names},
    domains::users,
    platform::Tx,
};

/// The members a text names with @, as the message keeps them.
async fn mentions(tx: &Tx, conversation: ConversationId, content: &str) -> Result<serde_json::Value> {
    let names = mentioned_names(content);
    let mut keys = names.concat();
    keys.sort_unstable();
    keys.dedup();
    let known = users::by_username_keys(tx, &keys).await?;
    let members = match known.is_empty() {
        true => HashSet::new(),
        false => store::among(tx, conversation, known.values().copied()).await?,
    };
    let people: Vec<UserId> = model::mentioned(&names, &known, &members);
    Ok(people.iter().map(|id| serde_json::Value::String(id.to_string())).collect())
}
