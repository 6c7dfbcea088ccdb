//! Refusing introspection where it is switched off: the library answers `null` and leaves the client to guess why.

use std::collections::HashSet;

use async_graphql::{
    Name,
    parser::types::{ExecutableDocument, OperationDefinition, Selection, SelectionSet},
};

use crate::base::error::{Code, Error, Result};

/// Finds `__schema` and `__type` at the root. The operation must have been priced: that bounds how deep this goes.
///
/// # Errors
/// INTROSPECTION_DISABLED when one of them is asked for.
pub fn refuse(document: &ExecutableDocument, operation: &OperationDefinition) -> Result<()> {
    match find(document, &operation.selection_set.node, &mut HashSet::new()) {
        None => Ok(()),
        Some(place) => {
            let sentence = "This server does not tell its schema: introspection is switched off.";
            Err(Error::new(Code::IntrospectionDisabled, sentence).with_places([place]))
        }
    }
}

fn find<'a>(
    document: &'a ExecutableDocument,
    set: &'a SelectionSet,
    seen: &mut HashSet<&'a Name>,
) -> Option<(usize, usize)> {
    set.items.iter().find_map(|item| match &item.node {
        Selection::Field(field) => {
            matches!(field.node.name.node.as_str(), "__schema" | "__type").then_some((item.pos.line, item.pos.column))
        }
        Selection::InlineFragment(fragment) => find(document, &fragment.node.selection_set.node, seen),
        Selection::FragmentSpread(spread) => {
            let name = &spread.node.fragment_name.node;
            let fragment = document.fragments.get(name).filter(|_| seen.insert(name))?;
            find(document, &fragment.node.selection_set.node, seen)
        }
    })
}
