//! Documents that have been parsed and found valid, so that a client's next request with the same text costs neither; and, where a
//! client named one by its hash, known by that as well, so that the next request may leave the text out (automatic persisted
//! documents).
//!
//! Front ends send the same few documents over and over. What is kept is bounded by the length of the texts: a parsed document takes
//! some twenty times its text.

use std::{
    collections::HashMap,
    fmt::Write,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_graphql::parser::types::ExecutableDocument;
use hashlink::LruCache;
use sha2::{Digest, Sha256};

use super::merging;

/// Bytes of text kept, over all documents.
const KEPT: usize = 1024 * 1024;
/// Bytes of text of the longest document that is kept.
pub const LONGEST: usize = 16 * 1024;

/// The id of a document: the SHA-256 of its text in 64 lower-case hexadecimal digits, or whatever a file of trusted documents calls it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocumentId(Box<str>);

impl DocumentId {
    /// The id as a client or a file writes it: `sha256:` before it says nothing that it does not say itself (GraphQL over HTTP,
    /// appendix A, "SHA256 Hex Document Identifier").
    pub fn named(text: &str) -> Self {
        Self(text.strip_prefix("sha256:").unwrap_or(text).into())
    }

    /// The id of a text.
    pub fn of(text: &str) -> Self {
        let digits = Sha256::digest(text).iter().fold(String::with_capacity(64), |mut digits, byte| {
            // Writing to a string does not fail.
            let _ = write!(digits, "{byte:02x}");
            digits
        });
        Self(digits.into())
    }

    /// The id without its prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A document that has been parsed.
#[derive(Debug)]
pub struct Document {
    /// As it was written.
    pub text: Box<str>,
    /// As the parser left it.
    pub parsed: ExecutableDocument,
    is_valid: AtomicBool,
    is_clean: AtomicBool,
    id: OnceLock<DocumentId>,
    merges: OnceLock<bool>,
}

impl Document {
    /// One whose validity is not known yet.
    pub fn new(text: &str, parsed: ExecutableDocument) -> Self {
        Self {
            text: text.into(),
            parsed,
            is_valid: AtomicBool::new(false),
            is_clean: AtomicBool::new(true),
            id: OnceLock::new(),
            merges: OnceLock::new(),
        }
    }

    /// One that has been validated.
    pub fn valid(text: &str, parsed: ExecutableDocument) -> Self {
        Self { is_valid: AtomicBool::new(true), ..Self::new(text, parsed) }
    }

    /// It has passed every rule of validation; what depends on variables aside.
    pub fn is_valid(&self) -> bool {
        self.is_valid.load(Ordering::Relaxed)
    }

    /// Its last answer had no errors, and so most likely has the next.
    pub fn is_clean(&self) -> bool {
        self.is_clean.load(Ordering::Relaxed)
    }

    /// Notes whether an answer had no errors.
    pub fn note(&self, is_clean: bool) {
        self.is_clean.store(is_clean, Ordering::Relaxed);
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
    by_text: LruCache<Arc<str>, Arc<Document>>,
    /// The texts of those that a client named.
    by_id: HashMap<DocumentId, Arc<str>>,
    bytes: usize,
}

impl Default for Kept {
    fn default() -> Self {
        Self { by_text: LruCache::new_unbounded(), by_id: HashMap::new(), bytes: 0 }
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

    /// The document that a client has named by this id before.
    pub fn named(&self, id: &DocumentId) -> Option<Arc<Document>> {
        let kept = &mut *self.kept();
        kept.by_text.get(kept.by_id.get(id)?).cloned()
    }

    /// Keeps a document that has just been found valid, by its id as well when there is one: who gives it has compared it with the
    /// text. Whether the id is new.
    pub fn keep(&self, text: &str, document: &Arc<Document>, id: Option<&DocumentId>) -> bool {
        let was_valid = document.is_valid.swap(true, Ordering::Relaxed);
        let is_named = || id.is_none_or(|id| document.id.get() == Some(id));
        if text.len() > LONGEST || was_valid && is_named() {
            return false;
        }
        let kept = &mut *self.kept();
        // Another request may have parsed the same text at the same time.
        let (text, document) = match kept.by_text.raw_entry().from_key(text) {
            Some((text, known)) => (text.clone(), known.clone()),
            None => {
                let text = Arc::<str>::from(text);
                kept.bytes += text.len();
                kept.by_text.insert(text.clone(), document.clone());
                (text, document.clone())
            }
        };
        let is_new = id.is_some_and(|id| document.id.set(id.clone()).is_ok());
        if let (true, Some(id)) = (is_new, id) {
            kept.by_id.insert(id.clone(), text);
        }
        kept.shrink();
        is_new
    }
}

impl Kept {
    /// Forgets what was not used for longest.
    fn shrink(&mut self) {
        while self.bytes > KEPT
            && let Some((text, document)) = self.by_text.remove_lru()
        {
            self.bytes -= text.len();
            document.id.get().map(|id| self.by_id.remove(id));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Arc<Document> {
        Arc::new(Document::new("{ a }", async_graphql::parser::parse_query("{ a }").unwrap()))
    }

    #[test]
    fn what_was_used_last_is_kept() {
        let documents = Documents::default();
        let text = |number: usize| format!("{number:>8000}");
        for number in 0..200 {
            let id = DocumentId::of(&text(number));
            assert!(documents.keep(&text(number), &document(), Some(&id)), "{number}");
            assert!(documents.named(&DocumentId::of(&text(0))).is_some(), "used all the time");
        }
        assert!(documents.get(&text(1)).is_none() && documents.get(&text(199)).is_some());
        assert!(documents.named(&DocumentId::of(&text(1))).is_none(), "its id is gone with it");
        let kept = documents.kept();
        assert!(kept.bytes <= KEPT && kept.by_id.len() == kept.by_text.len());
    }

    #[test]
    fn long_ones_are_not_kept() {
        let (documents, long) = (Documents::default(), " ".repeat(LONGEST + 1));
        assert!(!documents.keep(&long, &document(), Some(&DocumentId::of(&long))));
        assert!(documents.get(&long).is_none());
    }

    #[test]
    fn a_document_gets_its_id_when_a_client_gives_it() {
        let (documents, text) = (Documents::default(), "{ a }");
        let id = DocumentId::of(text);
        assert!(!documents.keep(text, &document(), None));
        assert!(documents.get(text).is_some() && documents.named(&id).is_none());
        // Parsed by another request meanwhile: what is kept stays.
        assert!(documents.keep(text, &document(), Some(&id)));
        let named = documents.named(&id).unwrap();
        assert!(Arc::ptr_eq(&named, &documents.get(text).unwrap()));
        assert!(!documents.keep(text, &named, Some(&id)), "it is known already");
        assert_eq!(documents.kept().bytes, text.len());
    }

    #[test]
    fn the_id_is_the_hash_of_the_text() {
        // The example of GraphQL over HTTP, appendix A.
        let digits = "71f7dc5758652baac68e4a10c50be732b741c892ade2883a99358f52b555286b";
        let id = DocumentId::of("query($id:ID!){user(id:$id){name}}");
        assert_eq!((id.as_str(), &DocumentId::named(&format!("sha256:{digits}"))), (digits, &id));
        assert_eq!(DocumentId::named(digits), id);
    }
}
