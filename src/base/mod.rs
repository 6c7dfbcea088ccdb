//! Floor 1: words every other floor uses. No input or output, and nothing of ours is imported.

/// What went wrong, and what a client may know of it.
pub mod error;
/// The time, from one place.
pub mod clock;
/// Chance, from one place.
pub mod random;
/// New ids, in the order of time.
pub mod ids;
/// The languages the house writes in.
pub mod locale;
/// Checks of texts that people send.
pub mod text;
/// Secrets at rest.
pub mod vault;
