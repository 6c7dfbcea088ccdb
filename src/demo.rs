//! Demo data: a handful of people who talk. The same on every machine, ids included, so that examples can name them.
//!
//! It is written through the rooms' own actions, by a platform whose clock stands and whose chance is seeded.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, TimeZone, Utc};
use entity::user;
use sea_orm::{EntityTrait, PaginatorTrait};

use crate::{
    access::Op,
    base::{clock::Clock, error::Result, random::Random},
    config::Config,
    domains::auth::{self, Vouched},
    platform::{Chosen, Platform},
};

/// The demo people's usernames. `alice` is an administrator, `bob` a moderator.
pub const USERNAMES: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];
/// The password of every one of them.
pub const PASSWORD: &str = "polyphony-demo";

const PEOPLE: [(&str, &str, &str); 5] = [
    ("alice", "Alice Amati", "Luthier and room keeper. Ask me about spruce."),
    ("bob", "Bob Bergonzi", "Plays the cello, slowly."),
    ("carol", "Carol Costa", "Mixes live records in a barn."),
    ("dave", "Dave Dvořák", "Composer of waiting-room music."),
    ("erin", "Erin Érard", "New here. Harpist."),
];

/// What examples call things by, and their ids: `user:alice`, `conversation:General`, `message:General:1`.
pub type DemoIds = BTreeMap<String, String>;

/// When the demo begins.
fn beginning() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 16, 9, 0, 0).single().unwrap_or_default()
}

/// Fills the database when nobody is in it. False when somebody is.
pub async fn fill_if_empty(config: &Arc<Config>, platform: &Platform) -> Result<bool> {
    if user::Entity::find().count(&platform.database.read()).await? > 0 {
        return Ok(false);
    }
    fill(config).await?;
    // The other platform wrote: look now rather than at the next poll.
    platform.events.hint();
    Ok(true)
}

/// Fills an empty database and gives the ids.
pub async fn fill(config: &Arc<Config>) -> Result<DemoIds> {
    let chosen = Chosen { clock: Some(Clock::standing(beginning())), random: Some(Random::seeded(20_261_116)) };
    let platform = Platform::open(config, chosen).await?;
    let op = Op::system("demo", platform.clone(), config.clone());
    let mut ids = DemoIds::new();
    let hash = platform.passwords.hash(PASSWORD).await?;
    for (username, display_name, bio) in PEOPLE {
        let email = format!("{username}@demo.polyphony.localhost");
        let account = Vouched { username, email: &email, display_name, bio, password_hash: &hash };
        let user = auth::create_vouched_account(&op, account).await?;
        ids.insert(format!("user:{username}"), user.id.to_string());
    }
    auth::grant_by_name(&op, "alice", "ADMIN").await?;
    auth::grant_by_name(&op, "bob", "MODERATOR").await?;
    platform.close().await;
    Ok(ids)
}
