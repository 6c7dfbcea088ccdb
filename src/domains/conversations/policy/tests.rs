//! The table of who may do what, by role and kind of conversation.

use chrono::{DateTime, Utc};
use entity::{
    conversation::{self, Visibility},
    ids::{ConversationId, MessageId, SessionId, UserId},
    message,
};
use uuid::Uuid;

use super::*;
use crate::{
    access::{Person, Roles},
    base::error::Code,
};

const AT: DateTime<Utc> = DateTime::UNIX_EPOCH;
const ME: UserId = UserId(Uuid::from_u128(1));
const OTHER: UserId = UserId(Uuid::from_u128(2));
const HERE: ConversationId = ConversationId(Uuid::from_u128(9));

fn viewer() -> Viewer {
    Viewer::Person(Person {
        id: ME,
        session: SessionId(Uuid::nil()),
        token_version: 0,
        roles: Roles::default(),
        is_freshly_proved: true,
        token_expires_at: AT,
        only: None,
    })
}

fn member(user_id: UserId, role: Role) -> conversation_member::Model {
    conversation_member::Model {
        conversation_id: HERE,
        user_id,
        role,
        joined_at: AT,
        last_read_seq: 0,
        last_delivered_seq: 0,
        muted_until: None,
        updated_at: AT,
        joined_seq: 0,
    }
}

fn standing(kind: Kind, visibility: Visibility, role: Option<Role>) -> Standing {
    let conversation = conversation::Model {
        id: HERE,
        kind,
        name: None,
        description: None,
        visibility,
        max_members: 50,
        creator_id: None,
        direct_key: None,
        last_seq: 0,
        member_count: 1,
        last_activity_at: AT,
        version: 1,
        archived_at: None,
        created_at: AT,
        updated_at: AT,
        deleted_at: None,
        metadata: serde_json::json!({}),
        name_key: None,
    };
    Standing { conversation, member: role.map(|role| member(ME, role)), is_blocked: false, is_banned: false }
}

fn updating(standing: &Standing, opens: bool) -> Updating {
    Updating { standing: standing.clone(), opens }
}

fn spot(standing: Standing, sender: UserId) -> Spot {
    let message = message::Model {
        id: MessageId(Uuid::from_u128(5)),
        conversation_id: HERE,
        seq: 1,
        sender_id: Some(sender),
        role: message::Role::User,
        message_type: message::Type::Text,
        content: "hello".into(),
        reply_to_id: None,
        thread_count: 0,
        client_id: None,
        mentions: serde_json::json!([]),
        metadata: serde_json::json!({}),
        edit_count: 0,
        edited_at: None,
        pinned_at: None,
        pinned_by: None,
        deleted_at: None,
        deleted_by: None,
        deletion_reason: None,
        version: 1,
        created_at: AT,
        updated_at: AT,
    };
    Spot { standing, message }
}

/// The answer as a word: `yes`, `hidden`, or the code of the refusal.
fn word<V, R: Policy<V>>(row: &R, viewer: &Viewer) -> &'static str {
    match row.verdict(viewer) {
        Verdict::Yes => "yes",
        Verdict::Hidden => "hidden",
        Verdict::No(error) => error.code().as_str(),
    }
}

const ROLES: [Option<Role>; 4] = [None, Some(Role::Member), Some(Role::Moderator), Some(Role::Owner)];

#[test]
fn a_private_room_is_hidden_from_outsiders_and_a_public_one_is_closed_to_them() {
    let denied = Code::PermissionDenied.as_str();
    for (visibility, outside, joining) in
        [(Visibility::Private, "hidden", "hidden"), (Visibility::Public, denied, "yes")]
    {
        let room = standing(Kind::Room, visibility, None);
        assert_eq!(word::<Post, _>(&room, &viewer()), outside);
        assert_eq!(word::<Update, _>(&updating(&room, false), &viewer()), outside);
        assert_eq!(word::<Delete, _>(&room, &viewer()), outside);
        assert_eq!(word::<Leave, _>(&room, &viewer()), outside);
        assert_eq!(word::<Join, _>(&room, &viewer()), joining);
        assert_eq!(word::<React, _>(&spot(room.clone(), OTHER), &viewer()), outside);
        assert_eq!(word::<Join, _>(&room, &Viewer::Anonymous), "hidden");
    }
}

#[test]
fn rights_in_a_room_grow_with_the_role() {
    let (yes, no) = ("yes", Code::PermissionDenied.as_str());
    let table = ROLES.map(|role| {
        let room = standing(Kind::Room, Visibility::Public, role);
        let adding = |role| Adding { standing: room.clone(), role };
        let removing = |role| Removing { standing: room.clone(), target: member(OTHER, role) };
        [
            word::<Post, _>(&room, &viewer()),
            word::<Update, _>(&updating(&room, false), &viewer()),
            word::<Update, _>(&updating(&room, true), &viewer()),
            word::<Archive, _>(&room, &viewer()),
            word::<Mute, _>(&room, &viewer()),
            word::<Delete, _>(&room, &viewer()),
            word::<ChangeMember, _>(&room, &viewer()),
            word::<AddMember, _>(&adding(Role::Member), &viewer()),
            word::<AddMember, _>(&adding(Role::Moderator), &viewer()),
            word::<RemoveMember, _>(&removing(Role::Member), &viewer()),
            word::<RemoveMember, _>(&removing(Role::Moderator), &viewer()),
            word::<RemoveMember, _>(&removing(Role::Owner), &viewer()),
            word::<PinMessage, _>(&spot(room.clone(), OTHER), &viewer()),
            word::<DeleteMessage, _>(&spot(room.clone(), OTHER), &viewer()),
            word::<EditMessage, _>(&spot(room.clone(), OTHER), &viewer()),
            word::<EditMessage, _>(&spot(room.clone(), ME), &viewer()),
        ]
    });
    assert_eq!(table[0], [no; 16]);
    assert_eq!(table[1], [yes, no, no, no, yes, no, no, no, no, no, no, no, no, no, no, yes]);
    assert_eq!(table[2], [yes, yes, no, no, yes, no, no, yes, no, yes, no, no, yes, yes, no, yes]);
    assert_eq!(table[3], [yes, yes, yes, yes, yes, yes, yes, yes, yes, yes, yes, no, yes, yes, no, yes]);
}

