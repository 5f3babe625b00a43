//! The page for people: three files that `host/page` is built into.

use axum::Router;
use axum::http::{HeaderName, header};
use axum::routing::get;

use super::Shared;

const INDEX: &[u8] = include_bytes!("../../page/dist/index.html");
const SCRIPT: &[u8] = include_bytes!("../../page/dist/app.js");
const STYLE: &[u8] = include_bytes!("../../page/dist/app.css");

/// Its routes.
pub(super) fn routes() -> Router<Shared> {
    let file = |kind: &'static str, bytes: &'static [u8]| {
        let kept = "no-cache";
        let headers: [(HeaderName, &str); 2] =
            [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, kept)];
        get(move || async move { (headers, bytes) })
    };
    Router::new()
        .route("/", file("text/html; charset=utf-8", INDEX))
        .route("/app.js", file("text/javascript; charset=utf-8", SCRIPT))
        .route("/app.css", file("text/css; charset=utf-8", STYLE))
}
