//! Whether a document asks for the parts of one object in several places.
//!
//! `{ me { id } me { username } }` is one object with two fields (GraphQL specification, section 6.3.2), and fragments of components
//! bring this about all the time. The library answers each place by itself and puts the objects together afterwards; what is written
//! as JSON at once (`graphql/ready.rs`) can be put together no more, so such a document is left to the library.

use std::collections::HashSet;

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};

/// True when some field with a selection of its own stands more than once, under one key, in what is selected of one object. Types
/// are not looked at: places that never meet count too.
pub fn merges(document: &ExecutableDocument) -> bool {
    let operations = document.operations.iter().map(|(_, operation)| &operation.node.selection_set.node);
    let fragments = document.fragments.values().map(|fragment| &fragment.node.selection_set.node);
    operations.chain(fragments).any(|set| within(document, set))
}

/// In this selection, or in that of a field of it. What its fragments hold is looked at once, with the fragments.
fn within(document: &ExecutableDocument, set: &SelectionSet) -> bool {
    Seen::default().repeats(document, set) || fields_of(set).any(|inner| within(document, inner))
}

/// The selections of the fields of one, those in inline fragments among them.
fn fields_of(set: &SelectionSet) -> Box<dyn Iterator<Item = &SelectionSet> + '_> {
    Box::new(set.items.iter().flat_map(|item| -> Box<dyn Iterator<Item = &SelectionSet> + '_> {
        match &item.node {
            Selection::Field(field) => Box::new(std::iter::once(&field.node.selection_set.node)),
            Selection::InlineFragment(fragment) => fields_of(&fragment.node.selection_set.node),
            Selection::FragmentSpread(_) => Box::new(std::iter::empty()),
        }
    }))
}

/// What has been met in the selection of one object.
#[derive(Default)]
struct Seen<'a> {
    keys: HashSet<&'a str>,
    /// A fragment that is spread twice says the same twice.
    fragments: HashSet<&'a str>,
}

impl<'a> Seen<'a> {
    fn repeats(&mut self, document: &'a ExecutableDocument, set: &'a SelectionSet) -> bool {
        set.items.iter().any(|item| match &item.node {
            Selection::Field(field) if field.node.selection_set.node.items.is_empty() => false,
            Selection::Field(field) => !self.keys.insert(field.node.response_key().node.as_str()),
            Selection::InlineFragment(fragment) => self.repeats(document, &fragment.node.selection_set.node),
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                self.fragments.insert(name.as_str())
                    && document
                        .fragments
                        .get(name)
                        .is_some_and(|fragment| self.repeats(document, &fragment.node.selection_set.node))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    #[test]
    fn one_object_asked_for_in_several_places() {
        for (text, expected) in [
            ("{ a { b } }", false),
            ("{ a b a }", false),
            ("{ a { b } c: a { b } }", false),
            ("{ a { b } a { c } }", true),
            ("{ c: a { b } d { e } c: a { f } }", true),
            ("{ x { a { b } ... on X { a { c } } } }", true),
            ("{ x { ... { ... { a { b } } } ... @include(if: true) { a { c } } } }", true),
            ("{ x { a { b } ...F } } fragment F on X { ...G } fragment G on X { a { c } }", true),
            ("{ x { ...F ...F } } fragment F on X { a { b } }", false),
            ("{ ...F } fragment F on X { x { ... on X { y { a { b } a { c } } } } }", true),
            ("{ x { a { b } } y { a { c } } }", false),
        ] {
            assert_eq!(merges(&parse_query(text).unwrap()), expected, "{text}");
        }
    }
}
