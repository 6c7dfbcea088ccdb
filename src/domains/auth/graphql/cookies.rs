//! Cookie mode: a browser that sends `X-Session-Mode: cookie` gets its tokens where no script can read them.

use async_graphql::Context;

use crate::{access::Op, config::Environment, domains::auth::Issued, graphql::loader::ContextExt};

/// Where the access token travels in cookie mode.
pub const ACCESS: &str = "polyphony_access";
/// Where the refresh token travels in cookie mode; sent to the endpoint alone.
pub const REFRESH: &str = "polyphony_refresh";

/// In cookie mode, sets both cookies. True when the body should not carry the tokens.
pub fn set(ctx: &Context<'_>, issued: &Issued) -> bool {
    let op = ctx.op();
    if !op.origin.cookie_mode {
        return false;
    }
    let refresh = op.config.auth.refresh_lifetime.as_secs();
    write(ctx, op, ACCESS, &issued.access_token, "/", issued.expires_in.unsigned_abs());
    write(ctx, op, REFRESH, &issued.refresh_token, "/graphql", refresh);
    true
}

/// Clears both cookies.
pub fn clear(ctx: &Context<'_>) {
    let op = ctx.op();
    if op.origin.cookie_mode {
        write(ctx, op, ACCESS, "", "/", 0);
        write(ctx, op, REFRESH, "", "/graphql", 0);
    }
}

fn write(ctx: &Context<'_>, op: &Op, name: &str, value: &str, path: &str, seconds: u64) {
    // A browser keeps Secure cookies on plain http only for localhost, and not every browser does.
    let secure = if op.config.app.environment == Environment::Development { "" } else { "; Secure" };
    let cookie = format!("{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    ctx.append_http_header("set-cookie", cookie);
}
