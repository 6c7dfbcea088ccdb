//! Conversations and how a viewer stands in them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::{
    conversation::{self, Kind, Visibility},
    conversation_member,
    conversation_member::Role,
    ids::{ConversationId, TypedId, UserId},
};
use sea_orm::{
    ActiveEnum, ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, JoinType,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, RelationDef, Select,
    sea_query::{Expr, ExprTrait, IntoCondition, LikeExpr, OnConflict},
};
use uuid::Uuid;

use crate::{
    access::{Permit, Rights, Viewer},
    base::{error::Result, text::fold},
    domains::{
        conversations::{
            error::ConversationError,
            model::{Seen, Standing, other_of},
            policy::{Archive, Delete, Found, Founding, Update, Updating},
        },
        users,
    },
    graphql::page::Window,
    platform::{
        Tx,
        database::Fetch,
        lean::{by_position, padded, text_cells},
    },
};

text_cells!(Kind, Visibility, Role);
by_position!(conversation::Model {
    id,
    kind,
    name,
    description,
    visibility,
    max_members,
    creator_id,
    direct_key,
    last_seq,
    member_count,
    last_activity_at,
    version,
    archived_at,
    created_at,
    updated_at,
    deleted_at,
    metadata,
    name_key,
});
by_position!(conversation_member::Model {
    conversation_id,
    user_id,
    role,
    joined_at,
    last_read_seq,
    last_delivered_seq,
    muted_until,
    updated_at,
    joined_seq,
});

/// The viewer's own membership of a conversation.
fn membership_of(me: UserId) -> RelationDef {
    conversation::Entity::belongs_to(conversation_member::Entity)
        .from(conversation::Column::Id)
        .to(conversation_member::Column::ConversationId)
        .on_condition(move |_, membership| {
            Expr::col((membership, conversation_member::Column::UserId)).eq(me).into_condition()
        })
        .into()
}

fn is_mine() -> sea_orm::sea_query::SimpleExpr {
    conversation_member::Column::UserId.is_not_null()
}

/// A room that everybody signed in may find. Written out rather than bound: an index of public rooms is taken only by a statement that
/// is about those whatever is bound.
fn is_public() -> Condition {
    let is = |column: conversation::Column, value: String| {
        Expr::col((conversation::Entity, column)).eq(Expr::Constant(value.into()))
    };
    Condition::all()
        .add(is(conversation::Column::Kind, Kind::Room.to_value()))
        .add(is(conversation::Column::Visibility, Visibility::Public.to_value()))
}

/// Conversations the viewer may know of, beside the viewer's membership: those they belong to, and to people public rooms.
/// Administrators see no more than others: what is said in private stays there.
pub fn visible_to(viewer: &Viewer) -> Select<conversation::Entity> {
    let me = viewer.one().unwrap_or(UserId::from_uuid(Uuid::nil()));
    let query = conversation::Entity::find()
        .join(JoinType::LeftJoin, membership_of(me))
        .filter(conversation::Column::DeletedAt.is_null());
    match viewer {
        Viewer::System(_) => query,
        Viewer::Person(_) => query.filter(Condition::any().add(is_mine()).add(is_public())),
        Viewer::Anonymous => query.filter(is_mine()),
        // Which membership it is, `graphql/conversation.rs` asks for.
        Viewer::Audience(audience) => {
            let Rights::MemberOf(theirs) = audience.rights();
            query.filter(conversation::Column::Id.eq(theirs))
        }
    }
}

async fn all(db: &impl Fetch, query: Select<conversation::Entity>) -> Result<Vec<Seen>> {
    let rows: Vec<(conversation::Model, Option<conversation_member::Model>)> =
        db.fetch_all(&query.select_also(conversation_member::Entity)).await?;
    Ok(rows.into_iter().map(|(row, member)| Seen { row, member }).collect())
}

/// One conversation, if the viewer may know of it.
pub async fn find(db: &impl Fetch, viewer: &Viewer, id: ConversationId) -> Result<Option<Seen>> {
    Ok(all(db, visible_to(viewer).filter(conversation::Column::Id.eq(id))).await?.pop())
}

