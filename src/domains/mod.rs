//! Floor 5: the rooms, in a written order. A room imports only rooms above it in this list, by their front doors; circles are allowed
//! among the `graphql` folders alone, because a GraphQL schema is a circle.

/// People: their accounts as others see them, and who keeps whom away.
pub mod users;
/// Sign-up, sign-in, sessions, tokens, roles.
pub mod auth;
/// Rooms, direct conversations, and what is said in them.
pub mod conversations;
/// What administrators see of the machine: background jobs.
pub mod operations;
