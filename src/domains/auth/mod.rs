//! Who people are: sign-up, sign-in, sessions, tokens, roles.
//!
//! Who may: anybody signs up and in, within tight limits; a session belongs to its person; roles are granted by administrators with
//! a fresh proof of identity.
//! Emits: `session.ended`, `account.changed` on the person's topic.
//! Listens to: nothing.
//! Invariants: sign-in, resend and reset answer the same, and do the same work, whether or not an account exists; only digests of
//! tokens are kept; a refresh token is good once, and using it again after its successor was used ends the session; a change of
//! password, a suspension and a sign-out reach every request and every open socket within a second; a token that may stand in an address
//! is good for one thing, and for minutes.

/// The room's GraphQL.
pub mod graphql;

mod actions;
mod cookies;
mod error;
mod events;
mod jobs;
mod keys;
mod loaders;
mod model;
mod policy;
mod scoped;
mod standings;
mod store;
mod watch;

pub use actions::{
    accounts::{Vouched, create_vouched_account},
    authenticate::{authenticate, authenticate_for_socket, renew, rights_changed},
    connections::renew_connection,
    password::{is_confirmed, reset_password},
    roles::{NewRole, RoleChange, assign_role, create_role, delete_role, grant_by_name, revoke_role, update_role},
    sessions::{SignOutScope, revoke_session, sign_out},
    sign_in::{Issued, SignIn, SignUp, refresh, sign_in, sign_up, verify_email},
};
pub use cookies::Cookie;
pub use jobs::{ExpireGrants, PurgeExpired, RotateKeys, expire_grants, purge_expired, rotate_keys};
pub use keys::{PUBLISHED_AGE, UNOPENED_KEYS, jwks, unopened_keys};
pub use scoped::{ScopedToken, authenticate_scoped, issue_scoped_token};
pub use watch::{Watch, Watched};
