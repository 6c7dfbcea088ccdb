//! Sessions, roles and grants.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, Enum, ID, Object, SimpleObject, dataloader::Loader};
use entity::{
    ids::{RoleId, SessionId, UserId},
    permission, role, session, user_role,
};
use futures_util::FutureExt;

use crate::{
    access::{BaseRole, Roles, TokenScope},
    base::error::Result,
    domains::{
        auth::{
            SignOutScope,
            loaders::{GrantsByUser, PermissionsByRole, RoleById, SessionById},
            model::SessionState,
            store,
        },
        users::graphql::User,
    },
    graphql::{
        access::viewer_dependent,
        loader::{ContextExt, Rows},
        node,
        page::{Connection, PageArgs, Scope},
        ready::ready,
        scalars::DateTime,
    },
};

/// One sign-in of the viewer on a device.
#[derive(Clone, Debug)]
pub struct Session {
    row: Arc<session::Model>,
    /// It began in this operation, or went on, and answers to it, though the operation was sent without it.
    is_begun: bool,
}

impl Session {
    /// From its row.
    pub fn new(row: session::Model) -> Self {
        Self { row: Arc::new(row), is_begun: false }
    }

    /// The sign-in this operation brought about.
    pub fn begun(row: session::Model) -> Self {
        Self { row: Arc::new(row), is_begun: true }
    }

    /// The viewer's session by id.
    pub async fn find(ctx: &Context<'_>, id: SessionId) -> Result<Option<Self>> {
        Ok(ctx.load(SessionById(id)).await?.map(Self::new))
    }

    /// One page of a person's sessions in a state. The caller has checked that the viewer is that person; `begun` is the sign-in this
    /// very operation brought about.
    pub async fn page_of(
        ctx: &Context<'_>,
        user: UserId,
        state: SessionStates,
        begun: Option<SessionId>,
        args: PageArgs,
    ) -> Result<Connection<Self>> {
        let op = ctx.op().clone();
        let (scope, state) = (Scope::new("sessions", (user, state)), SessionState::from(state));
        let window = args.window(op.config.limits.page, &scope)?;
        let now = op.platform.clock.now();
        let page = window.page(store::sessions_page(op.read(), user, state, now, &window).await?);
        let count = move || {
            let op = op.clone();
            async move { store::sessions_count(op.read(), user, state, now).await }.boxed()
        };
        let node = move |row: session::Model| Self { is_begun: begun == Some(row.id), row: Arc::new(row) };
        Ok(Connection::new(page, &scope, |row| row.id.to_string().into(), node, Arc::new(count)))
    }
}

/// Where a session stands. What is over is cleared away after a week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "SessionState", remote = "SessionState")]
pub enum SessionStates {
    /// Good now.
    Active,
    /// Ended by itself: it was not used in time, or has reached its greatest age.
    Expired,
    /// Ended by its owner, by a new password, or because a token was stolen.
    Revoked,
}

/// One sign-in of the viewer on a device. Only its owner sees it.
#[Object]
impl Session {
    /// The global id.
    pub async fn id(&self) -> ID {
        node::id(self.row.id)
    }

    /// What the client called itself when it signed in.
    fn device(&self) -> Option<&String> {
        self.row.device.as_ref()
    }

    /// The address it signed in from.
    fn ip_address(&self) -> Option<&String> {
        self.row.ip_address.as_ref()
    }

    /// The browser or program it signed in with.
    fn user_agent(&self) -> Option<&String> {
        self.row.user_agent.as_ref()
    }

    /// The request was made with this session, or has just signed in with it.
    #[graphql(directive = viewer_dependent::apply())]
    async fn is_current(&self, ctx: &Context<'_>) -> bool {
        self.is_begun || ctx.op().viewer.person().is_ok_and(|person| person.session == self.row.id)
    }

    /// When it signed in.
    fn created_at(&self) -> DateTime {
        self.row.created_at.into()
    }

    /// When it last refreshed its tokens.
    fn last_used_at(&self) -> DateTime {
        self.row.last_used_at.into()
    }

    /// When it ends by itself: unless it is used before, and at the latest 90 days (unless configured otherwise) after it began.
    fn expires_at(&self) -> DateTime {
        self.row.expires_at.into()
    }

    /// When it was ended; `null` while it is good.
    fn revoked_at(&self) -> Option<DateTime> {
        self.row.revoked_at.map(DateTime)
    }
}

ready!(Session {
    "device": device, "ipAddress": ip_address, "userAgent": user_agent, "createdAt": created_at, "lastUsedAt": last_used_at, "expiresAt": expires_at, "revokedAt": revoked_at
});

/// A person's sessions in numbers.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct SessionStats {
    /// Good now.
    pub active: i64,
    /// Ended by themselves, and not cleared away yet.
    pub expired: i64,
    /// Ended by their owner or because a token was stolen, and not cleared away yet.
    pub revoked: i64,
    /// Distinct devices among the active ones.
    pub devices: i64,
}

impl SessionStats {
    /// Of a person. The caller has checked that the viewer is that person.
    pub async fn of(ctx: &Context<'_>, user: UserId) -> Result<Self> {
        let op = ctx.op();
        let [active, expired, revoked, devices] =
            store::sessions_stats(op.read(), user, op.platform.clock.now()).await?;
        Ok(Self { active, expired, revoked, devices })
    }
}

/// Which sign-ins to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "SignOutScope")]
pub enum Scopes {
    /// The one the request was made with.
    Current,
    /// Every one.
    All,
    /// Every one but the current.
    Others,
}

