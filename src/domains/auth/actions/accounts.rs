//! Accounts that somebody vouches for: demo data, imports, the first administrator.

use entity::user;
use sea_orm::ActiveValue::Set;

use crate::{
    access::{Op, Viewer},
    base::{
        error::{Error, Result},
        text::{Checks, fold},
    },
    domains::{auth::store, users},
};

/// An account whose address counts as proved.
#[derive(Clone, Debug)]
pub struct Vouched<'a> {
    /// The username.
    pub username: &'a str,
    /// The address.
    pub email: &'a str,
    /// How the person is called.
    pub display_name: &'a str,
    /// About the person.
    pub bio: &'a str,
    /// The password, hashed (Argon2id or bcrypt).
    pub password_hash: &'a str,
}

/// Makes an account without signing it in or mailing it. For the system itself only.
pub async fn create_vouched_account(op: &Op, account: Vouched<'_>) -> Result<user::Model> {
    if !matches!(op.viewer, Viewer::System(_)) {
        return Err(Error::denied("Only the system itself vouches for accounts."));
    }
    let mut checks = Checks::new();
    let username = checks.username("username", account.username);
    let email = checks.email("email", account.email);
    let display_name = checks.text("displayName", account.display_name, 1, 100);
    let bio = checks.optional("bio", Some(account.bio), 2000);
    checks.finish()?;
    op.write(async |tx| {
        let row = user::ActiveModel {
            id: Set(tx.new_id()),
            username_key: Set(Some(fold(&username))),
            username: Set(Some(username.clone())),
            email_key: Set(Some(fold(&email))),
            email: Set(Some(email.clone())),
            email_verified_at: Set(Some(tx.now())),
            display_name: Set(display_name.clone()),
            bio: Set(bio.clone()),
            preferences: Set(serde_json::json!({})),
            social_links: Set(serde_json::json!({})),
            is_public: Set(true),
            token_version: Set(0),
            login_count: Set(0),
            password_changed_at: Set(Some(tx.now())),
            version: Set(1),
            created_at: Set(tx.now()),
            updated_at: Set(tx.now()),
            ..Default::default()
        };
        let user = users::create(tx, row).await?;
        store::put_password(tx, user.id, account.password_hash).await?;
        Ok(user)
    })
    .await
}
