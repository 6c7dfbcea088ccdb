//! How sessions and their accounts stand.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::ids::{SessionId, UserId};
use uuid::Uuid;

use crate::{
    access::Roles,
    base::error::Result,
    domains::auth::model::Standing,
    platform::{
        database::{Fetch, statement},
        lean::by_position,
    },
};

struct Row {
    session_id: Uuid,
    token_version: i32,
    is_shut_out: bool,
    revoked_at: Option<DateTime<Utc>>,
    expires_at: DateTime<Utc>,
    authenticated_at: DateTime<Utc>,
    roles: Option<String>,
    permissions: Option<String>,
    rights_until: Option<DateTime<Utc>>,
}

by_position!(Row {
    session_id,
    token_version,
    is_shut_out,
    revoked_at,
    expires_at,
    authenticated_at,
    rights_until,
    roles,
    permissions,
});

impl From<Row> for Standing {
    fn from(row: Row) -> Self {
        Self {
            token_version: row.token_version,
            is_shut_out: row.is_shut_out,
            revoked_at: row.revoked_at,
            expires_at: row.expires_at,
            authenticated_at: row.authenticated_at,
            roles: Roles::from_names(
                [&row.roles, &row.permissions].into_iter().flatten().flat_map(|names| names.split(',')),
            ),
            roles_until: row.rights_until,
        }
    }
}

/// What is known of sessions and their accounts, by a condition on the sessions `s`; `now` is the first value. What a role allows
/// stands beside its name: both are rights, and both are read whenever rights are.
fn sql(join: &str, now: &str, which: &str) -> String {
    let held = format!(
        "user_roles g JOIN roles r ON r.id = g.role_id AND r.is_active AND g.is_active AND g.user_id = u.id \
         AND (g.expires_at IS NULL OR g.expires_at > {now})"
    );
    format!(
        "SELECT s.id AS session_id, u.token_version, \
         (u.suspended_at IS NOT NULL OR u.deleted_at IS NOT NULL) AS is_shut_out, \
         s.revoked_at, s.expires_at, s.authenticated_at, (SELECT min(g.expires_at) FROM {held}) AS rights_until, \
         (SELECT {join}(r.name, ',') FROM {held}) AS roles, \
         (SELECT {join}(p.name, ',') FROM {held} JOIN role_permissions a ON a.role_id = r.id \
          JOIN permissions p ON p.id = a.permission_id) AS permissions \
         FROM sessions s JOIN users u ON u.id = s.user_id WHERE {which}"
    )
}

/// What is known of a session and its account, in one statement.
pub async fn standing(
    db: &impl Fetch,
    session: SessionId,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<Option<Standing>> {
    let sqlite = sql("group_concat", "?1", "s.id = ?2 AND s.user_id = ?3");
    let postgres = sql("string_agg", "$1", "s.id = $2 AND s.user_id = $3");
    let values = [now.into(), session.0.into(), user.0.into()];
    let statement = statement(db.get_database_backend(), &sqlite, &postgres, values);
    Ok(db.fetch::<Row>(statement).await?.pop().map(Standing::from))
}

/// What is known of many sessions and their accounts, in one statement; what is not there is left out.
pub async fn standings(
    db: &impl Fetch,
    sessions: &[SessionId],
    now: DateTime<Utc>,
) -> Result<HashMap<SessionId, Standing>> {
    let ids: serde_json::Value = sessions.iter().map(|id| id.0.simple().to_string()).collect();
    let sqlite = sql("group_concat", "?1", "s.id IN (SELECT unhex(value) FROM json_each(?2))");
    let postgres = sql("string_agg", "$1", "s.id IN (SELECT id::uuid FROM jsonb_array_elements_text($2) AS ids(id))");
    let statement = statement(db.get_database_backend(), &sqlite, &postgres, [now.into(), ids.into()]);
    let rows: Vec<Row> = db.fetch(statement).await?;
    Ok(rows.into_iter().map(|row| (SessionId(row.session_id), Standing::from(row))).collect())
}
