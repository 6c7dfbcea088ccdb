//! Whether what an operation gives its fields is of their types, before anything runs: coercion, as the specification (sections 3 and
//! 6.1.2) calls it, with all that is wrong told at once and each fault with its path from the argument (`input.displayName`).
//!
//! The library would stop at the first fault, without a path for scalars, and only when the field runs. What is wrong with the document
//! rather than with a value (an unknown argument, a variable of another type) is left to its validation.

use std::{collections::HashSet, convert::Infallible};

use async_graphql::{
    Name, Pos, Positioned, ServerError, Value as Const, Variables,
    parser::types::{
        BaseType, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet, Type, VariableDefinition,
    },
};
use async_graphql_value::Value;

use super::{
    scalars,
    shape::{self, Kind, Shape},
};
use crate::base::error::{Code, Error, FieldError, Result};

/// The most faults that are told.
const MOST: usize = 20;

/// Checks every argument of an operation. It must have been priced: that bounds how deep this goes.
///
/// # Errors
/// VALIDATION_FAILED naming each fault.
pub fn check(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
    shape: &Shape,
) -> Result<()> {
    let mut check = Check {
        document,
        definitions: &operation.variable_definitions,
        variables,
        shape,
        seen: HashSet::new(),
        used: HashSet::new(),
        faults: Vec::new(),
        places: Vec::new(),
    };
    check.selections(&operation.selection_set.node, Shape::root(operation.ty));
    check.unused();
    if check.faults.is_empty() {
        return Ok(());
    }
    check.faults.truncate(MOST);
    check.places.sort_unstable();
    check.places.dedup();
    Err(Error::invalid_fields(check.faults).with_places(check.places))
}

/// Refuses variables of types that do not exist, in whichever operation of the document. The library's validation would, too, but panics
/// when such a type stands in a list and has a default.
///
/// # Errors
/// GRAPHQL_VALIDATION_FAILED with the place of the first.
pub fn known_types(document: &ExecutableDocument, shape: &Shape) -> Result<()> {
    const BUILT_IN: [&str; 5] = ["Boolean", "Float", "ID", "Int", "String"];
    let variables = document.operations.iter().flat_map(|(_, operation)| &operation.node.variable_definitions);
    for variable in variables {
        let name = shape::name(&variable.node.var_type.node).as_str();
        if !BUILT_IN.contains(&name) && shape.kind(name).is_none() {
            let Pos { line, column } = variable.node.var_type.pos;
            let sentence = format!("Unknown type \"{name}\" of the variable ${}.", variable.node.name.node);
            return Err(Error::new(Code::GraphqlValidationFailed, sentence).with_places([(line, column)]));
        }
    }
    Ok(())
}

/// What is said of a text that PostgreSQL cannot keep, wherever it stands: also where it would only be compared.
const NUL: &str = "takes no character U+0000";

fn holds_nul(value: &Const) -> bool {
    match value {
        Const::String(text) => text.contains('\0'),
        Const::List(items) => items.iter().any(holds_nul),
        Const::Object(fields) => fields.iter().any(|(name, value)| name.contains('\0') || holds_nul(value)),
        _ => false,
    }
}

struct Check<'a> {
    document: &'a ExecutableDocument,
    definitions: &'a [Positioned<VariableDefinition>],
    variables: &'a Variables,
    shape: &'a Shape,
    /// Fragments that were walked: once is enough.
    seen: HashSet<&'a Name>,
    /// Variables that were met in an argument, and so checked there.
    used: HashSet<&'a Name>,
    faults: Vec<FieldError>,
    places: Vec<(usize, usize)>,
}

