//! Changing conversations and who belongs to them.

use async_graphql::{Context, Object};
use entity::{conversation::Kind, conversation_receipt};

use super::{
    Conversation, ConversationMember,
    enums::{ConversationKind, ConversationRole, ConversationVisibility},
    inputs::*,
};
use crate::{
    base::error::{Error, Result},
    domains::conversations::{
        NewRoom, add_member, change_member, create_room, delete_conversation, join, leave, mark, mute, open_direct,
        remove_member, set_archived, set_typing, update_room,
    },
    graphql::{
        access::{Requires, access, signed_in},
        loader::ContextExt,
        node,
        scalars::DateTime,
    },
};

/// Changing conversations and who belongs to them.
#[derive(Default)]
pub struct ConversationsMutation;

#[Object]
impl ConversationsMutation {
    /// Makes a room. The viewer becomes its owner, and everybody who comes along hears of it in `inboxChanged`. More people than
    /// `maxMembers` is BUSINESS_RULE_VIOLATION.
    #[graphql(directive = access::apply(Requires::SignedIn))]
    async fn create_conversation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The room to be made.")] input: CreateConversationInput,
    ) -> Result<CreateConversationPayload> {
        signed_in(ctx)?;
        let other_door = match Kind::from(input.kind.unwrap_or(ConversationKind::Room)) {
            Kind::Room => None,
            Kind::Direct => Some("takes ROOM; direct conversations open with openDirectConversation"),
            Kind::Assistant => Some("takes ROOM; conversations with the assistant cannot be made here"),
        };
        if let Some(sentence) = other_door {
            return Err(Error::invalid("input.kind", sentence));
        }
        let room = NewRoom {
            name: input.name,
            description: input.description,
            visibility: input.visibility.unwrap_or(ConversationVisibility::Private).into(),
            max_members: input.max_members,
            member_ids: input.member_ids.unwrap_or_default().iter().map(|id| **id).collect(),
            metadata: input.metadata.map(|metadata| metadata.0),
        };
        Ok(CreateConversationPayload { conversation: Conversation::new(create_room(ctx.op(), room).await?) })
    }

    /// Gives the direct conversation with somebody; makes it the first time. USER_BLOCKED when either has blocked the other.
    #[graphql(directive = access::apply(Requires::SignedIn))]
    async fn open_direct_conversation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "With whom.")] input: OpenDirectConversationInput,
    ) -> Result<OpenDirectConversationPayload> {
        let seen = open_direct(ctx.op(), *input.user_id).await?;
        Ok(OpenDirectConversationPayload { conversation: Conversation::new(seen) })
    }

    /// Changes a room's name, description, visibility, ceiling or metadata. Only an owner makes a private room public:
    /// PERMISSION_DENIED. A ceiling below the number of members is BUSINESS_RULE_VIOLATION.
    #[graphql(directive = access::apply(Requires::Moderator))]
    async fn update_conversation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change, and where.")] input: UpdateConversationInput,
    ) -> Result<UpdateConversationPayload> {
        let seen = update_room(ctx.op(), *input.conversation_id, input.into()).await?;
        Ok(UpdateConversationPayload { conversation: Conversation::new(seen) })
    }

    /// Archives a room, or takes it out again. An archived room can be read, marked and left; nothing is said, reacted or pinned in it
    /// and nobody enters: BUSINESS_RULE_VIOLATION. Lists show it only with `archived: true`. A direct conversation is not archived:
    /// BUSINESS_RULE_VIOLATION. Repeating it is harmless.
    #[graphql(directive = access::apply(Requires::Owner))]
    async fn set_conversation_archived(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which room, and whether.")] input: SetConversationArchivedInput,
    ) -> Result<SetConversationArchivedPayload> {
        let seen = set_archived(ctx.op(), *input.conversation_id, input.archived).await?;
        Ok(SetConversationArchivedPayload { conversation: Conversation::new(seen) })
    }

    /// Silences a conversation for the viewer until a moment, or no longer: front ends give no notice of it meanwhile. Events come as
    /// before, unread messages count, and the others do not learn of it.
    #[graphql(directive = access::apply(Requires::Member))]
    async fn mute_conversation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to silence, and until when.")] input: MuteConversationInput,
    ) -> Result<MuteConversationPayload> {
        let seen = mute(ctx.op(), *input.conversation_id, input.until.map(|until| until.0)).await?;
        Ok(MuteConversationPayload { conversation: Conversation::new(seen) })
    }

    /// Deletes a room with its members and messages. Nobody finds it from then on, live streams of it end, and after a time of retention
    /// (30 days unless the operator says otherwise) it is cleared away. A direct conversation is not deleted: BUSINESS_RULE_VIOLATION.
    #[graphql(directive = access::apply(Requires::Owner))]
    async fn delete_conversation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to delete.")] input: DeleteConversationInput,
    ) -> Result<DeleteConversationPayload> {
        delete_conversation(ctx.op(), *input.conversation_id).await?;
        Ok(DeleteConversationPayload { conversation_id: node::id(*input.conversation_id) })
    }

    /// Enters a public room. What was said before counts as read. Somebody who was removed from it is PERMISSION_DENIED until a
    /// moderator or owner adds them; a full or archived room is BUSINESS_RULE_VIOLATION; repeating it is harmless.
    #[graphql(directive = access::apply(Requires::SignedIn))]
    async fn join_conversation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Where to enter.")] input: JoinConversationInput,
    ) -> Result<JoinConversationPayload> {
        let seen = join(ctx.op(), *input.conversation_id).await?;
        Ok(JoinConversationPayload { conversation: Conversation::new(seen) })
    }

    /// Leaves a room. Its only owner makes somebody else one first, unless alone: BUSINESS_RULE_VIOLATION. The last to leave takes
    /// the room away.
    #[graphql(directive = access::apply(Requires::Member))]
    async fn leave_conversation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to leave.")] input: LeaveConversationInput,
    ) -> Result<LeaveConversationPayload> {
        let seen = leave(ctx.op(), *input.conversation_id).await?;
        Ok(LeaveConversationPayload { conversation: Conversation::new(seen) })
    }

    /// Brings somebody into a room, also one who was removed from it. A full or archived room is BUSINESS_RULE_VIOLATION, a member with
    /// another role RESOURCE_CONFLICT, a blocked pair USER_BLOCKED; repeating it is harmless.
    #[graphql(directive = access::apply(Requires::Moderator))]
    async fn add_conversation_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom to bring in, where, and as what.")] input: AddConversationMemberInput,
    ) -> Result<AddConversationMemberPayload> {
        let (seen, member) = add_member(
            ctx.op(),
            *input.conversation_id,
            *input.user_id,
            input.role.unwrap_or(ConversationRole::Member).into(),
        )
        .await?;
        Ok(AddConversationMemberPayload {
            conversation: Conversation::new(seen),
            member: ConversationMember::new(member),
        })
    }

    /// Gives a member another role; only owners may. A room always keeps an owner: BUSINESS_RULE_VIOLATION.
    #[graphql(directive = access::apply(Requires::Owner))]
    async fn update_conversation_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose role, where, and the new one.")] input: UpdateConversationMemberInput,
    ) -> Result<UpdateConversationMemberPayload> {
        let (seen, member) = change_member(ctx.op(), *input.conversation_id, *input.user_id, input.role.into()).await?;
        Ok(UpdateConversationMemberPayload {
            conversation: Conversation::new(seen),
            member: ConversationMember::new(member),
        })
    }

    /// Shows a member out, who must have fewer rights than the viewer. Their live streams of the room end at once, and they cannot enter
    /// again by themselves: `addConversationMember` brings them back.
    #[graphql(directive = access::apply(Requires::Moderator))]
    async fn remove_conversation_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom to show out, and where.")] input: RemoveConversationMemberInput,
    ) -> Result<RemoveConversationMemberPayload> {
        let seen = remove_member(ctx.op(), *input.conversation_id, *input.user_id).await?;
        Ok(RemoveConversationMemberPayload { conversation: Conversation::new(seen) })
    }

    /// Tells how far the viewer has read: lowers `unreadCount` and is shown to the others. An older message changes nothing. Also where
    /// nothing more may be said: in an archived room, and in a direct conversation that a block has shut.
    #[graphql(directive = access::apply(Requires::Member))]
    async fn mark_conversation_read(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How far, and where.")] input: MarkConversationReadInput,
    ) -> Result<MarkConversationReadPayload> {
        let kind = conversation_receipt::Kind::Read;
        let seen = mark(ctx.op(), *input.conversation_id, kind, *input.up_to_message_id).await?;
        Ok(MarkConversationReadPayload { conversation: Conversation::new(seen) })
    }

    /// Tells how far messages have reached the viewer, read or not. An older message changes nothing.
    #[graphql(directive = access::apply(Requires::Member))]
    async fn mark_messages_delivered(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How far, and where.")] input: MarkMessagesDeliveredInput,
    ) -> Result<MarkMessagesDeliveredPayload> {
        let kind = conversation_receipt::Kind::Delivered;
        let seen = mark(ctx.op(), *input.conversation_id, kind, *input.up_to_message_id).await?;
        Ok(MarkMessagesDeliveredPayload { conversation: Conversation::new(seen) })
    }

    /// Shows that the viewer is writing, to members who follow `typingChanged`. It ends by itself after six seconds; say it again
    /// before that. A signal of the moment: it may be lost, and nothing is kept.
    #[graphql(directive = access::apply(Requires::Member))]
    async fn set_typing(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Where, and whether.")] input: SetTypingInput,
    ) -> Result<SetTypingPayload> {
        let expires_at = set_typing(ctx.op(), *input.conversation_id, input.typing).await?;
        Ok(SetTypingPayload { typing: input.typing, expires_at: expires_at.map(DateTime) })
    }
}
