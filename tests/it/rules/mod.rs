//! What keeps the house in order.

/// Who may import whom.
mod floors;
/// The schema file is the schema.
mod schema;
/// Everything in the schema says what it is.
mod descriptions;
pub use descriptions::introspect;
/// A refusal takes away what was refused and no more.
mod nullability;
/// Introspection and the schema file are one truth.
mod introspection;
/// The playground that is served was built from its sources.
mod playground;
/// The playground's examples run, and no list runs a statement per row.
mod examples;
/// No field runs a statement per row, examples or not.
mod slope;
/// What is shared is what each would have been told.
mod shares;
/// Lists are priced by their rows.
mod prices;
/// A demo world with more rows than a page holds.
mod crowd;
/// The playground knows the ids of the demo data.
mod demo_ids;
/// Every row that says when it was last changed tells the truth.
mod updated_at;
