//! Changing a profile.

use chrono::NaiveDate;
use entity::{user, verification_request::Kind};
use sea_orm::ActiveValue::Set;
use serde_json::{Map, Value as Json};

use super::verification::{ask_for_proof, may_mail, tell};
use crate::{
    access::Op,
    base::{
        error::Result,
        text::{Checks, URL, fold},
    },
    domains::users::{error::UserError, events::UserEvent, letters::Notice, model::Seen, policy::EditProfile, store},
};

/// What to change: `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    /// A new username.
    pub username: Option<String>,
    /// A new address, pending until it is proved.
    pub email: Option<String>,
    /// The viewer has just proved who they are: a new address wants it.
    pub is_confirmed: bool,
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
    pub social_links: Option<Option<Json>>,
    /// Settings of the front end.
    pub preferences: Option<Option<Json>>,
    /// Show others the whole profile.
    pub is_public: Option<bool>,
    /// The version the change was made from; another is a conflict.
    pub expected_version: Option<i32>,
}

/// The largest JSON a profile keeps, in bytes of its text.
const JSON_BYTES: usize = 16 * 1024;
/// Addresses elsewhere.
const LINKS: &str = "socialLinks";
/// How many of them a profile keeps.
const MOST_LINKS: usize = 50;
/// Characters of the name of one of them.
const LINK_NAME: usize = 50;

/// Changes the viewer's profile. A new address stays pending until its mailed link is followed, and until then nobody can tell
/// whether somebody else has it: the answer is the same, and only a mail to that somebody differs.
///
/// # Errors
/// VALIDATION_FAILED, RESOURCE_CONFLICT for a taken username or a stale version, MFA_REQUIRED for a new address without a fresh proof
/// of identity, RATE_LIMIT_EXCEEDED for too many new addresses.
pub async fn update_profile(op: &Op, change: ProfileChange) -> Result<Seen> {
    let me = op.viewer.person()?.id;
    let (row, email) = checked(op, &change)?;
    let known = store::by_ids(op.read(), &[me]).await?.pop().ok_or(UserError::NotFound)?;
    let moves = email.as_deref().is_some_and(|email| Some(fold(email)) != known.email_key);
    let may_mail = match email.as_deref().filter(|_| moves) {
        None => false,
        Some(_) if !change.is_confirmed => return Err(UserError::ProofNeeded.into()),
        Some(email) => {
            let (cache, limits) = (&op.platform.cache, &op.config.limits);
            cache.limit("mail-by-account", &me.to_string(), limits.mail_by_account).await?;
            cache.limit("mail-by-address", &op.origin.address(), limits.mail_by_address).await?;
            may_mail(op, Kind::Email, email).await
        }
    };
    op.write(async |tx| {
        let current = store::lock(tx, me).await?.ok_or(UserError::NotFound)?;
        if change.expected_version.is_some_and(|expected| expected != current.version) {
            return Err(UserError::Stale.into());
        }
        if let Some(email) = &email {
            // The last wish counts: earlier new addresses are given up.
            store::withdraw_moves(tx, &current, email).await?;
            if moves && Some(fold(email)) != current.email_key {
                ask_for_proof(op, tx, &current, email, may_mail).await?;
                if let (Some(old), Some(_)) = (&current.email, current.email_verified_at) {
                    tell(op, tx, &current, old, Notice::MoveAsked)?;
                }
            } else if Some(fold(email)) != current.email_key {
                // It was the account's own a moment ago: a link was followed meanwhile.
                return Err(UserError::Stale.into());
            }
            // Another spelling of the account's own address changes nothing: some mail servers tell cases apart, and it is proved as it is.
        }
        let permit = op.permit::<EditProfile, _>(current)?;
        let updated = store::update(tx, permit, row).await?;
        tx.emit(UserEvent::Updated { user: me, version: updated.version });
        Ok(Seen::by(&op.viewer, updated, false))
    })
    .await
}

/// The row as it is to be, and the address that is wished for.
fn checked(op: &Op, change: &ProfileChange) -> Result<(user::ActiveModel, Option<String>)> {
    let mut checks = Checks::new();
    let mut row = user::ActiveModel::default();
    if let Some(username) = &change.username {
        let username = checks.username("username", username);
        row.username_key = Set(Some(fold(&username)));
        row.username = Set(Some(username));
    }
    let email = change.email.as_deref().map(|email| checks.email("email", email));
    if let Some(name) = &change.display_name {
        row.display_name = Set(checks.text("displayName", name, 1, 100));
    }
    let mut text = |name, value: &Option<Option<String>>, max| match value {
        None => sea_orm::ActiveValue::NotSet,
        Some(value) => Set(checks.optional(name, value.as_deref(), max)),
    };
    row.first_name = text("firstName", &change.first_name, 100);
    row.last_name = text("lastName", &change.last_name, 100);
    row.location = text("location", &change.location, 200);
    row.status_message = text("statusMessage", &change.status_message, 200);
    row.gender = text("gender", &change.gender, 20);
    if let Some(bio) = &change.bio {
        row.bio = Set(checks.optional_lines("bio", bio.as_deref(), 2000));
    }
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
    if let Some(given) = &change.social_links {
        let given = object(&mut checks, LINKS, given.as_ref());
        row.social_links = Set(links(&mut checks, given));
    }
    if let Some(given) = &change.preferences {
        row.preferences = Set(object(&mut checks, "preferences", given.as_ref()).into());
    }
    if let Some(is_public) = change.is_public {
        row.is_public = Set(is_public);
    }
    checks.finish()?;
    Ok((row, email))
}

/// A JSON object, empty for nothing.
fn object(checks: &mut Checks, field: &str, given: Option<&Json>) -> Map<String, Json> {
    match given {
        None => Map::new(),
        Some(Json::Object(fields)) if given.is_some_and(|given| given.to_string().len() <= JSON_BYTES) => {
            fields.clone()
        }
        Some(_) => {
            checks.fault(field, "takes a JSON object of at most 16 KiB");
            Map::new()
        }
    }
}

/// Addresses by name, each as any other address of a profile.
fn links(checks: &mut Checks, given: Map<String, Json>) -> Json {
    if given.len() > MOST_LINKS {
        checks.fault(LINKS, format!("takes at most {MOST_LINKS} addresses, this has {}", given.len()));
        return Json::Null;
    }
    let mut links = Map::new();
    for (name, address) in given {
        if !(1..=LINK_NAME).contains(&name.trim().chars().count()) || name.chars().any(char::is_control) {
            checks.fault(LINKS, format!("takes names of 1 to {LINK_NAME} characters in a single line"));
            continue;
        }
        let field = format!("{LINKS}.{name}");
        match &address {
            Json::Null => {}
            Json::String(address) => {
                if let Some(address) = checks.url(&field, Some(address)) {
                    links.insert(name.trim().to_owned(), address.into());
                }
            }
            _ => checks.fault(&field, URL),
        }
    }
    links.into()
}
