//! Every row that says when it was last changed tells the truth (USR-031).

use std::path::Path;

use chrono::TimeDelta;
use entity::{
    ids::{TypedId, UserId},
    user,
};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, IntoActiveModel};

use crate::house::project;

both! {
    /// A row that is saved takes the moment of its write, whether it was read before or is named by its id alone.
    async fn a_saved_row_takes_the_moment_of_its_write(world) {
        let alice = world.person("alice").await;
        let id = UserId::parse(&alice.id).unwrap();
        let born = world.now();
        for by_id in [true, false] {
            world.advance(TimeDelta::seconds(5));
            let before = world.now();
            let saved = world.platform().write(async |tx| {
                let mut row = match by_id {
                    true => user::ActiveModel { id: Set(id), ..Default::default() },
                    false => polyphony::domains::users::lock(tx, id).await?.unwrap().into_active_model(),
                };
                row.bio = Set(Some(format!("saved by id: {by_id}")));
                Ok(row.update(tx).await?)
            }).await.unwrap();
            assert_eq!((saved.created_at, saved.updated_at), (born, before));
        }
    }
}

/// A statement over many rows does not pass by the row's behaviour: it names the column itself.
#[test]
fn statements_over_many_rows_name_it() {
    let dated: Vec<_> = files(&project().join("entity/src"))
        .into_iter()
        .filter(|(_, text)| text.contains("pub updated_at"))
        .map(|(name, _)| name.trim_end_matches(".rs").to_owned())
        .collect();
    assert!(dated.contains(&"user".to_owned()), "{dated:?}");
    let (mut silent, mut seen) = (Vec::new(), 0);
    for (name, text) in files(&project().join("src")) {
        let mut before = "";
        for part in text.split("Entity::update_many()") {
            let table = before.trim_end_matches("::").rsplit(|c: char| !(c.is_alphanumeric() || c == '_'));
            let table = table.take(usize::from(before.ends_with("::"))).next();
            let chain = part.split(".exec").next().unwrap_or_default();
            // What is set as a whole row was made just above.
            let row = before.rsplit(" fn ").next().unwrap_or_default();
            let names_it = chain.contains("UpdatedAt") || (chain.contains(".set(") && row.contains("updated_at"));
            // A bare `Entity` is whatever the file imports: it has to name the column too.
            if !before.is_empty() && table.is_none_or(|table| dated.iter().any(|known| known == table)) {
                seen += 1;
                if !names_it {
                    silent.push(format!("{name}: {}", table.unwrap_or("Entity")));
                }
            }
            before = part;
        }
    }
    assert!(seen > 5, "only {seen} statements were found: does this test still read them?");
    assert!(silent.is_empty(), "these statements leave updated_at as it was: {silent:#?}");
}

/// Every file below a folder, by name, with its text.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            all.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
    all
}
