//! Who asks. Made in one place, from a checked token; jobs and commands say by name which part of the system they are.

use chrono::{DateTime, Utc};
use entity::ids::{SessionId, UserId};

use super::audience::Audience;
use crate::base::error::{Code, Error, Result};

/// A role every installation knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BaseRole {
    /// Everybody.
    User,
    /// May publish.
    Creator,
    /// Keeps order.
    Moderator,
    /// Runs the place.
    Admin,
}

impl BaseRole {
    /// All of them, in order of rights.
    pub const ALL: [Self; 4] = [Self::User, Self::Creator, Self::Moderator, Self::Admin];

    /// The name of the role's row and in tokens.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "USER",
            Self::Creator => "CREATOR",
            Self::Moderator => "MODERATOR",
            Self::Admin => "ADMIN",
        }
    }
}

/// Something a role may be given to allow. Administrators may do all of it. Only what the server asks for is listed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// See background jobs and why they failed.
    JobsRead,
    /// Run failed background jobs again.
    JobsRetry,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::JobsRead, Self::JobsRetry];

    /// The name of the permission's row.
    pub fn name(self) -> &'static str {
        match self {
            Self::JobsRead => "jobs:read",
            Self::JobsRetry => "jobs:retry",
        }
    }
}

/// The base roles a person holds, and what all their roles allow; everybody holds `User`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Roles {
    base: u8,
    allowed: u32,
}

impl Roles {
    /// Holds this role.
    pub fn has(self, role: BaseRole) -> bool {
        role == BaseRole::User || self.base & (1 << role as u8) != 0
    }

    /// Allows this.
    pub fn allow(self, permission: Permission) -> bool {
        self.allowed & (1 << permission as u32) != 0
    }

    /// Adds a role.
    #[must_use]
    pub fn with(self, role: BaseRole) -> Self {
        Self { base: self.base | (1 << role as u8), ..self }
    }

    /// Adds a permission.
    #[must_use]
    pub fn allowing(self, permission: Permission) -> Self {
        Self { allowed: self.allowed | (1 << permission as u32), ..self }
    }

    /// The highest role held.
    pub fn highest(self) -> BaseRole {
        BaseRole::ALL.into_iter().rev().find(|role| self.has(*role)).unwrap_or(BaseRole::User)
    }

    /// From the names of granted roles and of what they allow; other names are skipped. The two cannot be mistaken for each other:
    /// only a permission's name has a colon.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        names.into_iter().fold(Self::default(), |roles, name| {
            let role = BaseRole::ALL.into_iter().find(|role| role.name() == name);
            let permission = Permission::ALL.into_iter().find(|permission| permission.name() == name);
            let roles = role.map_or(roles, |role| roles.with(role));
            permission.map_or(roles, |permission| roles.allowing(permission))
        })
    }
}

/// What a token is good for that is good for one thing only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenScope {
    /// Fetching media.
    Stream,
    /// Following: sockets and event streams.
    Chat,
}

impl TokenScope {
    /// Its name in tokens.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Chat => "chat",
        }
    }
}

/// A signed-in person.
#[derive(Clone, Debug)]
pub struct Person {
    /// Who.
    pub id: UserId,
    /// By which sign-in.
    pub session: SessionId,
    /// What they hold.
    pub roles: Roles,
    /// The account's token version the token was issued for.
    pub token_version: i32,
    /// Gave proof recently enough for dangerous actions: today a password, once it exists a second factor.
    pub is_freshly_proved: bool,
    /// When the access token ends.
    pub token_expires_at: DateTime<Utc>,
    /// The one thing the token is good for; `None` for an access token, which is good for everything.
    pub only: Option<TokenScope>,
}