impl<'a> Check<'a> {
    fn selections(&mut self, set: &'a SelectionSet, of: &'a str) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => self.field(&field.node, of),
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref();
                    let of = condition.map_or(of, |condition| condition.node.on.node.as_str());
                    self.selections(&fragment.node.selection_set.node, of);
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let Some((name, fragment)) = self.document.fragments.get_key_value(name) else { continue };
                    if self.seen.insert(name) {
                        let of = fragment.node.type_condition.node.on.node.as_str();
                        self.selections(&fragment.node.selection_set.node, of);
                    }
                }
            }
        }
    }

    fn field(&mut self, field: &'a Field, of: &'a str) {
        let Some(known) = self.shape.field(of, &field.name.node) else { return };
        for (name, value) in &field.arguments {
            let Some(argument) = known.arguments.get(name.node.as_str()) else { continue };
            let before = self.faults.len();
            self.value(&argument.of, argument.has_default, &value.node, name.node.to_string());
            if self.faults.len() > before {
                self.places.push((value.pos.line, value.pos.column));
            }
        }
        self.selections(&field.selection_set.node, &known.of);
    }

    fn fault(&mut self, field: String, message: impl Into<String>) {
        // One more than is told would be as good as a million more: a list may be long.
        if self.faults.len() < MOST {
            self.faults.push(FieldError { field, message: message.into() });
        }
    }

    /// A value as the document has it, with variables in it.
    fn value(&mut self, of: &Type, has_default: bool, value: &'a Value, path: String) {
        match (value, self.object(of)) {
            (Value::Variable(name), _) => self.variable(of, has_default, name, path),
            (Value::List(items), _) => match &of.base {
                BaseType::List(of) => {
                    for (index, item) in items.iter().enumerate() {
                        self.value(of, false, item, format!("{path}.{index}"));
                    }
                }
                // A scalar such as JSON may take a list as its one value.
                BaseType::Named(name) if matches!(self.shape.kind(name), Some(Kind::Scalar)) => {
                    if let Some(value) = value.clone().into_const() {
                        self.constant(of, &value, path);
                    }
                }
                BaseType::Named(_) => self.fault(path, "takes one value, this is a list"),
            },
            (Value::Object(given), Some(fields)) => {
                for (name, field) in fields {
                    match given.get(name.as_str()) {
                        Some(value) => self.value(&field.of, field.has_default, value, format!("{path}.{name}")),
                        None if field.of.nullable || field.has_default => {}
                        None => self.fault(format!("{path}.{name}"), "is required"),
                    }
                }
                for name in given.keys().filter(|name| !fields.contains_key(name.as_str())) {
                    self.fault(format!("{path}.{name}"), "is no field of this input");
                }
            }
            // A free-form value with variables in it is whatever they are; that they are there, their own check says.
            _ => match value.clone().into_const() {
                Some(value) => self.constant(of, &value, path),
                None if holds_nul(
                    &value.clone().into_const_with(|_| Ok::<_, Infallible>(Const::Null)).unwrap_or_default(),
                ) =>
                {
                    self.fault(path, NUL);
                }
                None => {}
            },
        }
    }

    fn variable(&mut self, of: &Type, has_default: bool, name: &'a Name, path: String) {
        let definitions = self.definitions;
        let Some(definition) = definitions.iter().find(|definition| definition.node.name.node == *name) else { return };
        let declared = &definition.node.var_type.node;
        if shape::name(declared) != shape::name(of) {
            return;
        }
        self.used.insert(name);
        let default = definition.node.default_value.as_ref().map(|value| &value.node);
        match self.variables.get(name).or(default) {
            Some(Const::Null) | None if !declared.nullable => {
                self.fault(path, format!("is required: the variable ${name} was not provided"));
            }
            None => {}
            // Null in a place that has a default: the library reads it as left out.
            Some(Const::Null) if has_default => {}
            Some(value) => self.constant(of, &value.clone(), path),
        }
    }

    fn constant(&mut self, of: &Type, value: &Const, path: String) {
        let name = match (&of.base, value) {
            (_, Const::Null) if of.nullable => return,
            (_, Const::Null) => return self.fault(path, "is required"),
            (BaseType::List(of), Const::List(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.constant(of, item, format!("{path}.{index}"));
                }
                return;
            }
            // One value where a list is taken is a list of one.
            (BaseType::List(of), value) => return self.constant(of, value, path),
            (BaseType::Named(name), _) => name.as_str(),
        };
        let wrong = match (self.shape.kind(name), value) {
            (Some(Kind::Enum(values)), Const::Enum(given)) if values.contains(given.as_str()) => None,
            (Some(Kind::Enum(values)), Const::String(given)) if values.contains(given) => None,
            (Some(Kind::Enum(values)), _) => {
                let values: Vec<_> = values.iter().map(String::as_str).collect();
                Some(format!("takes one of {}", values.join(", ")))
            }
            (Some(Kind::Input(fields)), Const::Object(given)) => {
                for (name, field) in fields {
                    match given.get(name.as_str()) {
                        Some(Const::Null) if field.has_default => {}
                        Some(value) => self.constant(&field.of, value, format!("{path}.{name}")),
                        None if field.of.nullable || field.has_default => {}
                        None => self.fault(format!("{path}.{name}"), "is required"),
                    }
                }
                for name in given.keys().filter(|name| !fields.contains_key(name.as_str())) {
                    self.fault(format!("{path}.{name}"), "is no field of this input");
                }
                None
            }
            (Some(Kind::Input(_)), _) => Some("takes an object".to_owned()),
            (Some(Kind::Output(_)), _) => None,
            (Some(Kind::Scalar) | None, value) if holds_nul(value) => Some(NUL.to_owned()),
            (Some(Kind::Scalar), value) => scalars::fault(name, value),
            (None, value) => built_in(name, value),
        };
        if let Some(wrong) = wrong {
            self.fault(path, wrong);
        }
    }

    fn object(&self, of: &Type) -> Option<&'a std::collections::BTreeMap<String, shape::Input>> {
        let BaseType::Named(name) = &of.base else { return None };
        match self.shape.kind(name) {
            Some(Kind::Input(fields)) => Some(fields),
            _ => None,
        }
    }

    /// Variables that no argument takes, such as those of `@include`.
    fn unused(&mut self) {
        for definition in self.definitions {
            let VariableDefinition { name, var_type, default_value, .. } = &definition.node;
            if self.used.contains(&name.node) {
                continue;
            }
            let (of, before) = (&var_type.node, self.faults.len());
            let value = self.variables.get(&name.node).or(default_value.as_ref().map(|value| &value.node));
            match value {
                Some(value) => self.constant(of, &value.clone(), format!("${}", name.node)),
                None if of.nullable => {}
                None => self.fault(format!("${}", name.node), "is required"),
            }
            if self.faults.len() > before {
                self.places.push((definition.pos.line, definition.pos.column));
            }
        }
    }
}

