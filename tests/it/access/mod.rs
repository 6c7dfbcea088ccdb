//! Who may do what: every root field, and every field that declares its access, tried as everybody by every way to it.
//!
//! [`matrix`] is the table, row by row what each of [`Role::ALL`] gets. [`coverage`] compares it with the schema: a field nobody tried
//! fails, and [`ways`] tries every other way to the same objects. To add a field, add a row: its name in the schema, a document with `<names>` of the [`stage`], and six outcomes.

/// The table.
mod matrix;
/// The people and things the documents name.
mod stage;
/// What the table leaves out.
mod coverage;
/// Every declared field by every way to its object, events included.
mod ways;
/// Trying the rows.
mod run;

/// Who tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Nobody signed in.
    Anonymous,
    /// Somebody who has nothing to do with the things tried.
    Stranger,
    /// A member of the room; of people's own things, somebody who shares a room with them.
    Member,
    /// A moderator of the room.
    Moderator,
    /// The owner of the room, of the message, of the account and of the session.
    Owner,
    /// An administrator of the whole place, who is no member of the room.
    Admin,
}

impl Role {
    /// In the order of a row.
    pub const ALL: [Self; 6] =
        [Self::Anonymous, Self::Stranger, Self::Member, Self::Moderator, Self::Owner, Self::Admin];
}

/// What somebody gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The field, without an error and not null.
    Yes,
    /// Null without an error: as if it did not exist.
    Null,
    /// An error with this code, and nothing changes.
    Code(&'static str),
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The field of the schema: `Mutation.sendMessage`, `User.email`.
    pub field: &'static str,
    /// The way to it; a document with `<names>`.
    pub document: &'static str,
    /// What each role gets, in the order of [`Role::ALL`].
    pub outcomes: [Outcome; 6],
}
