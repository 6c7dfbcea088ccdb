//! What happens in one conversation.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::ids::{ConversationId, UserId};
use futures_util::{Stream, stream};
use tokio::sync::broadcast::Receiver;

use super::{
    conversation_event, departed, departures, farewell, membership,
    page::{Heard, Page},
    resume_at, still_member, unless_back,
};
use crate::{
    access::Op,
    base::error::Result,
    domains::conversations::events::{ConversationEvent, topic},
    platform::events::{Cursor, Event, Follower},
};

/// One event of a conversation.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Where to resume behind it.
    pub cursor: String,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What happened.
    pub event: ConversationEvent,
}

struct Listener {
    op: Op,
    conversation: ConversationId,
    follower: Follower,
    departures: Receiver<Arc<serde_json::Value>>,
    /// Where it begins.
    after: Cursor,
    /// Up to here it is a replay.
    head: Cursor,
    me: UserId,
}

/// Follows a conversation from a cursor, or from now. The stream ends with an error when the viewer is no longer a member.
///
/// # Errors
/// UNAUTHENTICATED, ROOM_NOT_FOUND, PERMISSION_DENIED, VALIDATION_FAILED or CURSOR_EXPIRED for the cursor.
pub async fn room(
    op: &Op,
    conversation: ConversationId,
    after: Option<&str>,
) -> Result<impl Stream<Item = Result<Notice>> + Send + use<>> {
    let listener = Listener::open(op, conversation, after).await?;
    Ok(stream::unfold(Some(listener), async |listener| {
        let mut listener = listener?;
        match listener.next().await {
            Ok(notice) => Some((Ok(notice), Some(listener))),
            Err(error) => Some((Err(error), None)),
        }
    }))
}

/// What a follower of a conversation has heard by now from a cursor on, at most `count` of it.
///
/// # Errors
/// As those of [`room`].
pub async fn room_page(
    op: &Op,
    conversation: ConversationId,
    after: Option<&str>,
    count: usize,
) -> Result<Heard<Notice>> {
    let mut listener = Listener::open(op, conversation, after).await?;
    let mut page = Page::new(listener.after, listener.head, count);
    while let Some(told) = listener.follower.now().await? {
        // All of it is a replay: nobody is shown out by it.
        if !page.takes(&told, Notice::of(&told)) {
            break;
        }
    }
    Ok(page.close())
}

impl Notice {
    fn of(told: &Event) -> Option<Self> {
        let event = conversation_event(told)?;
        Some(Self { cursor: told.cursor().to_string(), at: told.created_at, event })
    }
}

impl Listener {
    async fn open(op: &Op, conversation: ConversationId, after: Option<&str>) -> Result<Self> {
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

    async fn next(&mut self) -> Result<Notice> {
        loop {
            let told = tokio::select! {
                told = self.follower.next() => told?,
                () = departed(&mut self.departures) => {
                    still_member(&self.op, self.conversation).await?;
                    continue;
                }
            };
            let Some(notice) = Notice::of(&told) else { continue };
            let gone = farewell(&notice.event, told.position, self.head.position, self.me);
            unless_back(&self.op, self.conversation, gone).await?;
            return Ok(notice);
        }
    }
}
