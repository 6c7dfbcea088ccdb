//! What an operation costs, known from the document and its variables before it is validated or run.
//!
//! A field costs 1 and what is below it; a list (a field given `first`, `last` or `ids`, or asked for `edges` or `nodes`) multiplies what
//! is below it by the rows it may give. Fragments are priced once, so that fragments that spread fragments twice cannot double the
//! work with every line, neither here nor in the library's validation, which walks them each time.
//!
//! The library's own reckoning is not used: it refuses a variable that is declared and left out, and it walks before it counts.

use std::collections::HashMap;

use async_graphql::{
    Name, Positioned, Value as Const, Variables,
    parser::types::{ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet, VariableDefinition},
};

use crate::{
    base::error::{Code, Error, Result},
    config::limits::Limits,
};

/// Fragments and selections inside one another, however they are spread: the reckoning recurses on them.
const LEVELS: usize = 128;

/// What an operation costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// Cost units: about one for each field of each row that could come back.
    pub cost: usize,
    /// Levels of fields.
    pub depth: usize,
    /// Selections to be walked, each fragment as often as it is spread.
    walk: usize,
    /// `edges` or `nodes` are among them: whatever they are asked of is a list.
    has_rows: bool,
}

impl Price {
    fn add(&mut self, other: Self) {
        self.cost = self.cost.saturating_add(other.cost);
        self.walk = self.walk.saturating_add(other.walk);
        self.depth = self.depth.max(other.depth);
        self.has_rows |= other.has_rows;
    }
}

/// Prices an operation.
///
/// # Errors
/// QUERY_TOO_COMPLEX past a ceiling, GRAPHQL_VALIDATION_FAILED for a fragment that spreads itself.
pub fn price(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
    limits: &Limits,
) -> Result<Price> {
    let mut till =
        Till { document, variables, definitions: &operation.variable_definitions, limits, known: HashMap::new() };
    let price = till.selections(&operation.selection_set.node, 0)?;
    let too_complex = |message| Err(Error::new(Code::QueryTooComplex, message));
    if price.depth > limits.depth {
        return too_complex(format!("The operation is {} levels deep; at most {} are run.", price.depth, limits.depth));
    }
    if price.cost > limits.complexity || price.walk > limits.complexity {
        let cost = price.cost.max(price.walk);
        return too_complex(format!(
            "The operation costs {cost}, at most {} is run; ask for fewer rows or fields at once.",
            limits.complexity
        ));
    }
    Ok(price)
}

struct Till<'a> {
    document: &'a ExecutableDocument,
    variables: &'a Variables,
    definitions: &'a [Positioned<VariableDefinition>],
    limits: &'a Limits,
    /// Fragments with their prices; without one while it is being reckoned.
    known: HashMap<&'a Name, Option<Price>>,
}

