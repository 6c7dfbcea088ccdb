//! Signing up, in and out.

use async_graphql::{Context, Object};

use super::{
    cookies,
    inputs::{
        IssueScopedTokenInput, IssueScopedTokenPayload, RefreshSessionInput, RefreshSessionPayload,
        RenewConnectionInput, RenewConnectionPayload, RequestPasswordResetInput, RequestPasswordResetPayload,
        ResendVerificationEmailInput, ResendVerificationEmailPayload, ResetPasswordInput, ResetPasswordPayload,
        RevokeSessionInput, RevokeSessionPayload, SignInInput, SignInPayload, SignOutInput, SignOutPayload,
        SignUpInput, SignUpPayload, SignedIn, VerifyEmailInput, VerifyEmailPayload,
    },
    types::Scopes,
};
use crate::{
    base::error::{Error, Result},
    domains::{
        auth::{
            ScopedToken, SignIn, SignOutScope, SignUp, issue_scoped_token, refresh, renew_connection, reset_password,
            revoke_session, sign_in, sign_out, sign_up, verify_email,
        },
        users::{self, graphql::User},
    },
    graphql::{
        access::{Requires, access},
        loader::ContextExt,
        node,
    },
};

/// Signing up, in and out.
#[derive(Default)]
pub struct AuthMutation;

#[Object]
impl AuthMutation {
    /// Makes an account, signs it in, and mails a link that proves the address. A username or address that somebody has is
    /// RESOURCE_CONFLICT. Tightly limited by address: RATE_LIMIT_EXCEEDED with `retryAfter`.
    async fn sign_up(&self, ctx: &Context<'_>, input: SignUpInput) -> Result<SignUpPayload> {
        let SignUpInput { username, email, password, display_name, device } = input;
        let issued = sign_up(ctx.op(), SignUp { username, email: email.0, password, display_name, device }).await?;
        Ok(SignUpPayload { signed_in: SignedIn::new(ctx, issued) })
    }

    /// Signs in with username or email address. INVALID_CREDENTIALS is the one answer to every reason not to.
    async fn sign_in(&self, ctx: &Context<'_>, input: SignInInput) -> Result<SignInPayload> {
        let SignInInput { login, password, device } = input;
        Ok(SignInPayload {
            signed_in: SignedIn::new(ctx, sign_in(ctx.op(), SignIn { login, password, device }).await?),
        })
    }

    /// Exchanges a refresh token for a new pair. A lost answer may be asked for again within a minute; later, or once the successor
    /// was used, the token counts as stolen and its session ends. INVALID_TOKEN then: sign in again. Over a WebSocket of the same
    /// person, that goes on under the new token; over another person's, PERMISSION_DENIED, and the token stays good.
    async fn refresh_session(&self, ctx: &Context<'_>, input: RefreshSessionInput) -> Result<RefreshSessionPayload> {
        let token = input.refresh_token.or_else(|| ctx.op().origin.refresh_cookie.clone());
        let token = token.ok_or_else(|| Error::invalid("input.refreshToken", "is needed unless its cookie is sent"))?;
        Ok(RefreshSessionPayload { signed_in: SignedIn::new(ctx, refresh(ctx.op(), &token).await?) })
    }

    /// Lets the WebSocket this is sent over go on, with all its subscriptions, under a newer access token of the same person; otherwise
    /// it is closed with 4403 when the one it was opened with ends. For who refreshes over HTTP; `refreshSession` over the socket does
    /// it by itself. INVALID_TOKEN when the token is not good, PERMISSION_DENIED when it is another person's, and
    /// BUSINESS_RULE_VIOLATION over anything but a WebSocket: event streams end with their token, and are begun again.
    #[graphql(directive = access::apply(Requires::SignedIn))]
    async fn renew_connection(&self, ctx: &Context<'_>, input: RenewConnectionInput) -> Result<RenewConnectionPayload> {
        let expires_at = renew_connection(ctx.op(), &input.access_token).await?.into();
        Ok(RenewConnectionPayload { expires_at })
    }

    /// Ends sign-ins of the viewer. Their tokens and open subscriptions end within a second.
    #[graphql(directive = access::apply(Requires::SignedIn))]
    async fn sign_out(&self, ctx: &Context<'_>, input: SignOutInput) -> Result<SignOutPayload> {
        let scope = SignOutScope::from(input.scope.unwrap_or(Scopes::Current));
        let ended = sign_out(ctx.op(), scope).await?;
        if scope != SignOutScope::Others {
            cookies::clear(ctx);
        }
        Ok(SignOutPayload { sessions_ended: i32::try_from(ended).unwrap_or(i32::MAX) })
    }

    /// Ends one sign-in of the viewer; another person's is NOT_FOUND.
    #[graphql(directive = access::apply(Requires::SignedIn))]
    async fn revoke_session(&self, ctx: &Context<'_>, input: RevokeSessionInput) -> Result<RevokeSessionPayload> {
        revoke_session(ctx.op(), *input.session_id).await?;
        Ok(RevokeSessionPayload { session_id: node::id(*input.session_id) })
    }

    /// Makes a token for one thing only, for where a page can send no headers: an `EventSource`, a media element, a socket. It can be presented
    /// for five minutes, ends with the session, and may stand in an address, where an access token must never stand.
    #[graphql(directive = access::apply(Requires::SignedIn))]
    async fn issue_scoped_token(
        &self,
        ctx: &Context<'_>,
        input: IssueScopedTokenInput,
    ) -> Result<IssueScopedTokenPayload> {
        let ScopedToken { token, scope, expires_in } = issue_scoped_token(ctx.op(), input.scope.into())?;
        Ok(IssueScopedTokenPayload { token: token.to_string(), scope: scope.into(), expires_in })
    }

    /// Proves an email address by its mailed token, which works once; a pending new address becomes that of the account. INVALID_TOKEN:
    /// ask for a new mail.
    async fn verify_email(&self, ctx: &Context<'_>, input: VerifyEmailInput) -> Result<VerifyEmailPayload> {
        Ok(VerifyEmailPayload { user: User::new(verify_email(ctx.op(), &input.token).await?) })
    }

    /// Sends the verification mail of an account's address again (for a pending new one repeat `updateProfile`). The answer is the same whether or not there is such an account.
    async fn resend_verification_email(
        &self,
        ctx: &Context<'_>,
        input: ResendVerificationEmailInput,
    ) -> Result<ResendVerificationEmailPayload> {
        users::request_verification(ctx.op(), &input.email.0).await?;
        Ok(ResendVerificationEmailPayload { accepted: true })
    }

    /// Mails a link to choose a new password. The answer is the same whether or not there is such an account.
    async fn request_password_reset(
        &self,
        ctx: &Context<'_>,
        input: RequestPasswordResetInput,
    ) -> Result<RequestPasswordResetPayload> {
        users::request_password_reset(ctx.op(), &input.email.0).await?;
        Ok(RequestPasswordResetPayload { accepted: true })
    }

    /// Sets a new password with a mailed token. Every session and token of the account ends, and a mail tells its owner.
    async fn reset_password(&self, ctx: &Context<'_>, input: ResetPasswordInput) -> Result<ResetPasswordPayload> {
        let seen = reset_password(ctx.op(), &input.token, &input.new_password).await?;
        Ok(ResetPasswordPayload { user: User::new(seen) })
    }
}