impl From<Scopes> for SignOutScope {
    fn from(scope: Scopes) -> Self {
        match scope {
            Scopes::Current => Self::Current,
            Scopes::All => Self::All,
            Scopes::Others => Self::Others,
        }
    }
}

/// What a token of `issueScopedToken` is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "TokenScope", remote = "TokenScope")]
pub enum TokenScopes {
    /// Fetching media: for the addresses of `<audio>` and `<video>`.
    Stream,
    /// Following subscriptions, and nothing else: in the payload of `connection_init`, or as `access_token` in the address of an
    /// `EventSource`.
    Chat,
}

/// A role that can be granted.
#[derive(Clone, Debug)]
pub struct Role(Arc<role::Model>);

impl Role {
    /// From its row.
    pub fn new(row: role::Model) -> Self {
        Self(Arc::new(row))
    }

    /// A role by id; for nobody signed in there is none.
    pub async fn find(ctx: &Context<'_>, id: RoleId) -> Result<Option<Self>> {
        if ctx.op().viewer.person().is_err() {
            return Ok(None);
        }
        Ok(ctx.load(RoleById(id)).await?.map(Self::new))
    }
}

/// A role that can be granted.
#[Object]
impl Role {
    /// The global id.
    pub async fn id(&self) -> ID {
        node::id(self.0.id)
    }

    /// Its unique name, upper case: `MODERATOR`.
    fn name(&self) -> &str {
        &self.0.name
    }

    /// How people read it.
    fn display_name(&self) -> &str {
        &self.0.display_name
    }

    /// What it is for.
    fn description(&self) -> Option<&String> {
        self.0.description.as_ref()
    }

    /// It belongs to the system: it cannot be renamed, switched off or deleted.
    fn is_system(&self) -> bool {
        self.0.is_system
    }

    /// Grants of it give something.
    fn is_active(&self) -> bool {
        self.0.is_active
    }

    /// Grows with every change of the role; pass it as `expectedVersion` so that a change made elsewhere is not overwritten.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// What it allows beyond what its name stands for. Only what stands here is ever asked for; administrators may do everything.
    async fn permissions(&self, ctx: &Context<'_>) -> Result<Vec<Permission>> {
        let rows = ctx.load(PermissionsByRole(self.0.id)).await?.unwrap_or_default();
        Ok(rows.into_iter().map(Permission::from).collect())
    }
}

ready!(Role {
    "name": name, "displayName": display_name, "description": description, "isSystem": is_system, "isActive": is_active
});

/// Something a role can be given to allow. The list is fixed: each of them is asked for somewhere in the server, with a fresh sign-in.
#[derive(Clone, Debug, SimpleObject)]
pub struct Permission {
    /// Its id, for a client's cache: a permission is found through its role, not by `node`.
    pub id: ID,
    /// `resource:action`.
    pub name: String,
    /// On what.
    pub resource: String,
    /// To do what.
    pub action: String,
    /// In words.
    pub description: Option<String>,
}

impl From<permission::Model> for Permission {
    fn from(row: permission::Model) -> Self {
        Self {
            id: node::id(row.id),
            name: row.name,
            resource: row.resource,
            action: row.action,
            description: row.description,
        }
    }
}

/// The highest base role of a person: what a badge shows. Roles of one's own making are none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "BaseRole")]
pub enum UserRole {
    /// Everybody.
    User,
    /// May publish.
    Creator,
    /// Keeps order.
    Moderator,
    /// Runs the place.
    Admin,
}

impl UserRole {
    /// Of a person.
    pub async fn of(ctx: &Context<'_>, user: UserId) -> Result<Self> {
        Ok(Self::among(&ctx.load(GrantsByUser(user)).await?.unwrap_or_default()))
    }

    /// Of several people, for a prefetch.
    pub async fn of_each(rows: &Rows, people: Vec<UserId>) -> Result<HashMap<UserId, Option<Self>>> {
        let keys: Vec<_> = people.iter().copied().map(GrantsByUser).collect();
        let found = rows.load(&keys).await?;
        let grants = |person| found.get(&GrantsByUser(person)).map(Vec::as_slice).unwrap_or_default();
        let role = |person: UserId| (person, Some(Self::among(grants(person))));
        Ok(people.into_iter().map(role).collect())
    }

    fn among(grants: &[(user_role::Model, role::Model)]) -> Self {
        let names = grants.iter().filter(|(_, role)| role.is_active).map(|(_, role)| role.name.as_str());
        Roles::from_names(names).highest().into()
    }
}

/// A role a person holds.
#[derive(Clone, Debug)]
pub struct RoleGrant {
    grant: user_role::Model,
    role: role::Model,
}

impl RoleGrant {
    /// The roles a person holds. The caller has checked that the viewer may know.
    pub async fn of(ctx: &Context<'_>, user: UserId) -> Result<Vec<Self>> {
        let rows = ctx.load(GrantsByUser(user)).await?.unwrap_or_default();
        Ok(rows.into_iter().map(|(grant, role)| Self { grant, role }).collect())
    }
}

/// A role a person holds.
#[Object]
impl RoleGrant {
    /// The role.
    async fn role(&self) -> Role {
        Role::new(self.role.clone())
    }

    /// When it was granted.
    async fn assigned_at(&self) -> DateTime {
        self.grant.assigned_at.into()
    }

    /// Who granted it; `null` for the system and for an account that is gone.
    async fn assigned_by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.grant.assigned_by {
            None => Ok(None),
            Some(by) => User::load(ctx, by).await,
        }
    }

    /// Until when; `null` for good.
    async fn expires_at(&self) -> Option<DateTime> {
        self.grant.expires_at.map(DateTime)
    }
}
