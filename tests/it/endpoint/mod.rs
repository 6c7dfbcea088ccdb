//! The one address, by its transports.

mod http;
mod websocket;
mod sse;
