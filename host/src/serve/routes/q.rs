//! The route of Q (nzzdev/Q-server), for its clients: migrates all items of a collection, or one, and answers their ids by what
//! became of them.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use utoipa::ToSchema;

use crate::host::{Host, HostError};
use crate::model::{Name, RunId, RunState};
use crate::plan::Goal;
use crate::serve::Shared;
use crate::serve::activities::Known;
use crate::serve::input::At;
use crate::serve::problem::Problem;

/// Something is sent so often while a run goes on, so that whoever stands between does not take the answer for dead.
const ALIVE: Duration = Duration::from_secs(10);
/// So many items are looked at for each piece of an answer.
const PAGE: usize = 1_000;

/// What became of all items.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Migrated {
    /// The ids of items with a new body, or that are gone.
    updated: Vec<String>,
    /// The ids of items that are as they were.
    not_updated: Vec<String>,
    /// Items that failed.
    failed: Vec<FailedItem>,
}

/// An item that failed.
#[derive(Debug, Serialize, ToSchema)]
pub struct FailedItem {
    /// Its id.
    id: String,
    /// Why.
    reason: String,
}

/// What became of one item.
#[derive(Debug, Serialize, ToSchema)]
pub struct MigratedItem {
    /// `updated`, `notUpdated` or `failed`.
    status: String,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Migrate all items of a collection's app, and tell what became of those of the collection
///
/// The answer comes as it is read: it may be of any length.
#[utoipa::path(post, path = "/admin/migration/{collection}", tag = "clients", params(("collection" = String, Path)),
    responses((status = 200, body = Migrated), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 415, body = Problem)))]
pub async fn all(
    State(shared): State<Shared>,
    At(collection): At<Name>,
) -> Result<Response, Problem> {
    migrate_all(&shared, collection).await
}

/// The same by GET, as Q's clients ask; off unless it was switched on
#[utoipa::path(get, path = "/admin/migration/{collection}", tag = "clients", params(("collection" = String, Path)),
    responses((status = 200, body = Migrated), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 405, body = Problem), (status = 409, body = Problem)))]
pub async fn all_by_get(
    State(shared): State<Shared>,
    At(collection): At<Name>,
) -> Result<Response, Problem> {
    check_get(&shared)?;
    migrate_all(&shared, collection).await
}

/// Migrate one item
#[utoipa::path(post, path = "/admin/migration/{collection}/{id}", tag = "clients",
    params(("collection" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = MigratedItem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 415, body = Problem)))]
pub async fn one(
    State(shared): State<Shared>,
    At((collection, id)): At<(Name, String)>,
) -> Result<Json<MigratedItem>, Problem> {
    migrate_one(&shared, collection, id).await
}

/// The same by GET, as Q's clients ask; off unless it was switched on
#[utoipa::path(get, path = "/admin/migration/{collection}/{id}", tag = "clients",
    params(("collection" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = MigratedItem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 405, body = Problem), (status = 409, body = Problem)))]
pub async fn one_by_get(
    State(shared): State<Shared>,
    At((collection, id)): At<(Name, String)>,
) -> Result<Json<MigratedItem>, Problem> {
    check_get(&shared)?;
    migrate_one(&shared, collection, id).await
}

fn check_get(shared: &Shared) -> Result<(), Problem> {
    match shared.settings.q_gets {
        true => Ok(()),
        false => Err(
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "a GET changes nothing here")
                .with_hint("send POST, or have the server take Q's GET: `--q-get`"),
        ),
    }
}

async fn migrate_all(shared: &Shared, collection: Name) -> Result<Response, Problem> {
    let name = collection.clone();
    let known = shared.host.ask(move |host| {
        let record = host.store().collection(&name)?;
        let record = record.ok_or(HostError::NoCollection(name))?;
        Ok((record.app, host.status()?.unfinished))
    });
    let (app, unfinished) = known.await?;
    // A run that quarantine blocks has done everything before: going on with it changes no item.
    let blocked = unfinished.filter(|run| run.state == RunState::Blocked);
    let blocked = blocked.map(|run| run.id);
    let goal = Goal {
        app: Some(app),
        ..Goal::default()
    };
    let activity = shared.activities.begin("up", shared.host.up(goal)).await;
    if let Some(problem) = activity.failure() {
        return Err(problem);
    }
    let (sender, chunks) = mpsc::channel(4);
    let host = shared.host.clone();
    tokio::spawn(async move {
        let told = tell(&host, collection, &activity, blocked, &sender).await;
        if let Err(problem) = told {
            // An answer that is under way can only be broken off.
            let _ = sender.send(Err(problem.detail)).await;
        }
    });
    let chunks = futures_util::stream::unfold(chunks, |mut chunks| async move {
        let chunk: Chunk = chunks.recv().await?;
        Some((chunk.map_err(std::io::Error::other), chunks))
    });
    let mut response = Body::from_stream(chunks).into_response();
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    Ok(response)
}

/// A piece of an answer, or why there is no more.
type Chunk = Result<Vec<u8>, String>;

