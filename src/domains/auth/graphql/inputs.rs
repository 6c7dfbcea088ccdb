//! Inputs and payloads of signing in, sessions and roles.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, SimpleObject};
use entity::ids::{PermissionId, RoleId, SessionId, UserId};

use super::{
    Role, Session, cookies,
    types::{Scopes, TokenScopes},
};
use crate::{
    domains::{auth::Issued, users::graphql::User},
    graphql::{
        node::GlobalId,
        scalars::{DateTime, EmailAddress},
    },
};

/// A new account.
#[derive(InputObject)]
pub struct SignUpInput {
    /// 3 to 30 letters, digits, dots, dashes or underscores, beginning with a letter or digit.
    pub username: String,
    /// An address that takes mail: it gets a link to prove it.
    pub email: EmailAddress,
    /// 10 to 256 characters of any kind; not one everybody tries first, and not your own name or address.
    #[graphql(secret)]
    pub password: String,
    /// How you are called, 1 to 100 characters; the username unless given.
    pub display_name: Option<String>,
    /// What the client calls itself in the list of sessions, at most 100 characters.
    pub device: Option<String>,
}

/// A login and its password.
#[derive(InputObject)]
pub struct SignInInput {
    /// Username or email address, in any case.
    pub login: String,
    /// The password.
    #[graphql(secret)]
    pub password: String,
    /// What the client calls itself in the list of sessions, at most 100 characters.
    pub device: Option<String>,
}

/// A refresh token to exchange.
#[derive(InputObject)]
pub struct RefreshSessionInput {
    /// The token; may be left out in cookie mode, where it comes in its cookie.
    #[graphql(secret)]
    pub refresh_token: Option<String>,
}

/// A sign-in with its tokens: what three payloads have in common.
#[derive(SimpleObject)]
pub struct SignedIn {
    /// The signed-in person.
    pub user: User,
    /// The sign-in.
    pub session: Session,
    /// For `Authorization: Bearer`; `null` in cookie mode, where it travels in a cookie.
    pub access_token: Option<String>,
    /// To be exchanged once, with `refreshSession`; `null` in cookie mode, where it travels in a cookie.
    pub refresh_token: Option<String>,
    /// Seconds until the access token ends.
    pub expires_in: i64,
}

impl SignedIn {
    pub(super) fn new(ctx: &Context<'_>, issued: Issued) -> Self {
        let in_cookies = cookies::set(ctx, &issued);
        Self {
            session: Session::begun(issued.session),
            user: User::new(issued.user),
            access_token: Some(issued.access_token).filter(|_| !in_cookies),
            refresh_token: Some(issued.refresh_token).filter(|_| !in_cookies),
            expires_in: issued.expires_in,
        }
    }
}

/// The new account, signed in.
#[derive(SimpleObject)]
pub struct SignUpPayload {
    /// Who signed in, and with which tokens.
    #[graphql(flatten)]
    pub signed_in: SignedIn,
}

/// The sign-in.
#[derive(SimpleObject)]
pub struct SignInPayload {
    /// Who signed in, and with which tokens.
    #[graphql(flatten)]
    pub signed_in: SignedIn,
}

/// The new pair of tokens. The old refresh token is used up.
#[derive(SimpleObject)]
pub struct RefreshSessionPayload {
    /// Who signed in, and with which tokens.
    #[graphql(flatten)]
    pub signed_in: SignedIn,
}

/// Which sign-ins to end.
#[derive(InputObject)]
pub struct SignOutInput {
    /// The current one unless said.
    #[graphql(default_with = "Some(Scopes::Current)")]
    pub scope: Option<Scopes>,
}

/// What ended.
#[derive(SimpleObject)]
pub struct SignOutPayload {
    /// How many sign-ins ended now.
    pub sessions_ended: i32,
}

/// Which session to end.
#[derive(InputObject)]
pub struct RevokeSessionInput {
    /// One of the viewer's.
    pub session_id: GlobalId<SessionId>,
}

/// The session that is over.
#[derive(SimpleObject)]
pub struct RevokeSessionPayload {
    /// Its id.
    pub session_id: ID,
}

/// What a token is for.
#[derive(InputObject)]
pub struct IssueScopedTokenInput {
    /// The one thing it is to be good for.
    pub scope: TokenScopes,
}

/// A token that is good for one thing.
#[derive(SimpleObject)]
pub struct IssueScopedTokenPayload {
    /// The token.
    pub token: String,
    /// What it is good for.
    pub scope: TokenScopes,
    /// Seconds until it can be presented no more. What it has opened may last longer: as long as with an access token made now.
    pub expires_in: i64,
}