/// What is wrong with a value of a built-in scalar.
fn built_in(name: &str, value: &Const) -> Option<String> {
    let is_right = match (name, value) {
        ("Int", Const::Number(number)) => {
            if number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()) {
                return None;
            }
            return Some(format!("takes a whole number from {} to {}, this is {number}", i32::MIN, i32::MAX));
        }
        ("Int", _) => return Some("takes a whole number".to_owned()),
        ("Float", value) => matches!(value, Const::Number(_)),
        ("String", value) => matches!(value, Const::String(_)),
        ("Boolean", value) => matches!(value, Const::Boolean(_)),
        // The specification would take a whole number as well; none of our ids is one.
        ("ID", value) => matches!(value, Const::String(_)),
        _ => true,
    };
    let wanted = match name {
        "Float" => "a number",
        "Boolean" => "true or false",
        "ID" => "a global id, as a string",
        _ => "a text, as a string",
    };
    (!is_right).then(|| format!("takes {wanted}"))
}

/// The extension in which a rejected id travels from where it was read to where its argument is known.
pub const REJECTED: &str = "rejected";
/// The extension with the kind that was expected.
pub const EXPECTED: &str = "expected";

/// Which inputs of a field an error of coercion is about: an id is read where the field runs, and knows neither its name nor its path.
pub fn blame(
    error: &ServerError,
    arguments: &[(Positioned<Name>, Positioned<Value>)],
    variables: &Variables,
) -> Option<Error> {
    let extension = |name: &str| match error.extensions.as_ref()?.get(name)? {
        Const::String(text) => Some(text.as_str()),
        _ => None,
    };
    let (rejected, expected) = (extension(REJECTED)?, extension(EXPECTED)?);
    let mut found = Vec::new();
    for (name, value) in arguments {
        let resolve = |name: Name| Ok::<_, Infallible>(variables.get(&name).cloned().unwrap_or_default());
        let Ok(value) = value.node.clone().into_const_with(resolve);
        leaves(&value, name.node.to_string(), &mut |path, text| {
            let last = path.rsplit('.').find(|part| part.parse::<usize>().is_err()).unwrap_or_default();
            if text == rejected && (last == "id" || last.ends_with("Id") || last.ends_with("Ids") || last == "ids") {
                found.push(path.to_owned());
            }
        });
    }
    // The same wrong id in two places: the one that is called after its kind.
    let named = |path: &String| path.to_ascii_lowercase().contains(expected);
    if found.len() > 1 && found.iter().any(named) {
        found.retain(named);
    }
    let message = scalars::plain(&error.message);
    let faults: Vec<_> = found.into_iter().map(|field| FieldError { field, message: message.to_owned() }).collect();
    let places = error.locations.iter().map(|Pos { line, column }| (*line, *column));
    Some(match faults.is_empty() {
        true => Error::new(Code::ValidationFailed, message.to_owned()),
        false => Error::invalid_fields(faults).with_places(places),
    })
}

fn leaves(value: &Const, path: String, each: &mut impl FnMut(&str, &str)) {
    match value {
        Const::String(text) => each(&path, text),
        Const::List(items) => {
            for (index, item) in items.iter().enumerate() {
                leaves(item, format!("{path}.{index}"), each);
            }
        }
        Const::Object(fields) => {
            for (name, value) in fields {
                leaves(value, format!("{path}.{name}"), each);
            }
        }
        _ => {}
    }
}
