//! Trying the rows.

use std::time::Duration;

use serde_json::Value;

use super::{Outcome, Role, Row, matrix::ROWS, stage::Stage};
use crate::house::{Caller, Frame, World};

both! {
    /// Every row, as everybody. Whoever is refused changes nothing.
    async fn everybody_gets_what_the_table_says(world) {
        let mut wrong = Vec::new();
        let mut stages = Stages { world, count: 0 };
        let mut stage = stages.next().await;
        for row in ROWS {
            let all = Role::ALL.into_iter().zip(row.outcomes);
            let (allowed, refused): (Vec<_>, Vec<_>) = all.partition(|(_, expected)| *expected == Outcome::Yes);
            // Refusals come first: on a used stage, what is gone might pass for what is hidden.
            let before = world.dump().await;
            for (role, expected) in refused {
                wrong.extend(attempt(row, &stage, role, expected).await);
                if is_mutation(row) {
                    world.dump().await.assert_unchanged(&before, &format!("{} was refused to {role:?}", row.field));
                }
            }
            for (role, expected) in &allowed {
                // Whoever came before may have used the stage up: then a fresh one decides.
                if attempt(row, &stage, *role, *expected).await.is_some() {
                    stage = stages.next().await;
                    wrong.extend(attempt(row, &stage, *role, *expected).await);
                }
            }
            if is_mutation(row) && !allowed.is_empty() {
                stage = stages.next().await;
            }
        }
        assert!(wrong.is_empty(), "{} tries came out otherwise\n{}", wrong.len(), wrong.join("\n\n"));
    }
}

struct Stages<'a> {
    world: &'a World,
    count: usize,
}

impl Stages<'_> {
    async fn next(&mut self) -> Stage {
        self.count += 1;
        Box::pin(Stage::set(self.world, self.count)).await
    }
}

/// Tries a row; says what came out otherwise.
async fn attempt(row: &Row, stage: &Stage, role: Role, expected: Outcome) -> Option<String> {
    let (found, told) = ask(stage.as_role(role), &stage.fill(row.document)).await;
    let expected = expected.as_text();
    (found != expected).then(|| format!("{} as {role:?}: expected {expected}, got {found}\n{told}", row.field))
}

impl Outcome {
    fn as_text(self) -> String {
        match self {
            Self::Yes => "yes".to_owned(),
            Self::Null => "null".to_owned(),
            Self::Code(code) => code.to_owned(),
        }
    }
}

fn is_mutation(row: &Row) -> bool {
    row.document.trim_start().starts_with("mutation")
}

/// What somebody gets, and the answer in full.
async fn ask(caller: &Caller, document: &str) -> (String, String) {
    if document.trim_start().starts_with("subscription") {
        return listen(caller, document).await;
    }
    let answer = caller.ask(document, Value::Null).await;
    answer.is_well_formed();
    let found = match answer.code() {
        Some(code) => code.to_owned(),
        None if leaf(&answer.body["data"]).is_null() => "null".to_owned(),
        None => "yes".to_owned(),
    };
    (found, answer.to_string())
}

/// A refusal comes at once; who is let through hears nothing for a while.
async fn listen(caller: &Caller, document: &str) -> (String, String) {
    let mut events = caller.subscribe(document, Value::Null).await;
    match tokio::time::timeout(Duration::from_millis(250), events.frame()).await {
        Err(_) => ("yes".to_owned(), "silence".to_owned()),
        Ok(Frame::Error(errors)) => {
            (errors[0]["extensions"]["code"].as_str().unwrap_or("an error without code").to_owned(), errors.to_string())
        }
        Ok(Frame::Next(payload)) => {
            (payload["errors"][0]["extensions"]["code"].as_str().unwrap_or("yes").to_owned(), payload.to_string())
        }
        Ok(other) => (format!("{other:?}"), String::new()),
    }
}

/// The value at the end of the path of single fields.
fn leaf(value: &Value) -> &Value {
    match value {
        Value::Object(fields) if fields.len() == 1 => fields.values().next().map_or(value, leaf),
        Value::Array(items) if items.len() == 1 => items.first().map_or(value, leaf),
        _ => value,
    }
}
