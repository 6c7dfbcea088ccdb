//! The database schema, step by step: one concern a file, each with a way up and a way down, the same on SQLite and
//! PostgreSQL. Foreign keys and checks stand in CREATE TABLE, because SQLite cannot add them later.

pub use sea_orm_migration::prelude::*;

mod columns;

mod m20261121_000001_people;
mod m20261121_000002_sign_in;
mod m20261121_000003_roles;
mod m20261121_000004_event_log;
mod m20261121_000005_jobs;
mod m20261121_000006_conversations;
mod m20261121_000007_messages;
mod m20261121_000020_accounts;
mod m20261121_000021_permissions;
mod m20261121_000030_conversation_bans;
mod m20261121_000031_receipts_by_member;
mod m20261121_000032_reactions_by_emoji;
mod m20261121_000033_conversation_upkeep;
mod m20261121_000040_milestones;
mod m20261121_000060_folded_names;
mod m20261121_000070_room_names;
mod m20261121_000071_keys_of_people;
mod m20261121_000072_reactions_go_with_the_text;
mod m20261121_000075_role_versions;
mod m20261121_000076_token_parents;
mod m20261121_000085_rate_counters;

/// All steps, in order.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261121_000001_people::Migration),
            Box::new(m20261121_000002_sign_in::Migration),
            Box::new(m20261121_000003_roles::Migration),
            Box::new(m20261121_000004_event_log::Migration),
            Box::new(m20261121_000005_jobs::Migration),
            Box::new(m20261121_000006_conversations::Migration),
            Box::new(m20261121_000007_messages::Migration),
            Box::new(m20261121_000020_accounts::Migration),
            Box::new(m20261121_000021_permissions::Migration),
            Box::new(m20261121_000030_conversation_bans::Migration),
            Box::new(m20261121_000031_receipts_by_member::Migration),
            Box::new(m20261121_000032_reactions_by_emoji::Migration),
            Box::new(m20261121_000033_conversation_upkeep::Migration),
            Box::new(m20261121_000040_milestones::Migration),
            Box::new(m20261121_000060_folded_names::Migration),
            Box::new(m20261121_000070_room_names::Migration),
            Box::new(m20261121_000071_keys_of_people::Migration),
            Box::new(m20261121_000072_reactions_go_with_the_text::Migration),
            Box::new(m20261121_000075_role_versions::Migration),
            Box::new(m20261121_000076_token_parents::Migration),
            Box::new(m20261121_000085_rate_counters::Migration),
        ]
    }
}
