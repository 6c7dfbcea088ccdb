//! What a live listener hears, in the order of the log, and when it hears no more.
//!
//! Access follows the log. A listener takes the head of the log, begins to follow, and only then reads its membership: whatever
//! ended the membership after that read comes behind the head and is applied in its place among the other events. Events up to that
//! head are a replay, and what they say of the listener's own membership is settled already. The head may lag behind the database,
//! so a departure behind it may be settled too: the membership is read once more before a listener is shown out. So nobody hears of
//! a message that was accepted after they had gone, and no event of others costs a statement for access.
//!
//! A departure is told beside the log too: while another program's transaction holds the log up, who has gone is shown out all the
//! same, and sees nobody writing.

/// Everything about all of one's conversations.
mod inbox;
/// The same, a page at a time.
mod page;
/// What happens in one conversation.
mod room;
/// Who is writing just now.
mod typing;

pub use inbox::{InboxNotice, InboxTold, inbox, inbox_page};
pub use room::{is_heard_in_room, room, room_page};
pub use typing::{TypingSignal, typing};

use std::sync::Arc;

use entity::ids::{ConversationId, UserId};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::{
    error::ConversationError,
    events::{ConversationEvent, gone_topic},
    store,
};
use crate::{
    access::Op,
    base::error::{Code, Error, Result},
    platform::{
        events::{Cursor, Event, Position},
        patience::patiently,
    },
};

/// The cursor a client gave, if it gave one.
fn resume_at(after: Option<&str>) -> Result<Option<Cursor>> {
    after.map(str::parse).transpose()
}

/// The viewer's membership as it stands now, or why there is none.
async fn membership(op: &Op, conversation: ConversationId) -> Result<()> {
    let read = || store::find(op.read(), &op.viewer, conversation);
    let seen = patiently("reading a membership", read).await?.ok_or(ConversationError::NotFound)?;
    if seen.member.is_some() { Ok(()) } else { Err(ConversationError::NotMember.into()) }
}

/// A departure in the log is not always the viewer's last word: one who has come back since is a member, and hears on. Asked once for
/// each departure of the viewer, never for the events of others.
///
/// # Errors
/// The farewell when it is the last word; SERVICE_UNAVAILABLE when that cannot be found out.
async fn unless_back(op: &Op, conversation: ConversationId, farewell: Option<Error>) -> Result<()> {
    let Some(farewell) = farewell else { return Ok(()) };
    match membership(op, conversation).await {
        Err(error) if error.code() == Code::ServiceUnavailable => Err(error),
        Err(_) => Err(farewell),
        Ok(()) => Ok(()),
    }
}

/// The signals that the viewer is no longer a member, from now on. Lossy: the log has it too.
fn departures(op: &Op, conversation: ConversationId, me: UserId) -> Receiver<Arc<serde_json::Value>> {
    op.platform.bus.signals(&gone_topic(conversation, me))
}

/// Waits for such a signal.
async fn departed(signals: &mut Receiver<Arc<serde_json::Value>>) {
    if let Err(RecvError::Closed) = signals.recv().await {
        std::future::pending().await
    }
}

/// Whether the viewer hears on after such a signal.
async fn still_member(op: &Op, conversation: ConversationId) -> Result<()> {
    unless_back(op, conversation, Some(ConversationError::NoLongerMember.into())).await
}

/// An event of a conversation; `None` for one of another kind.
fn conversation_event(event: &Event) -> Option<ConversationEvent> {
    event.facts().map(Arc::unwrap_or_clone)
}

/// Why the viewer hears no more after this event, if it is so.
fn farewell(event: &ConversationEvent, at: Position, replay_to: Position, me: UserId) -> Option<Error> {
    if at <= replay_to {
        return None;
    }
    match event {
        ConversationEvent::MemberLeft { user, .. } if *user == me => Some(ConversationError::NoLongerMember.into()),
        ConversationEvent::ConversationDeleted { .. } => Some(ConversationError::NotFound.into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_hears_no_more_after_leaving_but_a_replayed_departure_is_settled() {
        let at = |number| Position { epoch: 1, transaction: 0, number };
        let (conversation, me) = (ConversationId(uuid::Uuid::from_u128(1)), UserId(uuid::Uuid::from_u128(2)));
        let other = UserId(uuid::Uuid::from_u128(3));
        let left = |user| ConversationEvent::MemberLeft { conversation, user, removed: true };
        let code = |event, number| farewell(&event, at(number), at(10), me).map(|error| error.code());
        assert_eq!(code(left(me), 10), None);
        assert_eq!(code(left(me), 11), Some(Code::PermissionDenied));
        assert_eq!(code(left(other), 11), None);
        assert_eq!(code(ConversationEvent::ConversationDeleted { conversation }, 11), Some(Code::RoomNotFound));
    }
}
