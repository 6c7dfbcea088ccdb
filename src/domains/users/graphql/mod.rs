//! People in the schema.

mod availability;
mod inputs;
mod mutation;
mod query;
mod types;

pub use mutation::UsersMutation;
pub use query::UsersQuery;
pub use types::User;
