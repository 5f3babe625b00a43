//! What happens, as it happens: server-sent events (HTML Living Standard, 9.2).

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use futures_util::{Stream, StreamExt as _};
use serde_json::json;

use crate::embed::Event;
use crate::serve::Shared;
use crate::serve::problem::Problem;

/// Something is sent so often, so that whoever stands between does not take the stream for dead.
const ALIVE: Duration = Duration::from_secs(15);

/// What happens, as it happens
///
/// Each event has a name, its number, and as data an object with `event`, `at`, `activity` and what there is to tell. The
/// first one is `hello`. `Last-Event-ID` has those that came since sent first, as far as they are kept: `resumed` says whether
/// all are.
#[utoipa::path(get, path = "/api/v1/events", tag = "overview",
    params(("last-event-id" = Option<String>, Header, description = "The id of the last event that was seen.")),
    responses((status = 200, content_type = "text/event-stream", body = String), (status = 401, body = Problem), (status = 503, body = Problem)))]
pub async fn stream(
    State(shared): State<Shared>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Sent, Infallible>>>, Problem> {
    let permit = shared.streams.clone().try_acquire_owned();
    let permit = permit.map_err(|_| {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "as many streams of events as there may be are open",
        )
    })?;
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let seen = seen.and_then(|id| number_of(&shared, id));
    let last = shared.host.last_event();
    let (behind, is_resumed) = match seen {
        Some(number) if number <= last => (number, number + 1 >= shared.host.oldest_event()),
        _ => (last, false),
    };
    let hello = json!({
        "event": "hello",
        "at": shared.host.blocking().surroundings().clock.now(),
        "resumed": is_resumed,
        "version": env!("CARGO_PKG_VERSION"),
    });
    let hello = Sent::default()
        .id(id_of(&shared, behind))
        .event("hello")
        .data(hello.to_string());
    let events = shared.host.events_behind(behind).into_stream();
    let told = events.filter_map(move |event| {
        // The stream is open for as long as this is kept.
        let _open = &permit;
        let sent = sent(&shared, &event);
        async move { sent.map(Ok) }
    });
    let all = futures_util::stream::once(async { Ok(hello) }).chain(told);
    Ok(Sse::new(all).keep_alive(KeepAlive::new().interval(ALIVE)))
}

fn sent(shared: &Shared, event: &Event) -> Option<Sent> {
    let mut told = event.event.to_json(event.at)?;
    told["activity"] = event.work.into();
    let name = event.event.name()?;
    Some(
        Sent::default()
            .id(id_of(shared, event.number))
            .event(name)
            .data(told.to_string()),
    )
}

/// Numbers of another process's events mean nothing here.
fn id_of(shared: &Shared, number: u64) -> String {
    format!("{:x}-{number}", shared.epoch)
}

fn number_of(shared: &Shared, id: &str) -> Option<u64> {
    let (epoch, number) = id.split_once('-')?;
    (u64::from_str_radix(epoch, 16) == Ok(shared.epoch)).then(|| number.parse().ok())?
}
