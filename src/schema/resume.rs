//! Going on behind an event that a client names beside its document (`Last-Event-ID`): the root field's `after` is set in its place,
//! however the document gives it.

use std::collections::HashSet;

use async_graphql::{
    Name, Positioned, Value,
    parser::types::{DocumentOperations, ExecutableDocument, Field, Selection, SelectionSet},
};

use crate::graphql::shape::Shape;

/// The argument that takes a cursor.
const AFTER: &str = "after";

/// Whether a subscription can be taken up again.
fn is_resumable(shape: &Shape, name: &str) -> bool {
    shape.field("Subscription", name).is_some_and(|field| field.arguments.contains_key(AFTER))
}

/// How the cursor reaches the field.
pub(super) enum Place {
    /// It was written into the document.
    Written,
    /// The document takes it from this variable.
    Variable(Name),
}

/// Sets the cursor of an operation's root field; `None` when that has no place for one.
pub(super) fn resume(
    document: &mut ExecutableDocument,
    operation: Option<&str>,
    shape: &Shape,
    cursor: &str,
) -> Option<Place> {
    let root = match &mut document.operations {
        DocumentOperations::Single(only) => &mut only.node.selection_set.node,
        DocumentOperations::Multiple(several) => &mut several.get_mut(operation?)?.node.selection_set.node,
    };
    // Everywhere it is written: mentions of one field may not differ.
    let mut spreads = Vec::new();
    let mut place = set(root, shape, cursor, &mut spreads);
    let mut seen = HashSet::new();
    while let Some(name) = spreads.pop() {
        if let (true, Some(fragment)) = (seen.insert(name.clone()), document.fragments.get_mut(&name)) {
            place = set(&mut fragment.node.selection_set.node, shape, cursor, &mut spreads).or(place);
        }
    }
    place
}

fn set(selections: &mut SelectionSet, shape: &Shape, cursor: &str, spreads: &mut Vec<Name>) -> Option<Place> {
    let mut place = None;
    for selection in &mut selections.items {
        let found = match &mut selection.node {
            Selection::Field(field) if is_resumable(shape, &field.node.name.node) => {
                let arguments = &mut field.node.arguments;
                match arguments.iter_mut().find(|(name, _)| name.node == AFTER) {
                    Some((_, value)) => match value.node.clone().into_const() {
                        Some(_) => {
                            value.node = Value::from(cursor).into_value();
                            Some(Place::Written)
                        }
                        None => variable(&value.node.to_string()).map(Place::Variable),
                    },
                    None => {
                        let name = Positioned::new(Name::new(AFTER), field.pos);
                        arguments.push((name, Positioned::new(Value::from(cursor).into_value(), field.pos)));
                        Some(Place::Written)
                    }
                }
            }
            Selection::Field(_) => None,
            Selection::InlineFragment(inner) => set(&mut inner.node.selection_set.node, shape, cursor, spreads),
            Selection::FragmentSpread(spread) => {
                spreads.push(spread.node.fragment_name.node.clone());
                None
            }
        };
        place = found.or(place);
    }
    place
}

/// The variable that says where a subscription begins, when it says nothing else.
pub(super) fn place_of(root: &Field, text: &str) -> Option<Name> {
    let (_, value) = root.arguments.iter().find(|(name, _)| name.node == AFTER)?;
    let name = variable(&value.node.to_string())?;
    // Where it is declared, and where it is given.
    let sign = format!("${name}");
    let goes_on = |at: usize| text.as_bytes().get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let mentions = text.match_indices(&sign).filter(|(at, _)| !goes_on(at + sign.len()));
    (mentions.count() == 2).then_some(name)
}

/// The name in `$name`. An argument that takes a text holds nothing else that is not constant.
fn variable(text: &str) -> Option<Name> {
    text.strip_prefix('$').map(Name::new)
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    const SDL: &str = "type Query { a: Int } type Subscription { events(id: ID, after: String): Int signal(id: ID): Int } \
                       schema { query: Query subscription: Subscription }";

    #[test]
    fn the_cursor_reaches_the_root_field_wherever_the_document_has_it() {
        let shape = Shape::read(SDL).unwrap();
        assert!(is_resumable(&shape, "events") && !is_resumable(&shape, "signal"));
        let resumed = |text: &str, name: Option<&str>| {
            let mut document = parse_query(text).unwrap();
            match resume(&mut document, name, &shape, "ev_1") {
                None => "no place".to_owned(),
                Some(Place::Variable(name)) => format!("${name}"),
                Some(Place::Written) => {
                    let text = format!("{document:?}");
                    assert_eq!(text.matches("ev_1").count(), 1, "{text}");
                    assert!(!text.contains("old"), "{text}");
                    "written".to_owned()
                }
            }
        };
        for (document, expected) in [
            ("subscription { events }", "written"),
            ("subscription { e: events(id: 1, after: \"old\") }", "written"),
            ("subscription { events(after: null) }", "written"),
            ("subscription($from: String) { events(after: $from) }", "$from"),
            ("subscription { ... on Subscription { events } }", "written"),
            (
                "subscription { ...F } fragment F on Subscription { ...G } fragment G on Subscription { events }",
                "written",
            ),
            ("subscription { ...F } fragment F on Subscription { ...F }", "no place"),
            ("subscription { signal(id: 1) }", "no place"),
        ] {
            assert_eq!(resumed(document, None), expected, "{document}");
        }
        let two = "subscription A { signal } subscription B { events }";
        assert_eq!(resumed(two, Some("A")), "no place");
        assert_eq!(resumed(two, Some("B")), "written");
    }
}
