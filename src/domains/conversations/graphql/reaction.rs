//! Reactions to a message, grouped by emoji.

use std::sync::Arc;

use async_graphql::{Context, Object};
use entity::ids::UserId;
use futures_util::{FutureExt, future::BoxFuture};

use crate::{
    base::error::Result,
    domains::{
        conversations::store::{self, EmojiCount, EmojiOn, Reacting},
        users::graphql::User,
    },
    graphql::{
        access::viewer_dependent,
        loader::{ContextExt, Rows},
        page::{Connection, Page, PageArgs, Scope},
        prefetch::{self, Edges, Selected, Slot, Slots, to_one},
        ready::{one, ready},
        scalars::DateTime,
    },
};

/// One emoji on a message, with the people who put it there.
#[derive(Clone, Debug)]
pub struct ReactionGroup(Arc<Group>);

#[derive(Debug)]
struct Group {
    count: EmojiCount,
    people: Slots<PageArgs, Page<Reaction>>,
}

impl ReactionGroup {
    /// From what was counted.
    pub fn new(count: EmojiCount) -> Self {
        Self(Arc::new(Group { count, people: Slots::default() }))
    }

    /// How many people reacted so.
    pub fn count(&self) -> i64 {
        self.0.count.people
    }

    fn emoji_on(&self) -> EmojiOn<'_> {
        (self.0.count.message, &self.0.count.emoji)
    }

    fn scope(&self) -> Scope {
        Scope::new("people", self.emoji_on())
    }

    /// The same page of the people behind each of several emoji, with what is asked of them.
    async fn pages(
        groups: &[&Self],
        args: &PageArgs,
        scope: &Scope,
        asked: &Selected<'_>,
        rows: &Rows,
    ) -> Result<Vec<Page<Reaction>>> {
        let window = args.window::<Reacting>(rows.0.config.limits.page, scope)?;
        let emoji: Vec<EmojiOn<'_>> = groups.iter().map(|group| group.emoji_on()).collect();
        let found = store::people_of_each(rows.0.read(), &emoji, &window).await?;
        let page = |people: Vec<Reacting>| window.page(people.into_iter().map(Reaction::new).collect());
        let pages: Vec<Page<Reaction>> = found.into_iter().map(page).collect();
        let all: Vec<&Reaction> = pages.iter().flat_map(|page| &page.rows).collect();
        prefetch::prefetch(&all, &asked.nodes(), rows).await;
        Ok(pages)
    }
}

impl Edges for ReactionGroup {
    fn prefetch<'a>(groups: &'a [&'a Self], selected: &'a Selected<'a>, rows: &'a Rows) -> BoxFuture<'a, ()> {
        async move {
            for (arguments, asked) in selected.uses("people") {
                let Some(args) = PageArgs::ahead(&arguments) else { continue };
                if args.after.is_some() || args.before.is_some() {
                    continue;
                }
                match Self::pages(groups, &args, &Scope::new("people", ()), &asked, rows).await {
                    Ok(pages) => {
                        for (group, page) in groups.iter().zip(pages) {
                            group.0.people.put(args.clone(), page).await;
                        }
                    }
                    Err(error) => tracing::debug!(?error, "a prefetch failed; the field will say so"),
                }
            }
        }
        .boxed()
    }
}

/// One emoji on a message, with the people who put it there.
#[Object]
impl ReactionGroup {
    /// The emoji, or its short name.
    fn emoji(&self) -> &str {
        &self.0.count.emoji
    }

    /// How many people reacted so.
    #[graphql(name = "count")]
    fn number(&self) -> i64 {
        self.count()
    }

    /// The viewer is one of them.
    #[graphql(directive = viewer_dependent::apply())]
    fn viewer_reacted(&self) -> bool {
        *self.0.count.is_mine.get()
    }

    /// When the first of them did.
    fn first_reacted_at(&self) -> DateTime {
        self.0.count.first_at.into()
    }

    /// When the latest of them did.
    fn last_reacted_at(&self) -> DateTime {
        self.0.count.last_at.into()
    }

    /// The people and when they reacted, the first to react first.
    async fn people(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, or from `after`; 0 to 100, 20 unless said.")] first: Option<i32>,
        #[graphql(desc = "Begin behind the row with this cursor.")] after: Option<String>,
        #[graphql(desc = "So many up to the end, or up to `before`; 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before the row with this cursor.")] before: Option<String>,
    ) -> Result<Connection<Reaction>> {
        let args = PageArgs::new(first, after, last, before);
        let scope = self.scope();
        let page = match self.0.people.get(&args).await {
            Some(page) => Page::clone(&page),
            None => {
                let rows = Rows(ctx.op().clone());
                let pages = Self::pages(&[self], &args, &scope, &Selected::of(ctx), &rows).await?;
                pages.into_iter().next().unwrap_or(Page { rows: Vec::new(), has_next: false, has_previous: false })
            }
        };
        let total = self.count();
        let count = Arc::new(move || std::future::ready(Ok(total)).boxed());
        let key = |reaction: &Reaction| serde_json::json!([reaction.0.at, reaction.0.user_id]);
        Ok(Connection::new(page, &scope, key, |reaction| reaction, count))
    }
}

ready!(ReactionGroup {
    "emoji": emoji, "count": number, "viewerReacted": viewer_reacted, "firstReactedAt": first_reacted_at, "lastReactedAt": last_reacted_at
});

/// One person's reaction to a message.
#[derive(Clone, Debug)]
pub struct Reaction(Arc<Reacted>);

#[derive(Debug)]
struct Reacted {
    user_id: UserId,
    at: chrono::DateTime<chrono::Utc>,
    user: Slot<Option<User>>,
}

impl Reaction {
    fn new((at, user_id): Reacting) -> Self {
        Self(Arc::new(Reacted { user_id, at, user: Slot::new() }))
    }
}

/// One person's reaction to a message.
#[Object]
impl Reaction {
    /// Who; `null` when the account is gone.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.0.user.get() {
            Some(user) => Ok(user.clone()),
            None => User::load(ctx, self.0.user_id).await,
        }
    }

    /// When they reacted.
    fn reacted_at(&self) -> DateTime {
        self.0.at.into()
    }
}

ready!(Reaction {
    "reactedAt": reacted_at
} edges {
    "user": |reaction| reaction.0.user.get().map(one),
});

impl Edges for Reaction {
    fn prefetch<'a>(reactions: &'a [&'a Self], selected: &'a Selected<'a>, rows: &'a Rows) -> BoxFuture<'a, ()> {
        let key = |reaction: &Self| Some(reaction.0.user_id);
        let load = async |ids| User::load_many(rows, ids).await;
        to_one(reactions, selected.field("user"), rows, key, |reaction| &reaction.0.user, load).boxed()
    }
}
