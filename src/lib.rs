//! Polyphony: one GraphQL backend for creator platforms. README.md is the architecture document.
//!
//! The floors, from the ground up; a file imports from below only, and `tests/it/rules` keeps it so.

/// Floor 1: words every other floor uses.
pub mod base;
/// Floor 1: settings; the only floor that reads the environment.
pub mod config;
/// Floor 2: the doors to the outside.
pub mod platform;
/// Floor 3: who asks, one operation, the proof of permission.
pub mod access;
/// Floor 4: the kit every room's GraphQL is made of.
pub mod graphql;
/// Floor 5: the rooms.
pub mod domains;
/// Floor 6: the rooms' roots under one roof.
pub mod schema;
/// Floor 6: the list of all jobs.
pub mod worker;
/// Floor 6: everything that comes in over the wire.
pub mod http;
/// Floor 7: people who talk, for an empty database.
pub mod demo;
/// Floor 7: from configuration to a running server.
pub mod app;
/// Floor 7: what can be told on the command line.
pub mod commands;
