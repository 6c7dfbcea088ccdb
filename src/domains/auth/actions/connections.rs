//! Letting an open connection go on.

use chrono::{DateTime, Utc};

use super::authenticate::authenticate;
use crate::{
    access::{Op, Viewer},
    base::error::Result,
    domains::auth::error::AuthError,
};

/// Lets the connection that an operation came over go on under a further access token of its person; gives when that ends.
///
/// # Errors
/// UNAUTHENTICATED on a connection of nobody, BUSINESS_RULE_VIOLATION without one, INVALID_TOKEN, PERMISSION_DENIED for another
/// person's token.
pub async fn renew_connection(op: &Op, token: &str) -> Result<DateTime<Utc>> {
    let me = op.viewer.person()?.id;
    let connection = op.origin.connection.as_ref().ok_or(AuthError::NoConnection)?;
    match authenticate(&op.platform, &op.config, token).await? {
        Viewer::Person(person) if person.id == me => {
            let until = person.token_expires_at;
            connection.renew(person);
            Ok(until)
        }
        _ => Err(AuthError::OtherPerson.into()),
    }
}
