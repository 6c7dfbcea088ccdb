//! A person.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, Enum, ID, Object, dataloader::Loader};
use entity::{ids::UserId, user};
use futures_util::{FutureExt, future::BoxFuture};

use crate::{
    base::error::{Error, Result},
    domains::{
        auth::graphql::{RoleGrant, Session, SessionStates, SessionStats, UserRole},
        users::{
            loaders::{BlockedByViewer, UserById, VisibleUserById},
            model::Seen,
            store,
        },
    },
    graphql::{
        access::{Requires, access, viewer_dependent},
        loader::{ContextExt, Rows},
        node,
        page::{Connection, PageArgs, Scope},
        prefetch::{Edges, Selected, Slot, prefetch, to_value},
        ready::ready,
        scalars::{Date, DateTime, EmailAddress, Json, Url},
    },
};

/// What a person pays for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "user::Plan")]
pub enum SubscriptionPlan {
    /// Nothing.
    Free,
    /// The paid plan for one person.
    Premium,
    /// The plan for an organisation.
    Enterprise,
}

/// A person.
#[derive(Clone, Debug)]
pub struct User(Arc<Shown>);

#[derive(Debug)]
struct Shown {
    seen: Seen,
    role: Slot<Option<UserRole>>,
    is_blocked: Slot<bool>,
}

impl std::ops::Deref for Shown {
    type Target = Seen;

    fn deref(&self) -> &Seen {
        &self.seen
    }
}

impl User {
    /// From an account as the viewer sees it.
    pub fn new(seen: Seen) -> Self {
        Self(Arc::new(Shown { seen, role: Slot::new(), is_blocked: Slot::new() }))
    }

    /// A person the viewer may find.
    pub async fn find(ctx: &Context<'_>, id: UserId) -> Result<Option<Self>> {
        Ok(ctx.load(VisibleUserById(id)).await?.map(Self::new))
    }

    /// A person met by way of shared content; `None` when the account is gone.
    pub async fn load(ctx: &Context<'_>, id: UserId) -> Result<Option<Self>> {
        Ok(ctx.load(UserById(id)).await?.map(Self::new))
    }

    /// Several of them at once, for a prefetch.
    pub async fn load_many(rows: &Rows, ids: Vec<UserId>) -> Result<HashMap<UserId, Self>> {
        let seen = store::seen_by_ids(rows.0.read(), &rows.0.viewer, &ids).await?;
        Ok(seen.into_iter().map(|(id, seen)| (id, Self::new(seen))).collect())
    }

    /// Whose account it is.
    pub fn key(&self) -> UserId {
        self.0.row.id
    }

    /// Only for eyes that see the whole profile.
    fn open<'a, T>(&'a self, value: &'a Option<T>) -> Option<&'a T> {
        value.as_ref().filter(|_| !self.0.is_card.get())
    }

    /// The row, for its owner only; administrators have their own fields.
    fn mine(&self, ctx: &Context<'_>) -> Result<&user::Model> {
        if *self.0.is_own.get() {
            return Ok(&self.0.row);
        }
        ctx.op().viewer.person()?;
        Err(Error::denied("Only the owner of the account may see this."))
    }
}

/// A person. A private profile, and that of somebody who blocked the viewer, is a card: id, names and picture. To moderators a profile is
/// what it is to everybody: blocks and suspensions hide nothing from them, and what is private stays so.
#[Object]
impl User {
    /// The global id.
    pub async fn id(&self) -> ID {
        node::id(self.0.row.id)
    }

    /// The name for @mentions and addresses; `null` for an imported account that has not chosen one.
    fn username(&self) -> Option<&String> {
        self.0.row.username.as_ref()
    }

    /// How the person is called.
    fn display_name(&self) -> &str {
        &self.0.row.display_name
    }

    /// Their picture.
    fn avatar_url(&self) -> Option<Url> {
        self.0.row.avatar_url.clone().map(Url)
    }

    /// The picture behind the profile.
    #[graphql(directive = viewer_dependent::apply())]
    fn banner_url(&self) -> Option<Url> {
        self.open(&self.0.row.banner_url).cloned().map(Url)
    }

    /// About the person, in plain text.
    #[graphql(directive = viewer_dependent::apply())]
    fn bio(&self) -> Option<&String> {
        self.open(&self.0.row.bio)
    }

    /// Where they are.
    #[graphql(directive = viewer_dependent::apply())]
    fn location(&self) -> Option<&String> {
        self.open(&self.0.row.location)
    }

    /// What they are up to.
    #[graphql(directive = viewer_dependent::apply())]
    fn status_message(&self) -> Option<&String> {
        self.open(&self.0.row.status_message)
    }

    /// Addresses elsewhere, by name.
    #[graphql(directive = viewer_dependent::apply())]
    fn social_links(&self) -> Option<Json> {
        (!self.0.is_card.get()).then(|| Json(self.0.row.social_links.clone()))
    }

