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
    domains::users::{block, unblock, update_profile},
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
    /// Changes the viewer's profile. A new email address gets a mail to prove it; a taken username or address is RESOURCE_CONFLICT.
    #[graphql(directive = access::apply(Requires::SignedIn))]
    async fn update_profile(&self, ctx: &Context<'_>, input: UpdateProfileInput) -> Result<UpdateProfilePayload> {
        Ok(UpdateProfilePayload { user: User::new(update_profile(ctx.op(), input.into()).await?) })
    }

    /// Keeps a person away: they find the viewer no more, and neither can write to the other directly. Repeating it is harmless.
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
