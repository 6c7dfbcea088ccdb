//! Small things that hang on a message.

use async_graphql::{ComplexObject, Context, ID, SimpleObject};
use entity::{ids::UserId, message_edit};

use crate::{
    base::error::Result,
    domains::{conversations::store::Receipt, users::graphql::User},
    graphql::{node, scalars::DateTime},
};

/// An earlier text of a message.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct MessageEdit {
    /// Its id, for a client's cache: an edit is found through its message, not by `node`.
    pub id: ID,
    /// The text before this change.
    pub content: String,
    /// Why it was changed, if the author said so.
    pub reason: Option<String>,
    /// When it was changed.
    pub edited_at: DateTime,
    #[graphql(skip)]
    editor_id: Option<UserId>,
}

#[ComplexObject]
impl MessageEdit {
    /// Who changed it; `null` when the account is gone.
    async fn editor(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.editor_id {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }
}

impl From<message_edit::Model> for MessageEdit {
    fn from(row: message_edit::Model) -> Self {
        Self {
            id: node::id(row.id),
            content: row.content,
            reason: row.reason,
            edited_at: row.created_at.into(),
            editor_id: row.editor_id,
        }
    }
}

/// When one person received and read a message.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct MessageReceipt {
    /// When it reached them; at the latest when they read it.
    pub delivered_at: DateTime,
    /// When they read it; `null` while they have not.
    pub read_at: Option<DateTime>,
    #[graphql(skip)]
    user_id: UserId,
}

#[ComplexObject]
impl MessageReceipt {
    /// Who; `null` when the account is gone.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        User::load(ctx, self.user_id).await
    }
}

impl From<Receipt> for MessageReceipt {
    fn from(receipt: Receipt) -> Self {
        Self {
            delivered_at: receipt.delivered_at.into(),
            read_at: receipt.read_at.map(DateTime),
            user_id: receipt.user,
        }
    }
}
