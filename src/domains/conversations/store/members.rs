//! Who belongs to what.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use entity::{
    conversation, conversation_ban,
    conversation_member::{Column, Entity, Model, Role},
    ids::{ConversationId, UserId},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, sea_query::OnConflict,
};

use super::{rooms::save, top::Top};
use crate::{
    access::Permit,
    base::error::Result,
    domains::conversations::{
        model::{Seen, Standing},
        policy::{AddMember, Adding, ChangeMember, Join, Leave, Mute, RemoveMember, Removing},
    },
    graphql::page::Window,
    platform::{Tx, database::Fetch},
};

/// Somebody's membership.
pub async fn member(db: &impl ConnectionTrait, conversation: ConversationId, user: UserId) -> Result<Option<Model>> {
    Ok(Entity::find_by_id((conversation, user)).one(db).await?)
}

/// Every conversation somebody belongs to, deleted ones included: the topics of an inbox, which must hear of the deletion.
pub async fn conversations_of(db: &impl ConnectionTrait, user: UserId) -> Result<Vec<ConversationId>> {
    let query = Entity::find().select_only().column(Column::ConversationId).filter(Column::UserId.eq(user));
    Ok(query.into_tuple().all(db).await?)
}

/// Those of some people who are members.
pub async fn among(
    db: &impl ConnectionTrait,
    conversation: ConversationId,
    users: impl Iterator<Item = UserId>,
) -> Result<HashSet<UserId>> {
    let query = Entity::find().select_only().column(Column::UserId).filter(Column::ConversationId.eq(conversation));
    let found: Vec<UserId> = query.filter(Column::UserId.is_in(users)).into_tuple().all(db).await?;
    Ok(found.into_iter().collect())
}

/// How many owners a conversation has.
pub async fn owners(db: &impl ConnectionTrait, conversation: ConversationId) -> Result<u64> {
    let query = Entity::find().filter(Column::ConversationId.eq(conversation));
    Ok(query.filter(Column::Role.eq(Role::Owner)).count(db).await?)
}

/// The longest-standing owner of each of several conversations.
pub async fn first_owners(
    db: &impl Fetch,
    conversations: &[ConversationId],
) -> Result<HashMap<ConversationId, UserId>> {
    let query = Entity::find().filter(Column::ConversationId.is_in(conversations.iter().copied()));
    let query = query.filter(Column::Role.eq(Role::Owner)).order_by_desc(Column::JoinedAt);
    let rows: Vec<Model> = db.fetch_all(&query).await?;
    Ok(rows.into_iter().map(|row| (row.conversation_id, row.user_id)).collect())
}

/// Where a member stands in the list of them: in the order of joining.
pub type Joining = (DateTime<Utc>, UserId);

/// One page of members, longest-standing first.
pub async fn members_page(
    db: &impl ConnectionTrait,
    conversation: ConversationId,
    role: Option<Role>,
    window: &Window<Joining>,
) -> Result<Vec<Model>> {
    let mut query = Entity::find().filter(Column::ConversationId.eq(conversation));
    if let Some(role) = role {
        query = query.filter(Column::Role.eq(role));
    }
    if let Some((at, id)) = window.after {
        let tie = Condition::all().add(Column::JoinedAt.eq(at)).add(Column::UserId.gt(id));
        query = query.filter(Condition::any().add(Column::JoinedAt.gt(at)).add(tie));
    }
    if let Some((at, id)) = window.before {
        let tie = Condition::all().add(Column::JoinedAt.eq(at)).add(Column::UserId.lt(id));
        query = query.filter(Condition::any().add(Column::JoinedAt.lt(at)).add(tie));
    }
    let direction = if window.backward { sea_orm::Order::Desc } else { sea_orm::Order::Asc };
    let query = query.order_by(Column::JoinedAt, direction.clone()).order_by(Column::UserId, direction);
    Ok(query.limit(window.fetch()).all(db).await?)
}

/// The first page of members of each of several conversations, in one statement; each as [`members_page`] would give it.
pub async fn members_of_each(
    db: &impl Fetch,
    conversations: &[ConversationId],
    role: Option<Role>,
    window: &Window<Joining>,
) -> Result<HashMap<ConversationId, Vec<Model>>> {
    let top = Top {
        table: "conversation_members",
        parent: "conversation_id",
        also: match role {
            None => "",
            Some(Role::Member) => " AND x.role = 'MEMBER'",
            Some(Role::Moderator) => " AND x.role = 'MODERATOR'",
            Some(Role::Owner) => " AND x.role = 'OWNER'",
        },
        order: if window.backward { "x.joined_at DESC, x.user_id DESC" } else { "x.joined_at, x.user_id" },
    };
    let statement =
        top.of_each::<Model>(db.get_database_backend(), conversations.iter().map(|id| id.0), window.fetch());
    let mut rows: Vec<Model> = db.fetch(statement).await?;
    rows.sort_by_key(|row| (row.joined_at, row.user_id));
    if window.backward {
        rows.reverse();
    }
    let mut pages: HashMap<ConversationId, Vec<Model>> = HashMap::new();
    for row in rows {
        pages.entry(row.conversation_id).or_default().push(row);
    }
    Ok(pages)
}