/// Tells what became of all items, once the run is over; until then something that means nothing now and then.
async fn tell(
    host: &crate::embed::Host,
    collection: Name,
    activity: &Known,
    blocked: Option<RunId>,
    to: &mpsc::Sender<Chunk>,
) -> Result<(), Problem> {
    let result = loop {
        match tokio::time::timeout(ALIVE, activity.end()).await {
            Ok(result) => break result?,
            Err(_) => {
                if to.send(Ok(b"\n".to_vec())).await.is_err() {
                    // Nobody reads on; the run goes on all the same.
                    return Ok(());
                }
            }
        }
    };
    let reports = result.as_array().cloned().unwrap_or_default();
    let runs = reports
        .iter()
        .filter_map(|report| report.pointer("/run/id")?.as_u64());
    let runs = runs.map(RunId).filter(|run| Some(*run) != blocked);
    let runs: BTreeSet<RunId> = runs.collect();
    let of = Arc::new((collection, runs));
    let lists = [
        ("{\"updated\":[", Became::Updated),
        ("],\"notUpdated\":[", Became::NotUpdated),
        ("],\"failed\":[", Became::Failed),
    ];
    for (head, became) in lists {
        let mut piece = head.as_bytes().to_vec();
        let (mut after, mut is_first) = (None, true);
        loop {
            let of = of.clone();
            // One page at a time: whoever is slow to take it keeps nobody from the store.
            let page = host.ask(move |host| page_behind(host, &of.0, &of.1, became, after));
            let (entries, next) = page.await?;
            for entry in entries {
                if !std::mem::take(&mut is_first) {
                    piece.push(b',');
                }
                piece.extend_from_slice(entry.to_string().as_bytes());
            }
            if !piece.is_empty() && to.send(Ok(std::mem::take(&mut piece))).await.is_err() {
                return Ok(());
            }
            if next.is_none() {
                break;
            }
            after = next;
        }
    }
    let _ = to.send(Ok(b"]}".to_vec())).await;
    Ok(())
}

/// What became of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Became {
    Updated,
    NotUpdated,
    Failed,
}

/// Entries of a list, of some items behind an id, and the id behind which it goes on, if it does.
type Listed = (Vec<Value>, Option<String>);

fn page_behind(
    host: &Host,
    collection: &Name,
    runs: &BTreeSet<RunId>,
    wanted: Became,
    after: Option<String>,
) -> Result<Listed, HostError> {
    let after = after.as_deref();
    match wanted {
        Became::Failed => failed_behind(host, collection, after),
        wanted => listed_behind(host, collection, runs, wanted, after),
    }
}

/// How far a page has come.
#[derive(Default)]
struct LookedAt {
    items: usize,
    next: Option<String>,
}

impl LookedAt {
    fn one_more(&mut self, id: &str) -> ControlFlow<()> {
        self.items += 1;
        if self.items < PAGE {
            return ControlFlow::Continue(());
        }
        self.next = Some(id.to_owned());
        ControlFlow::Break(())
    }
}

fn failed_behind(host: &Host, collection: &Name, after: Option<&str>) -> Result<Listed, HostError> {
    let (mut page, mut looked_at) = (Vec::new(), LookedAt::default());
    host.store()
        .each_apart(collection, after, &mut |id, apart| {
            page.extend(apart.failure.map(|failure| {
                json!(FailedItem {
                    id: id.to_owned(),
                    reason: failure.reason
                })
            }));
            looked_at.one_more(id)
        })?;
    Ok((page, looked_at.next))
}

/// What the runs wrote has their number.
fn listed_behind(
    host: &Host,
    collection: &Name,
    runs: &BTreeSet<RunId>,
    wanted: Became,
    after: Option<&str>,
) -> Result<Listed, HostError> {
    let (mut page, mut looked_at) = (Vec::new(), LookedAt::default());
    host.store()
        .each_item(collection, after, &mut |id, record| {
            if runs.contains(&record.writer) == (wanted == Became::Updated) {
                page.push(id.to_owned());
            }
            looked_at.one_more(id)
        })?;
    let mut listed = Vec::with_capacity(page.len());
    for id in page {
        let apart = host.store().apart(collection, &id)?;
        let has_failed = apart.is_some_and(|apart| apart.failure.is_some());
        if wanted == Became::Updated || !has_failed {
            listed.push(Value::String(id));
        }
    }
    Ok((listed, looked_at.next))
}

async fn migrate_one(
    shared: &Shared,
    collection: Name,
    id: String,
) -> Result<Json<MigratedItem>, Problem> {
    let work = shared.host.up_item(collection.clone(), id.clone(), None);
    let activity = shared.activities.begin("item", work).await;
    let result = activity.end().await?;
    let failure = shared.host.ask(move |host| {
        let apart = host.store().apart(&collection, &id)?;
        Ok(apart.and_then(|apart| apart.failure))
    });
    let status = match failure.await? {
        Some(failure) => ("failed", Some(failure.reason)),
        None if has_changed(&result) => ("updated", None),
        None => ("notUpdated", None),
    };
    Ok(Json(MigratedItem {
        status: status.0.to_owned(),
        reason: status.1,
    }))
}

/// Whether a run of one item, as it is reported, changed it.
fn has_changed(report: &Value) -> bool {
    let steps = report["steps"].as_array().into_iter().flatten();
    let changes = |step: &Value| {
        let count = |name: &str| step["counts"][name].as_u64().unwrap_or(0);
        count("updated") + count("removed") > 0
    };
    steps.into_iter().any(changes)
}
