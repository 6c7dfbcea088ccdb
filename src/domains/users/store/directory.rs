//! The list of people.

use chrono::{DateTime, Utc};
use entity::{
    ids::{TypedId, UserId},
    user,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::LikeExpr,
};

use super::visible_to;
use crate::{
    access::Viewer,
    base::error::{Error, Result},
    graphql::page::Window,
};

/// What orders a list of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Newest account first.
    Newest,
    /// By username.
    Username,
}

/// Which people to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Part of a username or display name, folded.
    pub search: Option<String>,
    /// Whose account was made at this moment or later.
    pub joined_after: Option<DateTime<Utc>>,
    /// Whose account was made before this moment.
    pub joined_before: Option<DateTime<Utc>>,
}

/// The people a directory shows: public, with a username, matching the filter.
fn directory(viewer: &Viewer, filter: &Filter) -> Select<user::Entity> {
    let mut query =
        visible_to(viewer).filter(user::Column::IsPublic.eq(true)).filter(user::Column::UsernameKey.is_not_null());
    if let Some(after) = filter.joined_after {
        query = query.filter(user::Column::CreatedAt.gte(after));
    }
    if let Some(before) = filter.joined_before {
        query = query.filter(user::Column::CreatedAt.lt(before));
    }
    if let Some(search) = &filter.search {
        // Both sides are folded: a database's own `lower` may know no more than ASCII.
        let pattern = format!("%{}%", search.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
        let like = |column: user::Column| column.like(LikeExpr::new(&pattern).escape('\\'));
        query =
            query.filter(Condition::any().add(like(user::Column::UsernameKey)).add(like(user::Column::DisplayNameKey)));
    }
    query
}

/// One page of the directory. The key is the id when newest first, else the folded username.
pub async fn page(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: &Filter,
    order: Order,
    window: &Window<String>,
) -> Result<Vec<user::Model>> {
    let mut query = directory(viewer, filter);
    // "Further down the list" is a smaller id when newest come first, a greater name when sorted by name.
    let descending = (order == Order::Newest) != window.backward;
    for (cursor, behind) in [(&window.after, true), (&window.before, false)] {
        let Some(cursor) = cursor else { continue };
        let smaller = (order == Order::Newest) == behind;
        query = query.filter(match order {
            Order::Newest => {
                let id = UserId::parse(cursor).map_err(|error| Error::invalid("after", error.to_string()))?;
                if smaller { user::Column::Id.lt(id) } else { user::Column::Id.gt(id) }
            }
            Order::Username if smaller => user::Column::UsernameKey.lt(cursor.as_str()),
            Order::Username => user::Column::UsernameKey.gt(cursor.as_str()),
        });
    }
    let column = if order == Order::Newest { user::Column::Id } else { user::Column::UsernameKey };
    let direction = if descending { sea_orm::Order::Desc } else { sea_orm::Order::Asc };
    Ok(query.order_by(column, direction).limit(window.fetch()).all(db).await?)
}

/// How many people the directory shows.
pub async fn count(db: &impl ConnectionTrait, viewer: &Viewer, filter: &Filter) -> Result<i64> {
    Ok(i64::try_from(directory(viewer, filter).count(db).await?).unwrap_or(i64::MAX))
}