/// How many members of one role (or all) each of several conversations has.
pub async fn member_counts(
    db: &impl ConnectionTrait,
    conversations: &[ConversationId],
    role: Role,
) -> Result<HashMap<ConversationId, i64>> {
    let query =
        Entity::find().select_only().column(Column::ConversationId).column_as(Column::UserId.count(), "members");
    let query = query.filter(Column::ConversationId.is_in(conversations.iter().copied())).filter(Column::Role.eq(role));
    let rows: Vec<(ConversationId, i64)> = query.group_by(Column::ConversationId).into_tuple().all(db).await?;
    Ok(rows.into_iter().collect())
}

/// A membership that begins now, with everything said before counted as read.
pub fn new_member(tx: &Tx, conversation: &conversation::Model, user: UserId, role: Role) -> Model {
    Model {
        conversation_id: conversation.id,
        user_id: user,
        role,
        joined_at: tx.now(),
        last_read_seq: conversation.last_seq,
        last_delivered_seq: conversation.last_seq,
        muted_until: None,
        updated_at: tx.now(),
        joined_seq: conversation.last_seq,
    }
}

/// Writes the first members of a conversation that this write has made.
pub async fn insert_first_members(tx: &Tx, rows: &[Model]) -> Result<()> {
    let rows = rows.iter().map(|row| row.clone().into_active_model());
    Entity::insert_many(rows).exec_without_returning(tx).await?;
    Ok(())
}

async fn insert(
    tx: &Tx,
    mut conversation: conversation::Model,
    user: UserId,
    role: Role,
) -> Result<(conversation::Model, Model)> {
    let row = new_member(tx, &conversation, user, role);
    Entity::insert(row.clone().into_active_model()).exec_without_returning(tx).await?;
    conversation.member_count += 1;
    Ok((save(tx, conversation).await?, row))
}

async fn delete(tx: &Tx, mut conversation: conversation::Model, user: UserId) -> Result<conversation::Model> {
    Entity::delete_by_id((conversation.id, user)).exec(tx).await?;
    conversation.member_count -= 1;
    save(tx, conversation).await
}

/// The viewer enters.
pub async fn join(tx: &Tx, permit: Permit<Join, Standing>, me: UserId) -> Result<Seen> {
    let (row, member) = insert(tx, permit.into_row().conversation, me, Role::Member).await?;
    Ok(Seen { row, member: Some(member) })
}

/// Whether somebody was shown out of a conversation.
pub async fn is_banned(db: &impl ConnectionTrait, conversation: ConversationId, user: UserId) -> Result<bool> {
    Ok(conversation_ban::Entity::find_by_id((conversation, user)).count(db).await? > 0)
}

/// Somebody is brought in; what had shown them out is forgotten.
pub async fn add(tx: &Tx, permit: Permit<AddMember, Adding>, user: UserId) -> Result<(Seen, Model)> {
    let Adding { standing, role } = permit.into_row();
    conversation_ban::Entity::delete_by_id((standing.conversation.id, user)).exec(tx).await?;
    let (row, added) = insert(tx, standing.conversation, user, role).await?;
    Ok((Seen { row, member: standing.member }, added))
}

/// The viewer goes, others stay.
pub async fn leave(tx: &Tx, permit: Permit<Leave, Standing>, me: UserId) -> Result<Seen> {
    Ok(Seen { row: delete(tx, permit.into_row().conversation, me).await?, member: None })
}

/// Somebody is shown out, and kept out until they are brought back.
pub async fn remove(tx: &Tx, permit: Permit<RemoveMember, Removing>, by: Option<UserId>) -> Result<Seen> {
    let Removing { standing, target } = permit.into_row();
    let ban = conversation_ban::Model {
        conversation_id: target.conversation_id,
        user_id: target.user_id,
        banned_by: by,
        created_at: tx.now(),
    };
    let once = OnConflict::columns([conversation_ban::Column::ConversationId, conversation_ban::Column::UserId])
        .do_nothing()
        .to_owned();
    conversation_ban::Entity::insert(ban.into_active_model()).on_conflict(once).exec_without_returning(tx).await?;
    Ok(Seen { row: delete(tx, standing.conversation, target.user_id).await?, member: standing.member })
}

/// Gives a member another role.
pub async fn change_role(
    tx: &Tx,
    permit: &Permit<ChangeMember, Standing>,
    mut target: Model,
    role: Role,
) -> Result<Model> {
    debug_assert_eq!(permit.row().conversation.id, target.conversation_id, "the permit is for this conversation");
    target.role = role;
    target.updated_at = tx.now();
    Ok(target.into_active_model().reset_all().update(tx).await?)
}

/// Silences a conversation for the viewer, until then or no longer. `None` for the system, which has no membership.
pub async fn mute(tx: &Tx, permit: &Permit<Mute, Standing>, until: Option<DateTime<Utc>>) -> Result<Option<Model>> {
    let Some(mut member) = permit.row().member.clone() else { return Ok(None) };
    member.muted_until = until;
    Ok(Some(save_member(tx, member).await?))
}

pub(super) async fn save_member(tx: &Tx, mut row: Model) -> Result<Model> {
    row.updated_at = tx.now();
    Ok(row.into_active_model().reset_all().update(tx).await?)
}
