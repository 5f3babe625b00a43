//! What is answered: pages of lists, things with ETags.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::Digest;

/// Some entries of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Page<T> {
    /// The entries.
    pub items: Vec<T>,
    /// What `after` is to be for the next page; `null`: there is none.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// Of a list by numbers, whose newest entry comes last: a page of those below `after`, the newest first.
    pub(super) fn newest_first(
        entries: Vec<T>,
        number: impl Fn(&T) -> u64,
        after: Option<u64>,
        limit: usize,
    ) -> Self {
        let below = |entry: &T| after.is_none_or(|after| number(entry) < after);
        let mut items: Vec<_> = entries
            .into_iter()
            .rev()
            .filter(below)
            .take(limit + 1)
            .collect();
        let is_more = items.len() > limit;
        items.truncate(limit);
        let next = items
            .last()
            .filter(|_| is_more)
            .map(|last| number(last).to_string());
        Self { items, next }
    }
}

/// The ETag of something that is kept.
pub(super) fn etag(record: &[u8]) -> String {
    format!("\"{}\"", Digest::of(record).short())
}

/// Something with its ETag.
pub(super) struct Tagged<T>(pub T, pub String);

impl<T: IntoResponse> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let mut response = self.0.into_response();
        if let Ok(tag) = HeaderValue::from_str(&self.1) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}
