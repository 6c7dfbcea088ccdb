//! Pure rules of accounts.

use entity::{ids::SessionId, user};

use crate::{
    access::{BaseRole, Personal, Viewer},
    base::{random::Random, text::Checks},
};

/// An account as a viewer sees it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The row.
    pub row: user::Model,
    /// Show no more than name and picture.
    pub is_card: Personal<bool>,
    /// It is the viewer's own, even if the viewer has only just proved it (by signing in) and the operation began without them.
    pub is_own: Personal<bool>,
    /// The sign-in that proved it in this very operation.
    pub session: Option<SessionId>,
}

impl Seen {
    /// How much of a row the viewer sees when the row may be seen at all. `blocked` says that its owner keeps the viewer away.
    ///
    /// Moderators see what its owner shows to everybody, whether or not they are blocked or the account is suspended: they look into what
    /// was reported. What its owner shows to nobody they do not see either.
    pub fn by(viewer: &Viewer, row: user::Model, blocked: bool) -> Self {
        let is_own = viewer.one() == Some(row.id);
        let is_card = match viewer {
            // A stranger among them; whoever looks at this is asked for.
            Viewer::Audience(_) => !row.is_public || blocked || row.suspended_at.is_some(),
            _ => {
                let is_open = !blocked && row.suspended_at.is_none() || viewer.has(BaseRole::Moderator);
                !(is_own || row.is_public && is_open)
            }
        };
        Self { row, is_card: Personal::of(viewer, is_card), is_own: Personal::of(viewer, is_own), session: None }
    }

    /// The account of the person who has just proved to be its owner.
    pub fn own(row: user::Model) -> Self {
        Self { row, is_card: Personal::known(false), is_own: Personal::known(true), session: None }
    }

    /// The account of the person who has just signed in.
    pub fn signed_in(row: user::Model, session: SessionId) -> Self {
        Self { session: Some(session), ..Self::own(row) }
    }
}

/// Characters of a wish that go into usernames like it: room is left for a number behind them.
const WISH: usize = 24;

/// Usernames like one that cannot be had, the plainest first: what of it may stand in a username, alone and with a number behind it.
pub fn candidates(wish: &str, random: &Random) -> Vec<String> {
    let allowed = wish.chars().filter(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    let base: String = allowed.skip_while(|c| !c.is_alphanumeric()).take(WISH).collect();
    if base.is_empty() {
        return Vec::new();
    }
    let plain = (1..=5).map(|number| number.to_string());
    let odd = [90, 900, 9000].map(|limit| (limit / 9 + random.below(limit)).to_string());
    let endings = std::iter::once(String::new()).chain(plain).chain(odd);
    let is_well_formed = |name: &String| {
        let mut checks = Checks::new();
        checks.username("username", name) == *name && checks.finish().is_ok()
    };
    endings.map(|ending| format!("{base}{ending}")).filter(is_well_formed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames_like_a_wish() {
        let random = Random::seeded(7);
        let of = |wish: &str| candidates(wish, &random);
        assert_eq!(of("Alice")[..3], ["Alice", "Alice1", "Alice2"]);
        assert_eq!(of(" .al ice! ")[0], "alice");
        assert!(of("a").iter().all(|name| name.len() >= 3) && !of("a").is_empty());
        assert!(of(&"x".repeat(500)).iter().all(|name| name.len() <= 30));
        assert_eq!(of("")[..], [""; 0]);
        assert_eq!(of("!? ")[..], [""; 0]);
    }
}
