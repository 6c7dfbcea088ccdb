//! Accounts and their profiles, one row a person.

use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::entity::prelude::*;

use crate::ids::UserId;

/// What a person pays for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(20))")]
pub enum Plan {
    #[default]
    #[sea_orm(string_value = "FREE")]
    Free,
    #[sea_orm(string_value = "PREMIUM")]
    Premium,
    #[sea_orm(string_value = "ENTERPRISE")]
    Enterprise,
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UserId,
    /// As its owner writes it; `None` for an imported account that has not chosen one.
    pub username: Option<String>,
    /// The username as it is compared: NFKC, lower case. Unique.
    pub username_key: Option<String>,
    pub email: Option<String>,
    /// The address as it is compared: lower case. Unique.
    pub email_key: Option<String>,
    /// When the address was proved; `None` while it is only claimed.
    pub email_verified_at: Option<DateTime<Utc>>,
    pub display_name: String,
    /// The display name as a search compares it: NFKC, lower case.
    pub display_name_key: String,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub avatar_url: Option<String>,
    pub banner_url: Option<String>,
    pub bio: Option<String>,
    pub location: Option<String>,
    pub status_message: Option<String>,
    pub birthdate: Option<NaiveDate>,
    pub gender: Option<String>,
    /// The address of their xPortal wallet. Unique.
    pub xportal_address: Option<String>,
    /// Their name at GitHub. Unique.
    pub github_username: Option<String>,
    pub subscription_plan: Plan,
    pub preferences: Json,
    pub social_links: Json,
    /// False shows others a reduced card.
    pub is_public: bool,
    /// Set while a moderator keeps the account out.
    pub suspended_at: Option<DateTime<Utc>>,
    /// Every access token carries it; a token behind it is refused.
    pub token_version: i32,
    pub login_count: i32,
    pub last_login_at: Option<DateTime<Utc>>,
    pub password_changed_at: Option<DateTime<Utc>>,
    /// Grows by one with every change of the profile.
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub deleted_at: Option<DateTime<Utc>>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

crate::moment::dated!();
