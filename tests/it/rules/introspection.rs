//! What a client's tools read by introspection is what `schema.graphql` says, type by type.

use std::collections::BTreeMap;

use async_graphql::parser::{
    parse_schema,
    types::{
        DirectiveDefinition, FieldDefinition, InputValueDefinition, TypeDefinition, TypeKind, TypeSystemDefinition,
    },
};
use serde_json::Value;

use crate::house::{World, project};

/// Directives of the language itself: printers of schemas leave them out, and so may the file.
const OF_THE_LANGUAGE: [&str; 5] = ["skip", "include", "deprecated", "specifiedBy", "oneOf"];
/// Scalars of the language itself.
const BUILT_IN: [&str; 5] = ["Int", "Float", "String", "Boolean", "ID"];

const QUERY: &str = "{ __schema {
    types {
        name kind description specifiedByURL
        fields(includeDeprecated: true) { ...Member args(includeDeprecated: true) { ...Input } }
        inputFields(includeDeprecated: true) { ...Input }
        enumValues(includeDeprecated: true) { name description }
        possibleTypes { name }
        interfaces { name }
    }
    directives { name description locations args { ...Input } }
} }
fragment Member on __Field { name description type { ...Kind } }
fragment Input on __InputValue { name description defaultValue type { ...Kind } }
fragment Kind on __Type { name kind ofType { name kind ofType { name kind ofType { name kind } } } }";

/// Each thing by its path, as one line.
type Lines = BTreeMap<String, String>;

once! {
    async fn introspection_says_what_the_schema_file_says(world) {
        let text = std::fs::read_to_string(project().join("schema.graphql")).unwrap();
        let (file, told) = (written(&text), introspected(world).await);
        let only = |one: &Lines, other: &Lines| -> Vec<String> {
            let different = one.iter().filter(|(path, line)| other.get(*path) != Some(*line));
            different.map(|(path, line)| format!("{path}: {line}")).collect()
        };
        let (in_file, by_introspection) = (only(&file, &told), only(&told, &file));
        assert!(told.contains_key("ErrorCode.NOT_FOUND") && told.contains_key("URL"), "too little was compared");
        assert!(
            in_file.is_empty() && by_introspection.is_empty(),
            "only in schema.graphql: {in_file:#?}\nonly by introspection: {by_introspection:#?}"
        );
    }
}

fn written(text: &str) -> Lines {
    let mut lines = Lines::new();
    let mut implementors: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for definition in parse_schema(text).unwrap().definitions {
        match definition {
            TypeSystemDefinition::Schema(_) => {}
            TypeSystemDefinition::Directive(directive) => write_directive(&mut lines, directive.node),
            TypeSystemDefinition::Type(kind) => write_type(&mut lines, &mut implementors, kind.node),
        }
    }
    for (interface, mut names) in implementors {
        names.sort();
        lines.insert(format!("{interface} possibleTypes"), names.join(" "));
    }
    lines
}

fn write_directive(lines: &mut Lines, directive: DirectiveDefinition) {
    let name = directive.name.node.to_string();
    if OF_THE_LANGUAGE.contains(&name.as_str()) {
        return;
    }
    let description = directive.description.map(|text| text.node).unwrap_or_default();
    lines.insert(format!("@{name}"), description);
    for argument in directive.arguments {
        // The file has no descriptions of these.
        let argument = argument.node;
        lines.insert(format!("@{name}({})", argument.name.node), argument.ty.node.to_string());
    }
}

