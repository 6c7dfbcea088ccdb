//! The keys that sign tokens.

use chrono::{DateTime, Utc};
use entity::signing_key;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::{base::error::Result, platform::Tx};

/// The keys that still verify, newest first.
pub async fn keys(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<Vec<signing_key::Model>> {
    let query = signing_key::Entity::find().filter(signing_key::Column::VerifiesUntil.gt(now));
    Ok(query.order_by_desc(signing_key::Column::Id).all(db).await?)
}

/// The newest key, whether or not it is good.
pub async fn newest_key(db: &impl ConnectionTrait) -> Result<Option<signing_key::Model>> {
    Ok(signing_key::Entity::find().order_by_desc(signing_key::Column::Id).one(db).await?)
}

/// Writes a new key.
pub async fn insert_key(tx: &Tx, row: signing_key::ActiveModel) -> Result<()> {
    row.insert(tx).await?;
    Ok(())
}

/// Clears away the keys that verify no more.
pub async fn delete_keys_over(tx: &Tx) -> Result<()> {
    signing_key::Entity::delete_many().filter(signing_key::Column::VerifiesUntil.lt(tx.now())).exec(tx).await?;
    Ok(())
}
