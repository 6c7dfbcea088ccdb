//! Rows of conversations, in batches.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use chrono::{DateTime, Utc};
use entity::{
    conversation_member::Role,
    ids::{ConversationId, MessageId, UserId},
    message,
};

use super::{
    model::Seen,
    store::{self, EmojiCount, Reach, Which},
};
use crate::{
    base::error::{Error, Result},
    domains::users,
    graphql::loader::Rows,
};

macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident($id:ty);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name(pub $id);
    )*};
}

keys! {
    /// A conversation the viewer may know of.
    ConversationById(ConversationId);
    /// The newest message of a conversation the viewer belongs to.
    LastMessageOf(ConversationId);
    /// The longest-standing owner of a conversation.
    OwnerOf(ConversationId);
    /// Whether one of the two of a direct conversation has blocked the other, by the other.
    BlockedWith(UserId);
    /// A message the viewer may read.
    MessageById(MessageId);
    /// The emoji on a message.
    EmojiOf(MessageId);
    /// How many replies a message has had.
    ReplyCount(MessageId);
    /// How many have received and read a message.
    ReachOf(MessageId);
    /// When somebody was last seen.
    LastSeen(UserId);
}

/// How many messages a list has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageCount(pub ConversationId, pub Which);

/// How many members of a role a conversation has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MemberCount(pub ConversationId, pub Role);

fn ids<K, I>(keys: &[K], id: impl Fn(&K) -> I) -> Vec<I> {
    keys.iter().map(id).collect()
}

fn keyed<I, K: std::hash::Hash + Eq, V>(found: HashMap<I, V>, key: impl Fn(I) -> K) -> HashMap<K, V> {
    found.into_iter().map(|(id, value)| (key(id), value)).collect()
}

impl Loader<ConversationById> for Rows {
    type Value = Seen;
    type Error = Error;

    async fn load(&self, keys: &[ConversationById]) -> Result<HashMap<ConversationById, Seen>> {
        self.asked_for(keys);
        let found = store::by_ids(self.0.read(), &self.0.viewer, &ids(keys, |key| key.0)).await?;
        Ok(keyed(found, ConversationById))
    }
}

impl Loader<LastMessageOf> for Rows {
    type Value = message::Model;
    type Error = Error;

    async fn load(&self, keys: &[LastMessageOf]) -> Result<HashMap<LastMessageOf, message::Model>> {
        self.asked_for(keys);
        Ok(keyed(store::last_messages(self.0.read(), &ids(keys, |key| key.0)).await?, LastMessageOf))
    }
}

impl Loader<OwnerOf> for Rows {
    type Value = UserId;
    type Error = Error;

    async fn load(&self, keys: &[OwnerOf]) -> Result<HashMap<OwnerOf, UserId>> {
        self.asked_for(keys);
        Ok(keyed(store::first_owners(self.0.read(), &ids(keys, |key| key.0)).await?, OwnerOf))
    }
}

impl Loader<BlockedWith> for Rows {
    type Value = ();
    type Error = Error;

    async fn load(&self, keys: &[BlockedWith]) -> Result<HashMap<BlockedWith, ()>> {
        self.asked_for(keys);
        let Some(me) = self.0.viewer.id() else { return Ok(HashMap::new()) };
        let blocks = users::blocked_between(self.0.read(), me, &ids(keys, |key| key.0)).await?;
        let other = |block: &entity::user_block::Model| {
            if block.blocker_id == me { block.blocked_id } else { block.blocker_id }
        };
        Ok(blocks.iter().map(|block| (BlockedWith(other(block)), ())).collect())
    }
}

impl Loader<MessageById> for Rows {
    type Value = message::Model;
    type Error = Error;

    async fn load(&self, keys: &[MessageById]) -> Result<HashMap<MessageById, message::Model>> {
        self.asked_for(keys);
        let found = store::messages_by_ids(self.0.read(), &self.0.viewer, &ids(keys, |key| key.0)).await?;
        Ok(keyed(found, MessageById))
    }
}

impl Loader<EmojiOf> for Rows {
    type Value = Vec<EmojiCount>;
    type Error = Error;

    async fn load(&self, keys: &[EmojiOf]) -> Result<HashMap<EmojiOf, Vec<EmojiCount>>> {
        self.asked_for(keys);
        let found = store::emoji_of(self.0.read(), &self.0.viewer, &ids(keys, |key| key.0)).await?;
        Ok(keyed(found, EmojiOf))
    }
}

impl Loader<ReplyCount> for Rows {
    type Value = i64;
    type Error = Error;

    async fn load(&self, keys: &[ReplyCount]) -> Result<HashMap<ReplyCount, i64>> {
        self.asked_for(keys);
        Ok(keyed(store::reply_counts(self.0.read(), &ids(keys, |key| key.0)).await?, ReplyCount))
    }
}

impl Loader<ReachOf> for Rows {
    type Value = Reach;
    type Error = Error;

    async fn load(&self, keys: &[ReachOf]) -> Result<HashMap<ReachOf, Reach>> {
        self.asked_for(keys);
        Ok(keyed(store::reach_of(self.0.read(), &ids(keys, |key| key.0)).await?, ReachOf))
    }
}

impl Loader<LastSeen> for Rows {
    type Value = DateTime<Utc>;
    type Error = Error;

    async fn load(&self, keys: &[LastSeen]) -> Result<HashMap<LastSeen, DateTime<Utc>>> {
        self.asked_for(keys);
        Ok(keyed(self.0.platform.presence.last_seen(&ids(keys, |key| key.0)).await, LastSeen))
    }
}

impl Loader<MessageCount> for Rows {
    type Value = i64;
    type Error = Error;

    async fn load(&self, keys: &[MessageCount]) -> Result<HashMap<MessageCount, i64>> {
        self.asked_for(keys);
        // One statement for each way to count, and a document names few.
        let mut counts = HashMap::new();
        for (which, ids) in grouped(keys.iter().map(|key| (key.1, key.0))) {
            let found = store::message_counts(self.0.read(), &ids, which).await?;
            counts.extend(keyed(found, |id| MessageCount(id, which)));
        }
        Ok(counts)
    }
}

impl Loader<MemberCount> for Rows {
    type Value = i64;
    type Error = Error;

    async fn load(&self, keys: &[MemberCount]) -> Result<HashMap<MemberCount, i64>> {
        self.asked_for(keys);
        let mut counts = HashMap::new();
        for (role, ids) in grouped(keys.iter().map(|key| (key.1, key.0))) {
            let found = store::member_counts(self.0.read(), &ids, role).await?;
            counts.extend(keyed(found, |id| MemberCount(id, role)));
        }
        Ok(counts)
    }
}

fn grouped<G: std::hash::Hash + Eq, I>(pairs: impl Iterator<Item = (G, I)>) -> HashMap<G, Vec<I>> {
    pairs.fold(HashMap::new(), |mut groups: HashMap<G, Vec<I>>, (group, id)| {
        groups.entry(group).or_default().push(id);
        groups
    })
}
