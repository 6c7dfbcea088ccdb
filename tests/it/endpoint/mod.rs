//! The one address, by its transports.

mod http;
mod websocket;
mod sse;
/// Wrong inputs, and where errors say they stand.
mod inputs;
