//! The only SQL about accounts.

/// Who keeps whom away.
mod blocks;
/// The list of people.
mod directory;
/// Proofs by mailed links.
mod verifications;

pub use blocks::*;
pub use directory::*;
pub use verifications::*;

use std::collections::{HashMap, HashSet};

use entity::{ids::UserId, user};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, Select,
    sea_query::{Expr, ExprTrait},
};

use super::{error::UserError, model::Seen, policy::EditProfile};
use crate::{
    access::{BaseRole, Permit, Viewer},
    base::{error::Result, text::fold},
    platform::{
        Tx,
        database::Fetch,
        lean::{One, by_position, padded, text_cells},
    },
};

text_cells!(user::Plan);
by_position!(user::Model {
    id,
    username,
    username_key,
    email,
    email_key,
    email_verified_at,
    display_name,
    display_name_key,
    first_name,
    last_name,
    avatar_url,
    banner_url,
    bio,
    location,
    status_message,
    birthdate,
    gender,
    xportal_address,
    github_username,
    subscription_plan,
    preferences,
    social_links,
    is_public,
    suspended_at,
    token_version,
    login_count,
    last_login_at,
    password_changed_at,
    version,
    created_at,
    updated_at,
    deleted_at,
});

/// Accounts the viewer may find: not deleted, not suspended (moderators see those), and not of somebody who keeps the viewer away.
pub fn visible_to(viewer: &Viewer) -> Select<user::Entity> {
    let mut query = user::Entity::find().filter(user::Column::DeletedAt.is_null());
    if viewer.has(BaseRole::Moderator) {
        return query;
    }
    let mut open = Condition::any().add(user::Column::SuspendedAt.is_null());
    if let Some(me) = viewer.id() {
        open = open.add(user::Column::Id.eq(me));
        query = query.filter(blocks(Expr::col((user::Entity, user::Column::Id)), me).not());
    }
    query.filter(open)
}

/// One account by id, if the viewer may find it.
pub async fn find(db: &impl Fetch, viewer: &Viewer, id: UserId) -> Result<Option<Seen>> {
    Ok(find_all(db, viewer, &[id]).await?.pop())
}

/// Those of some accounts that the viewer may find.
pub async fn find_all(db: &impl Fetch, viewer: &Viewer, ids: &[UserId]) -> Result<Vec<Seen>> {
    let rows: Vec<user::Model> = db.fetch_all(&visible_to(viewer).filter(user::Column::Id.is_in(padded(ids)))).await?;
    Ok(rows.into_iter().map(|row| Seen::by(viewer, row, false)).collect())
}

/// One account by username, if the viewer may find it.
pub async fn find_by_username(db: &impl ConnectionTrait, viewer: &Viewer, key: &str) -> Result<Option<Seen>> {
    let row = visible_to(viewer).filter(user::Column::UsernameKey.eq(key)).one(db).await?;
    Ok(row.map(|row| Seen::by(viewer, row, false)))
}

/// Accounts met by way of shared content, as the viewer sees them: those who keep the viewer away are cards, deleted ones are left out.
pub async fn seen_by_ids(db: &impl Fetch, viewer: &Viewer, ids: &[UserId]) -> Result<HashMap<UserId, Seen>> {
    let query = user::Entity::find().filter(user::Column::Id.is_in(padded(ids)));
    let mut query = query.filter(user::Column::DeletedAt.is_null());
    let keeps_away = match viewer.one() {
        Some(me) => blocks(Expr::col((user::Entity, user::Column::Id)), me),
        None => Expr::val(false),
    };
    QuerySelect::query(&mut query).expr(keeps_away);
    let rows: Vec<(user::Model, One<bool>)> = db.fetch_all(&query).await?;
    Ok(rows.into_iter().map(|(row, One(away))| (row.id, Seen::by(viewer, row, away))).collect())
}

/// Accounts by id, whoever asks; deleted ones are left out.
pub async fn by_ids(db: &impl ConnectionTrait, ids: &[UserId]) -> Result<Vec<user::Model>> {
    let query = user::Entity::find().filter(user::Column::Id.is_in(ids.iter().copied()));
    Ok(query.filter(user::Column::DeletedAt.is_null()).all(db).await?)
}

/// The ids behind some folded usernames, among these people.
pub async fn by_username_keys(db: &impl ConnectionTrait, keys: &[String]) -> Result<HashMap<String, UserId>> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = user::Entity::find()
        .select_only()
        .column(user::Column::UsernameKey)
        .column(user::Column::Id)
        .filter(user::Column::UsernameKey.is_in(keys.iter().map(String::as_str)))
        .filter(user::Column::DeletedAt.is_null())
        .into_tuple::<(String, UserId)>()
        .all(db)
        .await?;
    Ok(rows.into_iter().collect())
}

/// Those of some folded usernames that an account has, deleted ones included, as the constraint has it; the account `but_for` aside.
pub async fn taken_usernames(
    db: &impl ConnectionTrait,
    keys: &[String],
    but_for: Option<UserId>,
) -> Result<HashSet<String>> {
    let mut query = user::Entity::find().select_only().column(user::Column::UsernameKey);
    query = query.filter(user::Column::UsernameKey.is_in(keys.iter().map(String::as_str)));
    if let Some(own) = but_for {
        query = query.filter(user::Column::Id.ne(own));
    }
    Ok(query.into_tuple::<String>().all(db).await?.into_iter().collect())
}

