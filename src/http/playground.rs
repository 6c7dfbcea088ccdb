//! The playground, from inside the binary: no network, no folder beside it.

use axum::{
    body::Body,
    extract::{self, Path, Request, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::{State, layers};

/// What `npm run build` made.
#[derive(RustEmbed)]
#[folder = "playground/dist/"]
struct Assets;

/// GET `/`: the playground, or where it is off, what this is.
pub(super) async fn index(extract::State(state): extract::State<State>, headers: HeaderMap) -> Response {
    match Assets::get("index.html").filter(|_| state.config.app.playground) {
        Some(page) => file("index.html", page, &headers),
        None => layers::json(&serde_json::json!({
            "name": "Polyphony", "version": env!("CARGO_PKG_VERSION"), "graphql": "/graphql",
        })),
    }
}

/// GET `/playground/…`: its files.
pub(super) async fn asset(
    state: extract::State<State>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    // What is no UTF-8 names no file.
    let path = path.map(|Path(path)| path).unwrap_or_default();
    match Assets::get(&path).filter(|_| state.config.app.playground) {
        Some(found) => file(&path, found, &headers),
        None => layers::not_found(state, request).await,
    }
}

/// GET `/favicon.ico`: the page brings its own.
pub(super) async fn favicon() -> StatusCode {
    StatusCode::NO_CONTENT
}

fn file(path: &str, file: EmbeddedFile, asked: &HeaderMap) -> Response {
    let hash: String = file.metadata.sha256_hash().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    // Weak, because the same file also goes out compressed.
    let etag = format!("W/\"{hash}\"");
    let tags = asked.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok()).unwrap_or_default();
    let known = tags.split(',').map(str::trim).any(|tag| tag == etag || tag == "*");
    let mut response = Response::new(if known { Body::empty() } else { Body::from(file.data) });
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    // Vite puts a hash of the content into the names of assets; everything else keeps its name when it changes.
    let cache = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut mime = mime_guess::from_path(path).first_or_octet_stream().to_string();
    if mime.starts_with("text/") {
        mime.push_str("; charset=utf-8");
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    for (name, value) in [(header::ETAG, etag), (header::CONTENT_TYPE, mime)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    response
}