#[test]
fn a_direct_conversation_is_fixed_and_shut_by_a_block() {
    let (rule, blocked) = (Code::BusinessRuleViolation.as_str(), Code::UserBlocked.as_str());
    let mut direct = standing(Kind::Direct, Visibility::Private, Some(Role::Member));
    assert_eq!(word::<Post, _>(&direct, &viewer()), "yes");
    assert_eq!(word::<PinMessage, _>(&spot(direct.clone(), OTHER), &viewer()), "yes");
    assert_eq!(word::<DeleteMessage, _>(&spot(direct.clone(), OTHER), &viewer()), Code::PermissionDenied.as_str());
    assert_eq!(word::<Update, _>(&updating(&direct, false), &viewer()), rule);
    assert_eq!(word::<Delete, _>(&direct, &viewer()), rule);
    assert_eq!(word::<Leave, _>(&direct, &viewer()), rule);
    assert_eq!(word::<AddMember, _>(&Adding { standing: direct.clone(), role: Role::Member }, &viewer()), rule);
    direct.is_blocked = true;
    assert_eq!(word::<Post, _>(&direct, &viewer()), blocked);
    assert_eq!(word::<EditMessage, _>(&spot(direct.clone(), ME), &viewer()), blocked);
    assert_eq!(word::<React, _>(&spot(direct.clone(), OTHER), &viewer()), blocked);
    assert_eq!(word::<DeleteMessage, _>(&spot(direct.clone(), ME), &viewer()), "yes");
    assert_eq!(word::<Mark, _>(&direct, &viewer()), "yes");
}

#[test]
fn who_was_shown_out_comes_back_only_when_brought() {
    let mut room = standing(Kind::Room, Visibility::Public, None);
    room.is_banned = true;
    assert_eq!(word::<Join, _>(&room, &viewer()), Code::PermissionDenied.as_str());
    room.conversation.visibility = Visibility::Private;
    assert_eq!(word::<Join, _>(&room, &viewer()), "hidden");
}

#[test]
fn nothing_is_added_to_an_archived_room() {
    let rule = Code::BusinessRuleViolation.as_str();
    let mut room = standing(Kind::Room, Visibility::Public, Some(Role::Owner));
    room.conversation.archived_at = Some(AT);
    assert_eq!(word::<Post, _>(&room, &viewer()), rule);
    assert_eq!(word::<EditMessage, _>(&spot(room.clone(), ME), &viewer()), rule);
    assert_eq!(word::<React, _>(&spot(room.clone(), OTHER), &viewer()), rule);
    assert_eq!(word::<PinMessage, _>(&spot(room.clone(), OTHER), &viewer()), rule);
    assert_eq!(word::<AddMember, _>(&Adding { standing: room.clone(), role: Role::Member }, &viewer()), rule);
    for allowed in [
        word::<Mark, _>(&room, &viewer()),
        word::<Leave, _>(&room, &viewer()),
        word::<Archive, _>(&room, &viewer()),
        word::<DeleteMessage, _>(&spot(room.clone(), OTHER), &viewer()),
        word::<Unreact, _>(&spot(room.clone(), OTHER), &viewer()),
    ] {
        assert_eq!(allowed, "yes");
    }
    room.member = None;
    assert_eq!(word::<Join, _>(&room, &viewer()), rule);
}

#[test]
fn a_conversation_is_made_for_oneself_with_people_one_talks_to() {
    let mut row = standing(Kind::Room, Visibility::Private, None).conversation;
    let founding = |row: &conversation::Model, is_blocked| Founding { row: row.clone(), is_blocked };
    assert_eq!(word::<Found, _>(&founding(&row, false), &viewer()), "hidden");
    row.creator_id = Some(ME);
    assert_eq!(word::<Found, _>(&founding(&row, false), &viewer()), "yes");
    assert_eq!(word::<Found, _>(&founding(&row, true), &viewer()), Code::UserBlocked.as_str());
    assert_eq!(word::<Found, _>(&founding(&row, false), &Viewer::Anonymous), "hidden");
}

#[test]
fn why_a_message_was_deleted_is_for_its_author_and_who_keeps_order() {
    let table = |kind: Kind, sender: UserId| {
        ROLES.map(|role| {
            let spot = spot(standing(kind, Visibility::Public, role), sender);
            may_know_why(&viewer(), &spot.standing.into_seen(), &spot.message)
        })
    };
    assert_eq!(table(Kind::Room, OTHER), [false, false, true, true]);
    assert_eq!(table(Kind::Room, ME), [false, true, true, true]);
    assert_eq!(table(Kind::Direct, OTHER), [false, true, true, true]);
}

#[test]
fn a_membership_of_somebody_else_opens_nothing() {
    let mut room = standing(Kind::Room, Visibility::Private, None);
    room.member = Some(member(OTHER, Role::Owner));
    assert_eq!(word::<Post, _>(&room, &viewer()), "hidden");
}
