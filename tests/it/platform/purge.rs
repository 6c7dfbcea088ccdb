//! What is cleared away on a timer is found by an index, however much is kept.

use sea_orm::{ConnectionTrait, Statement};

use crate::house::Backend;

/// What the jobs look for, and the indexes it is found by.
const SEARCHES: [(&str, &[&str]); 5] = [
    (
        "SELECT id FROM sessions WHERE expires_at < '2026-01-01 00:00:00+00:00' OR revoked_at < '2026-01-01 00:00:00+00:00' LIMIT 500",
        &["idx_sessions_expires", "idx_sessions_revoked"],
    ),
    (
        "SELECT id FROM refresh_tokens WHERE expires_at < '2026-01-01 00:00:00+00:00' LIMIT 500",
        &["idx_refresh_tokens_expires"],
    ),
    (
        "SELECT id FROM verification_requests WHERE expires_at < '2026-01-01 00:00:00+00:00' LIMIT 500",
        &["idx_verification_requests_expires"],
    ),
    (
        "SELECT id FROM user_roles WHERE is_active AND expires_at <= '2026-01-01 00:00:00+00:00' ORDER BY expires_at LIMIT 500",
        &["idx_user_roles_expires"],
    ),
    // What goes with a session, and what pointed to a token that is gone.
    (
        "SELECT id FROM refresh_tokens WHERE session_id = (SELECT id FROM users) OR parent_id = (SELECT id FROM users)",
        &["idx_refresh_tokens_session", "idx_refresh_tokens_parent"],
    ),
];

both! {
    /// IDN-028: no search of the jobs that clear sign-ins away reads a whole table.
    async fn what_is_cleared_away_is_found_by_an_index(world) {
        let on = world.foreign_connection().await;
        let backend = on.get_database_backend();
        let explain = match world.backend {
            Backend::Sqlite => "EXPLAIN QUERY PLAN",
            Backend::Postgres => {
                // The tables of a test are so small that reading them whole is cheapest.
                on.execute_unprepared("SET enable_seqscan = off").await.unwrap();
                "EXPLAIN"
            }
        };
        for (search, indexes) in SEARCHES {
            let rows = on.query_all_raw(Statement::from_string(backend, format!("{explain} {search}"))).await.unwrap();
            let column = if world.backend == Backend::Sqlite { "detail" } else { "QUERY PLAN" };
            let plan: Vec<String> = rows.iter().map(|row| row.try_get("", column).unwrap()).collect();
            for index in indexes {
                assert!(plan.iter().any(|line| line.contains(index)), "{search}\nis not found by {index}:\n{plan:#?}");
            }
        }
        on.close().await.unwrap();
    }

    /// A token whose parent was cleared away has none; nothing points to what is not there.
    async fn a_parent_that_is_gone_is_forgotten(world) {
        let alice = world.person("alice").await;
        let answer = world.anonymous().try_refresh(&alice.refresh_token).await;
        let next = answer.text("refreshSession.refreshToken");
        world.by_hand("DELETE FROM refresh_tokens WHERE parent_id IS NULL").await;
        let on = world.foreign_connection().await;
        let left = on.query_all_raw(Statement::from_string(on.get_database_backend(), "SELECT 1 FROM refresh_tokens WHERE parent_id IS NULL"));
        assert_eq!(left.await.unwrap().len(), 1);
        on.close().await.unwrap();
        world.anonymous().try_refresh(&next).await.ok();
    }
}
