//! Changing a profile.

use chrono::NaiveDate;
use entity::user;
use sea_orm::ActiveValue::Set;

use super::verification::ask_for_proof;
use crate::{
    access::Op,
    base::{
        error::{Error, Result},
        text::{Checks, fold},
    },
    domains::users::{error::UserError, events::UserEvent, model::Seen, policy::EditProfile, store},
};

/// What to change: `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    /// A new username.
    pub username: Option<String>,
    /// A new address, to be proved again.
    pub email: Option<String>,
    /// How the person is called.
    pub display_name: Option<String>,
    /// First name.
    pub first_name: Option<Option<String>>,
    /// Last name.
    pub last_name: Option<Option<String>>,
    /// About the person.
    pub bio: Option<Option<String>>,
    /// Where they are.
    pub location: Option<Option<String>>,
    /// What they are up to.
    pub status_message: Option<Option<String>>,
    /// Their picture.
    pub avatar_url: Option<Option<String>>,
    /// The picture behind it.
    pub banner_url: Option<Option<String>>,
    /// The day they were born.
    pub birthdate: Option<Option<NaiveDate>>,
    /// As they say it.
    pub gender: Option<Option<String>>,
    /// Addresses elsewhere, by name.
    pub social_links: Option<serde_json::Value>,
    /// Settings of the front end.
    pub preferences: Option<serde_json::Value>,
    /// Show others the whole profile.
    pub is_public: Option<bool>,
    /// The version the change was made from; another is a conflict.
    pub expected_version: Option<i32>,
}

/// The largest JSON a profile keeps, in bytes of its text.
const JSON_BYTES: usize = 16 * 1024;

/// Changes the viewer's profile.
///
/// # Errors
/// VALIDATION_FAILED, RESOURCE_CONFLICT for a taken name or address or a stale version.
pub async fn update_profile(op: &Op, change: ProfileChange) -> Result<Seen> {
    let me = op.viewer.person()?.id;
    let mut row = checked(op, &change)?;
    let new_email = change.email.as_deref().map(fold);
    op.write(async |tx| {
        let current = store::lock(tx, me).await?.ok_or(UserError::NotFound)?;
        if change.expected_version.is_some_and(|expected| expected != current.version) {
            return Err(UserError::Stale.into());
        }
        let email_changed = new_email.is_some() && new_email != current.email_key;
        if email_changed {
            row.email_verified_at = Set(None);
        }
        let permit = op.permit::<EditProfile, _>(current)?;
        let updated = store::update(tx, permit, row.clone()).await?;
        if email_changed {
            ask_for_proof(op, tx, &updated).await?;
        }
        tx.emit(UserEvent::Updated { user: me, version: updated.version });
        Ok(Seen::by(&op.viewer, updated, false))
    })
    .await
}

fn checked(op: &Op, change: &ProfileChange) -> Result<user::ActiveModel> {
    let mut checks = Checks::new();
    let mut row = user::ActiveModel::default();
    if let Some(username) = &change.username {
        let username = checks.username("username", username);
        row.username_key = Set(Some(fold(&username)));
        row.username = Set(Some(username));
    }
    if let Some(email) = &change.email {
        let email = checks.email("email", email);
        row.email_key = Set(Some(fold(&email)));
        row.email = Set(Some(email));
    }
    if let Some(name) = &change.display_name {
        row.display_name = Set(checks.text("displayName", name, 1, 100));
    }
    let mut text = |name, value: &Option<Option<String>>, max| match value {
        None => sea_orm::ActiveValue::NotSet,
        Some(value) => Set(checks.optional(name, value.as_deref(), max)),
    };
    row.first_name = text("firstName", &change.first_name, 100);
    row.last_name = text("lastName", &change.last_name, 100);
    row.bio = text("bio", &change.bio, 2000);
    row.location = text("location", &change.location, 200);
    row.status_message = text("statusMessage", &change.status_message, 200);
    row.gender = text("gender", &change.gender, 20);
    if let Some(url) = &change.avatar_url {
        row.avatar_url = Set(checks.url("avatarUrl", url.as_deref()));
    }
    if let Some(url) = &change.banner_url {
        row.banner_url = Set(checks.url("bannerUrl", url.as_deref()));
    }
    if let Some(day) = change.birthdate {
        let earliest = NaiveDate::from_ymd_opt(1900, 1, 1);
        if day.is_some_and(|day| Some(day) < earliest || day > op.platform.clock.now().date_naive()) {
            checks.fault("birthdate", "takes a day between 1900-01-01 and today");
        }
        row.birthdate = Set(day);
    }
    for (name, value) in [("socialLinks", &change.social_links), ("preferences", &change.preferences)] {
        let Some(value) = value else { continue };
        if !value.is_object() || value.to_string().len() > JSON_BYTES {
            checks.fault(name, "takes a JSON object of at most 16 KiB");
        }
    }
    if let Some(links) = &change.social_links {
        row.social_links = Set(links.clone());
    }
    if let Some(preferences) = &change.preferences {
        row.preferences = Set(preferences.clone());
    }
    if let Some(is_public) = change.is_public {
        row.is_public = Set(is_public);
    }
    checks.finish()?;
    Ok::<_, Error>(row)
}