impl<'a> Till<'a> {
    fn selections(&mut self, set: &'a SelectionSet, level: usize) -> Result<Price> {
        if level > LEVELS {
            return Err(Error::new(
                Code::QueryTooComplex,
                format!("Fragments and fields are nested past {LEVELS} levels."),
            ));
        }
        let mut sum = Price::default();
        for selection in &set.items {
            sum.walk = sum.walk.saturating_add(1);
            sum.add(match &selection.node {
                Selection::Field(field) => self.field(&field.node, level)?,
                Selection::InlineFragment(fragment) => self.selections(&fragment.node.selection_set.node, level + 1)?,
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node, level)?,
            });
        }
        Ok(sum)
    }

    fn fragment(&mut self, name: &'a Name, level: usize) -> Result<Price> {
        match self.known.get(name) {
            Some(Some(price)) => return Ok(*price),
            Some(None) => {
                let sentence = format!("The fragment {name} spreads itself.");
                return Err(Error::new(Code::GraphqlValidationFailed, sentence));
            }
            None => {}
        }
        // An unknown fragment costs nothing; validation will say that it is unknown.
        let Some((name, fragment)) = self.document.fragments.get_key_value(name) else { return Ok(Price::default()) };
        self.known.insert(name, None);
        let price = self.selections(&fragment.node.selection_set.node, level + 1)?;
        self.known.insert(name, Some(price));
        Ok(price)
    }

    fn field(&mut self, field: &'a Field, level: usize) -> Result<Price> {
        let below = self.selections(&field.selection_set.node, level + 1)?;
        Ok(Price {
            cost: below.cost.saturating_mul(self.rows(field, below.has_rows)).saturating_add(1),
            depth: below.depth + 1,
            walk: below.walk,
            has_rows: matches!(field.name.node.as_str(), "edges" | "nodes"),
        })
    }

    /// How many rows a field may give: 1 unless it is a list.
    fn rows(&self, field: &Field, is_list: bool) -> usize {
        let number = |name| {
            self.argument(field, name).and_then(|value| match value {
                Const::Number(number) => number.as_u64().and_then(|number| usize::try_from(number).ok()),
                _ => None,
            })
        };
        if let Some(rows) = number("first").or_else(|| number("last")) {
            return rows.min(self.limits.long_page.max);
        }
        if let Some(Const::List(ids)) = self.argument(field, "ids") {
            return ids.len();
        }
        // Without a page size, the largest default: too dear rather than too cheap.
        if is_list { self.limits.long_page.default } else { 1 }
    }

    fn argument(&self, field: &Field, name: &str) -> Option<Const> {
        let resolve = |name: Name| {
            let given = self.variables.get(&name).cloned();
            let default = || {
                let definition = self.definitions.iter().find(|definition| definition.node.name.node == name);
                definition.and_then(|definition| definition.node.default_value.as_ref()).map(|value| value.node.clone())
            };
            Ok::<_, std::convert::Infallible>(given.or_else(default).unwrap_or_default())
        };
        field.get_argument(name)?.node.clone().into_const_with(resolve).ok()
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{Request, parser::types::DocumentOperations};

    use super::*;
    use crate::config::{Config, Env};

    fn priced(query: &str, variables: serde_json::Value) -> Result<Price> {
        let limits = Config::read(&mut Env::of([])).map_err(Error::internal)?.limits;
        let mut request = Request::new(query).variables(Variables::from_json(variables));
        let variables = request.variables.clone();
        let document = request.parsed_query().map_err(|fault| Error::internal(fault.message.clone()))?;
        let operation = match &document.operations {
            DocumentOperations::Single(operation) => operation,
            DocumentOperations::Multiple(_) => return Err(Error::internal("one operation")),
        };
        price(document, &operation.node, &variables, &limits)
    }

    #[test]
    fn lists_multiply() {
        for (query, cost, depth) in [
            ("{ me { id } }", 2, 2),
            ("{ users(first: 10) { nodes { id username } } }", 1 + 10 * 3, 3),
            ("query($n: Int = 7) { users(first: $n) { nodes { id } } }", 1 + 7 * 2, 3),
            (
                "query($n: Int) { users(last: $n) { ...F } } fragment F on UserConnection { nodes { id } }",
                1 + 50 * 2,
                3,
            ),
            ("{ nodes(ids: [1, 2, 3]) { id } }", 1 + 3, 2),
            ("{ users(first: 1000) { nodes { id } } }", 1 + 100 * 2, 3),
        ] {
            let price = priced(query, serde_json::json!({})).unwrap();
            assert_eq!((price.cost, price.depth), (cost, depth), "{query}");
        }
        assert_eq!(
            priced("query($n: Int) { users(first: $n) { nodes { id } } }", serde_json::json!({ "n": 3 })).unwrap().cost,
            7
        );
    }

    #[test]
    fn fragments_that_double_are_priced_once_and_refused() {
        let mut query = String::from("{ me { ...F0 } }");
        for number in 0..60 {
            // Asking for no rows makes it cost nothing, but it would still be walked.
            query += &format!(
                " fragment F{number} on User {{ blockedUsers(first: 0) {{ nodes {{ ...F{0} ...F{0} }} }} }}",
                number + 1
            );
        }
        assert_eq!(priced(&query, serde_json::json!({})).unwrap_err().code(), Code::QueryTooComplex);
        let mut flat = String::from("{ me { ...F0 } }");
        for number in 0..60 {
            flat += &format!(" fragment F{number} on User {{ ...F{0} ...F{0} }}", number + 1);
        }
        assert_eq!(priced(&flat, serde_json::json!({})).unwrap_err().code(), Code::QueryTooComplex);
    }

    #[test]
    fn a_fragment_in_a_circle_is_refused() {
        let query = "{ me { ...A } } fragment A on User { ...B } fragment B on User { ...A }";
        assert_eq!(priced(query, serde_json::json!({})).unwrap_err().code(), Code::GraphqlValidationFailed);
    }
}
