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
