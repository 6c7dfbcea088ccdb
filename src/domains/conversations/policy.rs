//! Who may do what in a conversation. Pure.

use entity::{conversation, conversation::Kind, conversation_member, conversation_member::Role, message};

use super::{
    error::ConversationError as E,
    model::{Place, Seen, Spot, Standing},
};
use crate::{
    access::{Policy, Verdict, Viewer},
    base::error::Error,
};

/// A conversation about to be made.
#[derive(Clone, Debug)]
pub struct Founding {
    /// As it shall be.
    pub row: conversation::Model,
    /// The viewer and somebody who would be in it have blocked each other.
    pub is_blocked: bool,
}

/// A room about to be changed.
#[derive(Clone, Debug)]
pub struct Updating {
    /// Which.
    pub standing: Standing,
    /// Out of a private room it makes a public one.
    pub opens: bool,
}

/// Somebody about to be added, in some role.
#[derive(Clone, Debug)]
pub struct Adding {
    /// To where.
    pub standing: Standing,
    /// As what.
    pub role: Role,
}

/// Somebody about to be removed.
#[derive(Clone, Debug)]
pub struct Removing {
    /// From where.
    pub standing: Standing,
    /// Who.
    pub target: conversation_member::Model,
}

macro_rules! policies {
    ($($(#[$doc:meta])* $verb:ident of $row:ty, else $hidden:expr, by $judge:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $verb;

        impl Policy<$verb> for $row {
            fn verdict(&self, viewer: &Viewer) -> Verdict {
                let judge: fn(&$row, &Viewer) -> Verdict = $judge;
                judge(self, viewer)
            }

            fn hidden(&self) -> Error {
                $hidden.into()
            }
        }
    )*};
}

policies! {
    /// Make a conversation.
    Found of Founding, else E::NotFound, by |founding, viewer| {
        let is_mine = founding.row.creator_id.is_some_and(|creator| viewer.is(creator));
        match (is_mine || matches!(viewer, Viewer::System(_)), founding.is_blocked) {
            (false, _) => Verdict::Hidden,
            (true, true) => refuse(E::Blocked),
            (true, false) => Verdict::Yes,
        }
    };
    /// Say something, or show that one is writing.
    Post of Standing, else E::NotFound, by |standing, viewer| inside(standing, viewer, |_| {
        match standing.conversation.kind {
            Kind::Assistant => refuse(E::WithAssistant),
            Kind::Room | Kind::Direct => talk(standing),
        }
    });
    /// Move one's own marks of what was read and received. A block does not stop them: what was said before it stays there to be read,
    /// and would count as unread for ever.
    Mark of Standing, else E::NotFound, by |standing, viewer| inside(standing, viewer, |_| Verdict::Yes);
    /// Silence it for oneself.
    Mute of Standing, else E::NotFound, by |standing, viewer| inside(standing, viewer, |_| Verdict::Yes);
    /// Change name, description, ceiling, visibility or metadata. What was said in private is opened to strangers by owners only;
    /// closing a room is keeping order.
    Update of Updating, else E::NotFound, by |updating, viewer| not_direct(&updating.standing, viewer, |role| {
        if updating.opens && role < Role::Owner {
            return Verdict::yes_if(false, "Only an owner of the room may make it public.");
        }
        Verdict::yes_if(role >= Role::Moderator, "Only moderators and owners of the room may change it.")
    });
    /// Put it aside, or take it out again.
    Archive of Standing, else E::NotFound, by |standing, viewer| not_direct(standing, viewer, |role| {
        Verdict::yes_if(role == Role::Owner, "Only an owner of the conversation may archive it.")
    });
    /// Take the whole conversation away.
    Delete of Standing, else E::NotFound, by |standing, viewer| not_direct(standing, viewer, |role| {
        Verdict::yes_if(role == Role::Owner, "Only an owner of the conversation may delete it.")
    });
    /// Enter a public room.
    Join of Standing, else E::NotFound, by |standing, viewer| match place(standing, viewer) {
        Place::Outside => Verdict::Hidden,
        Place::Door if standing.is_banned => refuse(E::Banned),
        Place::Door if standing.conversation.archived_at.is_some() => refuse(E::Archived),
        Place::Door | Place::Inside(_) => Verdict::Yes,
    };
    /// Go.
    Leave of Standing, else E::NotFound, by |standing, viewer| room(standing, viewer, |_| Verdict::Yes);
    /// Bring somebody in.
    AddMember of Adding, else E::NotFound, by |adding, viewer| room(&adding.standing, viewer, |role| {
        if adding.role > Role::Member && role < Role::Owner {
            return Verdict::yes_if(false, "Only an owner of the room may add somebody with more rights than a member.");
        }
        match adding.standing.conversation.archived_at {
            Some(_) if role >= Role::Moderator => refuse(E::Archived),
            _ => Verdict::yes_if(role >= Role::Moderator, "Only moderators and owners of the room may add people."),
        }
    });
    /// Give a member another role.
    ChangeMember of Standing, else E::NotFound, by |standing, viewer| room(standing, viewer, |role| {
        Verdict::yes_if(role == Role::Owner, "Only an owner of the room may change roles.")
    });
    /// Show somebody out.
    RemoveMember of Removing, else E::NotFound, by |removing, viewer| room(&removing.standing, viewer, |role| {
        if viewer.is(removing.target.user_id) {
            return refuse(E::RemoveOneself);
        }
        Verdict::yes_if(
            role >= Role::Moderator && removing.target.role < role,
            "Only moderators and owners may remove people, and only those with fewer rights than themselves.",
        )
    });
    /// Correct a message.
    EditMessage of Spot, else E::MessageNotFound, by |spot, viewer| inside(&spot.standing, viewer, |_| {
        match spot.message.sender_id {
            Some(author) if viewer.is(author) => open(spot),
            _ => Verdict::yes_if(false, "Only the author of the message may change it."),
        }
    });
    /// Take a message away.
    DeleteMessage of Spot, else E::MessageNotFound, by |spot, viewer| inside(&spot.standing, viewer, |role| {
        let is_author = spot.message.sender_id.is_some_and(|author| viewer.is(author));
        let keeps_order = role >= Role::Moderator && spot.standing.conversation.kind != Kind::Direct;
        Verdict::yes_if(is_author || keeps_order, "Only the author and moderators may delete the message.")
    });
    /// Pin or unpin a message.
    PinMessage of Spot, else E::MessageNotFound, by |spot, viewer| inside(&spot.standing, viewer, |role| {
        if spot.standing.conversation.kind == Kind::Direct || role >= Role::Moderator {
            open(spot)
        } else {
            Verdict::yes_if(false, "Only moderators and owners of the room may pin messages.")
        }
    });
    /// React to a message.
    React of Spot, else E::MessageNotFound, by |spot, viewer| inside(&spot.standing, viewer, |_| open(spot));
    /// Take one's reaction back.
    Unreact of Spot, else E::MessageNotFound, by |spot, viewer| inside(&spot.standing, viewer, |_| Verdict::Yes);
}

/// Who may read why a message was deleted: whoever keeps order, and whom it was said to, the author. Others in a room need not be told
/// what somebody is reproached with; a direct conversation has nobody else, and no moderators.
pub fn may_know_why(viewer: &Viewer, seen: &Seen, message: &message::Model) -> bool {
    // It depends on the role, which no audience has in common.
    if viewer.id().is_none() {
        return false;
    }
    match Place::of(viewer, &seen.row, seen.member.as_ref()) {
        Place::Outside | Place::Door => false,
        Place::Inside(role) => {
            let is_author = message.sender_id.is_some_and(|author| viewer.is(author));
            is_author || role >= Role::Moderator || seen.row.kind == Kind::Direct
        }
    }
}

fn refuse(error: E) -> Verdict {
    Verdict::No(error.into())
}

fn place(standing: &Standing, viewer: &Viewer) -> Place {
    Place::of(viewer, &standing.conversation, standing.member.as_ref())
}

fn inside(standing: &Standing, viewer: &Viewer, then: impl FnOnce(Role) -> Verdict) -> Verdict {
    match place(standing, viewer) {
        Place::Outside => Verdict::Hidden,
        Place::Door => refuse(E::NotMember),
        Place::Inside(role) => then(role),
    }
}

fn not_direct(standing: &Standing, viewer: &Viewer, then: impl FnOnce(Role) -> Verdict) -> Verdict {
    inside(standing, viewer, |role| match standing.conversation.kind {
        Kind::Direct => refuse(E::DirectIsFixed),
        Kind::Room | Kind::Assistant => then(role),
    })
}

fn room(standing: &Standing, viewer: &Viewer, then: impl FnOnce(Role) -> Verdict) -> Verdict {
    not_direct(standing, viewer, |role| match standing.conversation.kind {
        Kind::Assistant => refuse(E::NotARoom),
        Kind::Room | Kind::Direct => then(role),
    })
}

/// People talk to each other here.
fn talk(standing: &Standing) -> Verdict {
    match (standing.is_blocked, standing.conversation.archived_at) {
        (true, _) => refuse(E::Blocked),
        (false, Some(_)) => refuse(E::Archived),
        (false, None) => Verdict::Yes,
    }
}

/// A message that still stands, where people talk to each other: changing a text or reacting is talking too.
fn open(spot: &Spot) -> Verdict {
    if spot.message.deleted_at.is_some() { refuse(E::Deleted) } else { talk(&spot.standing) }
}

#[cfg(test)]
mod tests;
