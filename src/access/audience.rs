//! Everybody who listens to the same with the same rights, for whom one execution may do.
//!
//! An audience is nobody in particular. It may be asked for what its people have in common, its [`Rights`]. Whatever else it is asked
//! is noted, because then the answer may not be the same for all: an execution that asked who listens is thrown away, and each of
//! them gets one of their own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use entity::ids::{ConversationId, UserId};

use super::viewer::Viewer;

/// People that may be asked about one by one before an execution counts as personal.
const ABOUT: usize = 8;

/// What all of an audience may: the policy's full answer for what they follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rights {
    /// They are members of this conversation.
    MemberOf(ConversationId),
}

/// An audience, during one execution.
#[derive(Clone, Debug)]
pub struct Audience(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rights: Rights,
    asked: Mutex<Asked>,
}

/// What an execution asked about the people of its audience: for whom of them its result is good.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    is_personal: bool,
    about: Vec<UserId>,
}

impl Audience {
    /// An audience that nothing was asked of yet.
    pub fn new(rights: Rights) -> Self {
        Self(Arc::new(Inner { rights, asked: Mutex::default() }))
    }

    /// What all of them may.
    pub fn rights(&self) -> Rights {
        self.0.rights
    }

    /// Notes that the answer depends on who listens.
    pub fn ask(&self) {
        self.noted().is_personal = true;
    }

    /// Notes that the answer is another one for this person than for the others.
    pub(super) fn ask_about(&self, person: UserId) {
        let mut asked = self.noted();
        if !asked.about.contains(&person) {
            asked.about.push(person);
        }
        asked.is_personal |= asked.about.len() > ABOUT;
    }

    /// What was asked so far.
    pub fn asked(&self) -> Asked {
        self.noted().clone()
    }

    fn noted(&self) -> MutexGuard<'_, Asked> {
        self.0.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asked {
    /// The result is good for nobody but the one it was made for.
    pub fn is_personal(&self) -> bool {
        self.is_personal
    }

    /// The result is good for this viewer.
    pub fn is_good_for(&self, viewer: &Viewer) -> bool {
        !self.is_personal && (self.about.is_empty() || viewer.id().is_some_and(|id| !self.about.contains(&id)))
    }
}

/// Something that depends on who asks: to look at it is to ask.
///
/// What is read for an audience is read as for a stranger among them; where it is looked at, the execution becomes personal. So a row
/// can be shared as long as nothing of it that differs is used.
#[derive(Clone, Debug)]
pub struct Personal<T> {
    value: T,
    audience: Option<Audience>,
}

impl<T> Personal<T> {
    /// What was found out with [`Viewer::one`].
    pub fn of(viewer: &Viewer, value: T) -> Self {
        let audience = match viewer {
            Viewer::Audience(audience) => Some(audience.clone()),
            _ => None,
        };
        Self { value, audience }
    }

    /// The same whoever asks.
    pub fn known(value: T) -> Self {
        Self { value, audience: None }
    }

    /// Looks at it.
    pub fn get(&self) -> &T {
        if let Some(audience) = &self.audience {
            audience.ask();
        }
        &self.value
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::access::{BaseRole, Permission, Person, Roles};

    fn id(number: u128) -> UserId {
        UserId(Uuid::from_u128(number))
    }

    fn person(number: u128) -> Viewer {
        Viewer::Person(Person {
            id: id(number),
            session: entity::ids::SessionId(Uuid::nil()),
            roles: Roles::default(),
            token_version: 0,
            is_freshly_proved: false,
            token_expires_at: chrono::DateTime::UNIX_EPOCH,
            only: None,
        })
    }

    fn asking(ask: impl FnOnce(&Viewer)) -> Asked {
        let audience = Audience::new(Rights::MemberOf(ConversationId(Uuid::nil())));
        ask(&Viewer::Audience(audience.clone()));
        audience.asked()
    }

    #[test]
    fn every_way_of_asking_who_it_is_is_noted() {
        let ways: [fn(&Viewer); 7] = [
            |viewer| assert_eq!(viewer.id(), None),
            |viewer| assert!(viewer.person().is_err()),
            |viewer| assert!(!viewer.has(BaseRole::User)),
            |viewer| assert!(viewer.admin().is_err()),
            |viewer| assert!(viewer.may(Permission::JobsRead).is_err()),
            |viewer| assert!(!viewer.outranks(&Viewer::Anonymous)),
            |viewer| assert!(Personal::of(viewer, true).get()),
        ];
        for (number, ask) in ways.into_iter().enumerate() {
            let asked = asking(ask);
            assert!(asked.is_personal() && !asked.is_good_for(&person(1)), "way {number}");
        }
        let one = asking(|viewer| assert_eq!(viewer.one(), None));
        assert!(one.is_good_for(&person(1)), "what is read in this way is kept in a `Personal`");
        assert!(*Personal::known(true).get());
    }

    #[test]
    fn a_question_about_one_person_leaves_the_others_their_share() {
        let asked = asking(|viewer| assert!(!viewer.is(id(1)) && !viewer.is(id(1))));
        assert!(!asked.is_good_for(&person(1)));
        assert!(asked.is_good_for(&person(2)));
        assert!(!asked.is_good_for(&Viewer::Anonymous), "who knows who that is");
        let many = asking(|viewer| (0..=ABOUT as u128).for_each(|number| assert!(!viewer.is(id(number)))));
        assert!(many.is_personal());
    }
}
