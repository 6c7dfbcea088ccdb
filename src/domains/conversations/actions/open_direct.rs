//! The direct conversation with somebody.

use entity::{
    conversation::{self, Kind, Visibility},
    conversation_member::Role,
    ids::UserId,
};

use crate::{
    access::Op,
    base::error::Result,
    domains::{
        conversations::{
            error::ConversationError,
            events::InboxEvent,
            model::{Seen, direct_key},
            policy::{Found, Founding},
            store,
        },
        users,
    },
};

/// Gives the direct conversation of the viewer and somebody else; makes it the first time, however many ask at once.
///
/// # Errors
/// NOT_FOUND for somebody who does not exist, USER_BLOCKED when either has blocked the other, BUSINESS_RULE_VIOLATION for oneself.
pub async fn open_direct(op: &Op, other: UserId) -> Result<Seen> {
    let me = op.viewer.person()?.id;
    if me == other {
        return Err(ConversationError::Oneself.into());
    }
    if users::by_ids(op.read(), &[other]).await?.is_empty() {
        return Err(ConversationError::UserNotFound.into());
    }
    if !users::blocked_between(op.read(), me, &[other]).await?.is_empty() {
        return Err(ConversationError::Blocked.into());
    }
    let key = direct_key(me, other);
    if let Some(seen) = store::by_direct_key(op.read(), &op.viewer, &key).await? {
        return Ok(seen);
    }
    op.write(async |tx| {
        // Once more: a block may have come since, and what is written needs a permit.
        let is_blocked = !users::blocked_between(tx, me, &[other]).await?.is_empty();
        let row = conversation::Model {
            id: tx.new_id(),
            kind: Kind::Direct,
            name: None,
            description: None,
            visibility: Visibility::Private,
            max_members: 2,
            creator_id: Some(me),
            direct_key: Some(key.clone()),
            last_seq: 0,
            member_count: 2,
            last_activity_at: tx.now(),
            version: 1,
            archived_at: None,
            created_at: tx.now(),
            updated_at: tx.now(),
            deleted_at: None,
            metadata: serde_json::json!({}),
            name_key: None,
        };
        let permit = op.permit::<Found, _>(Founding { row, is_blocked })?;
        let Some(row) = store::insert(tx, permit).await? else {
            // The other side was faster: theirs is the one.
            return Ok(store::by_direct_key(tx, &op.viewer, &key).await?.ok_or(ConversationError::NotFound)?);
        };
        let members = [me, other].map(|user| store::new_member(tx, &row, user, Role::Member));
        store::insert_first_members(tx, &members).await?;
        for user in [me, other] {
            tx.emit(InboxEvent::Added { user, conversation: row.id });
        }
        let [mine, _] = members;
        Ok(Seen { row, member: Some(mine) })
    })
    .await
}
