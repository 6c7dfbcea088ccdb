//! The root of a subscription (GraphQL specification, 5.2.3.1): one field, however it is written.
//!
//! The library neither keeps that rule nor looks into fragments there: a subscription whose field stands in one would end at once,
//! without an event and without an error. So the field is put beside its fragment, which stays for the library's validation, and
//! a field that is written more than once is made one.

use std::collections::HashSet;

use async_graphql::{
    Name, Positioned,
    parser::types::{
        DocumentOperations, ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
    },
};

use crate::base::error::{Code, Error, Result};

/// The type whose fields stand at the root.
const ROOT: &str = "Subscription";

/// The document with the one field of each subscription at its root; `None` when all stand there already.
///
/// # Errors
/// GRAPHQL_VALIDATION_FAILED for a subscription with no field, several, one of introspection, or one under `@skip` or `@include`.
pub(super) fn unfolded(document: &ExecutableDocument) -> Result<Option<ExecutableDocument>> {
    let mut found = Vec::new();
    for (name, operation) in document.operations.iter() {
        if operation.node.ty == OperationType::Subscription && !is_plain(&operation.node) {
            found.push((name.cloned(), only(document, &operation.node)?));
        }
    }
    if found.is_empty() {
        return Ok(None);
    }
    let mut document = document.clone();
    for (name, field) in found {
        let operation = match (&mut document.operations, name) {
            (DocumentOperations::Single(only), _) => Some(only),
            (DocumentOperations::Multiple(several), Some(name)) => several.get_mut(&name),
            (DocumentOperations::Multiple(_), None) => None,
        };
        if let Some(operation) = operation {
            let items = &mut operation.node.selection_set.node.items;
            items.retain(|item| !matches!(item.node, Selection::Field(_)));
            let at = field.pos;
            items.push(Positioned::new(Selection::Field(field), at));
        }
    }
    Ok(Some(document))
}

/// True when nothing stands at the root but one field of no condition.
fn is_plain(operation: &OperationDefinition) -> bool {
    match operation.selection_set.node.items.as_slice() {
        [item] => matches!(&item.node, Selection::Field(field)
            if field.node.directives.is_empty() && !field.node.name.node.starts_with("__")),
        _ => false,
    }
}

/// The one field of a subscription, with what all its mentions select.
fn only(document: &ExecutableDocument, operation: &OperationDefinition) -> Result<Positioned<Field>> {
    let mut fields = fields(document, &operation.selection_set.node)?.into_iter();
    let Some(first) = fields.next() else {
        return Err(refused("A subscription selects one field of Subscription; this one selects none.", &[]));
    };
    let mut whole = first.clone();
    for other in fields {
        let (one, two) = (&first.node, &other.node);
        let same = one.response_key().node == two.response_key().node && one.name.node == two.name.node;
        if !same || arguments(one) != arguments(two) {
            let sentence = format!(
                "A subscription selects exactly one field; {} is another than {}. Follow each with an operation of its own.",
                two.response_key().node,
                one.response_key().node
            );
            return Err(refused(&sentence, &[other.pos]));
        }
        whole.node.selection_set.node.items.extend(two.selection_set.node.items.iter().cloned());
    }
    if whole.node.name.node.starts_with("__") {
        return Err(refused("A subscription follows a field of its own, not one of introspection.", &[whole.pos]));
    }
    Ok(whole)
}

/// The arguments, in an order to compare them by.
fn arguments(field: &Field) -> Vec<(String, String)> {
    let given = field.arguments.iter();
    let mut given: Vec<_> = given.map(|(name, value)| (name.node.to_string(), value.node.to_string())).collect();
    given.sort_unstable();
    given
}

