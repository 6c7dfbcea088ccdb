//! What administrators see of the machine: background jobs.
//!
//! Who may: administrators, and roles with `jobs:read` or `jobs:retry`, with a fresh proof of identity.
//! Emits and listens to: nothing.
//! Invariants: running a failed job again gives it all its attempts back, and changes nothing about a job that is not failed.

/// The room's GraphQL.
pub mod graphql;

mod actions;
mod store;

pub use actions::retry_job;
