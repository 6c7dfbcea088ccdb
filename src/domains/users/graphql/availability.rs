//! Whether a username can be had.

use async_graphql::Object;

use crate::domains::users::actions::availability::Availability;

/// Whether a username can be had.
#[derive(Clone, Debug)]
pub struct UsernameAvailability(pub(super) Availability);

/// Whether a username can be had.
#[Object]
impl UsernameAvailability {
    /// The username as it would be kept: trimmed, and in its usual characters.
    async fn username(&self) -> &str {
        &self.0.username
    }

    /// It is well formed, and nobody has it but perhaps the viewer. Somebody may take it a moment later: only `signUp` settles it.
    async fn is_available(&self) -> bool {
        self.0.is_available
    }

    /// Why it is no username, for a person; `null` for one that is well formed.
    async fn problem(&self) -> Option<&str> {
        self.0.problem.as_deref()
    }

    /// At most three others like it that nobody has; empty for one that can be had.
    async fn suggestions(&self) -> &[String] {
        &self.0.suggestions
    }
}
