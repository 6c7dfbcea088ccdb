//! What is asked, in GraphQL. The floor answers the same by hand.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::data::{Data, id_text};

/// One kind of question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// A point read.
    Q1,
    /// A list of 50 with somebody and a count each.
    Q2,
    /// Three levels: 20 conversations, their last 10 messages, the senders.
    Q3,
    /// A page of 50 messages with senders and reactions.
    Q4,
    /// A message is sent and given back with its sender.
    M1,
}

impl Question {
    /// All of them.
    pub(crate) const ALL: [Self; 5] = [Self::Q1, Self::Q2, Self::Q3, Self::Q4, Self::M1];

    /// The path of the floor's handler.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Q1 => "/q1",
            Self::Q2 => "/q2",
            Self::Q3 => "/q3",
            Self::Q4 => "/q4",
            Self::M1 => "/m1",
        }
    }

    /// The document.
    pub(crate) fn document(self) -> &'static str {
        match self {
            Self::Q1 => "query Person($id: ID!) { user(id: $id) { id username displayName bio createdAt } }",
            Self::Q2 => {
                "query Rooms { conversations(first: 50) { nodes { id name description memberCount lastActivityAt \
                 owner { id username displayName } } } }"
            }
            Self::Q3 => {
                "query Inbox { conversations(first: 20) { nodes { id name messages(last: 10) { nodes { \
                 id seq content createdAt sender { id username displayName } } } } } }"
            }
            Self::Q4 => {
                "query History($id: ID!) { conversation(id: $id) { messages(last: 50) { nodes { id seq content createdAt \
                 sender { id username displayName } reactions { emoji count } } } } }"
            }
            Self::M1 => {
                "mutation Send($room: ID!, $text: String!) { sendMessage(input: { conversationId: $room, content: $text }) { \
                 message { id content createdAt sender { id username displayName } } } }"
            }
        }
    }

    /// What the `turn`-th of the viewer's questions is about.
    pub(crate) fn subject(self, data: &Data, viewer: usize, turn: usize) -> Uuid {
        match self {
            Self::Q1 => data.users[(turn * 7919 + viewer) % data.users.len()],
            Self::Q2 | Self::Q3 => data.users[viewer],
            Self::Q4 | Self::M1 => {
                let rooms = &data.rooms_of[viewer];
                rooms[(turn * 31) % rooms.len()]
            }
        }
    }

    /// The body of the request to Polyphony.
    pub(crate) fn graphql(self, subject: Uuid) -> Value {
        let variables = match self {
            Self::Q1 => json!({ "id": id_text("user", subject) }),
            Self::Q2 | Self::Q3 => json!({}),
            Self::Q4 => json!({ "id": id_text("conversation", subject) }),
            Self::M1 => json!({ "room": id_text("conversation", subject), "text": TEXT }),
        };
        json!({ "query": self.document(), "variables": variables })
    }

    /// The body of the request to the floor.
    pub(crate) fn by_hand(self, subject: Uuid) -> Value {
        match self {
            Self::M1 => json!({ "id": subject, "text": TEXT }),
            _ => json!({ "id": subject }),
        }
    }
}

/// What is sent in M1.
const TEXT: &str = "Shall we take the second chorus again from the bridge? The bass is late there.";
