//! Conversations: rooms, direct conversations, and what is said in them.
//!
//! Who may: public rooms show a card (name, size, owner, activity) to everybody signed in, everything else to members only;
//! administrators see no more than others, not even of what was deleted. Members write, react and mark; moderators change the room,
//! bring people in, show them out and keep order among messages; owners also give roles, make it public, archive and delete. Who was
//! shown out comes back only when brought. A direct conversation is its two people for good, and a block shuts it.
//! Emits: on the conversation's topic `message.*`, `member.*`, `conversation.updated|deleted|receipt`; on a person's own topic
//! `conversation.added|removed`. Payloads hold ids and numbers, never texts.
//! Listens to: nothing.
//! Invariants: messages are numbered without gaps, in the order in which they were accepted, and their events come in that order;
//! one `clientId` of a sender is one message for good; a pair has one direct conversation; a room with members has an owner;
//! `member_count` is exact; marks only grow; nothing is added to what is archived; the text of a deleted message is gone, with its
//! earlier texts and its reactions; nobody who has left
//! hears of what was accepted after.

/// The room's GraphQL.
pub mod graphql;

mod actions;
mod error;
mod events;
mod jobs;
mod listen;
mod loaders;
mod model;
mod policy;
mod store;

pub use actions::{
    add_member::add_member,
    archive::set_archived,
    change_member::change_member,
    create::{NewRoom, create_room},
    delete::delete_conversation,
    delete_message::delete_message,
    edit::{Correction, edit_message},
    join::join,
    leave::leave,
    mark::mark,
    mute::mute,
    open_direct::open_direct,
    pin::set_pinned,
    react::{add_reaction, remove_reaction},
    remove_member::remove_member,
    send::{NewMessage, Sent, send_message},
    typing::set_typing,
    update::{RoomChange, update_room},
};
pub use events::{ConversationEvent, InboxEvent, topic};
pub use jobs::{PurgeDeleted, purge_deleted};
pub use model::{Seen, direct_key};
