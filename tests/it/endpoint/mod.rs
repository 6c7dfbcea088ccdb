//! The one address, by its transports.

mod http;
mod websocket;
mod sse;
/// How often one may ask.
mod rates;
mod documents;
mod batch;
/// Connections that live too long, say nothing, do not read, or shout.
mod lifetimes;
mod encodings;
/// A newer token for an open connection.
mod renewal;
/// Wrong inputs, and where errors say they stand.
mod inputs;
/// What an answer weighs and how long it may take.
mod bounds;
/// Who may see how the server is.
mod probes;
/// Clients that mean harm.
mod hostile;
/// Generated documents.
mod generated;
