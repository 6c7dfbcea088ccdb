//! Inputs and payloads about people.

use async_graphql::{InputObject, MaybeUndefined, SimpleObject};
use entity::ids::UserId;

use super::User;
use crate::{
    domains::users::{ProfileChange, store::Filter},
    graphql::{
        node::GlobalId,
        scalars::{Date, DateTime, EmailAddress, Json, Url},
    },
};

/// What to change in the viewer's profile. A field that is left out stays as it is; one that is `null` or empty is emptied.
#[derive(InputObject)]
pub struct UpdateProfileInput {
    /// 3 to 30 letters, digits, dots, dashes or underscores.
    username: Option<String>,
    /// A new address. The account keeps its old one until the link mailed to the new one is followed; then the old one is told. One's
    /// own in another case changes nothing. Wants `currentPassword`, or a sign-in of the last 15 minutes.
    pub(super) email: Option<EmailAddress>,
    /// The password, for a new address.
    #[graphql(secret)]
    pub(super) current_password: Option<String>,
    /// 1 to 100 characters.
    display_name: Option<String>,
    /// At most 100 characters.
    first_name: MaybeUndefined<String>,
    /// At most 100 characters.
    last_name: MaybeUndefined<String>,
    /// At most 2000 characters of plain text.
    bio: MaybeUndefined<String>,
    /// At most 200 characters.
    location: MaybeUndefined<String>,
    /// At most 200 characters.
    status_message: MaybeUndefined<String>,
    /// The address of their picture.
    avatar_url: MaybeUndefined<Url>,
    /// The address of the picture behind the profile.
    banner_url: MaybeUndefined<Url>,
    /// Between 1900-01-01 and today.
    birthdate: MaybeUndefined<Date>,
    /// At most 20 characters.
    gender: MaybeUndefined<String>,
    /// Addresses elsewhere, by name: a JSON object such as `{ "website": "https://example.org" }`, all of it in the place of what was there.
    /// Names have 1 to 50 characters, addresses are those of `URL`; a name whose address is `null` or empty is left out. At most 50 of
    /// them, and 16 KiB in all.
    social_links: MaybeUndefined<Json>,
    /// A JSON object of at most 16 KiB, all of it in the place of what was there.
    preferences: MaybeUndefined<Json>,
    /// Show others the whole profile.
    is_public: Option<bool>,
    /// The `version` the change was made from; another answers RESOURCE_CONFLICT.
    expected_version: Option<i32>,
}

fn patch<T, U>(value: MaybeUndefined<T>, turn: impl Fn(T) -> U) -> Option<Option<U>> {
    match value {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(turn(value))),
    }
}

impl From<UpdateProfileInput> for ProfileChange {
    fn from(input: UpdateProfileInput) -> Self {
        let same = |text| text;
        Self {
            username: input.username,
            email: input.email.map(|address| address.0),
            is_confirmed: false,
            display_name: input.display_name,
            first_name: patch(input.first_name, same),
            last_name: patch(input.last_name, same),
            bio: patch(input.bio, same),
            location: patch(input.location, same),
            status_message: patch(input.status_message, same),
            avatar_url: patch(input.avatar_url, |url| url.0),
            banner_url: patch(input.banner_url, |url| url.0),
            birthdate: patch(input.birthdate, |day| day.0),
            gender: patch(input.gender, same),
            social_links: patch(input.social_links, |links| links.0),
            preferences: patch(input.preferences, |preferences| preferences.0),
            is_public: input.is_public,
            expected_version: input.expected_version,
        }
    }
}

/// The changed profile.
#[derive(SimpleObject)]
pub struct UpdateProfilePayload {
    /// The viewer.
    pub user: User,
}

/// Whom to keep away.
#[derive(InputObject)]
pub struct BlockUserInput {
    /// The person.
    pub user_id: GlobalId<UserId>,
}

/// The person who is kept away now.
#[derive(SimpleObject)]
pub struct BlockUserPayload {
    /// The person.
    pub user: User,
}

/// Whom to let back in.
#[derive(InputObject)]
pub struct UnblockUserInput {
    /// The person.
    pub user_id: GlobalId<UserId>,
}

/// The person who is let back in.
#[derive(SimpleObject)]
pub struct UnblockUserPayload {
    /// The person.
    pub user: User,
}

/// Which people to list.
#[derive(InputObject)]
pub struct UserFilter {
    /// Whose account was made at this moment or later.
    joined_after: Option<DateTime>,
    /// Whose account was made before this moment.
    joined_before: Option<DateTime>,
}

impl UserFilter {
    /// With what is searched for, folded.
    pub(super) fn with(filter: Option<Self>, search: Option<String>) -> Filter {
        let joined = |moment: Option<DateTime>| moment.map(|moment| moment.0);
        let (after, before) = filter.map_or((None, None), |filter| (filter.joined_after, filter.joined_before));
        Filter { search, joined_after: joined(after), joined_before: joined(before) }
    }
}
