//! Cookie mode: a browser that sends `X-Session-Mode: cookie` gets its tokens where no script can read them.

use async_graphql::Context;

use crate::{
    access::Op,
    domains::auth::{Cookie, Issued},
    graphql::loader::ContextExt,
};

/// In cookie mode, sets both cookies. True when the body should not carry the tokens.
pub fn set(ctx: &Context<'_>, issued: &Issued) -> bool {
    let op = ctx.op();
    if !op.origin.cookie_mode {
        return false;
    }
    let refresh = op.config.auth.refresh_lifetime.as_secs();
    write(ctx, op, Cookie::Access, &issued.access_token, issued.expires_in.unsigned_abs());
    write(ctx, op, Cookie::Refresh, &issued.refresh_token, refresh);
    true
}

/// Clears both cookies.
pub fn clear(ctx: &Context<'_>) {
    let op = ctx.op();
    if op.origin.cookie_mode {
        write(ctx, op, Cookie::Access, "", 0);
        write(ctx, op, Cookie::Refresh, "", 0);
    }
}

fn write(ctx: &Context<'_>, op: &Op, cookie: Cookie, value: &str, seconds: u64) {
    ctx.append_http_header("set-cookie", cookie.written(op.config.app.environment, value, seconds));
}
