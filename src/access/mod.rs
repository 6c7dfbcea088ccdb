//! Floor 3: who asks, one operation, and the proof of permission.

/// Everybody who listens to the same.
pub mod audience;
/// Who asks.
pub mod viewer;
/// One operation.
pub mod op;
/// The proof that a viewer may do something.
pub mod permit;

pub use audience::{Asked, Audience, Personal, Rights};
pub use op::{Connection, Op, Origin};
pub use permit::{Permit, Policy, Verdict};
pub use viewer::{BaseRole, Permission, Person, Roles, TokenScope, Viewer};
