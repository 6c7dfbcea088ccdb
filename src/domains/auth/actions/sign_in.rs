//! Signing up and in, and staying so.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{ids::SessionId, session, user, verification_request};
use sea_orm::ActiveValue::Set;

use crate::{
    access::{BaseRole, Op, Roles},
    base::{
        error::{Error, Result},
        text::{Checks, fold},
    },
    domains::{
        auth::{
            actions::connections::renew_connection,
            error::AuthError,
            events::AuthEvent,
            keys,
            model::{Claims, check_password, digest, guessable},
            store,
        },
        users::{self, Seen},
    },
    platform::{Tx, passwords::Comparison},
};

/// How long an instance goes on with what it knows of imported accounts: looking means to look at every password hash.
const REREAD: TimeDelta = TimeDelta::hours(1);

/// The highest cost of the bcrypt hashes that imported accounts still have.
struct Imported(Option<u32>);

/// A new account.
#[derive(Clone, Debug)]
pub struct SignUp {
    /// 3 to 30 letters, digits, dots, dashes or underscores.
    pub username: String,
    /// Where a proof is mailed to.
    pub email: String,
    /// See [`check_password`].
    pub password: String,
    /// How the person is called; the username unless given.
    pub display_name: Option<String>,
    /// What the client calls itself.
    pub device: Option<String>,
}

/// A login and its password.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// Username or address.
    pub login: String,
    /// The password.
    pub password: String,
    /// What the client calls itself.
    pub device: Option<String>,
}

/// A sign-in with its tokens.
#[derive(Clone, Debug)]
pub struct Issued {
    /// Who.
    pub user: Seen,
    /// By which sign-in.
    pub session: session::Model,
    /// For `Authorization: Bearer`.
    pub access_token: String,
    /// To be exchanged once.
    pub refresh_token: String,
    /// Seconds until the access token ends.
    pub expires_in: i64,
}

/// Makes an account and signs it in.
///
/// # Errors
/// VALIDATION_FAILED, RESOURCE_CONFLICT, RATE_LIMIT_EXCEEDED.
pub async fn sign_up(op: &Op, input: SignUp) -> Result<Issued> {
    let mut checks = Checks::new();
    let username = checks.username("username", &input.username);
    let email = checks.email("email", &input.email);
    let display_name = checks.text("displayName", input.display_name.as_deref().unwrap_or(&username), 1, 100);
    let device = checks.optional("device", input.device.as_deref(), 100);
    let names = guessable(Some(&username), Some(&email), [display_name.as_str()]);
    check_password(&mut checks, "password", &input.password, &names);
    checks.finish()?;
    op.platform.cache.limit("sign-up", &op.origin.address(), op.config.limits.sign_up).await?;
    let (username_key, email_key) = (fold(&username), fold(&email));
    // Asked before the password is hashed: a taken name should not cost a hash. The constraint has the last word.
    users::taken(op.read(), Some(&username_key), Some(&email_key)).await?;
    let hash = op.platform.passwords.hash(&input.password).await?;
    let may_mail = users::may_mail(op, verification_request::Kind::Email, &email).await;
    let refresh_token = op.platform.random.token();
    let (user, session) = op
        .write(async |tx| {
            let row = user::ActiveModel {
                id: Set(tx.new_id()),
                username: Set(Some(username.clone())),
                username_key: Set(Some(username_key.clone())),
                email: Set(Some(email.clone())),
                email_key: Set(Some(email_key.clone())),
                display_name: Set(display_name.clone()),
                preferences: Set(serde_json::json!({})),
                social_links: Set(serde_json::json!({})),
                is_public: Set(true),
                token_version: Set(0),
                login_count: Set(1),
                last_login_at: Set(Some(tx.now())),
                password_changed_at: Set(Some(tx.now())),
                version: Set(1),
                created_at: Set(tx.now()),
                updated_at: Set(tx.now()),
                ..Default::default()
            };
            let user = users::create(tx, row).await?;
            store::put_password(tx, user.id, &hash).await?;
            let session = begin_session(op, tx, &user, device.clone(), &refresh_token).await?;
            users::ask_for_proof(op, tx, &user, &email, may_mail).await?;
            Ok((user, session))
        })
        .await?;
    issue(op, user, session, refresh_token, Roles::default()).await
}