/// The account a login (username or address) belongs to, for signing in.
pub async fn find_by_login(db: &impl ConnectionTrait, login: &str) -> Result<Option<user::Model>> {
    let key = fold(login);
    let column = if key.contains('@') { user::Column::EmailKey } else { user::Column::UsernameKey };
    Ok(user::Entity::find().filter(column.eq(key)).filter(user::Column::DeletedAt.is_null()).one(db).await?)
}

/// Locks an account for a change: the first statement of the write.
pub async fn lock(tx: &Tx, id: UserId) -> Result<Option<user::Model>> {
    let query = user::Entity::find_by_id(id).filter(user::Column::DeletedAt.is_null());
    tx.lock(&id, query).await
}

/// Writes a new account.
pub async fn insert(tx: &Tx, mut row: user::ActiveModel) -> Result<user::Model> {
    fold_name(&mut row);
    unique(row.insert(tx).await)
}

/// Characters of a folded display name that are kept.
const NAME_KEY: usize = 400;

fn fold_name(row: &mut user::ActiveModel) {
    if let Set(name) = &row.display_name {
        // Folding writes some characters out, up to eighteen for one; a search need not see the end of such a name.
        row.display_name_key = Set(fold(name).chars().take(NAME_KEY).collect());
    }
}

/// Which of a username and an address somebody has already.
pub async fn taken(db: &impl ConnectionTrait, username_key: Option<&str>, email_key: Option<&str>) -> Result<()> {
    for (column, key, error) in [
        (user::Column::UsernameKey, username_key, UserError::UsernameTaken),
        (user::Column::EmailKey, email_key, UserError::EmailTaken),
    ] {
        if let Some(key) = key
            && user::Entity::find().filter(column.eq(key)).count(db).await? > 0
        {
            return Err(error.into());
        }
    }
    Ok(())
}

/// Changes a profile the viewer may change.
pub async fn update(
    tx: &Tx,
    permit: Permit<EditProfile, user::Model>,
    mut change: user::ActiveModel,
) -> Result<user::Model> {
    let row = permit.into_row();
    fold_name(&mut change);
    change.id = Set(row.id);
    change.version = Set(row.version + 1);
    change.updated_at = Set(tx.now());
    unique(change.update(tx).await)
}

/// Counts a sign-in.
pub async fn touch_login(tx: &Tx, id: UserId) -> Result<()> {
    user::Entity::update_many()
        .col_expr(user::Column::LoginCount, Expr::col(user::Column::LoginCount).add(1))
        .col_expr(user::Column::LastLoginAt, Expr::value(tx.now()))
        .col_expr(user::Column::UpdatedAt, Expr::value(tx.now()))
        .filter(user::Column::Id.eq(id))
        .exec(tx)
        .await?;
    Ok(())
}

/// The account an address belongs to by proof.
pub async fn proved_holder(db: &impl ConnectionTrait, email_key: &str) -> Result<Option<user::Model>> {
    let query = user::Entity::find().filter(user::Column::EmailKey.eq(email_key));
    Ok(query.filter(user::Column::EmailVerifiedAt.is_not_null()).one(db).await?)
}

/// Takes an address from accounts that only claimed it, because somebody has proved it; gives those accounts. One without a username
/// keeps it: it would have no way in without.
pub async fn release_claims(tx: &Tx, email_key: &str, except: UserId) -> Result<Vec<user::Model>> {
    let claimed = Condition::all()
        .add(user::Column::EmailKey.eq(email_key))
        .add(user::Column::EmailVerifiedAt.is_null())
        .add(user::Column::UsernameKey.is_not_null())
        .add(user::Column::Id.ne(except));
    let mut released = Vec::new();
    for row in user::Entity::find().filter(claimed).lock_exclusive().all(tx).await? {
        let change = user::ActiveModel {
            id: Set(row.id),
            email: Set(None),
            email_key: Set(None),
            version: Set(row.version + 1),
            updated_at: Set(tx.now()),
            ..Default::default()
        };
        released.push(change.update(tx).await?);
    }
    Ok(released)
}

/// An account's address is proved; it may be another than before.
pub async fn put_proved_email(tx: &Tx, row: &user::Model, email: &str) -> Result<user::Model> {
    let change = user::ActiveModel {
        id: Set(row.id),
        email: Set(Some(email.to_owned())),
        email_key: Set(Some(fold(email))),
        email_verified_at: Set(Some(tx.now())),
        version: Set(row.version + 1),
        updated_at: Set(tx.now()),
        ..Default::default()
    };
    unique(change.update(tx).await)
}

fn unique<T>(result: Result<T, DbErr>) -> Result<T> {
    match result.as_ref().err().and_then(crate::platform::database::broken_unique).as_deref() {
        Some("users_email_key") => Err(UserError::EmailTaken.into()),
        Some("users_username_key") => Err(UserError::UsernameTaken.into()),
        _ => Ok(result?),
    }
}
