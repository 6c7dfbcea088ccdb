//! Whether a username can be had.

use entity::ids::UserId;

use crate::{
    access::Op,
    base::{
        error::Result,
        text::{Checks, fold},
    },
    domains::users::{model::candidates, store},
};

/// Usernames suggested instead of one that cannot be had.
const SUGGESTED: usize = 3;

/// What is known of a username somebody would like to have.
#[derive(Clone, Debug)]
pub struct Availability {
    /// The username as it would be kept.
    pub username: String,
    /// Why it is no username; nothing for one that is well formed.
    pub problem: Option<String>,
    /// Nobody has it, or the viewer does.
    pub is_available: bool,
    /// Others like it that nobody has; none for one that can be had.
    pub suggestions: Vec<String>,
}

/// Says whether a username can be had, with two statements at the most. Somebody else may take it a moment later.
///
/// # Errors
/// RATE_LIMIT_EXCEEDED: who asks for many wants a list of people.
pub async fn username_availability(op: &Op, text: &str) -> Result<Availability> {
    op.platform.cache.limit("username-check", &op.origin.address(), op.config.limits.username_check).await?;
    let mut checks = Checks::new();
    let username = checks.username("username", text);
    let problem = checks.finish().err().and_then(|error| Some(error.fields().first()?.message.clone()));
    let me = op.viewer.id();
    let is_available = problem.is_none() && free(op, std::slice::from_ref(&username), me).await?.len() == 1;
    let mut suggestions = Vec::new();
    if !is_available {
        suggestions = free(op, &candidates(&username, &op.platform.random), None).await?;
        suggestions.truncate(SUGGESTED);
    }
    Ok(Availability { username, problem, is_available, suggestions })
}

/// Those of some usernames that nobody has, or only this person.
async fn free(op: &Op, usernames: &[String], but_for: Option<UserId>) -> Result<Vec<String>> {
    let keys: Vec<String> = usernames.iter().map(|name| fold(name)).collect();
    let taken = store::taken_usernames(op.read(), &keys, but_for).await?;
    let names = usernames.iter().zip(&keys).filter(|(_, key)| !taken.contains(*key));
    Ok(names.map(|(name, _)| name.clone()).collect())
}
