//! What an operation costs, known from the document and its variables before it is validated or run.
//!
//! A field costs 1 and what is below it; a list multiplies what is below it by the rows it may give: a connection by its page, `nodes`
//! by its ids, a list without pages by a reckoned length. What is a list, the schema says ([`Shape`]). Fragments are priced once, so that fragments that spread fragments twice cannot double the
//! work with every line, neither here nor in the library's validation, which walks them each time, and those of operations that are
//! not asked for as well. What is given to arguments is weighed wherever it is used: validation copies a variable at every use, so
//! that a megabyte used a thousand times would be a gigabyte.
//!
//! The library's own reckoning is not used: it refuses a variable that is declared and left out, and it walks before it counts.

use std::collections::HashMap;

use async_graphql::{
    Name, Positioned, Value as Const, Variables,
    parser::types::{
        ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet, VariableDefinition,
    },
};
use async_graphql_value::Value;

use super::shape::{Many, Shape};
use crate::{
    base::error::{Code, Error, Result},
    config::limits::Limits,
};

/// Fragments and selections inside one another, however they are spread: the reckoning recurses on them.
const LEVELS: usize = 128;

/// Lists of introspection inside one another: the schema is a circle, and every round multiplies what comes back. The reference
/// implementation draws the same line (`MaxIntrospectionDepthRule`).
const INTROSPECTION: usize = 2;
/// A subscription may have this part of the selections and values of another operation.
const SUBSCRIPTION: usize = 10;
/// Characters of a text that weigh as much as one value.
const TEXT: usize = 64;

/// What an operation costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// Cost units: about one for each field of each row that could come back.
    pub cost: usize,
    /// Levels of fields.
    pub depth: usize,
    /// Selections to be walked, each fragment as often as it is spread.
    walk: usize,
    /// Values given to arguments, a variable's as often as it is used.
    values: usize,
    /// Lists of introspection inside one another.
    introspection: usize,
}

impl Price {
    fn add(&mut self, other: Self) {
        self.cost = self.cost.saturating_add(other.cost);
        self.walk = self.walk.saturating_add(other.walk);
        self.values = self.values.saturating_add(other.values);
        self.depth = self.depth.max(other.depth);
        self.introspection = self.introspection.max(other.introspection);
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
    shape: &Shape,
) -> Result<Price> {
    let mut till =
        Till { document, variables, definitions: &[], limits, shape, known: HashMap::new(), weights: HashMap::new() };
    // What is not asked for is not run, but validated.
    let (mut walk, mut values) = (0_usize, 0_usize);
    let mut price = Price::default();
    for (_, each) in document.operations.iter() {
        let found = till.operation(&each.node)?;
        walk = walk.saturating_add(found.walk);
        values = values.saturating_add(found.values);
        if std::ptr::eq(&raw const each.node, operation) {
            price = found;
        }
    }
    for name in document.fragments.keys() {
        if !till.known.contains_key(name) {
            let found = till.fragment(name, 0)?;
            walk = walk.saturating_add(found.walk);
            values = values.saturating_add(found.values);
        }
    }
    price = Price { walk, values, ..price };
    // A subscription is kept for as long as it is followed, and there may be thousands of them.
    let share = if operation.ty == OperationType::Subscription { SUBSCRIPTION } else { 1 };
    let too_complex = |message| Err(Error::new(Code::QueryTooComplex, message));
    if price.values > limits.input_values / share {
        return Err(too_much_input(limits.input_values / share));
    }
    if price.introspection > INTROSPECTION {
        return too_complex(format!(
            "Introspection goes through at most {INTROSPECTION} lists of fields inside one another."
        ));
    }
    if price.depth > limits.depth {
        return too_complex(format!("The operation is {} levels deep; at most {} are run.", price.depth, limits.depth));
    }
    if price.walk > limits.complexity / share {
        let most = limits.complexity / share;
        return too_complex(format!("The document has {} selections to be walked, at most {most} are.", price.walk));
    }
    if price.cost > limits.complexity {
        return Err(too_dear(price.cost, limits.complexity));
    }
    Ok(price)
}

/// What is said of more than may be run at once.
pub fn too_dear(cost: usize, limit: usize) -> Error {
    let sentence = format!("The operation costs {cost}, at most {limit} is run; ask for fewer rows or fields at once.");
    let details = serde_json::json!({ "requested": cost, "limit": limit });
    Error::new(Code::QueryTooComplex, sentence).with_details(details)
}

struct Till<'a> {
    document: &'a ExecutableDocument,
    variables: &'a Variables,
    definitions: &'a [Positioned<VariableDefinition>],
    limits: &'a Limits,
    shape: &'a Shape,
    /// Fragments with their prices; without one while it is being reckoned.
    known: HashMap<&'a Name, Option<Price>>,
    /// Variables with their weights.
    weights: HashMap<&'a Name, usize>,
}

impl<'a> Till<'a> {
    fn operation(&mut self, operation: &'a OperationDefinition) -> Result<Price> {
        // Another operation may give its variables other defaults.
        self.definitions = &operation.variable_definitions;
        self.known.clear();
        self.weights.clear();
        self.selections(&operation.selection_set.node, Shape::root(operation.ty), 0)
    }

