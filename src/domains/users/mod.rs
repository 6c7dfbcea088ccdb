//! People: their accounts as others see them, and who keeps whom away.
//!
//! Who may: everybody reads public profiles; a private profile, and one whose owner is shown only because of shared content, is a
//! reduced card to everybody else, moderators included; names, birth date, address and settings are their owner's. Only owners change
//! a profile.
//! Emits: `user.created`, `user.updated`, `user.blocked`, `user.unblocked` on the person's own topic.
//! Listens to: nothing.
//! Invariants: a username and an address belong to one account, whatever their case and width; a new address takes force when it is
//! proved, and a proof beats a claim; a block makes the blocker invisible
//! to the blocked in lists and by name, and never removes what both wrote in shared rooms.

/// The room's GraphQL.
pub mod graphql;

mod actions;
mod error;
mod events;
mod jobs;
mod letters;
mod loaders;
mod model;
mod policy;
mod store;

pub use actions::{
    block::{block, unblock},
    create::create,
    profile::{ProfileChange, update_profile},
    verification::{
        ask_for_proof, complete, find_proof, may_mail, request_password_reset, request_verification,
        tell_of_new_password,
    },
};
pub use events::{UserEvent, topic};
pub use jobs::{FindAccountToMail, MailNotice, MailProof, find_account_to_mail, mail_notice, mail_proof};
pub use loaders::UserById;
pub use model::Seen;
pub use store::{
    blocked_between, by_ids, by_username_keys, find_by_login, lock, purge_verifications, seen_by_ids, taken,
    touch_login,
};
