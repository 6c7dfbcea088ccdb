//! Reactions to a message, grouped by emoji.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, Object};
use entity::{ids::UserId, message_reaction};
use futures_util::FutureExt;

use crate::{
    base::error::Result,
    domains::users::{UserById, graphql::User},
    graphql::{
        loader::{ContextExt, Rows},
        page::{Connection, Page, PageArgs, Scope},
        prefetch::{Selected, Slot},
        scalars::DateTime,
    },
};

/// One emoji on a message, with the people who put it there.
#[derive(Clone, Debug)]
pub struct ReactionGroup(Arc<Group>);

#[derive(Debug)]
struct Group {
    emoji: String,
    /// Oldest first; never empty.
    rows: Vec<message_reaction::Model>,
    /// People loaded ahead; `None` for an account that is gone.
    people: Slot<HashMap<UserId, Option<User>>>,
}

impl ReactionGroup {
    /// Groups the reactions to one message, the emoji that came first first.
    pub fn of(rows: Vec<message_reaction::Model>) -> Vec<Self> {
        let mut groups: Vec<(String, Vec<message_reaction::Model>)> = Vec::new();
        for row in rows {
            match groups.iter_mut().find(|(emoji, _)| *emoji == row.emoji) {
                Some((_, rows)) => rows.push(row),
                None => groups.push((row.emoji.clone(), vec![row])),
            }
        }
        let group = |(emoji, rows)| Self(Arc::new(Group { emoji, rows, people: Slot::new() }));
        groups.into_iter().map(group).collect()
    }

    /// How many people reacted so.
    pub fn count(&self) -> usize {
        self.0.rows.len()
    }

    fn scope(&self) -> Scope {
        Scope::new("reactions", (self.0.rows.first().map(|row| row.message_id), &self.0.emoji))
    }

    fn page(&self, args: &PageArgs, rows: &Rows) -> Result<Page<UserId>> {
        let window = args.window::<UserId>(rows.0.config.limits.page, &self.scope())?;
        let place = |id: UserId| self.0.rows.iter().position(|row| row.user_id == id);
        let from = window.after.and_then(place).map_or(0, |place| place + 1);
        let to = window.before.and_then(place).unwrap_or(self.0.rows.len());
        let between = self.0.rows.get(from..to.max(from)).unwrap_or_default().iter().map(|row| row.user_id);
        let limit = window.limit + 1;
        Ok(window.page(if window.backward {
            between.rev().take(limit).collect()
        } else {
            between.take(limit).collect()
        }))
    }

    /// Loads the people asked of many groups at once.
    pub async fn prefetch(groups: &[&Self], selected: &Selected<'_>, rows: &Rows) {
        let mut ids = Vec::new();
        for (arguments, _) in selected.uses("users") {
            let Some(args) = PageArgs::ahead(&arguments) else { continue };
            ids.extend(groups.iter().filter_map(|group| group.page(&args, rows).ok()).flat_map(|page| page.rows));
        }
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return;
        }
        match User::load_many(rows, ids.clone()).await {
            Ok(found) => {
                for group in groups {
                    let wanted = group.0.rows.iter().map(|row| row.user_id).filter(|id| ids.binary_search(id).is_ok());
                    let _ = group.0.people.set(wanted.map(|id| (id, found.get(&id).cloned())).collect());
                }
            }
            Err(error) => tracing::debug!(?error, "a prefetch failed; the loader will say so"),
        }
    }
}

/// One emoji on a message, with the people who put it there.
#[Object]
impl ReactionGroup {
    /// The emoji.
    async fn emoji(&self) -> &str {
        &self.0.emoji
    }

    /// How many people reacted so.
    #[graphql(name = "count")]
    async fn people(&self) -> usize {
        self.count()
    }

    /// The viewer is one of them.
    async fn viewer_reacted(&self, ctx: &Context<'_>) -> bool {
        self.0.rows.iter().any(|row| ctx.op().viewer.is(row.user_id))
    }

    /// When the first of them did.
    async fn first_reacted_at(&self) -> Option<DateTime> {
        self.0.rows.first().map(|row| row.created_at.into())
    }

    /// When the latest of them did.
    async fn last_reacted_at(&self) -> Option<DateTime> {
        self.0.rows.last().map(|row| row.created_at.into())
    }

    /// The people, the first to react first. Accounts that are gone are counted and not shown.
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, or from `after`; 0 to 100, 20 unless said.")] first: Option<i32>,
        #[graphql(desc = "Begin behind the row with this cursor.")] after: Option<String>,
        #[graphql(desc = "So many up to the end, or up to `before`; 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before the row with this cursor.")] before: Option<String>,
    ) -> Result<Connection<User>> {
        let page = self.page(&PageArgs::new(first, after, last, before), &Rows(ctx.op().clone()))?;
        let ahead = self.0.people.get().filter(|people| page.rows.iter().all(|id| people.contains_key(id)));
        let found: HashMap<UserId, User> = match ahead {
            Some(people) => people.iter().filter_map(|(id, user)| Some((*id, user.clone()?))).collect(),
            None => {
                let seen = ctx.loaders().load_many(page.rows.iter().map(|id| UserById(*id))).await?;
                seen.into_iter().map(|(key, seen)| (key.0, User::new(seen))).collect()
            }
        };
        let page = Page {
            rows: page.rows.into_iter().filter_map(|id| found.get(&id).cloned()).collect(),
            has_next: page.has_next,
            has_previous: page.has_previous,
        };
        let total = i64::try_from(self.count()).unwrap_or(i64::MAX);
        let count = Arc::new(move || std::future::ready(Ok(total)).boxed());
        Ok(Connection::new(page, &self.scope(), |user| user.key().to_string().into(), |user| user, count))
    }
}
