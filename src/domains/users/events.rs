//! What happens to accounts. The topic of a person is also where their memberships and sign-ins are told.

use chrono::{DateTime, Utc};
use entity::ids::{EventId, UserId};
use serde::{Deserialize, Serialize};

use crate::platform::events::{IntoEvent, NewEvent};

/// The topic of a person.
pub fn topic(user: UserId) -> String {
    user.to_string()
}

/// Something happened to an account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum UserEvent {
    /// The account was made. The first event of its topic.
    #[serde(rename = "user.created")]
    Created {
        /// Whose.
        user: UserId,
    },
    /// The profile changed.
    #[serde(rename = "user.updated")]
    Updated {
        /// Whose.
        user: UserId,
        /// To which version.
        version: i32,
    },
    /// The person blocked another.
    #[serde(rename = "user.blocked")]
    Blocked {
        /// Who.
        user: UserId,
        /// Whom.
        blocked: UserId,
    },
    /// The person let another back in.
    #[serde(rename = "user.unblocked")]
    Unblocked {
        /// Who.
        user: UserId,
        /// Whom.
        blocked: UserId,
    },
}

impl IntoEvent for UserEvent {
    fn into_event(self, id: EventId, at: DateTime<Utc>) -> NewEvent {
        let (kind, user) = match &self {
            Self::Created { user } => ("user.created", *user),
            Self::Updated { user, .. } => ("user.updated", *user),
            Self::Blocked { user, .. } => ("user.blocked", *user),
            Self::Unblocked { user, .. } => ("user.unblocked", *user),
        };
        let payload = serde_json::to_value(&self).unwrap_or_default();
        NewEvent { id, topic: topic(user), kind, payload, created_at: at }
    }
}