    /// Others see the whole profile.
    fn is_public(&self) -> bool {
        self.0.row.is_public
    }

    /// When the account was made.
    fn created_at(&self) -> DateTime {
        self.0.row.created_at.into()
    }

    /// The highest base role this person holds: what a badge shows. `null` on a card.
    #[graphql(directive = viewer_dependent::apply())]
    async fn role(&self, ctx: &Context<'_>) -> Result<Option<UserRole>> {
        match self.0.role.get() {
            _ if *self.0.is_card.get() => Ok(None),
            Some(role) => Ok(*role),
            None => UserRole::of(ctx, self.0.row.id).await.map(Some),
        }
    }

    /// The viewer keeps this person away; false when nobody is signed in.
    #[graphql(directive = viewer_dependent::apply())]
    async fn is_blocked(&self, ctx: &Context<'_>) -> Result<bool> {
        match self.0.is_blocked.get() {
            Some(is_blocked) => Ok(*is_blocked),
            None => Ok(ctx.load(BlockedByViewer(self.0.row.id)).await?.is_some()),
        }
    }

    /// Their email address.
    #[graphql(directive = access::apply(Requires::Owner))]
    async fn email(&self, ctx: &Context<'_>) -> Result<Option<EmailAddress>> {
        Ok(self.mine(ctx)?.email.clone().map(EmailAddress))
    }

    /// When the email address was proved; `null` while it is only claimed.
    #[graphql(directive = access::apply(Requires::Owner))]
    async fn email_verified_at(&self, ctx: &Context<'_>) -> Result<Option<DateTime>> {
        Ok(self.mine(ctx)?.email_verified_at.map(DateTime))
    }

    /// The address they asked to move to with `updateProfile`, until its mailed link is followed or expires; `null` when there is none.
    #[graphql(directive = access::apply(Requires::Owner))]
    async fn pending_email(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        let (row, op) = (self.mine(ctx)?, ctx.op());
        store::pending_email(op.read(), row, op.platform.clock.now()).boxed().await
    }

    /// First name.
    #[graphql(directive = access::apply(Requires::Owner))]
    async fn first_name(&self, ctx: &Context<'_>) -> Result<Option<&String>> {
        Ok(self.mine(ctx)?.first_name.as_ref())
    }

    /// Last name.
    #[graphql(directive = access::apply(Requires::Owner))]
    async fn last_name(&self, ctx: &Context<'_>) -> Result<Option<&String>> {
        Ok(self.mine(ctx)?.last_name.as_ref())
    }

    /// The day they were born.
    #[graphql(directive = access::apply(Requires::Owner))]
    async fn birthdate(&self, ctx: &Context<'_>) -> Result<Option<Date>> {
        Ok(self.mine(ctx)?.birthdate.map(Date))
    }

    /// As they say it.
    #[graphql(directive = access::apply(Requires::Owner))]
    async fn gender(&self, ctx: &Context<'_>) -> Result<Option<&String>> {
        Ok(self.mine(ctx)?.gender.as_ref())
    }

    /// What they pay for.
    #[graphql(directive = access::apply(Requires::Owner))]
    async fn subscription_plan(&self, ctx: &Context<'_>) -> Result<Option<SubscriptionPlan>> {
        Ok(Some(self.mine(ctx)?.subscription_plan.into()))
    }

    /// The address of their xPortal wallet; `null` while none is linked.
    #[graphql(directive = access::apply(Requires::Owner))]
    async fn xportal_address(&self, ctx: &Context<'_>) -> Result<Option<&String>> {
        Ok(self.mine(ctx)?.xportal_address.as_ref())
    }

    /// Their name at GitHub; `null` while none is linked.
    #[graphql(directive = access::apply(Requires::Owner))]
    async fn github_username(&self, ctx: &Context<'_>) -> Result<Option<&String>> {
        Ok(self.mine(ctx)?.github_username.as_ref())
    }

    /// When they last signed in with their password.
    #[graphql(directive = access::apply(Requires::Owner))]
    async fn last_login_at(&self, ctx: &Context<'_>) -> Result<Option<DateTime>> {
        Ok(self.mine(ctx)?.last_login_at.map(DateTime))
    }

    /// When their password was last chosen.
    #[graphql(directive = access::apply(Requires::Owner))]
    async fn password_changed_at(&self, ctx: &Context<'_>) -> Result<Option<DateTime>> {
        Ok(self.mine(ctx)?.password_changed_at.map(DateTime))
    }

    /// Settings of the front end, as it last wrote them.
    #[graphql(directive = access::apply(Requires::Owner))]
    async fn preferences(&self, ctx: &Context<'_>) -> Result<Option<Json>> {
        Ok(Some(Json(self.mine(ctx)?.preferences.clone())))
    }

