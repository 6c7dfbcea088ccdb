//! Conversations in the schema.

mod conversation;
mod enums;
mod inputs;
mod inputs_messages;
mod live;
mod member;
mod message;
mod mutation;
mod mutation_messages;
mod parts;
mod query;
mod reaction;
mod subscription;

pub use conversation::Conversation;
pub use live::*;
pub use member::ConversationMember;
pub use message::Message;
pub use mutation::ConversationsMutation;
pub use mutation_messages::MessagesMutation;
pub use query::ConversationsQuery;
pub use subscription::ConversationsSubscription;
