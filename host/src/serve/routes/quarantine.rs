//! Items that failed.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::runs::begun;
use crate::host::{Host, HostError};
use crate::model::{Apart, Name, diff};
use crate::serve::Shared;
use crate::serve::answer::{self, Page, Tagged, etag};
use crate::serve::input::{Asked, At, Input, ItemName, checked, fifty};
use crate::serve::problem::Problem;
use crate::serve::wire::{Activity, Diff, Quarantined, QuarantinedItem};

/// Bodies that are longer are not compared: as trees they take many times as much.
const DIFFED_BYTES: usize = 1 << 20;

/// Which items in quarantine.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// Of this collection only.
    #[param(value_type = Option<String>)]
    collection: Option<Name>,
    /// Those, too, that were accepted by name.
    #[serde(default)]
    accepted: bool,
    /// Those of the shadow run, in place of those that are live.
    #[serde(default)]
    shadow: bool,
    /// The `next` of the page before; the first page without it.
    after: Option<String>,
    /// How many entries at most.
    #[serde(default = "fifty")]
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: u16,
}

/// Items in quarantine, by collection and id
#[utoipa::path(get, path = "/api/v1/quarantine", tag = "quarantine", params(Which),
    responses((status = 200, body = Page<Quarantined>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem, description = "There is no shadow run.")))]
pub async fn list(
    State(shared): State<Shared>,
    Asked(which): Asked<Which>,
) -> Result<Json<Page<Quarantined>>, Problem> {
    // A name has no `/`, an id may.
    let after = which.after.as_deref().map(|after| {
        let (collection, id) = after.split_once('/')?;
        Some((collection.parse().ok()?, id.to_owned()))
    });
    let after = match after {
        Some(None) => return Err(Problem::bad_request("`after` is what `next` said")),
        after => after.flatten(),
    };
    let limit = checked(which.limit)?;
    let found = shared
        .host
        .ask(move |host| {
            let after = after
                .as_ref()
                .map(|(name, id): &(Name, String)| (name, id.as_str()));
            let (collection, one_more) = (which.collection.as_ref(), limit.saturating_add(1));
            on(host, which.shadow, |host| {
                host.quarantine_page(collection, which.accepted, after, one_more)
            })
        })
        .await?;
    let found = found.into_iter();
    let shown = found.filter_map(|(collection, id, apart)| shown(&collection, &id, apart));
    let (mut items, limit): (Vec<_>, _) = (shown.collect(), limit.get());
    let is_more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| is_more);
    let next = next.map(|last| format!("{}/{}", last.collection, last.id));
    Ok(Json(Page { items, next }))
}

/// Does something to what is live, or to what the shadow run made.
fn on<T>(
    host: &Host,
    shadow: bool,
    what: impl FnOnce(&Host) -> Result<T, HostError>,
) -> Result<T, HostError> {
    match shadow {
        true => what(&host.in_shadow()?),
        false => what(host),
    }
}

fn shown(collection: &Name, id: &str, apart: Apart) -> Option<Quarantined> {
    Some(Quarantined {
        collection: collection.clone(),
        id: id.to_owned(),
        version: apart.version.to_string(),
        failure: apart.failure?,
    })
}

/// Where an item is.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Where {
    /// In the shadow run, in place of what is live.
    #[serde(default)]
    shadow: bool,
}

/// An item in quarantine, and what became of it
#[utoipa::path(get, path = "/api/v1/quarantine/{collection}/{id}", tag = "quarantine",
    params(("collection" = String, Path), ("id" = String, Path), Where),
    responses((status = 200, body = QuarantinedItem, headers(("etag" = String))), (status = 400, body = Problem), (status = 401, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem, description = "There is no shadow run.")))]
pub async fn one(
    State(shared): State<Shared>,
    At((collection, id)): At<(Name, String)>,
    Asked(place): Asked<Where>,
) -> Result<Response, Problem> {
    let look = move |host: &Host| on(host, place.shadow, |host| looked_at(host, collection, id));
    let (item, tag) = answer::made(&shared, look).await?;
    Ok(Tagged(item, tag).into_response())
}

