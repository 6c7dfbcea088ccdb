//! The one address, by its transports.

mod http;
mod websocket;
mod sse;
mod documents;
mod batch;
/// Wrong inputs, and where errors say they stand.
mod inputs;
