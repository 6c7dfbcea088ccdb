//! Making a room.

use entity::{
    conversation::{self, Kind, Visibility},
    conversation_member::Role,
    ids::UserId,
};

use crate::{
    access::Op,
    base::{
        error::{Error, Result},
        text::Checks,
    },
    domains::{
        conversations::{
            error::ConversationError,
            events::InboxEvent,
            model::{DEFAULT_CEILING, FIRST_MEMBERS, Seen, check_metadata},
            policy::{Found, Founding},
            store,
        },
        users,
    },
};

/// A room to be made.
#[derive(Clone, Debug)]
pub struct NewRoom {
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Who may find it.
    pub visibility: Visibility,
    /// How many it takes.
    pub max_members: Option<i32>,
    /// Who comes along, besides the maker.
    pub member_ids: Vec<UserId>,
    /// What a front end wants kept with it.
    pub metadata: Option<serde_json::Value>,
}

/// Makes a room; the viewer becomes its owner, the others members.
///
/// # Errors
/// VALIDATION_FAILED, BUSINESS_RULE_VIOLATION when more come along than fit, USER_BLOCKED when the viewer and one of them have
/// blocked each other.
pub async fn create_room(op: &Op, new: NewRoom) -> Result<Seen> {
    let me = op.viewer.person()?.id;
    let mut checks = Checks::new();
    let name = checks.text("name", &new.name, 1, 255);
    let description = checks.optional_lines("description", new.description.as_deref(), 2000);
    let max_members = new.max_members.unwrap_or(DEFAULT_CEILING);
    check_ceiling(&mut checks, max_members, op.config.limits.room_members);
    if let Some(metadata) = &new.metadata {
        check_metadata(&mut checks, metadata);
    }
    let mut others = new.member_ids;
    others.sort_unstable();
    others.dedup();
    others.retain(|id| *id != me);
    if others.len() > FIRST_MEMBERS {
        checks.fault("memberIds", format!("takes at most {FIRST_MEMBERS} people"));
    }
    checks.finish()?;
    let member_count = i32::try_from(others.len() + 1).unwrap_or(i32::MAX);
    if member_count > max_members {
        return Err(ConversationError::Full.into());
    }
    op.write(async |tx| {
        let mut is_blocked = false;
        if !others.is_empty() {
            let known = users::by_ids(tx, &others).await?;
            if known.len() < others.len() {
                return Err(Error::invalid("input.memberIds", "names somebody who does not exist"));
            }
            is_blocked = !users::blocked_between(tx, me, &others).await?.is_empty();
        }
        let row = conversation::Model {
            id: tx.new_id(),
            kind: Kind::Room,
            name: Some(name),
            description,
            visibility: new.visibility,
            max_members,
            creator_id: Some(me),
            direct_key: None,
            last_seq: 0,
            member_count,
            last_activity_at: tx.now(),
            version: 1,
            archived_at: None,
            created_at: tx.now(),
            updated_at: tx.now(),
            deleted_at: None,
            metadata: new.metadata.unwrap_or_else(|| serde_json::json!({})),
            name_key: None,
        };
        let permit = op.permit::<Found, _>(Founding { row, is_blocked })?;
        let row = store::insert(tx, permit).await?.ok_or_else(|| Error::internal("a room has no key to share"))?;
        let owner = store::new_member(tx, &row, me, Role::Owner);
        let mut members = vec![owner.clone()];
        members.extend(others.iter().map(|id| store::new_member(tx, &row, *id, Role::Member)));
        store::insert_first_members(tx, &members).await?;
        for member in &members {
            tx.emit(InboxEvent::Added { user: member.user_id, conversation: row.id });
        }
        Ok(Seen { row, member: Some(owner) })
    })
    .await
}

pub(super) fn check_ceiling(checks: &mut Checks, ceiling: i32, max: i32) {
    if !(2..=max).contains(&ceiling) {
        checks.fault("maxMembers", format!("takes 2 to {max}"));
    }
}