/// Several conversations at once, those the viewer may know of.
pub async fn by_ids(db: &impl Fetch, viewer: &Viewer, ids: &[ConversationId]) -> Result<HashMap<ConversationId, Seen>> {
    let query = visible_to(viewer).filter(conversation::Column::Id.is_in(padded(ids)));
    Ok(all(db, query).await?.into_iter().map(|seen| (seen.row.id, seen)).collect())
}

/// Which conversations a list shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Only of this kind.
    pub kind: Option<Kind>,
    /// Only these.
    pub filter: Filter,
    /// Only with this in their name; folded, as the name is compared.
    pub search: Option<String>,
    /// Those put aside, rather than the others.
    pub archived: bool,
}

/// Which conversations, by how the viewer stands in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Those the viewer belongs to.
    Joined,
    /// Public rooms, joined or not.
    Public,
    /// Those the viewer belongs to and that are not public.
    Private,
    /// Those the viewer owns.
    Owned,
}

fn listed(viewer: &Viewer, listing: &Listing) -> Select<conversation::Entity> {
    use conversation::Column::{Kind as KindColumn, NameKey, Visibility as VisibilityColumn};
    let mut query = visible_to(viewer);
    // By whose they are rather than by whether there is anybody: so SQLite begins with the viewer's few rows and not with every room.
    let me = viewer.id().unwrap_or(UserId::from_uuid(Uuid::nil()));
    let joined = conversation_member::Column::UserId.eq(me);
    query = match listing.filter {
        Filter::Joined => query.filter(joined),
        Filter::Public => query.filter(is_public()),
        Filter::Private => query.filter(joined).filter(VisibilityColumn.eq(Visibility::Private)),
        Filter::Owned => query.filter(conversation_member::Column::Role.eq(Role::Owner)),
    };
    let archived_at = conversation::Column::ArchivedAt;
    query = query.filter(if listing.archived { archived_at.is_not_null() } else { archived_at.is_null() });
    if let Some(kind) = listing.kind {
        query = query.filter(KindColumn.eq(kind));
    }
    if let Some(search) = &listing.search {
        // Both sides are folded: a database's own `lower` may know no more than ASCII.
        let pattern = format!("%{}%", search.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
        query = query.filter(NameKey.like(LikeExpr::new(pattern).escape('\\')));
    }
    query
}

/// Where a conversation stands in the list of them: newest activity first.
pub type Recency = (DateTime<Utc>, ConversationId);

fn listed_between(viewer: &Viewer, listing: &Listing, window: &Window<Recency>) -> Select<conversation::Entity> {
    use conversation::Column::{Id, LastActivityAt};
    let mut query = listed(viewer, listing);
    if let Some((at, id)) = window.after {
        let tie = LastActivityAt.eq(at).and(Id.lt(id));
        query = query.filter(Condition::any().add(LastActivityAt.lt(at)).add(tie));
    }
    if let Some((at, id)) = window.before {
        let tie = LastActivityAt.eq(at).and(Id.gt(id));
        query = query.filter(Condition::any().add(LastActivityAt.gt(at)).add(tie));
    }
    let direction = if window.backward { sea_orm::Order::Asc } else { sea_orm::Order::Desc };
    query.order_by(LastActivityAt, direction.clone()).order_by(Id, direction).limit(window.fetch())
}

/// One page of conversations, most recently active first.
pub async fn page(db: &impl Fetch, viewer: &Viewer, listing: &Listing, window: &Window<Recency>) -> Result<Vec<Seen>> {
    all(db, listed_between(viewer, listing, window)).await
}

/// How many conversations a list has.
pub async fn count(db: &impl ConnectionTrait, viewer: &Viewer, listing: &Listing) -> Result<i64> {
    Ok(i64::try_from(listed(viewer, listing).count(db).await?).unwrap_or(i64::MAX))
}

/// How the viewer stands in a conversation that was read.
pub(super) async fn standing(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    conversation: conversation::Model,
) -> Result<Standing> {
    let Some(me) = viewer.id() else {
        return Ok(Standing { conversation, member: None, is_blocked: false, is_banned: false });
    };
    let member = super::member(db, conversation.id, me).await?;
    let is_blocked = match other_of(&conversation, me).filter(|_| member.is_some()) {
        Some(other) => !users::blocked_between(db, me, &[other]).await?.is_empty(),
        None => false,
    };
    let is_banned = member.is_none() && super::is_banned(db, conversation.id, me).await?;
    Ok(Standing { conversation, member, is_blocked, is_banned })
}

/// How the viewer stands in a conversation, for what writes nothing.
pub async fn look(db: &impl ConnectionTrait, viewer: &Viewer, id: ConversationId) -> Result<Standing> {
    let query = conversation::Entity::find_by_id(id).filter(conversation::Column::DeletedAt.is_null());
    let row = query.one(db).await?.ok_or(ConversationError::NotFound)?;
    standing(db, viewer, row).await
}

/// Locks a conversation, the first statement of every write on it, and says how the viewer stands in it.
pub async fn lock(tx: &Tx, viewer: &Viewer, id: ConversationId) -> Result<Standing> {
    let query = conversation::Entity::find_by_id(id).filter(conversation::Column::DeletedAt.is_null());
    let row = tx.lock(&id, query).await?.ok_or(ConversationError::NotFound)?;
    standing(tx, viewer, row).await
}

/// Characters of a folded name that are kept.
const NAME_KEY: usize = 400;

fn fold_name(row: &mut conversation::Model) {
    // Folding writes some characters out, up to eighteen for one; a search need not see the end of such a name.
    row.name_key = row.name.as_deref().map(|name| fold(name).chars().take(NAME_KEY).collect());
}

/// Writes a new conversation. `None` when the two people of a direct one have one already.
pub async fn insert(tx: &Tx, permit: Permit<Found, Founding>) -> Result<Option<conversation::Model>> {
    let mut row = permit.into_row().row;
    fold_name(&mut row);
    let once = OnConflict::column(conversation::Column::DirectKey).do_nothing().to_owned();
    let insert = conversation::Entity::insert(row.clone().into_active_model()).on_conflict(once);
    Ok((insert.exec_without_returning(tx).await? == 1).then_some(row))
}

/// The direct conversation of a pair.
pub async fn by_direct_key(db: &impl Fetch, viewer: &Viewer, key: &str) -> Result<Option<Seen>> {
    Ok(all(db, visible_to(viewer).filter(conversation::Column::DirectKey.eq(key))).await?.pop())
}

/// Writes a locked conversation as it shall be.
pub(super) async fn save(tx: &Tx, mut row: conversation::Model) -> Result<conversation::Model> {
    row.updated_at = tx.now();
    Ok(row.into_active_model().reset_all().update(tx).await?)
}

/// Changes what a conversation is called and whom it takes: writes it as it shall be.
pub async fn update(tx: &Tx, permit: Permit<Update, Updating>, mut conversation: conversation::Model) -> Result<Seen> {
    let member = permit.into_row().standing.member;
    fold_name(&mut conversation);
    conversation.version += 1;
    Ok(Seen { row: save(tx, conversation).await?, member })
}

/// Puts a conversation aside, or takes it out again.
pub async fn set_archived(tx: &Tx, permit: Permit<Archive, Standing>, archived: bool) -> Result<Seen> {
    let Standing { mut conversation, member, .. } = permit.into_row();
    conversation.archived_at = archived.then(|| tx.now());
    conversation.version += 1;
    Ok(Seen { row: save(tx, conversation).await?, member })
}

/// Takes a conversation away; its rows go later.
pub async fn delete(tx: &Tx, permit: Permit<Delete, Standing>) -> Result<()> {
    let mut row = permit.into_row().conversation;
    row.deleted_at = Some(tx.now());
    save(tx, row).await.map(drop)
}

/// Takes a conversation away that its last member has left under the lock.
pub async fn delete_empty(tx: &Tx, left: Seen) -> Result<Seen> {
    debug_assert_eq!(left.row.member_count, 0, "only an empty conversation goes by itself");
    let mut row = left.row;
    row.deleted_at = Some(tx.now());
    Ok(Seen { row: save(tx, row).await?, member: None })
}

#[cfg(test)]
mod tests;
