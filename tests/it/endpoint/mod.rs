//! The one address, by its transports.

mod http;
mod websocket;
mod sse;
/// How often one may ask.
mod rates;
/// Wrong inputs, and where errors say they stand.
mod inputs;