    /// `of` is the type the selections are made of; one that does not exist costs as if it had no lists, and is refused later.
    fn selections(&mut self, set: &'a SelectionSet, of: &'a str, level: usize) -> Result<Price> {
        if level > LEVELS {
            return Err(Error::new(
                Code::QueryTooComplex,
                format!("Fragments and fields are nested past {LEVELS} levels."),
            ));
        }
        let mut sum = Price::default();
        for selection in &set.items {
            sum.walk = sum.walk.saturating_add(1);
            let directives = match &selection.node {
                Selection::Field(field) => &field.node.directives,
                Selection::InlineFragment(fragment) => &fragment.node.directives,
                Selection::FragmentSpread(spread) => &spread.node.directives,
            };
            for directive in directives {
                sum.values = sum.values.saturating_add(self.given(&directive.node.arguments)?);
            }
            sum.add(match &selection.node {
                Selection::Field(field) => self.field(&field.node, of, level)?,
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref();
                    let of = condition.map_or(of, |condition| condition.node.on.node.as_str());
                    self.selections(&fragment.node.selection_set.node, of, level + 1)?
                }
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
        let of = fragment.node.type_condition.node.on.node.as_str();
        let price = self.selections(&fragment.node.selection_set.node, of, level + 1)?;
        self.known.insert(name, Some(price));
        Ok(price)
    }

    fn field(&mut self, field: &'a Field, of: &'a str, level: usize) -> Result<Price> {
        let known = self.shape.field(of, &field.name.node);
        let values = self.given(&field.arguments)?;
        let below =
            self.selections(&field.selection_set.node, known.map_or("", |field| field.of.as_str()), level + 1)?;
        let rows = self.rows(field, known.map_or(Many::No, |field| field.many));
        let name = field.name.node.as_str();
        let is_round = of == "__Type" && matches!(name, "fields" | "inputFields" | "interfaces" | "possibleTypes");
        Ok(Price {
            cost: below.cost.saturating_mul(rows).saturating_add(1),
            depth: below.depth + 1,
            values: below.values.saturating_add(values),
            introspection: below.introspection + usize::from(is_round),
            ..below
        })
    }

    /// What is given to arguments weighs this much.
    fn given(&mut self, arguments: &'a [(Positioned<Name>, Positioned<Value>)]) -> Result<usize> {
        let mut weight = 0_usize;
        for (_, value) in arguments {
            weight = weight.saturating_add(self.weight(&value.node));
        }
        // Before anything is copied.
        if weight > self.limits.input_values { Err(too_much_input(self.limits.input_values)) } else { Ok(weight) }
    }

    /// The weight of a value of the document: the parser has bounded how deep it goes.
    fn weight(&mut self, value: &'a Value) -> usize {
        match value {
            Value::Variable(name) => {
                if let Some(weight) = self.weights.get(name) {
                    return *weight;
                }
                let definition = self.definitions.iter().find(|definition| definition.node.name.node == *name);
                let default = definition.and_then(|definition| definition.node.default_value.as_ref());
                let weight = self.variables.get(name).or(default.map(|value| &value.node)).map_or(1, heavy);
                self.weights.insert(name, weight);
                weight
            }
            Value::List(items) => items.iter().fold(1, |sum: usize, item| sum.saturating_add(self.weight(item))),
            Value::Object(fields) => fields.values().fold(1, |sum: usize, item| sum.saturating_add(self.weight(item))),
            Value::String(text) => 1 + text.len() / TEXT,
            _ => 1,
        }
    }

    /// How many rows a field may give: 1 unless it is a list.
    fn rows(&self, field: &Field, many: Many) -> usize {
        let number = |name| {
            self.argument(field, name).and_then(|value| match value {
                Const::Number(number) => number.as_u64().and_then(|number| usize::try_from(number).ok()),
                _ => None,
            })
        };
        match many {
            Many::No | Many::Rows => 1,
            // Without a page size, the largest default: too dear rather than too cheap.
            Many::Page => number("first")
                .or_else(|| number("last"))
                .map_or(self.limits.long_page.default, |rows| rows.min(self.limits.long_page.max)),
            Many::Ids => match self.argument(field, "ids") {
                Some(Const::List(ids)) => ids.len(),
                _ => 1,
            },
            Many::List => self.limits.list,
            Many::Few(rows) => rows,
        }
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

fn too_much_input(most: usize) -> Error {
    Error::new(Code::QueryTooComplex, format!("The arguments hold more than {most} values; give less at once."))
}

/// The weight of a value without variables. Texts weigh by their length.
fn heavy(value: &Const) -> usize {
    match value {
        Const::List(items) => items.iter().fold(1, |sum: usize, item| sum.saturating_add(heavy(item))),
        Const::Object(fields) => fields.values().fold(1, |sum: usize, item| sum.saturating_add(heavy(item))),
        Const::String(text) => 1 + text.len() / TEXT,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{Request, parser::types::DocumentOperations};

    use super::*;
    use crate::config::{Config, Env};

    const SDL: &str = "
        type Query { me: User users(first: Int, last: Int): UserConnection! node(id: ID!): Node nodes(ids: [ID!]!): [Node]! }
        interface Node { id: ID! }
        type User implements Node { id: ID! username: String blockedUsers(first: Int): UserConnection roles: [Grant!] }
        type Grant { expiresAt: String role: Role }
        type Role { name: String }
        type UserConnection { nodes: [User!]! pageInfo: PageInfo! totalCount: Int! }
        type PageInfo { endCursor: String }";

    fn priced(query: &str, variables: serde_json::Value) -> Result<Price> {
        let config = Config::read(&mut Env::of([])).map_err(Error::internal)?;
        let (limits, shape) = (&config.limits, Shape::read(SDL)?);
        let mut request = Request::new(query).variables(Variables::from_json(variables));
        let variables = request.variables.clone();
        let document = request.parsed_query().map_err(|fault| Error::internal(fault.message.clone()))?;
        let operation = match &document.operations {
            DocumentOperations::Single(operation) => operation,
            DocumentOperations::Multiple(operations) => &operations["Asked"],
        };
        price(document, &operation.node, &variables, limits, &shape)
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
            ("{ users { pageInfo { endCursor } totalCount } }", 1 + 50 * 3, 3),
            ("{ me { roles { role { name } } } }", 1 + 1 + 10 * 2, 4),
            ("{ node(id: 1) { ... on User { roles { expiresAt } } } }", 1 + 1 + 10, 3),
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
    fn what_is_not_asked_for_is_walked_too() {
        let mut bomb = String::new();
        for number in 0..60 {
            bomb += &format!(" fragment F{number} on User {{ ...F{0} ...F{0} }}", number + 1);
        }
        for query in [
            format!("query Asked {{ me {{ id }} }} query Other {{ me {{ ...F0 }} }} {bomb}"),
            format!("query Asked {{ me {{ id }} }} {bomb}"),
        ] {
            assert_eq!(priced(&query, serde_json::json!({})).unwrap_err().code(), Code::QueryTooComplex);
        }
        let circle = "query Asked { me { id } } query Other { me { ...A } } fragment A on User { ...A }";
        assert_eq!(priced(circle, serde_json::json!({})).unwrap_err().code(), Code::GraphqlValidationFailed);
        let two = "query Asked { me { id } } query Other($n: Int = 9) { users(first: $n) { nodes { id } } }";
        assert_eq!(priced(two, serde_json::json!({})).unwrap().cost, 2);
    }

    #[test]
    fn what_is_given_is_weighed_at_every_use() {
        let many: Vec<usize> = (0..3000).collect();
        let uses = |count| format!("query($v: ID!) {{ {} }}", "node(id: $v) { id } ".repeat(count));
        for (query, variables, fits) in [
            (uses(6), serde_json::json!({ "v": many }), true),
            (uses(7), serde_json::json!({ "v": many }), false),
            (uses(1), serde_json::json!({ "v": "x".repeat(1_000_000) }), true),
            (uses(2), serde_json::json!({ "v": "x".repeat(1_000_000) }), false),
            (
                "query($v: Boolean!) { me @include(if: $v) @skip(if: $v) { id } me @include(if: $v) { id } \
              ... @include(if: $v) { me { id } } ...F @skip(if: $v) ...F @skip(if: $v) ...F @skip(if: $v) } \
              fragment F on Query { me { id } }"
                    .to_owned(),
                serde_json::json!({ "v": many }),
                false,
            ),
            (
                format!(
                    "query($v: [ID!] = [{}]) {{ {} }}",
                    "1 ".repeat(3000),
                    "users(first: $v) { nodes { id } } ".repeat(7)
                ),
                serde_json::json!({}),
                false,
            ),
        ] {
            let code = priced(&query, variables).err().map(|error| error.code());
            assert_eq!(code, (!fits).then_some(Code::QueryTooComplex), "{}", &query[..60]);
        }
    }

    #[test]
    fn introspection_is_priced_and_goes_twice_around() {
        let around = |times| {
            let below =
                (0..times).fold("name".to_owned(), |inner, _| format!("fields {{ type {{ ofType {{ {inner} }} }} }}"));
            format!("{{ __schema {{ types {{ {below} }} }} }}")
        };
        assert_eq!(priced(&around(2), serde_json::json!({})).unwrap().cost, 1 + 1 + 10 * (1 + 4 * (1 + 1 + 1 + 4 * 3)));
        assert_eq!(priced(&around(3), serde_json::json!({})).unwrap_err().code(), Code::QueryTooComplex);
        let wide =
            format!("{{ __schema {{ types {{ fields {{ type {{ fields {{ {} }} }} }} }} }} }}", "name ".repeat(100));
        assert_eq!(priced(&wide, serde_json::json!({})).unwrap_err().code(), Code::QueryTooComplex);
        let far = "{ __type(name: \"Query\") { possibleTypes { interfaces { fields { name } } } } }";
        assert_eq!(priced(far, serde_json::json!({})).unwrap_err().code(), Code::QueryTooComplex);
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