/// Signs in. Unknown login, wrong password and shut-out account take the same time and give the same answer.
///
/// # Errors
/// INVALID_CREDENTIALS, RATE_LIMIT_EXCEEDED.
pub async fn sign_in(op: &Op, input: SignIn) -> Result<Issued> {
    let (cache, limits) = (&op.platform.cache, &op.config.limits);
    let mut checks = Checks::new();
    let device = checks.optional("device", input.device.as_deref(), 100);
    for (name, value) in [("login", &input.login), ("password", &input.password)] {
        if value.is_empty() || value.chars().count() > 256 {
            checks.fault(name, "takes 1 to 256 characters");
        }
    }
    checks.finish()?;
    cache.limit("sign-in-address", &op.origin.address(), limits.sign_in_by_address).await?;
    let (login, address) = (fold(&input.login), op.origin.address());
    cache.limit("sign-in-login", &digest(&format!("{login} {address}")), limits.sign_in_by_login).await?;
    let imported = op.platform.memo.get(REREAD, async || Ok(Imported(store::bcrypt_cost(op.read()).await?))).await?;
    let account = users::find_by_login(op.read(), &input.login).await?;
    let kept = match &account {
        Some(account) => store::password_hash(op.read(), account.id).await?,
        // The same number of statements for an unknown login.
        None => store::password_hash(op.read(), op.platform.ids.new_id()).await?,
    };
    // Username and address count together. That shows to nobody: past the limit the answer is that of a wrong password, or it would
    // tell that the two belong together. A new password starts a new count.
    let whose = account.as_ref().map_or(login, |account| format!("{} {}", account.id, account.token_version));
    let too_many = cache.limit("sign-in-account", &digest(&whose), limits.sign_in_by_account).await.is_err();
    let compared = op.platform.passwords.compare(&input.password, kept.as_deref(), imported.0).await?;
    let refused = match &account {
        _ if too_many => Some("too many attempts"),
        None => Some("unknown login"),
        Some(_) if compared == Comparison::Different => Some("wrong password"),
        Some(account) if account.suspended_at.is_some() => Some("suspended"),
        Some(_) => None,
    };
    let account = match (account, refused) {
        (Some(account), None) => account,
        (account, reason) => {
            let account = account.map(|account| tracing::field::display(account.id));
            // Never the login itself: people type passwords into the wrong field.
            tracing::info!(client = %address, account, reason, "a sign-in was refused");
            return Err(AuthError::InvalidCredentials.into());
        }
    };
    let refresh_token = op.platform.random.token();
    let (user, session) = op
        .write(async |tx| {
            let user = users::lock(tx, account.id).await?.ok_or(AuthError::InvalidCredentials)?;
            // The comparison took its time: a reset or a suspension meanwhile has the last word.
            let is_current = store::password_hash(tx, user.id).await? == kept;
            if !is_current || user.token_version != account.token_version || user.suspended_at.is_some() {
                return Err(AuthError::InvalidCredentials.into());
            }
            if let Comparison::SameButOutdated(hash) = &compared {
                store::put_password(tx, user.id, hash).await?;
            }
            users::touch_login(tx, user.id).await?;
            let session = begin_session(op, tx, &user, device.clone(), &refresh_token).await?;
            Ok((user, session))
        })
        .await?;
    let roles = current_roles(op, &session).await?;
    issue(op, user, session, refresh_token, roles).await
}

/// Exchanges a refresh token for a new pair.
///
/// The same token presented again soon gives the same successor, as long as that was not used: the answer may have been lost, or
/// two tabs asked at once. Later, or once the successor was used, it is somebody else's copy, and the whole session ends.
///
/// Over a connection of the same person, that goes on under the new access token.
///
/// # Errors
/// INVALID_TOKEN, also once the session has reached its greatest age; PERMISSION_DENIED over a connection of another person, and then
/// the token stays unused; RATE_LIMIT_EXCEEDED.
pub async fn refresh(op: &Op, token: &str) -> Result<Issued> {
    // Whose connection this came over.
    let connected = op.viewer.id().filter(|_| op.origin.connection.is_some());
    let (cache, rate) = (&op.platform.cache, op.config.limits.refresh);
    // Only who sends what nobody was given counts by address: others there must not keep a sign-in from going on.
    match store::session_of_refresh_token(op.read(), &digest(token)).await? {
        Some(session) => cache.limit("refresh", &session.to_string(), rate).await?,
        None => {
            cache.limit("refresh-unknown", &op.origin.address(), rate).await?;
            return Err(AuthError::InvalidRefreshToken.into());
        }
    }
    // The successor follows from the token, so that asking again gives the same one and only digests need keeping.
    let next = op.platform.vault.derive("refresh token", token)?;
    let grace = TimeDelta::from_std(op.config.auth.refresh_grace).unwrap_or(TimeDelta::seconds(60));
    let outcome = op
        .write(async |tx| {
            let Some(row) = store::lock_refresh_token(tx, &digest(token)).await? else { return Ok(None) };
            if connected.is_some_and(|me| me != row.user_id) {
                return Err(AuthError::OtherPerson.into());
            }
            let session = store::session(tx, row.session_id).await?;
            let session = session.filter(|session| session.revoked_at.is_none() && session.expires_at > tx.now());
            let Some(session) = session.filter(|_| row.expires_at > tx.now()) else { return Ok(None) };
            match row.used_at {
                None => {
                    let until = refreshable_until(op, tx.now(), session.created_at);
                    store::use_refresh_token(tx, row.id).await?;
                    store::insert_refresh_token(tx, &session, Some(row.id), digest(&next), until).await?;
                    store::touch_session(tx, session.id, until).await?;
                }
                Some(used_at) => {
                    let successor = store::successor(tx, row.id).await?;
                    let lost = successor.is_some_and(|successor| successor.used_at.is_none());
                    if !lost || tx.now() - used_at > grace {
                        store::end_stolen_session(tx, session.id).await?;
                        tx.emit(AuthEvent::SessionEnded { user: row.user_id, session: Some(session.id) });
                        tracing::warn!(user = %row.user_id, session = %session.id, "a refresh token was used twice; its session was ended");
                        return Ok(None);
                    }
                }
            }
            Ok(Some(session))
        })
        .await?;
    let session = outcome.ok_or(AuthError::InvalidRefreshToken)?;
    let user = users::by_ids(op.read(), &[session.user_id]).await?.pop();
    let user = user.filter(|user| user.suspended_at.is_none()).ok_or(AuthError::InvalidRefreshToken)?;
    let roles = current_roles(op, &session).await?;
    let issued = issue(op, user, session, next, roles).await?;
    if connected.is_some() {
        // The exchange is done whatever comes of this: who has both tokens can present the one once more.
        let renewed = renew_connection(op, &issued.access_token).await;
        renewed.inspect_err(|error| tracing::debug!(?error, "a connection was not renewed")).ok();
    }
    Ok(issued)
}

