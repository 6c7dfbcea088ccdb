//! The one test binary. Every test has a world of its own: database, server, clock, mailbox; it talks to the server as a client
//! does, over HTTP, WebSocket and SSE, and runs on both databases.
//!
//! - `house` is what tests are made of: [`house::World`], [`house::Person`], [`house::Socket`], [`house::Answer`].
//! - `domains` holds the rules of the rooms, `endpoint` those of the transports.
//! - `access` tries every field as everybody; a field nobody tried fails.
//! - `platform` tries the mechanisms under the rooms where they are.
//! - `rules` keeps the house in order: floors, schema file, descriptions, examples.
#![expect(clippy::unwrap_used, reason = "a test that is surprised says so at once")]

#[macro_use]
mod house;

mod access;
/// The clients front ends use, as they come.
mod clients;
/// What the older systems promised their clients.
mod contract;
mod domains;
mod endpoint;
/// Two real browsers, through the playground.
mod playground;
mod platform;
mod rules;
