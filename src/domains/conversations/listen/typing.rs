//! Who is writing just now: a signal beside the log, lossy by design, that ends by itself.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use entity::ids::{ConversationId, UserId};
use futures_util::{Stream, stream};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Instant, sleep_until},
};

use super::{conversation_event, departed, departures, farewell, membership, still_member, unless_back};
use crate::{
    access::Op,
    base::error::Result,
    domains::conversations::events::{ConversationEvent, topic, typing_topic},
    platform::events::{Event, Follower, Position},
};

/// Somebody is writing, or has stopped: as it travels, and as it is told.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct TypingSignal {
    /// Who.
    pub user: UserId,
    /// Until when it counts; `None` when they stopped.
    pub expires_at: Option<DateTime<Utc>>,
}

struct Listener {
    op: Op,
    conversation: ConversationId,
    follower: Follower,
    signals: Receiver<Arc<serde_json::Value>>,
    departures: Receiver<Arc<serde_json::Value>>,
    replay_to: Position,
    me: UserId,
    lifetime: Duration,
    /// Who is writing, and when that ends by itself.
    writing: Vec<(UserId, Instant)>,
}

/// Looks who is writing in a conversation, oneself left out. Ends with an error when the viewer is no longer a member.
///
/// # Errors
/// UNAUTHENTICATED, ROOM_NOT_FOUND, PERMISSION_DENIED.
pub async fn typing(
    op: &Op,
    conversation: ConversationId,
) -> Result<impl Stream<Item = Result<TypingSignal>> + Send + use<>> {
    let me = op.viewer.person()?.id;
    let events = &op.platform.events;
    let head = events.head();
    let follower = events.follow([Arc::from(topic(conversation))], Some(head)).await?;
    let signals = op.platform.bus.signals(&typing_topic(conversation));
    let departures = departures(op, conversation, me);
    membership(op, conversation).await?;
    let lifetime = op.config.limits.typing;
    let listener = Listener {
        op: op.clone(),
        conversation,
        follower,
        signals,
        departures,
        replay_to: head.position,
        me,
        lifetime,
        writing: Vec::new(),
    };
    Ok(stream::unfold(Some(listener), async |listener| {
        let mut listener = listener?;
        match listener.next().await {
            Ok(Some(notice)) => Some((Ok(notice), Some(listener))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    }))
}

impl Listener {
    async fn next(&mut self) -> Result<Option<TypingSignal>> {
        loop {
            let soonest = self.writing.iter().map(|(_, end)| *end).min();
            let expiry = async {
                match soonest {
                    Some(end) => sleep_until(end).await,
                    None => std::future::pending().await,
                }
            };
            let notice = tokio::select! {
                // Who has gone hears no signal that came after.
                biased;
                () = departed(&mut self.departures) => {
                    still_member(&self.op, self.conversation).await?;
                    None
                }
                event = self.follower.next() => self.hear(event?.as_ref()).await?,
                signal = self.signals.recv() => match signal {
                    Ok(signal) => TypingSignal::deserialize(&*signal).ok().and_then(|signal| self.see(signal)),
                    Err(RecvError::Lagged(_)) => None,
                    Err(RecvError::Closed) => return Ok(None),
                },
                () = expiry => self.expire(),
            };
            if notice.is_some() {
                return Ok(notice);
            }
        }
    }

    async fn hear(&mut self, told: &Event) -> Result<Option<TypingSignal>> {
        let Some(event) = conversation_event(told) else { return Ok(None) };
        let gone = farewell(&event, told.position, self.replay_to, self.me);
        unless_back(&self.op, self.conversation, gone).await?;
        Ok(match event {
            ConversationEvent::MemberLeft { user, .. } => self.stop(user),
            _ => None,
        })
    }

    fn see(&mut self, signal: TypingSignal) -> Option<TypingSignal> {
        if signal.user == self.me {
            return None;
        }
        if signal.expires_at.is_none() {
            return self.stop(signal.user);
        }
        self.writing.retain(|(user, _)| *user != signal.user);
        self.writing.push((signal.user, Instant::now() + self.lifetime));
        Some(signal)
    }

    fn expire(&mut self) -> Option<TypingSignal> {
        let now = Instant::now();
        let (user, _) = *self.writing.iter().find(|(_, end)| *end <= now)?;
        self.stop(user)
    }

    fn stop(&mut self, user: UserId) -> Option<TypingSignal> {
        let place = self.writing.iter().position(|(other, _)| *other == user)?;
        self.writing.swap_remove(place);
        Some(TypingSignal { user, expires_at: None })
    }
}
