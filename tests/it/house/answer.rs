//! The answer of the server to one request. Whatever a test does not find in it, the test shows whole.

use reqwest::header::HeaderMap;
use serde_json::Value;

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; a text that is not JSON is a JSON string here.
    pub body: Value,
    asked: String,
}

impl Answer {
    pub(super) async fn read(asked: impl Into<String>, response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Self { status, headers, body, asked: asked.into() }
    }

    pub(super) fn of(asked: &str, body: Value) -> Self {
        Self { status: 200, headers: HeaderMap::new(), body, asked: asked.to_owned() }
    }

    /// The data; there must be no error.
    #[track_caller]
    pub fn ok(&self) -> &Value {
        assert!(self.body["errors"].is_null() && self.body["data"].is_object(), "expected data without errors\n{self}");
        &self.body["data"]
    }

    /// The value at a path such as `conversation.messages.nodes.0.content`; there must be no error, and the path must exist.
    #[track_caller]
    pub fn data(&self, path: &str) -> &Value {
        let mut value = self.ok();
        for step in path.split('.') {
            let next = match step.parse::<usize>() {
                Ok(index) => value.get(index),
                Err(_) => value.get(step),
            };
            value = next.unwrap_or_else(|| panic!("the data has no {path} (there is no {step:?})\n{self}"));
        }
        value
    }

    /// A text at a path.
    #[track_caller]
    pub fn text(&self, path: &str) -> String {
        self.data(path).as_str().unwrap_or_else(|| panic!("{path} is not a text\n{self}")).to_owned()
    }

    /// A whole number at a path.
    #[track_caller]
    pub fn number(&self, path: &str) -> i64 {
        self.data(path).as_i64().unwrap_or_else(|| panic!("{path} is not a number\n{self}"))
    }

    /// A list at a path, with what `field` gives of each element.
    #[track_caller]
    pub fn list(&self, path: &str, field: &str) -> Vec<Value> {
        let list = self.data(path).as_array().unwrap_or_else(|| panic!("{path} is not a list\n{self}"));
        list.iter()
            .map(|element| element.pointer(&format!("/{}", field.replace('.', "/"))).cloned().unwrap_or_default())
            .collect()
    }

    /// The code of the first error, if there is one.
    pub fn code(&self) -> Option<&str> {
        self.body["errors"][0]["extensions"]["code"].as_str()
    }

    /// The first error must have this code.
    #[track_caller]
    pub fn expect_code(&self, code: &str) -> &Self {
        assert_eq!(self.code(), Some(code), "expected the code {code}\n{self}");
        self.is_well_formed();
        self
    }

    /// The HTTP status must be this.
    #[track_caller]
    pub fn expect_status(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "expected the status {status}\n{self}");
        self
    }

    /// The first error must blame this input.
    #[track_caller]
    pub fn expect_field(&self, field: &str) -> &Self {
        let faults = &self.body["errors"][0]["extensions"]["errors"];
        let named = faults.as_array().is_some_and(|faults| faults.iter().any(|fault| fault["field"] == field));
        assert!(named, "expected the field {field} to be blamed\n{self}");
        self
    }

    /// A header, or an empty text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Every error carries what the README promises of errors, and nothing internal.
    #[track_caller]
    pub fn is_well_formed(&self) {
        let errors = self.body["errors"].as_array().cloned().unwrap_or_default();
        for error in &errors {
            let extensions = &error["extensions"];
            for name in ["code", "requestId", "timestamp"] {
                assert!(extensions[name].is_string(), "an error without {name}\n{self}");
            }
            assert!(extensions["status"].is_number(), "an error without status\n{self}");
            let text = error.to_string().to_lowercase();
            for secret in
                ["select ", "insert into", "sqlx", "sea_orm", "sqlite", "postgres", ".rs:", "panicked", "/src/"]
            {
                assert!(!text.contains(secret), "an error tells of {secret:?}\n{self}");
            }
        }
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body = serde_json::to_string_pretty(&self.body).unwrap_or_default();
        write!(f, "--- asked\n{}\n--- answered {}\n{body}", self.asked.trim(), self.status)
    }
}
