//! Where mailed links lead when there is no front end (`FRONTEND_URL`): a page that says how to use the token in the playground.

use axum::{
    extract::{self, Query, Request},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{State, layers};

/// The token of the link.
#[derive(Deserialize)]
pub(super) struct Link {
    token: Option<String>,
}

/// GET `/verify-email?token=…`.
pub(super) async fn verify_email(state: extract::State<State>, request: Request) -> Response {
    let mutation = r#"mutation {
  verifyEmail(input: { token: "TOKEN" }) { user { username } }
}"#;
    page(state, request, "Confirm your address", mutation).await
}

/// GET `/reset-password?token=…`.
pub(super) async fn reset_password(state: extract::State<State>, request: Request) -> Response {
    let mutation = r#"mutation {
  resetPassword(input: { token: "TOKEN", newPassword: "…" }) { user { username } }
}"#;
    page(state, request, "Choose a new password", mutation).await
}

async fn page(extract::State(state): extract::State<State>, request: Request, title: &str, mutation: &str) -> Response {
    // With a front end no link leads here. What is no token of ours is not written into a page.
    let link = Query::<Link>::try_from_uri(request.uri()).ok();
    let token = link.and_then(|Query(link)| link.token).filter(|token| is_token(token));
    let (None, Some(token)) = (&state.config.app.frontend_url, token) else {
        return layers::not_found(extract::State(state), request).await;
    };
    let mutation = mutation.replace("TOKEN", &token);
    let place = match state.config.app.playground {
        true => r#"Open the <a href="/">playground</a> and run"#,
        false => "Send to <code>/graphql</code>",
    };
    let html = format!(
        r#"<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title} · Polyphony</title>
<style>body {{ font: 16px/1.5 system-ui; max-width: 42rem; margin: 4rem auto; padding: 0 1rem }}
pre {{ background: #eee; padding: 1rem; overflow-x: auto }}</style>
<h1>{title}</h1>
<p>{place}:</p>
<pre>{mutation}</pre>
<p>Whoever runs this server: set <code>FRONTEND_URL</code>, and mailed links lead to your own pages.</p>
</html>
"#
    );
    let mut response = html.into_response();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        // The address holds the token.
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// True for what a mailed token is made of: base64url.
fn is_token(text: &str) -> bool {
    (1..=200).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}
