//! What is answered: pages of lists, things with ETags.

use std::convert::Infallible;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use utoipa::ToSchema;

use super::Shared;
use super::problem::Problem;
use crate::host::{Host, HostError};
use crate::model::Digest;

/// Answers of so many bytes are not counted, and larger ones are sent in pieces of it.
const SMALL_BYTES: usize = 64 << 10;
/// So many answers that may be large are made at once.
pub(super) const MADE: usize = 8;
/// So many KiB of large answers are on their way at once.
pub(super) const ON_THEIR_WAY: usize = 256 << 10;

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

/// An answer that may be large: so many of them are made at once, and so many bytes of them are on their way. Those that
/// would be more than that wait, or are told to come again. What is made comes with something beside it.
pub(super) async fn made<T: Serialize, U: Send + 'static>(
    shared: &Shared,
    make: impl FnOnce(&Host) -> Result<(T, U), HostError> + Send + 'static,
) -> Result<(Response, U), Problem> {
    let making = shared.making.clone().acquire_owned().await;
    let encoded = shared.host.read(move |host| {
        // It is made to its end, also where nobody waits for it any more.
        let _making = making;
        let (answer, beside) = make(host)?;
        // Nothing of it can fail: its keys are strings.
        Ok((serde_json::to_vec(&answer).unwrap_or_default(), beside))
    });
    let (encoded, beside) = encoded.await?;
    Ok((sent(shared, encoded.into())?, beside))
}

/// An answer on its way, which is counted until its last piece is.
fn sent(shared: &Shared, encoded: Bytes) -> Result<Response, Problem> {
    let length = encoded.len();
    let json = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
        (header::CONTENT_LENGTH, length.into()),
    ];
    if length <= SMALL_BYTES {
        return Ok((json, encoded).into_response());
    }
    let size = (length / 1_024).min(ON_THEIR_WAY);
    let size = u32::try_from(size).unwrap_or(u32::MAX);
    let counted = shared.on_their_way.clone().try_acquire_many_owned(size);
    let counted = counted.map_err(|_| {
        let busy = "as many bytes of answers as there may be are on their way";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, busy)
    })?;
    let pieces = (0..length).step_by(SMALL_BYTES).map(move |start| {
        let _counted = &counted;
        let piece = encoded.slice(start..length.min(start + SMALL_BYTES));
        Ok::<_, Infallible>(piece)
    });
    let body = Body::from_stream(futures_util::stream::iter(pieces));
    Ok((json, body).into_response())
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
