//! Documents that have been parsed and found valid, so that a client's next request with the same text costs neither.
//!
//! Front ends send the same few documents over and over. What is kept is bounded by the length of the texts: a parsed document takes
//! some twenty times its text.

use std::sync::{
    Arc, Mutex, MutexGuard, OnceLock, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use async_graphql::parser::types::ExecutableDocument;
use hashlink::LruCache;

use super::merging;

/// Bytes of text kept, over all documents.
const KEPT: usize = 1024 * 1024;
/// Bytes of text of the longest document that is kept.
const LONGEST: usize = 16 * 1024;

/// A document that has been parsed.
#[derive(Debug)]
pub struct Document {
    /// As the parser left it.
    pub parsed: ExecutableDocument,
    is_valid: AtomicBool,
    merges: OnceLock<bool>,
}

impl Document {
    /// One whose validity is not known yet.
    pub fn new(parsed: ExecutableDocument) -> Self {
        Self { parsed, is_valid: AtomicBool::new(false), merges: OnceLock::new() }
    }

    /// It has passed every rule of validation; what depends on variables aside.
    pub fn is_valid(&self) -> bool {
        self.is_valid.load(Ordering::Relaxed)
    }

    /// It asks for the parts of one object in several places: see [`merging`]. Looked for once.
    pub fn merges(&self) -> bool {
        *self.merges.get_or_init(|| merging::merges(&self.parsed))
    }
}

/// The documents of one schema.
#[derive(Debug, Default)]
pub struct Documents(Mutex<Kept>);

#[derive(Debug)]
struct Kept {
    by_text: LruCache<Box<str>, Arc<Document>>,
    bytes: usize,
}

impl Default for Kept {
    fn default() -> Self {
        Self { by_text: LruCache::new_unbounded(), bytes: 0 }
    }
}

impl Documents {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The document with this text.
    pub fn get(&self, text: &str) -> Option<Arc<Document>> {
        self.kept().by_text.get(text).cloned()
    }

    /// Keeps a document that has just been found valid.
    pub fn keep(&self, text: &str, document: &Arc<Document>) {
        if text.len() > LONGEST || document.is_valid.swap(true, Ordering::Relaxed) {
            return;
        }
        let kept = &mut *self.kept();
        if kept.by_text.insert(text.into(), document.clone()).is_none() {
            kept.bytes += text.len();
        }
        while kept.bytes > KEPT
            && let Some((oldest, _)) = kept.by_text.remove_lru()
        {
            kept.bytes -= oldest.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Arc<Document> {
        Arc::new(Document::new(async_graphql::parser::parse_query("{ a }").unwrap()))
    }

    #[test]
    fn what_was_used_last_is_kept() {
        let documents = Documents::default();
        let text = |number: usize| format!("{number:>8000}");
        for number in 0..200 {
            documents.keep(&text(number), &document());
            assert!(documents.get(&text(0)).is_some(), "used all the time");
        }
        assert!(documents.get(&text(1)).is_none() && documents.get(&text(199)).is_some());
        assert!(documents.kept().bytes <= KEPT);
    }

    #[test]
    fn long_ones_are_not_kept() {
        let (documents, long) = (Documents::default(), " ".repeat(LONGEST + 1));
        documents.keep(&long, &document());
        assert!(documents.get(&long).is_none());
    }
}
