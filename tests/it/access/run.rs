//! Trying the rows.

use std::time::Duration;

use serde_json::Value;

use super::{Outcome, Role, Row, matrix::ROWS, stage::Stage};
use crate::house::{Caller, Frame, World};

both! {
    /// Every row, as everybody. Whoever is refused changes nothing; whoever is let through does so on a stage of their own.
    async fn everybody_gets_what_the_table_says(world) {
        let mut number = 0;
        let mut wrong = Vec::new();
        let mut stage = Stage::set(world, number).await;
        for row in ROWS {
            for (role, expected) in Role::ALL.into_iter().zip(row.outcomes) {
                let before = world.dump().await;
                let document = stage.fill(row.document);
                let (found, told) = attempt(stage.as_role(role), &document).await;
                if found != expected.as_text() {
                    wrong.push(format!("{} as {role:?}: expected {}, got {found}\n{told}", row.field, expected.as_text()));
                }
                if expected == Outcome::Yes && is_mutation(row) {
                    world.run_jobs().await;
                    number += 1;
                    stage = Stage::set(world, number).await;
                } else {
                    let what = format!("{} was refused to {role:?}", row.field);
                    world.dump().await.assert_unchanged(&before, &what);
                }
            }
        }
        assert!(wrong.is_empty(), "{} tries came out otherwise\n{}", wrong.len(), wrong.join("\n\n"));
    }
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
async fn attempt(caller: &Caller, document: &str) -> (String, String) {
    if document.trim_start().starts_with("subscription") {
        return attempt_to_listen(caller, document).await;
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
async fn attempt_to_listen(caller: &Caller, document: &str) -> (String, String) {
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
