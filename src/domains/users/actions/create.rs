//! Making an account.

use entity::user;

use crate::{
    base::error::Result,
    domains::users::{events::UserEvent, store},
    platform::Tx,
};

/// Inside a write that gives it its way in: makes an account, and tells of it. The only way to one, so that nobody is made in silence.
///
/// # Errors
/// RESOURCE_CONFLICT for a name or an address that somebody has.
pub async fn create(tx: &Tx, row: user::ActiveModel) -> Result<user::Model> {
    let user = store::insert(tx, row).await?;
    tx.emit(UserEvent::Created { user: user.id });
    Ok(user)
}