fn looked_at(
    host: &Host,
    collection: Name,
    id: String,
) -> Result<(QuarantinedItem, String), HostError> {
    let missing = |collection, id| HostError::NotInQuarantine { collection, id };
    let Some(found) = host.store().find_item(&collection, &id)? else {
        return Err(missing(collection, id));
    };
    let tag = etag(&found.record);
    let about = found.apart.and_then(|apart| shown(&collection, &id, apart));
    let Some(about) = about else {
        return Err(missing(collection, id));
    };
    let before = host.before(about.failure.run, &collection, &id)?;
    let body = &found.item.body;
    let diff = before
        .as_deref()
        .map_or_else(|| Some(Vec::new()), |before| differences(before, body));
    let item = QuarantinedItem {
        about,
        body: serde_json::from_slice(body).ok(),
        text: String::from_utf8_lossy(body).into_owned(),
        diff_omitted: diff.is_none(),
        diff: diff.unwrap_or_default(),
        before: before.and_then(|before| serde_json::from_slice(&before).ok()),
    };
    Ok((item, tag))
}

/// How two bodies differ, if they are JSON and not too long to be compared.
fn differences(before: &[u8], after: &[u8]) -> Option<Vec<Diff>> {
    if before == after {
        return Some(Vec::new());
    }
    if before.len().max(after.len()) > DIFFED_BYTES {
        return None;
    }
    let parse = |body: &[u8]| serde_json::from_slice::<serde_json::Value>(body).ok();
    let (before, after) = parse(before).zip(parse(after))?;
    let found = diff(&before, &after);
    Some(found.into_iter().map(Into::into).collect())
}

/// Which items are to be tried again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// These; all in quarantine without it.
    #[serde(default)]
    items: Option<Vec<ItemName>>,
    /// Those of the shadow run, in place of those that are live.
    #[serde(default)]
    shadow: bool,
}

/// Try items in quarantine again, with the migrations as they are now
#[utoipa::path(post, path = "/api/v1/quarantine/retry", tag = "quarantine", request_body = Retry,
    responses((status = 202, body = Activity), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem)))]
pub async fn retry(
    State(shared): State<Shared>,
    Input(wanted): Input<Retry>,
) -> Result<Response, Problem> {
    let items = wanted.items.map(named);
    let work = shared.host.begin(move |host, observer, control| {
        on(host, wanted.shadow, |host| {
            host.retry(items.as_deref(), observer, control)
        })
    });
    let known = shared.activities.begin("retry", work).await;
    begun(&shared, &known).await
}

/// Which items are to stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Accept {
    /// These.
    items: Vec<ItemName>,
    /// Those of the shadow run, in place of those that are live.
    #[serde(default)]
    shadow: bool,
}

/// What was accepted.
#[derive(Debug, Serialize, ToSchema)]
pub struct Accepted {
    /// How many items were accepted that were not before.
    accepted: u64,
}

/// Accept by name that items stay in quarantine
#[utoipa::path(post, path = "/api/v1/quarantine/accept", tag = "quarantine", request_body = Accept,
    responses((status = 200, body = Accepted), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem)))]
pub async fn accept(
    State(shared): State<Shared>,
    Input(wanted): Input<Accept>,
) -> Result<Json<Accepted>, Problem> {
    let items = named(wanted.items);
    let accepted = shared
        .host
        .ask(move |host| on(host, wanted.shadow, |host| host.accept(&items)));
    let accepted = accepted.await?;
    Ok(Json(Accepted { accepted }))
}

fn named(items: Vec<ItemName>) -> Vec<(Name, String)> {
    items
        .into_iter()
        .map(|item| (item.collection, item.id))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_told_as_they_are_written_or_said_to_be_left_out() {
        let before = br#"{"n": 9007199254740993, "old": 1}"#;
        let after = br#"{"n": 9007199254740992, "new": "x"}"#;
        let told = differences(before, after).expect("both are short");
        let mut told: Vec<_> = told
            .iter()
            .map(|diff| {
                let (before, after) = (diff.before_text.as_deref(), diff.after_text.as_deref());
                (diff.pointer.as_str(), before, after)
            })
            .collect();
        let mut expected = vec![
            ("/n", Some("9007199254740993"), Some("9007199254740992")),
            ("/old", Some("1"), None),
            ("/new", None, Some("\"x\"")),
        ];
        expected.sort_unstable();
        told.sort_unstable();
        assert_eq!(told, expected);
        assert_eq!(
            differences(b"no JSON", b"no JSON").map(|same| same.len()),
            Some(0)
        );
        assert!(differences(b"no JSON", b"{}").is_none());
        let long = format!("\"{}\"", "x".repeat(DIFFED_BYTES));
        assert!(differences(long.as_bytes(), b"{}").is_none());
        assert!(differences(long.as_bytes(), long.as_bytes()).is_some());
    }
}
