//! What SQLite reads for a list of conversations. PostgreSQL is asked in `tests/it`, where it counts what it used.

use entity::ids::SessionId;
use sea_orm::{Database, DatabaseConnection, DbBackend, QueryTrait, Statement};

use super::*;
use crate::{
    access::{Person, Roles},
    config::{Config, Env},
    platform::database::migrate,
};

/// The steps of a statement, as SQLite explains them.
async fn plan(db: &DatabaseConnection, filter: Filter, search: Option<&str>, after: Option<Recency>) -> Vec<String> {
    let viewer = Viewer::Person(Person {
        id: UserId(Uuid::from_u128(1)),
        session: SessionId(Uuid::nil()),
        token_version: 0,
        roles: Roles::default(),
        is_freshly_proved: true,
        token_expires_at: DateTime::UNIX_EPOCH,
        only: None,
    });
    let listing = Listing { kind: None, filter, search: search.map(str::to_owned), archived: false };
    let window = Window { limit: 50, backward: false, after, before: None };
    let query = listed_between(&viewer, &listing, &window).select_also(conversation_member::Entity);
    let Statement { sql, values, .. } = query.build(DbBackend::Sqlite);
    let explain = format!("EXPLAIN QUERY PLAN {sql}");
    let statement = Statement::from_sql_and_values(DbBackend::Sqlite, explain, values.unwrap());
    let steps = db.query_all_raw(statement).await.unwrap();
    steps.iter().map(|step| step.try_get("", "detail").unwrap()).collect()
}

#[tokio::test]
async fn sqlite_lists_rooms_in_the_order_of_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("polyphony.db").display());
    let config = Config::read(&mut Env::of([("DATABASE_URL", url.as_str())])).unwrap().database;
    migrate(&config).await.unwrap();
    let db = Database::connect(&url).await.unwrap();
    let place = (DateTime::UNIX_EPOCH, ConversationId(Uuid::nil()));
    for (search, after) in [(None, None), (Some("hall"), None), (Some("hall"), Some(place))] {
        let plan = plan(&db, Filter::Public, search, after).await;
        assert!(plan[0].contains("idx_conversations_public"), "{plan:?}");
        assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:?}");
    }
    // One's own are few, and found by whose they are.
    for filter in [Filter::Joined, Filter::Private, Filter::Owned] {
        let plan = plan(&db, filter, Some("hall"), None).await;
        assert!(plan[0].contains("conversation_members") && plan[0].contains("user_id=?"), "{plan:?}");
    }
    db.close().await.unwrap();
}
