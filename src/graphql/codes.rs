//! The codes of errors in the schema: the enum, and `@errors(codes: …)` on the root fields whose descriptions name some.
//!
//! No field gives or takes a code, so without the directive introspection would not tell of the enum.

use std::{borrow::Cow, collections::HashMap};

use async_graphql::{
    ContextSelectionSet, Name, OutputType, Positioned, ServerResult, Value,
    indexmap::IndexMap,
    parser::types::Field,
    registry::{
        __DirectiveLocation, Deprecation, MetaDirective, MetaDirectiveInvocation, MetaEnumValue, MetaField,
        MetaInputValue, MetaType, MetaTypeId, Registry,
    },
};

use crate::base::error::Code;

/// The stable code of an error, in `errors[].extensions.code`. Decide by it, never by the message.
#[derive(Clone, Copy)]
pub struct ErrorCode(pub Code);

impl OutputType for ErrorCode {
    fn type_name() -> Cow<'static, str> {
        "ErrorCode".into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        declare(registry);
        registry.create_output_type::<Self, _>(MetaTypeId::Enum, |_| MetaType::Enum {
            name: "ErrorCode".into(),
            description: Some(
                "The stable code of an error, in `errors[].extensions.code`. Decide by it, never by the message."
                    .into(),
            ),
            enum_values: Code::ALL
                .iter()
                .map(|code| {
                    let value = MetaEnumValue {
                        name: code.as_str().into(),
                        description: Some(format!("{} (HTTP status {})", code.meaning(), code.status())),
                        deprecation: Deprecation::NoDeprecated,
                        visible: None,
                        inaccessible: false,
                        tags: Vec::new(),
                        directive_invocations: Vec::new(),
                    };
                    (code.as_str().to_owned(), value)
                })
                .collect(),
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            rust_typename: Some(std::any::type_name::<Self>()),
            directive_invocations: Vec::new(),
            requires_scopes: Vec::new(),
        })
    }

    async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(Value::Enum(Name::new(self.0.as_str())))
    }
}

/// Declares the directive, and applies it wherever a description of a field or of its inputs names a code.
fn declare(registry: &mut Registry) {
    let mut argument = MetaInputValue::new("codes", "[ErrorCode!]!");
    argument.description = Some("The codes.".to_owned());
    registry.add_directive(MetaDirective {
        name: "errors".to_owned(),
        description: Some(
            "Names the codes that are of this field in particular; any field may answer the general ones.".to_owned(),
        ),
        locations: vec![__DirectiveLocation::FIELD_DEFINITION],
        args: IndexMap::from_iter([("codes".to_owned(), argument)]),
        is_repeatable: false,
        visible: None,
        composable: None,
    });
    let inputs: HashMap<String, String> = registry
        .types
        .iter()
        .filter_map(|(name, meta)| match meta {
            MetaType::InputObject { input_fields, .. } => {
                let texts = input_fields.values().filter_map(|field| field.description.clone());
                Some((name.clone(), texts.collect::<Vec<_>>().join(" ")))
            }
            _ => None,
        })
        .collect();
    for meta in registry.types.values_mut() {
        // What an object says of codes is about other fields: the place to name them is the field one asks.
        let MetaType::Object { name, fields, .. } = meta else { continue };
        if !["Query", "Mutation", "Subscription"].contains(&name.as_str()) {
            continue;
        }
        for field in fields.values_mut() {
            let codes = named(field, &inputs);
            if !codes.is_empty() {
                let args = IndexMap::from_iter([("codes".to_owned(), Value::List(codes))]);
                field.directive_invocations.push(MetaDirectiveInvocation { name: "errors".to_owned(), args });
            }
        }
    }
}

/// The codes that the descriptions of a field and of what it takes name.
fn named(field: &MetaField, inputs: &HashMap<String, String>) -> Vec<Value> {
    let of_inputs = field.args.values().filter_map(|argument| inputs.get(argument.ty.trim_end_matches('!')));
    let of_arguments = field.args.values().filter_map(|argument| argument.description.as_ref());
    let texts: Vec<_> = field.description.iter().chain(of_inputs).chain(of_arguments).collect();
    let words =
        |text: &String, code: &str| text.split(|c: char| !c.is_ascii_uppercase() && c != '_').any(|word| word == code);
    let codes = Code::ALL.iter().map(|code| code.as_str()).filter(|code| texts.iter().any(|text| words(text, code)));
    codes.map(|code| Value::Enum(Name::new(code))).collect()
}
