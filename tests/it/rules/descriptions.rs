//! Everything in the schema says what it is: descriptions are the public documentation.

use serde_json::Value;

use crate::house::World;

once! {
    async fn everything_has_a_description(world) {
        let mut silent = Vec::new();
        for kind in introspect(world).await {
            let name = kind["name"].as_str().unwrap_or_default().to_owned();
            if name.starts_with("__") || ["Boolean", "Float", "ID", "Int", "String"].contains(&name.as_str()) {
                continue;
            }
            check(&kind, &name, &mut silent);
            for list in ["fields", "inputFields", "enumValues"] {
                for member in kind[list].as_array().into_iter().flatten() {
                    let path = format!("{name}.{}", member["name"].as_str().unwrap_or_default());
                    check(member, &path, &mut silent);
                    // `input` is described where its type is, which takes nothing else and is listed here too.
                    let arguments = member["args"].as_array().into_iter().flatten().filter(|argument| argument["name"] != "input");
                    for argument in arguments {
                        check(argument, &format!("{path}({})", argument["name"].as_str().unwrap_or_default()), &mut silent);
                    }
                }
            }
        }
        assert!(silent.is_empty(), "{} things have no description:\n{}", silent.len(), silent.join("\n"));
    }
}

fn check(item: &Value, path: &str, silent: &mut Vec<String>) {
    if item["description"].as_str().is_none_or(|text| text.trim().is_empty()) {
        silent.push(path.to_owned());
    }
}

/// The types of the schema, as introspection gives them.
pub async fn introspect(world: &World) -> Vec<Value> {
    let query = "{ __schema {
        queryType { name } mutationType { name } subscriptionType { name }
        types {
            name kind description
            fields(includeDeprecated: true) {
                name description type { ...Kind }
                args(includeDeprecated: true) { name description type { ...Kind } }
            }
            inputFields(includeDeprecated: true) { name description type { ...Kind } }
            enumValues(includeDeprecated: true) { name description }
            possibleTypes { name }
            interfaces { name }
        }
    } }
    fragment Kind on __Type { name kind ofType { name kind ofType { name kind ofType { name kind } } } }";
    let answer = world.anonymous().ask(query, Value::Null).await;
    answer.data("__schema.types").as_array().cloned().unwrap_or_default()
}