/// The proof that a connection goes on with.
#[derive(InputObject)]
pub struct RenewConnectionInput {
    /// An access token of the person the connection is for, of this sign-in or another.
    #[graphql(secret)]
    pub access_token: String,
}

/// The connection goes on.
#[derive(SimpleObject)]
pub struct RenewConnectionPayload {
    /// Until when, unless it is renewed again: the end of the token.
    pub expires_at: DateTime,
}

/// A mailed token.
#[derive(InputObject)]
pub struct VerifyEmailInput {
    /// The token of the link.
    #[graphql(secret)]
    pub token: String,
}

/// The account whose address is proved.
#[derive(SimpleObject)]
pub struct VerifyEmailPayload {
    /// The account.
    pub user: User,
}

/// An address to write to.
#[derive(InputObject)]
pub struct ResendVerificationEmailInput {
    /// The address of the account.
    pub email: EmailAddress,
}

/// The same answer whether or not there is such an account.
#[derive(SimpleObject)]
pub struct ResendVerificationEmailPayload {
    /// The request was taken; if there is an account that needs it, a mail is on its way.
    pub accepted: bool,
}

/// An address to write to.
#[derive(InputObject)]
pub struct RequestPasswordResetInput {
    /// The address of the account.
    pub email: EmailAddress,
}

/// The same answer whether or not there is such an account.
#[derive(SimpleObject)]
pub struct RequestPasswordResetPayload {
    /// The request was taken; if there is such an account, a mail is on its way.
    pub accepted: bool,
}

/// A mailed token and a new password.
#[derive(InputObject)]
pub struct ResetPasswordInput {
    /// The token of the link.
    #[graphql(secret)]
    pub token: String,
    /// 10 to 256 characters of any kind; not one everybody tries first, and not your own name or address.
    #[graphql(secret)]
    pub new_password: String,
}

/// The password is changed, and every session has ended.
#[derive(SimpleObject)]
pub struct ResetPasswordPayload {
    /// The account. Sign in with the new password.
    pub user: User,
}

/// A new role.
#[derive(InputObject)]
pub struct CreateRoleInput {
    /// 2 to 50 upper case letters, digits and underscores; unique.
    pub name: String,
    /// 1 to 100 characters.
    pub display_name: String,
    /// At most 500 characters.
    pub description: Option<String>,
    /// What it allows, of the list `permissions`; nothing unless said.
    pub permission_ids: Option<Vec<GlobalId<PermissionId>>>,
}

/// What to change in a role.
#[derive(InputObject)]
pub struct UpdateRoleInput {
    /// The role.
    pub role_id: GlobalId<RoleId>,
    /// 1 to 100 characters.
    pub display_name: Option<String>,
    /// At most 500 characters; `null` empties it.
    pub description: MaybeUndefined<String>,
    /// Grants of an inactive role give nothing.
    pub is_active: Option<bool>,
    /// What it allows from now on, of the list `permissions`, and nothing else. Those of `USER` and `ADMIN` are fixed:
    /// BUSINESS_RULE_VIOLATION.
    pub permission_ids: Option<Vec<GlobalId<PermissionId>>>,
    /// The `version` the change was made from; another answers RESOURCE_CONFLICT.
    pub expected_version: Option<i32>,
}

/// The role that was made.
#[derive(SimpleObject)]
pub struct CreateRolePayload {
    /// The role.
    pub role: Role,
}

/// The changed role.
#[derive(SimpleObject)]
pub struct UpdateRolePayload {
    /// The role.
    pub role: Role,
}

/// Which role to delete.
#[derive(InputObject)]
pub struct DeleteRoleInput {
    /// The role; not one of the system's.
    pub role_id: GlobalId<RoleId>,
}

/// The role that is gone.
#[derive(SimpleObject)]
pub struct DeleteRolePayload {
    /// Its id.
    pub role_id: ID,
}

/// Whom to grant which role.
#[derive(InputObject)]
pub struct AssignRoleInput {
    /// The person.
    pub user_id: GlobalId<UserId>,
    /// The role.
    pub role_id: GlobalId<RoleId>,
    /// Until when; for good unless given.
    pub expires_at: Option<DateTime>,
}

/// The person who holds the role now.
#[derive(SimpleObject)]
pub struct AssignRolePayload {
    /// The person.
    pub user: User,
}

/// From whom to take which role.
#[derive(InputObject)]
pub struct RevokeRoleInput {
    /// The person.
    pub user_id: GlobalId<UserId>,
    /// The role.
    pub role_id: GlobalId<RoleId>,
}

/// The person who holds the role no more.
#[derive(SimpleObject)]
pub struct RevokeRolePayload {
    /// The person.
    pub user: User,
}