/// Who asks.
#[derive(Clone, Debug)]
pub enum Viewer {
    /// Nobody we know.
    Anonymous,
    /// A person.
    Person(Person),
    /// A part of the system itself, by name.
    System(&'static str),
    /// Everybody who listens to the same with the same rights. To be asked who that is, makes the execution personal.
    Audience(Audience),
}

impl Viewer {
    /// The person, or `UNAUTHENTICATED`.
    #[track_caller]
    pub fn person(&self) -> Result<&Person> {
        match self {
            Self::Person(person) => Ok(person),
            _ => {
                self.ask();
                Err(Error::unauthenticated())
            }
        }
    }

    /// The person's id, if there is one.
    pub fn id(&self) -> Option<UserId> {
        self.ask();
        self.one()
    }

    /// The person's id, for a read that is the same for all of an audience but for what goes into a
    /// [`Personal`](super::audience::Personal).
    pub fn one(&self) -> Option<UserId> {
        match self {
            Self::Person(person) => Some(person.id),
            _ => None,
        }
    }

    /// Is this person. Of an audience nobody is, and this one of them gets an answer of their own.
    pub fn is(&self, id: UserId) -> bool {
        if let Self::Audience(audience) = self {
            audience.ask_about(id);
        }
        self.one() == Some(id)
    }

    /// Notes that the answer depends on who asks.
    fn ask(&self) {
        if let Self::Audience(audience) = self {
            audience.ask();
        }
    }

    /// Holds the role. An administrator's rights come only with a fresh proof.
    pub fn has(&self, role: BaseRole) -> bool {
        self.ask();
        match self {
            Self::Anonymous | Self::Audience(_) => false,
            Self::Person(person) => {
                person.roles.has(role) && (role != BaseRole::Admin || person.is_freshly_proved)
                    || (role < BaseRole::Admin && person.roles.has(BaseRole::Admin) && person.is_freshly_proved)
            }
            Self::System(_) => true,
        }
    }

    /// May do something that the same person may no longer do now: what was begun with the old rights must not go on.
    pub fn outranks(&self, now: &Self) -> bool {
        BaseRole::ALL.into_iter().any(|role| self.has(role) && !now.has(role))
            || Permission::ALL
                .into_iter()
                .any(|permission| self.may(permission).is_ok() && now.may(permission).is_err())
    }

    /// May run an operation of this kind with the token they are known by: one of a scope follows, and neither asks nor changes anything.
    ///
    /// # Errors
    /// PERMISSION_DENIED.
    #[track_caller]
    pub fn may_run(&self, is_subscription: bool) -> Result<()> {
        match self {
            Self::Person(Person { only: Some(TokenScope::Chat), .. }) if is_subscription => Ok(()),
            Self::Person(Person { only: Some(_), .. }) => {
                Err(Error::denied("This token is good for subscriptions only; send an access token for anything else."))
            }
            _ => Ok(()),
        }
    }

    /// The administrator, or why not: nobody signed in, the proof is too old, or no administrator.
    #[track_caller]
    pub fn admin(&self) -> Result<()> {
        match self {
            _ if self.has(BaseRole::Admin) => Ok(()),
            Self::Person(person) if person.roles.has(BaseRole::Admin) => Err(stale()),
            Self::Person(_) => Err(Error::denied("Only administrators may do this.")),
            _ => Err(Error::unauthenticated()),
        }
    }

    /// Somebody whose roles allow this, or why not. Like an administrator's rights, it comes only with a fresh proof.
    #[track_caller]
    pub fn may(&self, permission: Permission) -> Result<()> {
        match self {
            _ if self.has(BaseRole::Admin) => Ok(()),
            Self::Person(person) if person.roles.allow(permission) && person.is_freshly_proved => Ok(()),
            Self::Person(person) if person.roles.allow(permission) || person.roles.has(BaseRole::Admin) => Err(stale()),
            Self::Person(_) => {
                Err(Error::denied(format!("Only administrators and roles with {} may do this.", permission.name())))
            }
            _ => Err(Error::unauthenticated()),
        }
    }
}

#[track_caller]
fn stale() -> Error {
    Error::new(
        Code::MfaRequired,
        "Whoever runs the place proves who they are again after a while: sign in once more and retry.",
    )
}