fn write_type(lines: &mut Lines, implementors: &mut BTreeMap<String, Vec<String>>, kind: TypeDefinition) {
    let name = kind.name.node.to_string();
    let description = kind.description.map(|text| text.node).unwrap_or_default();
    let mut fields = |fields: Vec<FieldDefinition>| {
        for field in fields {
            let path = format!("{name}.{}", field.name.node);
            let about = field.description.map(|text| text.node).unwrap_or_default();
            lines.insert(path.clone(), format!("{} {about}", field.ty.node));
            for argument in field.arguments {
                write_input(lines, format!("{path}({})", argument.node.name.node), argument.node);
            }
        }
    };
    let word = match kind.kind {
        TypeKind::Scalar => {
            let url = kind.directives.iter().find(|directive| directive.node.name.node == "specifiedBy");
            let url = url.and_then(|directive| directive.node.get_argument("url"));
            format!("SCALAR {}", url.map(|url| url.node.to_string().replace('"', "")).unwrap_or_default())
        }
        TypeKind::Object(of) => {
            for interface in &of.implements {
                implementors.entry(interface.node.to_string()).or_default().push(name.clone());
            }
            fields(of.fields.into_iter().map(|field| field.node).collect());
            "OBJECT".to_owned()
        }
        TypeKind::Interface(of) => {
            fields(of.fields.into_iter().map(|field| field.node).collect());
            "INTERFACE".to_owned()
        }
        TypeKind::Union(of) => {
            implementors.insert(name.clone(), of.members.iter().map(|member| member.node.to_string()).collect());
            "UNION".to_owned()
        }
        TypeKind::Enum(of) => {
            for value in of.values {
                let about = value.node.description.map(|text| text.node).unwrap_or_default();
                lines.insert(format!("{name}.{}", value.node.value.node), about);
            }
            "ENUM".to_owned()
        }
        TypeKind::InputObject(of) => {
            for field in of.fields {
                write_input(lines, format!("{name}.{}", field.node.name.node), field.node);
            }
            "INPUT_OBJECT".to_owned()
        }
    };
    lines.insert(name, format!("{word} {description}"));
}

fn write_input(lines: &mut Lines, path: String, input: InputValueDefinition) {
    let about = input.description.map(|text| text.node).unwrap_or_default();
    let default = input.default_value.map(|value| value.node.to_string()).unwrap_or_default();
    lines.insert(path, format!("{} = {default} {about}", input.ty.node));
}

async fn introspected(world: &World) -> Lines {
    let answer = world.anonymous().ask(QUERY, Value::Null).await;
    let schema = answer.data("__schema");
    let (mut lines, list) = (Lines::new(), |value: &Value| value.as_array().cloned().unwrap_or_default());
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let input = |value: &Value| {
        format!("{} = {} {}", kind(&value["type"]), text(value, "defaultValue"), text(value, "description"))
    };
    for directive in list(&schema["directives"]) {
        let name = text(&directive, "name");
        if OF_THE_LANGUAGE.contains(&name.as_str()) {
            continue;
        }
        lines.insert(format!("@{name}"), text(&directive, "description"));
        for argument in list(&directive["args"]) {
            lines.insert(format!("@{name}({})", text(&argument, "name")), kind(&argument["type"]));
        }
    }
    for of in list(&schema["types"]) {
        let name = text(&of, "name");
        if name.starts_with("__") || BUILT_IN.contains(&name.as_str()) {
            continue;
        }
        let url = if of["kind"] == "SCALAR" { format!(" {}", text(&of, "specifiedByURL")) } else { String::new() };
        lines.insert(name.clone(), format!("{}{url} {}", text(&of, "kind"), text(&of, "description")));
        for field in list(&of["fields"]) {
            let path = format!("{name}.{}", text(&field, "name"));
            lines.insert(path.clone(), format!("{} {}", kind(&field["type"]), text(&field, "description")));
            for argument in list(&field["args"]) {
                lines.insert(format!("{path}({})", text(&argument, "name")), input(&argument));
            }
        }
        for field in list(&of["inputFields"]) {
            lines.insert(format!("{name}.{}", text(&field, "name")), input(&field));
        }
        for value in list(&of["enumValues"]) {
            lines.insert(format!("{name}.{}", text(&value, "name")), text(&value, "description"));
        }
        let mut possible: Vec<_> = list(&of["possibleTypes"]).iter().map(|of| text(of, "name")).collect();
        if !possible.is_empty() {
            possible.sort();
            lines.insert(format!("{name} possibleTypes"), possible.join(" "));
        }
    }
    lines
}

/// A type as the schema language writes it.
fn kind(value: &Value) -> String {
    match value["kind"].as_str() {
        Some("NON_NULL") => format!("{}!", kind(&value["ofType"])),
        Some("LIST") => format!("[{}]", kind(&value["ofType"])),
        _ => value["name"].as_str().unwrap_or_default().to_owned(),
    }
}
