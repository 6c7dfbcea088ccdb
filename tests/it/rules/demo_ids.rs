//! `playground/demo-ids.json` holds the ids of the demo data: the same on every machine and on both databases.

use crate::house::{in_ci, project};

both! {
    async fn the_playground_knows_the_ids_of_the_demo_data(world) {
        let made = polyphony::demo::fill(&world.first().config).await.unwrap();
        let made = serde_json::to_string_pretty(&made).unwrap() + "\n";
        let path = project().join("playground/demo-ids.json");
        if std::fs::read_to_string(&path).unwrap_or_default() == made {
            return;
        }
        if !in_ci() {
            std::fs::write(&path, &made).unwrap();
        }
        panic!(
            "playground/demo-ids.json had not the ids of the demo data; it has been rewritten (not in CI): run `npm ci && npm run \
             build` in playground and commit both. The ids:\n{made}"
        );
    }
}
