//! What the table leaves out.

use std::collections::BTreeSet;

use super::matrix::ROWS;
use crate::{house::World, rules::introspect};

/// What has to be tried: every root field, and every field that declares its access.
async fn to_be_tried(world: &World) -> BTreeSet<String> {
    let mut fields = BTreeSet::new();
    for kind in introspect(world).await {
        let name = kind["name"].as_str().unwrap_or_default();
        let is_root = ["Query", "Mutation", "Subscription"].contains(&name);
        for field in kind["fields"].as_array().into_iter().flatten() {
            let declares = field["description"].as_str().is_some_and(|text| text.contains("Access:"));
            if is_root || declares {
                fields.insert(format!("{name}.{}", field["name"].as_str().unwrap_or_default()));
            }
        }
    }
    fields
}

once! {
    /// A field nobody tried fails, and so does a row about a field that is gone.
    async fn every_field_is_tried_as_everybody(world) {
        let wanted = to_be_tried(world).await;
        let tried: BTreeSet<_> = ROWS.iter().map(|row| row.field.to_owned()).collect();
        let untried: Vec<_> = wanted.difference(&tried).collect();
        let gone: Vec<_> = tried.difference(&wanted).collect();
        assert!(untried.is_empty() && gone.is_empty(), "add rows to tests/it/access/matrix.rs for {untried:#?}\nremove those of {gone:#?}");
    }
}
