//! The ground: rows as SeaORM reads and writes them, and their typed ids. No rules, no GraphQL.
//!
//! One file a table. A row never leaves the room that owns it other than by that room's front door, so a column is never
//! an API by accident.

pub mod ids;
pub mod moment;

pub mod credential;
pub mod permission;
pub mod refresh_token;
pub mod role;
pub mod role_permission;
pub mod session;
pub mod signing_key;
pub mod user;
pub mod user_block;
pub mod user_role;
pub mod verification_request;

pub mod conversation;
pub mod conversation_ban;
pub mod conversation_member;
pub mod conversation_receipt;
pub mod message;
pub mod message_edit;
pub mod message_reaction;

pub mod event;
pub mod event_log;
pub mod job;
pub mod milestone;
pub mod rate_counter;
