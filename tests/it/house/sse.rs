//! A client of the "distinct connections mode" of GraphQL over SSE.

use std::pin::Pin;

use futures_util::{Stream, StreamExt};
use serde_json::Value;

use super::within;

/// A stream of events.
pub struct Sse {
    /// The status of the answer that carries it.
    pub status: u16,
    /// Its media type.
    pub content_type: String,
    bytes: Pin<Box<dyn Stream<Item = reqwest::Result<bytes::Bytes>> + Send>>,
    text: String,
}

impl Sse {
    /// Reads the events of an answer.
    pub fn new(response: reqwest::Response) -> Self {
        let content_type =
            response.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        Self {
            status: response.status().as_u16(),
            content_type: content_type.to_owned(),
            bytes: Box::pin(response.bytes_stream()),
            text: String::new(),
        }
    }

    /// The next event with its data; `None` at the end of the stream. Comments (the server keeping the line open) are skipped.
    pub async fn event(&mut self) -> Option<(String, Value)> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| {
                    let lines = block
                        .lines()
                        .filter_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim_start));
                    lines.collect::<Vec<_>>().join("\n")
                };
                if block.lines().any(|line| !line.starts_with(':') && !line.is_empty()) {
                    let data = field("data");
                    return Some((field("event"), serde_json::from_str(&data).unwrap_or(Value::String(data))));
                }
            }
            let chunk = within("an event", self.bytes.next()).await?.ok()?;
            self.text.push_str(&String::from_utf8(chunk.to_vec()).unwrap().replace("\r\n", "\n"));
        }
    }

    /// The data of the next answer.
    pub async fn next(&mut self) -> Value {
        let (name, answer) = self.event().await.expect("the stream ended");
        assert_eq!(name, "next", "{answer}");
        assert!(answer["errors"].is_null(), "{answer}");
        answer["data"].clone()
    }
}
