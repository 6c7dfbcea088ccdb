//! Changing profiles and blocks.

use async_graphql::{Context, Object};

use super::{
    User,
    inputs::{
        BlockUserInput, BlockUserPayload, UnblockUserInput, UnblockUserPayload, UpdateProfileInput,
        UpdateProfilePayload,
    },
};
use crate::{
    base::error::Result,
    domains::{
        auth::is_confirmed,
        users::{ProfileChange, block, unblock, update_profile},
    },
    graphql::{
        access::{Requires, access},
        loader::ContextExt,
    },
};

/// Changing profiles and blocks.
#[derive(Default)]
pub struct UsersMutation;

#[Object]
impl UsersMutation {
    /// Changes the viewer's profile. A taken username is RESOURCE_CONFLICT. A new email address is pending (`pendingEmail`) until the link
    /// mailed to it is followed, and the answer is the same when somebody else has it; without a fresh proof of identity it is
    /// MFA_REQUIRED, and too many of them are RATE_LIMIT_EXCEEDED.
    #[graphql(directive = access::apply(Requires::SignedIn))]
    async fn update_profile(&self, ctx: &Context<'_>, input: UpdateProfileInput) -> Result<UpdateProfilePayload> {
        let is_confirmed = match &input.email {
            None => false,
            Some(_) => is_confirmed(ctx.op(), input.current_password.as_deref()).await?,
        };
        let change = ProfileChange { is_confirmed, ..input.into() };
        Ok(UpdateProfilePayload { user: User::new(update_profile(ctx.op(), change).await?) })
    }

    /// Keeps a person away: they find the viewer no more, and neither can write to the other directly. Repeating it is harmless, and
    /// whoever has blocked the viewer can be blocked back.
    #[graphql(directive = access::apply(Requires::SignedIn))]
    async fn block_user(&self, ctx: &Context<'_>, input: BlockUserInput) -> Result<BlockUserPayload> {
        Ok(BlockUserPayload { user: User::new(block(ctx.op(), *input.user_id).await?) })
    }

    /// Lets a person back in. Repeating it is harmless.
    #[graphql(directive = access::apply(Requires::SignedIn))]
    async fn unblock_user(&self, ctx: &Context<'_>, input: UnblockUserInput) -> Result<UnblockUserPayload> {
        Ok(UnblockUserPayload { user: User::new(unblock(ctx.op(), *input.user_id).await?) })
    }
}
