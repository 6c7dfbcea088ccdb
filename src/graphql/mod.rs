//! Floor 4: the kit that every room's GraphQL is made of. It knows no domain.

/// Connections, edges, cursors and page arguments.
pub mod page;
/// Global ids.
pub mod node;
/// Scalars: instants, dates, JSON.
pub mod scalars;
/// The loaders of one operation, and how a resolver reaches them.
pub mod loader;
/// From what a listener hears to what a subscription tells.
pub mod live;
/// Executions shared by everybody who listens to the same.
pub mod share;
/// The same a page at a time.
pub mod replay;
/// Edges loaded for whole lists by look-ahead.
pub mod prefetch;
/// Fields that are answered without waiting.
pub mod ready;
/// Whether a document asks for the parts of one object in several places.
pub mod merging;
/// Errors on the wire.
pub mod error;
/// The codes of errors in the schema.
pub mod codes;
/// Access, declared once on the field and seen in the schema.
pub mod access;
/// What is added to the library's execution.
pub mod execution;
/// The schema as the checks before execution see it.
pub mod shape;
/// What an operation costs.
pub mod cost;
/// Whether what an operation gives its fields is of their types.
pub mod inputs;
/// Documents that have been parsed and found valid, and their ids.
pub mod documents;
/// Documents that a file lists as the only ones to run.
pub mod trusted;
/// Bounds on a document before it is parsed.
pub mod precheck;
/// Refusing introspection where it is switched off.
pub mod introspection;
