//! The one address, by its transports.

mod http;
mod websocket;
mod sse;
/// A newer token for an open connection.
mod renewal;
/// Wrong inputs, and where errors say they stand.
mod inputs;
