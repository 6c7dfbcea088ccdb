//! PLT-024: what gives many rows is priced by the rows, whether or not it takes a page size.

use async_graphql::{
    Request, Variables,
    parser::types::{DocumentOperations, OperationDefinition},
};
use polyphony::{
    config::{Config, Env},
    graphql::{
        cost::price,
        shape::{Kind, Many, Shape},
    },
};

use super::introspect;

fn cost(shape: &Shape, config: &Config, document: &str) -> usize {
    let mut request = Request::new(document);
    let document = request.parsed_query().unwrap();
    let operation: &OperationDefinition = match &document.operations {
        DocumentOperations::Single(operation) => &operation.node,
        DocumentOperations::Multiple(_) => panic!("one operation"),
    };
    price(document, operation, &Variables::default(), &config.limits, shape).unwrap().cost
}

once! {
    async fn every_list_is_priced_by_its_rows(world) {
        let config = Config::read(&mut Env::of([])).unwrap();
        let shape = Shape::read(&polyphony::schema::sdl(&config)).unwrap();
        let (mut lists, mut free) = (0, Vec::new());
        for kind in introspect(world).await {
            let parent = kind["name"].as_str().unwrap_or_default();
            // The rows of a page are counted where the page is asked for.
            if parent.starts_with("__") || parent.ends_with("Connection") {
                continue;
            }
            for field in kind["fields"].as_array().into_iter().flatten() {
                let name = field["name"].as_str().unwrap_or_default();
                let text = field["type"].to_string();
                if !text.contains("\"LIST\"") && !text.contains("Connection\"") {
                    continue;
                }
                lists += 1;
                let arguments = if parent == "Query" && name == "nodes" { "(ids: [1, 2])" } else { "" };
                // One more field below it costs as much as it has rows.
                let asked = |below: &str| format!("{{ me {{ ... on {parent} {{ {name}{arguments} {{ {below} }} }} }} }}");
                let rows = cost(&shape, &config, &asked("a: id b: id")) - cost(&shape, &config, &asked("a: id"));
                if rows < 2 {
                    free.push(format!("{parent}.{name}"));
                }
            }
        }
        assert!(lists > 15, "only {lists} lists were found");
        assert!(free.is_empty(), "priced as if they gave one row: {free:#?}");
    }
}

#[test]
fn the_shape_knows_what_gives_many() {
    let config = Config::read(&mut Env::of([])).unwrap();
    let shape = Shape::read(&polyphony::schema::sdl(&config)).unwrap();
    for (of, field, many) in [
        ("Query", "users", Many::Page),
        ("Query", "nodes", Many::Ids),
        ("Query", "me", Many::No),
        ("UserConnection", "nodes", Many::Rows),
        ("User", "roles", Many::List),
        ("Conversation", "messages", Many::Page),
    ] {
        assert_eq!(shape.field(of, field).unwrap().many, many, "{of}.{field}");
    }
    assert!(matches!(shape.kind("ErrorCode"), Some(Kind::Enum(_))));
    assert!(matches!(shape.kind("URL"), Some(Kind::Scalar)));
}
