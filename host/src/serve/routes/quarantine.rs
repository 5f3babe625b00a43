//! Items that failed.

use std::ops::ControlFlow;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::runs::begun;
use crate::host::{Host, HostError};
use crate::model::{Apart, Name, diff};
use crate::serve::Shared;
use crate::serve::answer::{Page, Tagged, etag};
use crate::serve::input::{Asked, At, Input, ItemName, checked, fifty};
use crate::serve::problem::Problem;
use crate::serve::wire::{Activity, Quarantined, QuarantinedItem};

/// Which items in quarantine.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
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
    responses((status = 200, body = Page<Quarantined>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 404, body = Problem)))]
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
    let limit = checked(which.limit)?.get();
    let found = shared
        .host
        .ask(move |host| {
            on(host, which.shadow, |host| {
                found(host, &which, after.as_ref(), limit + 1)
            })
        })
        .await;
    let mut items = found?;
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

fn found(
    host: &Host,
    which: &Which,
    after: Option<&(Name, String)>,
    limit: usize,
) -> Result<Vec<Quarantined>, HostError> {
    let mut found = Vec::new();
    let collections = host.store().collections()?;
    if let Some(unknown) = which
        .collection
        .as_ref()
        .filter(|name| !collections.contains_key(*name))
    {
        return Err(HostError::NoCollection(unknown.clone()));
    }
    for name in collections.keys() {
        let is_chosen = which
            .collection
            .as_ref()
            .is_none_or(|chosen| chosen == name);
        let is_behind = after.is_none_or(|(begun, _)| name >= begun);
        if !is_chosen || !is_behind || found.len() == limit {
            continue;
        }
        let after = after
            .filter(|(begun, _)| begun == name)
            .map(|(_, id)| id.as_str());
        host.store().each_apart(name, after, &mut |id, apart| {
            let is_meant = |apart: &Apart| {
                let failure = apart.failure.as_ref();
                failure.is_some_and(|failure| which.accepted || !failure.accepted)
            };
            if is_meant(&apart) {
                found.extend(shown(name, id, apart));
            }
            match found.len() < limit {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        })?;
    }
    Ok(found)
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
pub struct Where {
    /// In the shadow run, in place of what is live.
    #[serde(default)]
    shadow: bool,
}

/// An item in quarantine, and what became of it
#[utoipa::path(get, path = "/api/v1/quarantine/{collection}/{id}", tag = "quarantine",
    params(("collection" = String, Path), ("id" = String, Path), Where),
    responses((status = 200, body = QuarantinedItem, headers(("etag" = String))), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub async fn one(
    State(shared): State<Shared>,
    At((collection, id)): At<(Name, String)>,
    Asked(place): Asked<Where>,
) -> Result<Response, Problem> {
    let (item, tag) = shared
        .host
        .ask(move |host| on(host, place.shadow, |host| looked_at(host, collection, id)))
        .await?;
    Ok(Tagged(Json(item), tag).into_response())
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
    let parse = |body: &[u8]| serde_json::from_slice::<serde_json::Value>(body).ok();
    let before = host.before(about.failure.run, &collection, &id)?;
    let before = before.as_deref().and_then(parse);
    let body = parse(&found.item.body);
    let changed = before.as_ref().zip(body.as_ref());
    let changed = changed.map_or_else(Vec::new, |(before, body)| diff(before, body));
    let item = QuarantinedItem {
        about,
        body,
        text: String::from_utf8_lossy(&found.item.body).into_owned(),
        before,
        diff: changed.into_iter().map(Into::into).collect(),
    };
    Ok((item, tag))
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
