//! Trusted documents: a file lists what may be run, and nothing else is.
//!
//! The file is a JSON object from id to text, as the tools of front ends write it when they build (`persistConfig` of the Relay
//! compiler, `persistedDocuments` of graphql-codegen). An id may be any hash the tool likes; the SHA-256 of each text counts as its
//! id as well. A text that is listed may also be sent whole.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::documents::{Document, DocumentId};

/// The documents that may be run.
#[derive(Debug, Default)]
pub struct Trusted {
    by_id: HashMap<DocumentId, Arc<Document>>,
    by_text: HashMap<Box<str>, Arc<Document>>,
}

/// Reads the file: ids and texts, in the order of the ids.
///
/// # Errors
/// What is wrong with it, for the person who starts the server.
pub fn read(file: &str) -> Result<BTreeMap<String, String>, String> {
    let listed: BTreeMap<String, String> = serde_json::from_str(file).map_err(|error| {
        format!("takes a JSON object from the id of each document to its text, as Relay and graphql-codegen write it ({error})")
    })?;
    if listed.is_empty() { Err("lists no document, so that nothing could be run".to_owned()) } else { Ok(listed) }
}

impl Trusted {
    /// Lists a document that has been validated.
    pub fn add(&mut self, id: &str, text: &str, document: &Arc<Document>) {
        // What the file says wins over what is reckoned: a hash of another text does not come by itself.
        self.by_id.insert(DocumentId::named(id), document.clone());
        self.by_id.entry(DocumentId::of(text)).or_insert_with(|| document.clone());
        self.by_text.insert(text.into(), document.clone());
    }

    /// A listed document, by its id, else by its text.
    pub fn find(&self, id: Option<&DocumentId>, text: Option<&str>) -> Option<Arc<Document>> {
        let named = id.and_then(|id| self.by_id.get(id));
        named.or_else(|| self.by_text.get(text?)).cloned()
    }

    /// How many texts are listed.
    pub fn count(&self) -> usize {
        self.by_text.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_document_is_found_by_every_name() {
        let text = "{ a }";
        let document = Arc::new(Document::valid(text, async_graphql::parser::parse_query(text).unwrap()));
        let mut trusted = Trusted::default();
        trusted.add("0123abcd", text, &document);
        let sha256 = DocumentId::of(text);
        for (id, text, is_listed) in [
            (Some("0123abcd"), None, true),
            (Some(sha256.as_str()), None, true),
            (None, Some(text), true),
            (Some("0123abcd"), Some("{ b }"), true),
            (Some("beef"), None, false),
            (Some("beef"), Some(text), true),
            (None, Some("{ a } "), false),
            (None, None, false),
        ] {
            let id = id.map(DocumentId::named);
            assert_eq!(trusted.find(id.as_ref(), text).is_some(), is_listed, "{id:?} {text:?}");
        }
        assert_eq!(trusted.count(), 1);
    }

    #[test]
    fn the_file_maps_ids_to_texts() {
        assert_eq!(read(r#"{"b":"{ b }","a":"{ a }"}"#).unwrap().into_keys().collect::<Vec<_>>(), ["a", "b"]);
        for file in ["", "{}", "[]", r#"{"a":{"body":"{ a }"}}"#, r#"{"format":"apollo","operations":[]}"#] {
            assert!(read(file).is_err(), "{file}");
        }
    }
}