    /// Grows with every change of the profile; pass it as `expectedVersion` so that a change made elsewhere is not overwritten.
    #[graphql(directive = access::apply(Requires::Owner))]
    async fn version(&self, ctx: &Context<'_>) -> Result<Option<i32>> {
        Ok(Some(self.mine(ctx)?.version))
    }

    /// The roles this person holds, each once: no more than the place has in `roles`. Administrators see everybody's.
    #[graphql(directive = access::apply(Requires::Owner))]
    async fn roles(&self, ctx: &Context<'_>) -> Result<Option<Vec<RoleGrant>>> {
        if ctx.op().viewer.admin().is_err() {
            self.mine(ctx)?;
        }
        Ok(Some(RoleGrant::of(ctx, self.0.row.id).boxed().await?))
    }

    /// The devices where this person is signed in, newest first; or those where they were.
    #[graphql(directive = access::apply(Requires::Owner))]
    async fn sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, or from `after`; 0 to 100, 20 unless said.")] first: Option<i32>,
        #[graphql(desc = "Begin behind the row with this cursor.")] after: Option<String>,
        #[graphql(desc = "So many up to the end, or up to `before`; 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before the row with this cursor.")] before: Option<String>,
        #[graphql(desc = "Where the sessions stand.", default_with = "Some(SessionStates::Active)")] state: Option<
            SessionStates,
        >,
    ) -> Result<Option<Connection<Session>>> {
        let (user, state) = (self.mine(ctx)?.id, state.unwrap_or(SessionStates::Active));
        let args = PageArgs::new(first, after, last, before);
        Ok(Some(Session::page_of(ctx, user, state, self.0.session, args).boxed().await?))
    }

    /// This person's sessions in numbers.
    #[graphql(directive = access::apply(Requires::Owner))]
    async fn session_stats(&self, ctx: &Context<'_>) -> Result<Option<SessionStats>> {
        Ok(Some(SessionStats::of(ctx, self.mine(ctx)?.id).boxed().await?))
    }

    /// The people this person keeps away, newest account first.
    #[graphql(directive = access::apply(Requires::Owner))]
    async fn blocked_users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, or from `after`; 0 to 100, 20 unless said.")] first: Option<i32>,
        #[graphql(desc = "Begin behind the row with this cursor.")] after: Option<String>,
        #[graphql(desc = "So many up to the end, or up to `before`; 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before the row with this cursor.")] before: Option<String>,
    ) -> Result<Option<Connection<User>>> {
        let (op, me) = (ctx.op().clone(), self.mine(ctx)?.id);
        let scope = Scope::new("blockedUsers", me);
        let window = PageArgs::new(first, after, last, before).window(op.config.limits.page, &scope)?;
        let page = window.page(store::blocked_page(op.read(), me, &window).boxed().await?);
        // They may have blocked the viewer too: then they are cards here as everywhere.
        let blockers = match op.viewer.id() {
            None => Vec::new(),
            Some(viewer) => {
                let ids: Vec<_> = page.rows.iter().map(|row| row.id).collect();
                store::blockers_of(op.read(), viewer, &ids).boxed().await?
            }
        };
        let viewer = op.viewer.clone();
        let count = move || {
            let op = op.clone();
            async move { store::blocked_count(op.read(), me).await }.boxed()
        };
        let node = move |row: user::Model| {
            let blocks = blockers.contains(&row.id);
            Self::new(Seen::by(&viewer, row, blocks))
        };
        let people = Connection::new(page, &scope, |row| row.id.to_string().into(), node, Arc::new(count));
        prefetch(&people.nodes(), &Selected::of(ctx).nodes(), &Rows(ctx.op().clone())).boxed().await;
        Ok(Some(people))
    }
}

ready!(User {
    id: |user| user.key();
    "username": username, "displayName": display_name, "avatarUrl": avatar_url, "bannerUrl": banner_url, "bio": bio, "location": location, "statusMessage": status_message, "socialLinks": social_links, "isPublic": is_public, "createdAt": created_at
});

impl Edges for User {
    fn prefetch<'a>(people: &'a [&'a Self], selected: &'a Selected<'a>, rows: &'a Rows) -> BoxFuture<'a, ()> {
        async move {
            let roles = async |ids| UserRole::of_each(rows, ids).await;
            to_value(people, selected.has("role"), Self::key, |person| &person.0.role, roles).await;
            let blocked = async |ids: Vec<UserId>| {
                let keys: Vec<_> = ids.into_iter().map(BlockedByViewer).collect();
                Ok(rows.load(&keys).await?.into_keys().map(|BlockedByViewer(id)| (id, true)).collect())
            };
            to_value(people, selected.has("isBlocked"), Self::key, |person| &person.0.is_blocked, blocked).await;
        }
        .boxed()
    }
}
