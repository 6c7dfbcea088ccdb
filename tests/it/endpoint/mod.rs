//! The one address, by its transports.

mod http;
mod websocket;
mod sse;
mod documents;
mod batch;
/// Connections that live too long, say nothing, do not read, or shout.
mod lifetimes;
mod encodings;
/// Wrong inputs, and where errors say they stand.
mod inputs;
