//! Everything about all of one's conversations: the set of topics one belongs to, kept up to date by what the person's own topic says.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use entity::{
    conversation_receipt::Kind,
    ids::{ConversationId, UserId},
};
use futures_util::{Stream, stream};
use serde::Deserialize;

use super::{
    conversation_event,
    page::{Heard, Page},
    resume_at,
};
use crate::{
    access::Op,
    base::error::Result,
    domains::{
        conversations::{
            events::{ConversationEvent, InboxEvent, topic},
            store,
        },
        users,
    },
    platform::{
        events::{Cursor, Event, Follower},
        patience::patiently,
    },
};

/// One event of an inbox.
#[derive(Clone, Debug)]
pub struct InboxNotice {
    /// Where to resume behind it.
    pub cursor: String,
    /// What happened.
    pub told: InboxTold,
}

/// What an inbox hears.
#[derive(Clone, Debug)]
pub enum InboxTold {
    /// The viewer belongs to it now.
    Added(ConversationId),
    /// The viewer belongs to it no longer, or it is gone.
    Removed(ConversationId),
    /// The viewer silenced it, or no longer.
    Muted(ConversationId),
    /// Something happened in it.
    Event(ConversationEvent),
}

struct Listener {
    follower: Follower,
    me: UserId,
    /// Where it begins.
    after: Cursor,
    /// The newest event when it began.
    head: Cursor,
}

/// Follows all of the viewer's conversations, from a cursor or from now.
///
/// # Errors
/// UNAUTHENTICATED, VALIDATION_FAILED or CURSOR_EXPIRED for the cursor.
pub async fn inbox(op: &Op, after: Option<&str>) -> Result<impl Stream<Item = Result<InboxNotice>> + Send + use<>> {
    let listener = Listener::open(op, after).await?;
    Ok(stream::unfold(Some(listener), async |listener| {
        let mut listener = listener?;
        match listener.next().await {
            Ok(notice) => Some((Ok(notice), Some(listener))),
            Err(error) => Some((Err(error), None)),
        }
    }))
}

/// What a follower of the viewer's inbox has heard by now from a cursor on, at most `count` of it.
///
/// # Errors
/// As those of [`inbox`].
pub async fn inbox_page(op: &Op, after: Option<&str>, count: usize) -> Result<Heard<InboxNotice>> {
    let mut listener = Listener::open(op, after).await?;
    let mut page = Page::new(listener.after, listener.head, count);
    while let Some(event) = listener.follower.now().await? {
        let told = listener.hear(&event);
        if !page.takes(&event, told.map(|told| InboxNotice::new(&event, told))) {
            break;
        }
    }
    Ok(page.close())
}

impl InboxNotice {
    fn new(event: &Event, told: InboxTold) -> Self {
        Self { cursor: event.cursor().to_string(), told }
    }
}

/// The conversations that the viewer was not in at a place, and came into after it: their topics are followed from there on, where
/// the replay tells that they were added. What happened in them before was never for this inbox.
///
/// Asked after the set was read: a membership that the set shows has its event committed, though perhaps above the horizon.
async fn joined_after(op: &Op, me: UserId, place: Cursor) -> Result<HashSet<ConversationId>> {
    let (own, events) = (users::topic(me), &op.platform.events);
    let read = || events.committed_after(&own, &InboxEvent::MEMBERSHIP, place);
    let mut changes = patiently("reading what somebody joined", read).await?;
    changes.sort_unstable_by_key(|event| event.position);
    let mut was_in = HashMap::new();
    for event in changes {
        match InboxEvent::deserialize(&event.payload) {
            Ok(InboxEvent::Added { conversation, .. }) => was_in.entry(conversation).or_insert(false),
            Ok(InboxEvent::Removed { conversation, .. }) => was_in.entry(conversation).or_insert(true),
            Ok(InboxEvent::Muted { .. }) | Err(_) => continue,
        };
    }
    Ok(was_in.into_iter().filter_map(|(conversation, was_in)| (!was_in).then_some(conversation)).collect())
}

impl Listener {
    async fn open(op: &Op, after: Option<&str>) -> Result<Self> {
        let me = op.viewer.person()?.id;
        let after = resume_at(after)?;
        let events = &op.platform.events;
        // Listening to the own topic comes before the set is read: what changes meanwhile comes behind this place and is applied then.
        let head = events.head();
        let place = after.unwrap_or(head);
        let mut follower = events.follow([Arc::from(users::topic(me))], Some(place)).await?;
        let read = || store::conversations_of(op.read(), me);
        let set = patiently("reading which conversations somebody has", read).await?;
        let later = if after.is_some() { joined_after(op, me, place).await? } else { HashSet::new() };
        for conversation in set.into_iter().filter(|conversation| !later.contains(conversation)) {
            follower.add(Arc::from(topic(conversation)));
        }
        Ok(Self { follower, me, after: place, head })
    }

    async fn next(&mut self) -> Result<InboxNotice> {
        loop {
            let event = self.follower.next().await?;
            if let Some(told) = self.hear(&event) {
                return Ok(InboxNotice::new(&event, told));
            }
        }
    }

    fn hear(&mut self, event: &Event) -> Option<InboxTold> {
        if let Ok(change) = InboxEvent::deserialize(&event.payload) {
            return Some(match change {
                InboxEvent::Added { conversation, .. } => {
                    self.follower.add(Arc::from(topic(conversation)));
                    InboxTold::Added(conversation)
                }
                InboxEvent::Removed { conversation, .. } => {
                    self.follower.remove(&topic(conversation));
                    InboxTold::Removed(conversation)
                }
                InboxEvent::Muted { conversation, .. } => InboxTold::Muted(conversation),
            });
        }
        match conversation_event(event)? {
            ConversationEvent::ConversationDeleted { conversation } => {
                self.follower.remove(&topic(conversation));
                Some(InboxTold::Removed(conversation))
            }
            // The own topic says so, and that is where the viewer's set changes.
            ConversationEvent::MemberLeft { user, .. } | ConversationEvent::MemberJoined { user, .. }
                if user == self.me =>
            {
                None
            }
            // How far others have read is for the conversation, not for the list of them; what has been received changes no list.
            ConversationEvent::ReceiptMoved { user, receipt, .. } if user != self.me || receipt != Kind::Read => None,
            ConversationEvent::MessagePinned { .. } | ConversationEvent::ReactionsChanged { .. } => None,
            event => Some(InboxTold::Event(event)),
        }
    }
}