/// The fields at the root, also those in fragments, in the order of the document. Each fragment is walked once, without recursion.
fn fields<'a>(document: &'a ExecutableDocument, root: &'a SelectionSet) -> Result<Vec<&'a Positioned<Field>>> {
    let (mut fields, mut seen) = (Vec::new(), HashSet::<&Name>::new());
    let mut waiting: Vec<&Positioned<Selection>> = root.items.iter().rev().collect();
    while let Some(selection) = waiting.pop() {
        let conditional = |name: &str| ["skip", "include"].contains(&name);
        if selection.node.directives().iter().any(|directive| conditional(&directive.node.name.node)) {
            let sentence = "@skip and @include have no place at the root of a subscription.";
            return Err(refused(sentence, &[selection.pos]));
        }
        let inner = match &selection.node {
            Selection::Field(field) => {
                fields.push(field);
                continue;
            }
            Selection::InlineFragment(fragment) => {
                let on = fragment.node.type_condition.as_ref();
                on.is_none_or(|on| on.node.on.node == ROOT).then_some(&fragment.node.selection_set.node)
            }
            Selection::FragmentSpread(spread) => {
                let fragment = document.fragments.get_key_value(&spread.node.fragment_name.node);
                let fragment = fragment.filter(|(name, _)| seen.insert(name)).map(|(_, fragment)| &fragment.node);
                fragment
                    .filter(|fragment| fragment.type_condition.node.on.node == ROOT)
                    .map(|fragment| &fragment.selection_set.node)
            }
        };
        waiting.extend(inner.into_iter().flat_map(|set| set.items.iter().rev()));
    }
    Ok(fields)
}

fn refused(sentence: &str, places: &[async_graphql::Pos]) -> Error {
    Error::new(Code::GraphqlValidationFailed, sentence.to_owned())
        .with_places(places.iter().map(|at| (at.line, at.column)))
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn unfolded_text(text: &str) -> std::result::Result<Option<String>, Code> {
        let document = parse_query(text).unwrap();
        let roots = |document: ExecutableDocument| {
            let (_, operation) = document.operations.iter().next().unwrap();
            let fields = operation.node.selection_set.node.items.iter().filter_map(|item| match &item.node {
                Selection::Field(field) => {
                    Some((field.node.response_key().node.to_string(), field.node.selection_set.node.items.len()))
                }
                _ => None,
            });
            format!("{:?}", fields.collect::<Vec<_>>())
        };
        unfolded(&document).map(|found| found.map(roots)).map_err(|error| error.code())
    }

    #[test]
    fn the_root_of_a_subscription_is_one_field() {
        let one = |key: &str, below: usize| Ok(Some(format!("{:?}", vec![(key, below)])));
        let no = || Err(Code::GraphqlValidationFailed);
        for (text, expected) in [
            ("{ a b }", Ok(None)),
            ("mutation { a ...F } fragment F on Mutation { b }", Ok(None)),
            ("subscription { a { x } }", Ok(None)),
            ("subscription { ...F } fragment F on Subscription { a { x } }", one("a", 1)),
            ("subscription { ... on Subscription { ... { k: a { x y } } } }", one("k", 2)),
            (
                "subscription { a(n: 1, m: $v) { x } ...F } fragment F on Subscription { a(m: $v, n: 1) { y } }",
                one("a", 2),
            ),
            ("subscription { ...F ...F } fragment F on Subscription { a { x } }", one("a", 1)),
            ("subscription { a b }", no()),
            ("subscription { a k: a }", no()),
            ("subscription { a(n: 1) a(n: 2) }", no()),
            ("subscription { ...F } fragment F on Subscription { a b }", no()),
            ("subscription { ...F } fragment F on Subscription { ...F }", no()),
            ("subscription { ...F } fragment F on Query { a }", no()),
            ("subscription { ...Unknown }", no()),
            ("subscription { __typename }", no()),
            ("subscription { a __typename }", no()),
            ("subscription { a @include(if: true) { x } }", no()),
            ("subscription { ...F @skip(if: $v) } fragment F on Subscription { a }", no()),
            ("query Q { a } subscription S { a b }", no()),
        ] {
            assert_eq!(unfolded_text(text), expected, "{text}");
        }
    }
}
