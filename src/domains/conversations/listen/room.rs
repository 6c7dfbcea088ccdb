//! What happens in one conversation.

use std::sync::Arc;

use entity::ids::{ConversationId, UserId};
use futures_util::{Stream, stream};
use tokio::sync::broadcast::Receiver;

use super::{departed, departures, farewell, membership, resume_at, still_member, unless_back};
use crate::{
    access::Op,
    base::error::Result,
    domains::conversations::events::{ConversationEvent, topic},
    platform::events::{Event, Follower, Position},
};

/// Whether who follows a conversation's messages hears of an event of its topic.
pub fn is_heard_in_room(event: &Event) -> bool {
    event.facts::<ConversationEvent>().is_some_and(|event| event.is_of_messages())
}

struct Listener {
    op: Arc<Op>,
    conversation: ConversationId,
    follower: Follower,
    departures: Receiver<Arc<serde_json::Value>>,
    replay_to: Position,
    me: UserId,
}

/// Follows what happens to the messages of a conversation, from a cursor or from now. The stream ends with an error when the viewer is
/// no longer a member.
///
/// # Errors
/// UNAUTHENTICATED, ROOM_NOT_FOUND, PERMISSION_DENIED, VALIDATION_FAILED or CURSOR_EXPIRED for the cursor.
pub async fn room(
    op: &Arc<Op>,
    conversation: ConversationId,
    after: Option<&str>,
) -> Result<impl Stream<Item = Result<Arc<Event>>> + Send + use<>> {
    let me = op.viewer.person()?.id;
    let after = resume_at(after)?;
    let events = &op.platform.events;
    let head = events.head();
    let follower = events.follow([Arc::from(topic(conversation))], Some(after.unwrap_or(head))).await?;
    let departures = departures(op, conversation, me);
    membership(op, conversation).await?;
    let listener = Listener { op: op.clone(), conversation, follower, departures, replay_to: head.position, me };
    Ok(stream::unfold(Some(listener), async |listener| {
        let mut listener = listener?;
        match listener.next().await {
            Ok(event) => Some((Ok(event), Some(listener))),
            Err(error) => Some((Err(error), None)),
        }
    }))
}

impl Listener {
    async fn next(&mut self) -> Result<Arc<Event>> {
        loop {
            let told = tokio::select! {
                told = self.follower.next() => told?,
                () = departed(&mut self.departures) => {
                    // Boxed, as it is rare: every listener would keep the room for it.
                    Box::pin(still_member(&self.op, self.conversation)).await?;
                    continue;
                }
            };
            let Some(event) = told.facts::<ConversationEvent>() else { continue };
            let gone = farewell(&event, told.position, self.replay_to, self.me);
            if gone.is_some() {
                Box::pin(unless_back(&self.op, self.conversation, gone)).await?;
            }
            if event.is_of_messages() {
                return Ok(told);
            }
        }
    }
}
