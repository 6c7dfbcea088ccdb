//! The one address, by its transports.

mod http;
mod websocket;
mod sse;
/// How often one may ask.
mod rates;
/// Wrong inputs, and where errors say they stand.
mod inputs;
/// What an answer weighs and how long it may take.
mod bounds;
/// Who may see how the server is.
mod probes;
/// Clients that mean harm.
mod hostile;
/// Generated documents.
mod documents;
