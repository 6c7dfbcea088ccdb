//! What hangs on a message in lists of its own: earlier texts and receipts.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use entity::message_edit;
use futures_util::{FutureExt, future::BoxFuture};

use crate::{
    base::error::Result,
    domains::{conversations::store::Receipt, users::graphql::User},
    graphql::{
        loader::Rows,
        node,
        prefetch::{Edges, Selected, Slot, to_one},
        ready::{one, ready},
        scalars::DateTime,
    },
};

/// An earlier text of a message.
#[derive(Clone, Debug)]
pub struct MessageEdit(Arc<Edit>);

#[derive(Debug)]
struct Edit {
    row: message_edit::Model,
    editor: Slot<Option<User>>,
}

impl MessageEdit {
    /// From a row.
    pub fn new(row: message_edit::Model) -> Self {
        Self(Arc::new(Edit { row, editor: Slot::new() }))
    }

    /// The row.
    pub fn row(&self) -> &message_edit::Model {
        &self.0.row
    }
}

/// An earlier text of a message.
#[Object]
impl MessageEdit {
    /// Its id, for a client's cache: an edit is found through its message, not by `node`.
    fn id(&self) -> ID {
        node::id(self.0.row.id)
    }

    /// The text before this change.
    fn content(&self) -> &str {
        &self.0.row.content
    }

    /// Why it was changed, if the author said so.
    fn reason(&self) -> Option<&String> {
        self.0.row.reason.as_ref()
    }

    /// When it was changed.
    fn edited_at(&self) -> DateTime {
        self.0.row.created_at.into()
    }

    /// Who changed it; `null` when the account is gone.
    async fn editor(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match (self.0.editor.get(), self.0.row.editor_id) {
            (Some(editor), _) => Ok(editor.clone()),
            (None, Some(id)) => User::load(ctx, id).await,
            (None, None) => Ok(None),
        }
    }
}

ready!(MessageEdit {
    "id": id, "content": content, "reason": reason, "editedAt": edited_at
});

impl Edges for MessageEdit {
    fn prefetch<'a>(edits: &'a [&'a Self], selected: &'a Selected<'a>, rows: &'a Rows) -> BoxFuture<'a, ()> {
        let key = |edit: &Self| edit.0.row.editor_id;
        let load = async |ids| User::load_many(rows, ids).await;
        to_one(edits, selected.field("editor"), rows, key, |edit| &edit.0.editor, load).boxed()
    }
}

/// When one member received and read a message.
#[derive(Clone, Debug)]
pub struct MessageReceipt(Arc<Reached>);

#[derive(Debug)]
struct Reached {
    receipt: Receipt,
    user: Slot<Option<User>>,
}

impl MessageReceipt {
    /// From a receipt.
    pub fn new(receipt: Receipt) -> Self {
        Self(Arc::new(Reached { receipt, user: Slot::new() }))
    }

    /// The receipt.
    pub fn receipt(&self) -> &Receipt {
        &self.0.receipt
    }
}

/// When one member received and read a message.
#[Object]
impl MessageReceipt {
    /// Who; `null` when the account is gone.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.0.user.get() {
            Some(user) => Ok(user.clone()),
            None => User::load(ctx, self.0.receipt.user).await,
        }
    }

    /// When it reached them; at the latest when they read it.
    fn delivered_at(&self) -> DateTime {
        self.0.receipt.delivered_at.into()
    }

    /// When they read it; `null` while they have not.
    fn read_at(&self) -> Option<DateTime> {
        self.0.receipt.read_at.map(DateTime)
    }
}

ready!(MessageReceipt {
    "deliveredAt": delivered_at, "readAt": read_at
} edges {
    "user": |receipt| receipt.0.user.get().map(one),
});

impl Edges for MessageReceipt {
    fn prefetch<'a>(receipts: &'a [&'a Self], selected: &'a Selected<'a>, rows: &'a Rows) -> BoxFuture<'a, ()> {
        let key = |receipt: &Self| Some(receipt.0.receipt.user);
        let load = async |ids| User::load_many(rows, ids).await;
        to_one(receipts, selected.field("user"), rows, key, |receipt| &receipt.0.user, load).boxed()
    }
}
