//! Sign-in, sessions and roles in the schema.

mod cookies;
mod inputs;
mod mutation;
mod query;
mod role_mutation;
mod types;

pub use mutation::AuthMutation;
pub use query::AuthQuery;
pub use role_mutation::RolesMutation;
pub use types::{Permission, Role, RoleGrant, Session, SessionStates, SessionStats, UserRole};
