//! Polyphony: one GraphQL backend for creator platforms. README.md is the architecture document.
//!
//! The floors, from the ground up; a file imports from below only, and `tests/it/rules` keeps it so.

pub mod base;
pub mod config;
pub mod platform;
pub mod access;
pub mod graphql;
pub mod schema;
pub mod domains;
pub mod worker;
pub mod demo;
pub mod app;
pub mod commands;