/// Follows a mailed verification link.
///
/// # Errors
/// INVALID_TOKEN when it was used, expired or superseded; RATE_LIMIT_EXCEEDED.
pub async fn verify_email(op: &Op, token: &str) -> Result<Seen> {
    op.platform.cache.limit("mailed-token", &op.origin.address(), op.config.limits.token_attempts).await?;
    let proof = users::find_proof(op, verification_request::Kind::Email, token).await?;
    let user = op.write(async |tx| users::complete(op, tx, &proof).await).await?;
    Ok(Seen::own(user))
}

/// Until when a session that is refreshed now lasts: for the refresh lifetime, but no longer than a session may in all. So a stolen
/// device is out some day, however diligently it refreshes.
fn refreshable_until(op: &Op, now: DateTime<Utc>, began: DateTime<Utc>) -> DateTime<Utc> {
    let each = TimeDelta::from_std(op.config.auth.refresh_lifetime).unwrap_or(TimeDelta::days(7));
    let all = TimeDelta::from_std(op.config.auth.session_lifetime).unwrap_or(TimeDelta::days(90));
    (now + each).min(began + all)
}

async fn begin_session(
    op: &Op,
    tx: &Tx,
    user: &user::Model,
    device: Option<String>,
    refresh_token: &str,
) -> Result<session::Model> {
    let expires_at = refreshable_until(op, tx.now(), tx.now());
    let row = session::ActiveModel {
        id: Set(tx.new_id()),
        user_id: Set(user.id),
        device: Set(device),
        ip_address: Set(op.origin.ip.map(|ip| ip.to_canonical().to_string())),
        user_agent: Set(op.origin.user_agent.clone()),
        authenticated_at: Set(tx.now()),
        last_used_at: Set(tx.now()),
        expires_at: Set(expires_at),
        revoked_at: Set(None),
        created_at: Set(tx.now()),
        updated_at: Set(tx.now()),
    };
    let session = store::insert_session(tx, row).await?;
    store::insert_refresh_token(tx, &session, None, digest(refresh_token), expires_at).await?;
    Ok(session)
}

async fn current_roles(op: &Op, session: &session::Model) -> Result<Roles> {
    let standing = store::standing(op.read(), session.id, session.user_id, op.platform.clock.now()).await?;
    Ok(standing.map(|standing| standing.roles).unwrap_or_default())
}

async fn issue(
    op: &Op,
    user: user::Model,
    session: session::Model,
    refresh_token: String,
    roles: Roles,
) -> Result<Issued> {
    let now = op.platform.clock.now();
    let expires_in = i64::try_from(op.config.auth.access_lifetime.as_secs()).map_err(Error::internal)?;
    let claims = Claims {
        iss: op.config.auth.issuer.clone(),
        aud: op.config.auth.audience.clone(),
        sub: user.id,
        user_id: user.id,
        username: user.username.clone(),
        role: role_name(roles),
        sid: SessionId(session.id.0),
        token_version: user.token_version,
        jti: op.platform.ids.uuid().to_string(),
        iat: now.timestamp(),
        exp: now.timestamp() + expires_in,
    };
    let access_token = keys::sign(&op.platform, &op.config, &claims).await?;
    let user = Seen::signed_in(user, session.id);
    Ok(Issued { user, session, access_token, refresh_token, expires_in })
}

fn role_name(roles: Roles) -> String {
    let highest: BaseRole = roles.highest();
    highest.name().to_owned()
}
