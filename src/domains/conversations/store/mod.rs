//! The only SQL of this room.

/// Marks of what was read and received, and typing.
mod marks;
/// Who belongs to what.
mod members;
/// Messages, their replies, earlier texts.
mod messages;
/// Clearing away what was deleted.
mod purge;
/// Reactions, counted and listed emoji by emoji.
mod reactions;
/// Conversations and how a viewer stands in them.
mod rooms;
/// The first rows of each of many lists, in one statement.
mod top;

pub use marks::*;
pub use members::*;
pub use messages::*;
pub use purge::*;
pub use reactions::*;
pub use rooms::*;
