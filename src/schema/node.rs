//! Any object by its global id.

use async_graphql::{Context, ID, Interface, Object};
use entity::ids::{self, TypedId};
use futures_util::future::{BoxFuture, FutureExt, join_all};

use crate::{
    base::error::{Error, Result},
    domains::{
        auth::graphql::{Role, Session},
        conversations::graphql::{Conversation, Message},
        operations::graphql::Job,
        users::graphql::User,
    },
    graphql::loader::ContextExt,
};

/// Something with a global id: what Relay and other clients refetch by `node(id:)`.
#[derive(Clone, Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "The global id: its kind, an underscore, 26 characters."))]
pub enum Node {
    /// A person.
    User(User),
    /// A sign-in of the viewer.
    Session(Session),
    /// A conversation.
    Conversation(Conversation),
    /// A message.
    Message(Message),
    /// A role that can be granted.
    Role(Role),
    /// A background job.
    Job(Job),
}

/// Any object by its global id.
#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// Any object by its global id, under the same rules as on any other way to it; `null` when there is none the viewer may know of.
    async fn node(&self, ctx: &Context<'_>, #[graphql(desc = "The global id.")] id: ID) -> Result<Option<Node>> {
        find(ctx, &id, "id").await
    }

    /// Several objects by their global ids, in the order asked; `null` where there is none the viewer may know of. What is wrong with
    /// one id is an error at its place, and leaves the others be.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most 100 global ids.")] ids: Vec<ID>,
    ) -> Result<Option<Vec<Option<Result<Node>>>>> {
        let most = ctx.op().config.limits.nodes;
        if ids.len() > most {
            return Err(Error::invalid("ids", format!("takes at most {most} ids, these are {}", ids.len())));
        }
        let found = join_all(
            ids.iter().enumerate().map(async |(index, id)| find(ctx, id, &format!("ids.{index}")).await.transpose()),
        );
        Ok(Some(found.await))
    }
}

/// `field` is the argument that gave the id.
fn find<'a>(ctx: &'a Context<'_>, id: &'a str, field: &'a str) -> BoxFuture<'a, Result<Option<Node>>> {
    async move {
        let malformed = || Error::invalid(field, "takes a global id such as user_01h455vb4pex5vsknk084sn02q");
        let (kind, uuid) = ids::parse(id).ok_or_else(malformed)?;
        // A kind that exists only for others reads as absent, like any other object the viewer may not know of.
        Ok(match kind {
            ids::UserId::PREFIX => User::find(ctx, TypedId::from_uuid(uuid)).await?.map(Node::User),
            ids::SessionId::PREFIX => Session::find(ctx, TypedId::from_uuid(uuid)).await?.map(Node::Session),
            ids::ConversationId::PREFIX => {
                Conversation::find(ctx, TypedId::from_uuid(uuid)).await?.map(Node::Conversation)
            }
            ids::MessageId::PREFIX => Message::find(ctx, TypedId::from_uuid(uuid)).await?.map(Node::Message),
            ids::RoleId::PREFIX => Role::find(ctx, TypedId::from_uuid(uuid)).await?.map(Node::Role),
            ids::JobId::PREFIX => Job::find(ctx, TypedId::from_uuid(uuid)).await?.map(Node::Job),
            _ => return Err(malformed()),
        })
    }
    .boxed()
}
