//! What happens in one conversation.

use std::sync::Arc;

use entity::ids::{ConversationId, UserId};
use futures_util::{Stream, stream};
use tokio::sync::broadcast::Receiver;

use super::{
    departed, departures, farewell, membership,
    page::{Heard, Page},
    resume_at, still_member, unless_back,
};
use crate::{
    access::Op,
    base::error::Result,
    domains::conversations::events::{ConversationEvent, topic},
    platform::events::{Cursor, Event, Follower},
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
    /// Where it begins.
    after: Cursor,
    /// Up to here it is a replay.
    head: Cursor,
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
    let listener = Listener::open(op, conversation, after).await?;
    Ok(stream::unfold(Some(listener), async |listener| {
        let mut listener = listener?;
        match listener.next().await {
            Ok(event) => Some((Ok(event), Some(listener))),
            Err(error) => Some((Err(error), None)),
        }
    }))
}

/// What a follower of a conversation has heard by now from a cursor on, at most `count` of it.
///
/// # Errors
/// As those of [`room`].
pub async fn room_page(
    op: &Arc<Op>,
    conversation: ConversationId,
    after: Option<&str>,
    count: usize,
) -> Result<Heard<Arc<Event>>> {
    let mut listener = Listener::open(op, conversation, after).await?;
    let mut page = Page::new(listener.after, listener.head, count);
    while let Some(told) = listener.follower.now().await? {
        // All of it is a replay: nobody is shown out by it.
        let heard = is_heard_in_room(&told).then(|| told.clone());
        if !page.takes(&told, heard) {
            break;
        }
    }
    Ok(page.close())
}

impl Listener {
    async fn open(op: &Arc<Op>, conversation: ConversationId, after: Option<&str>) -> Result<Self> {
        let me = op.viewer.person()?.id;
        let after = resume_at(after)?;
        let events = &op.platform.events;
        let head = events.head();
        let after = after.unwrap_or(head);
        let follower = events.follow([Arc::from(topic(conversation))], Some(after)).await?;
        let departures = departures(op, conversation, me);
        membership(op, conversation).await?;
        Ok(Self { op: op.clone(), conversation, follower, departures, after, head, me })
    }

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
            let gone = farewell(&event, told.position, self.head.position, self.me);
            if gone.is_some() {
                Box::pin(unless_back(&self.op, self.conversation, gone)).await?;
            }
            if event.is_of_messages() {
                return Ok(told);
            }
        }
    }
}
