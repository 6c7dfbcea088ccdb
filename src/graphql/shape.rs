//! The schema as the checks before execution see it: what each field takes and gives.
//!
//! The library keeps its own registry to itself until an operation is validated, which is too late for [`super::cost`] and says too
//! little for [`super::inputs`]. Both read this instead, made once from the schema's text.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_graphql::{
    Name,
    parser::{
        parse_schema,
        types::{BaseType, FieldDefinition, InputValueDefinition, OperationType, Type, TypeKind, TypeSystemDefinition},
    },
};

use crate::base::error::{Error, Result};

/// All types by name.
#[derive(Debug, Default)]
pub struct Shape(HashMap<String, Kind>);

/// What a type is.
#[derive(Debug)]
pub enum Kind {
    /// A scalar.
    Scalar,
    /// An enum, with its values.
    Enum(BTreeSet<String>),
    /// An input object, with its fields.
    Input(BTreeMap<String, Input>),
    /// An object or interface, with its fields.
    Output(HashMap<String, Output>),
}

/// An argument, or a field of an input object.
#[derive(Debug)]
pub struct Input {
    /// Its type.
    pub of: Type,
    /// Need not be given even when it may not be null.
    pub has_default: bool,
}

/// A field of an object.
#[derive(Debug)]
pub struct Output {
    /// What it takes.
    pub arguments: BTreeMap<String, Input>,
    /// The name of what it gives, whatever is wrapped around it.
    pub of: String,
    /// What it gives many of.
    pub many: Many,
}

/// The part of introspection that has lists in it, which no schema's text tells: type, field, what it gives, and the rows reckoned.
/// Low enough that what tools ask for at the start costs less than half of what one may.
const INTROSPECTION: [(&str, &str, &str, usize); 17] = [
    ("Query", "__schema", "__Schema", 1),
    ("Query", "__type", "__Type", 1),
    ("__Schema", "types", "__Type", 10),
    ("__Schema", "queryType", "__Type", 1),
    ("__Schema", "mutationType", "__Type", 1),
    ("__Schema", "subscriptionType", "__Type", 1),
    ("__Schema", "directives", "__Directive", 3),
    ("__Directive", "args", "__InputValue", 2),
    ("__Type", "fields", "__Field", 4),
    ("__Type", "inputFields", "__InputValue", 2),
    ("__Type", "interfaces", "__Type", 2),
    ("__Type", "possibleTypes", "__Type", 2),
    ("__Type", "enumValues", "__EnumValue", 2),
    ("__Type", "ofType", "__Type", 1),
    ("__Field", "args", "__InputValue", 2),
    ("__Field", "type", "__Type", 1),
    ("__InputValue", "type", "__Type", 1),
];

/// Whether a field gives more than one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Many {
    /// One.
    No,
    /// A page, by `first` and `last`, or a whole connection.
    Page,
    /// As many as the ids it is given.
    Ids,
    /// A list that is short by nature.
    List,
    /// The rows of a page, which were counted where the page was asked for.
    Rows,
    /// As many as is reckoned for this one field: the lists of introspection.
    Few(usize),
}

impl Shape {
    /// Reads a schema.
    ///
    /// # Errors
    /// INTERNAL when it is not one.
    pub fn read(sdl: &str) -> Result<Self> {
        let document = parse_schema(sdl).map_err(Error::internal)?;
        let mut types = HashMap::new();
        for definition in document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let name = definition.node.name.node.to_string();
            let kind = match definition.node.kind {
                TypeKind::Scalar => Kind::Scalar,
                TypeKind::Enum(of) => {
                    Kind::Enum(of.values.into_iter().map(|value| value.node.value.node.to_string()).collect())
                }
                TypeKind::InputObject(of) => {
                    Kind::Input(of.fields.into_iter().map(|field| input(field.node)).collect())
                }
                TypeKind::Object(of) => Kind::Output(outputs(&name, of.fields.into_iter().map(|field| field.node))),
                TypeKind::Interface(of) => Kind::Output(outputs(&name, of.fields.into_iter().map(|field| field.node))),
                TypeKind::Union(_) => Kind::Output(HashMap::new()),
            };
            types.insert(name, kind);
        }
        for (of, field, gives, rows) in INTROSPECTION {
            let many = if rows == 1 { Many::No } else { Many::Few(rows) };
            let output = Output { arguments: BTreeMap::new(), of: gives.to_owned(), many };
            if let Kind::Output(fields) = types.entry(of.to_owned()).or_insert_with(|| Kind::Output(HashMap::new())) {
                fields.insert(field.to_owned(), output);
            }
        }
        Ok(Self(types))
    }

    /// A type by name; `None` for the five built-in scalars and for what does not exist.
    pub fn kind(&self, name: &str) -> Option<&Kind> {
        self.0.get(name)
    }

    /// A field of an object or interface.
    pub fn field(&self, of: &str, name: &str) -> Option<&Output> {
        match self.0.get(of) {
            Some(Kind::Output(fields)) => fields.get(name),
            _ => None,
        }
    }

    /// The type an operation begins with.
    pub fn root(operation: OperationType) -> &'static str {
        match operation {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => "Subscription",
        }
    }
}

/// The name inside all lists.
pub fn name(of: &Type) -> &Name {
    match &of.base {
        BaseType::Named(name) => name,
        BaseType::List(of) => name(of),
    }
}

fn input(definition: InputValueDefinition) -> (String, Input) {
    let has_default = definition.default_value.is_some();
    (definition.name.node.to_string(), Input { of: definition.ty.node, has_default })
}

fn outputs(parent: &str, fields: impl Iterator<Item = FieldDefinition>) -> HashMap<String, Output> {
    let is_connection = parent.ends_with("Connection");
    fields
        .map(|field| {
            let arguments: BTreeMap<_, _> = field.arguments.into_iter().map(|argument| input(argument.node)).collect();
            let (of, is_list) = (name(&field.ty.node).to_string(), matches!(field.ty.node.base, BaseType::List(_)));
            let many = match is_list {
                _ if arguments.contains_key("first") || of.ends_with("Connection") => Many::Page,
                true if is_connection => Many::Rows,
                true if arguments.contains_key("ids") => Many::Ids,
                true => Many::List,
                false => Many::No,
            };
            (field.name.node.to_string(), Output { arguments, of, many })
        })
        .collect()
}
