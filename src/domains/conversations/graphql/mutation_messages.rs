//! Writing, correcting and reacting.

use async_graphql::{Context, Object};

use super::{Message, inputs_messages::*};
use crate::{
    base::error::Result,
    domains::conversations::{add_reaction, delete_message, edit_message, remove_reaction, send_message, set_pinned},
    graphql::{
        access::{Requires, access},
        loader::ContextExt,
    },
};

/// Writing, correcting and reacting.
#[derive(Default)]
pub struct MessagesMutation;

#[Object]
impl MessagesMutation {
    /// Writes to a room or direct conversation. USER_BLOCKED when one of the two of a direct conversation has blocked the other;
    /// MESSAGE_TOO_LONG over 2000 characters; BUSINESS_RULE_VIOLATION in an archived room.
    #[graphql(directive = access::apply(Requires::Member))]
    async fn send_message(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The message to be sent.")] input: SendMessageInput,
    ) -> Result<SendMessagePayload> {
        let sent = send_message(ctx.op(), input.into()).await?;
        Ok(SendMessagePayload { message: Message::new(sent.message), is_duplicate: sent.is_duplicate })
    }

    /// Corrects a message of the viewer's own; the earlier text is kept in `edits`. The same text changes nothing. NOT_FOUND for a
    /// message the viewer may not read, BUSINESS_RULE_VIOLATION for a deleted one and in an archived room.
    #[graphql(directive = access::apply(Requires::Owner))]
    async fn edit_message(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which message, and the new text.")] input: EditMessageInput,
    ) -> Result<EditMessagePayload> {
        Ok(EditMessagePayload { message: Message::new(edit_message(ctx.op(), input.into()).await?) })
    }

    /// Takes a message away: its author may, and in a room moderators and owners. The text is gone, with its earlier texts and
    /// its reactions; the place and the number stay. Repeating it is harmless.
    #[graphql(directive = access::apply(Requires::Member))]
    async fn delete_message(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which message, and why.")] input: DeleteMessageInput,
    ) -> Result<DeleteMessagePayload> {
        Ok(DeleteMessagePayload {
            message: Message::new(delete_message(ctx.op(), *input.message_id, input.reason).await?),
        })
    }

    /// Pins a message for everybody, or unpins it. In a room its moderators and owners may, other members are PERMISSION_DENIED; in a
    /// direct conversation both people may. At most 50 are pinned in a conversation: BUSINESS_RULE_VIOLATION. Repeating it is harmless.
    #[graphql(directive = access::apply(Requires::Member))]
    async fn set_message_pinned(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which message, and whether.")] input: SetMessagePinnedInput,
    ) -> Result<SetMessagePinnedPayload> {
        Ok(SetMessagePinnedPayload {
            message: Message::new(set_pinned(ctx.op(), *input.message_id, input.pinned).await?),
        })
    }

    /// Reacts to a message, once a person and emoji. A message has at most 20 different emoji: a further one is
    /// BUSINESS_RULE_VIOLATION. Repeating it is harmless.
    #[graphql(directive = access::apply(Requires::Member))]
    async fn add_reaction(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which message, and the emoji.")] input: AddReactionInput,
    ) -> Result<AddReactionPayload> {
        Ok(AddReactionPayload { message: Message::new(add_reaction(ctx.op(), *input.message_id, &input.emoji).await?) })
    }

    /// Takes the viewer's reaction back. Repeating it is harmless.
    #[graphql(directive = access::apply(Requires::Member))]
    async fn remove_reaction(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which message, and the emoji.")] input: RemoveReactionInput,
    ) -> Result<RemoveReactionPayload> {
        Ok(RemoveReactionPayload {
            message: Message::new(remove_reaction(ctx.op(), *input.message_id, &input.emoji).await?),
        })
    }
}
