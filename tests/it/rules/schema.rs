//! `schema.graphql` is the schema: a change of the API is a change in a file that people read.

use polyphony::config::{Config, Env};

use crate::house::{in_ci, project};

#[test]
fn the_schema_file_is_the_schema() {
    let config = Config::read(&mut Env::of([])).unwrap();
    let (path, schema) = (project().join("schema.graphql"), polyphony::schema::sdl(&config));
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    if kept == schema {
        return;
    }
    let (old, new): (Vec<_>, Vec<_>) = (kept.lines().collect(), schema.lines().collect());
    let gone = old.iter().filter(|line| !new.contains(line)).map(|line| format!("- {line}"));
    let added = new.iter().filter(|line| !old.contains(line)).map(|line| format!("+ {line}"));
    let changes: Vec<_> = gone.chain(added).take(60).collect();
    if !in_ci() {
        std::fs::write(&path, schema).unwrap();
    }
    panic!(
        "schema.graphql was not the schema; it has been rewritten (not in CI), look at the difference and commit it:\n{}",
        changes.join("\n")
    );
}
