//! Who was shown out of a conversation and may not come back by themselves.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::ids::{ConversationId, UserId};

/// Somebody kept out.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "conversation_bans")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub conversation_id: ConversationId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    /// Who showed them out; `None` once that account is gone.
    pub banned_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
