//! What happens to sign-ins and rights, on the person's topic.

use chrono::{DateTime, Utc};
use entity::ids::{EventId, SessionId, UserId};
use serde::{Deserialize, Serialize};

use crate::{
    domains::users,
    platform::events::{IntoEvent, NewEvent, URGENT},
};

/// Something happened to a person's sign-ins or rights.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum AuthEvent {
    /// One sign-in ended, or with `session` absent any number of them.
    #[serde(rename = "session.ended")]
    SessionEnded {
        /// Whose.
        user: UserId,
        /// Which.
        session: Option<SessionId>,
    },
    /// Password, roles or standing changed.
    #[serde(rename = "account.changed")]
    AccountChanged {
        /// Whose.
        user: UserId,
    },
}

impl AuthEvent {
    /// The kinds of this room, as the log names them.
    pub const KINDS: [&'static str; 2] = ["session.ended", "account.changed"];
}

impl IntoEvent for AuthEvent {
    fn signal(&self) -> Option<String> {
        Some(URGENT.to_owned())
    }

    fn into_event(self, id: EventId, at: DateTime<Utc>) -> NewEvent {
        let (kind, user) = match &self {
            Self::SessionEnded { user, .. } => ("session.ended", *user),
            Self::AccountChanged { user } => ("account.changed", *user),
        };
        let payload = serde_json::to_value(&self).unwrap_or_default();
        NewEvent { id, topic: users::topic(user), kind, payload, created_at: at }
    }
}
