//! Backups in the server's folder. Putting one in the store's place is for those who have stopped the server: while it runs, that
//! is refused.

use std::ops::ControlFlow;
use std::path::Path;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::runs::begun;
use crate::host::{FoundBackup, Host, HostError, backups_in, with_causes};
use crate::model::{Digest, Run, Timestamp};
use crate::serve::Shared;
use crate::serve::answer::Tagged;
use crate::serve::input::{At, Condition};
use crate::serve::problem::Problem;
use crate::serve::wire::Activity;
use crate::store::{BackupError, Manifest};

/// A backup.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeptBackup {
    /// The name of its file.
    name: String,
    /// Bytes of the file.
    bytes: Option<u64>,
    /// When it was made.
    made_at: Option<Timestamp>,
    /// How many entries it has.
    entries: Option<u64>,
    /// The digest of what it has.
    digest: Option<Digest>,
    /// The store that it was made of.
    store: Option<String>,
    /// Whether that is this one.
    is_own: bool,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl From<&FoundBackup> for KeptBackup {
    fn from(found: &FoundBackup) -> Self {
        let backup = found.backup.as_ref().ok();
        let manifest = backup.map(crate::store::Backup::manifest);
        Self {
            name: found.name(),
            bytes: backup.map(crate::store::Backup::file_bytes),
            made_at: manifest.map(|manifest| manifest.created_at),
            entries: manifest.map(|manifest| manifest.entries),
            digest: manifest.map(|manifest| manifest.digest),
            store: manifest.map(|manifest| manifest.store.clone()),
            is_own: found.is_own,
            error: found.backup.as_ref().err().map(|error| with_causes(error)),
        }
    }
}

/// The backups.
#[derive(Debug, Serialize, ToSchema)]
pub struct Backups {
    /// Each, the newest one first.
    items: Vec<KeptBackup>,
}

/// Backups, the newest one first
#[utoipa::path(get, path = "/api/v1/backups", tag = "backups",
    responses((status = 200, body = Backups), (status = 401, body = Problem), (status = 409, body = Problem)))]
pub async fn list(State(shared): State<Shared>) -> Result<Json<Backups>, Problem> {
    let found = found(&shared).await?;
    Ok(Json(Backups {
        items: found.iter().rev().map(KeptBackup::from).collect(),
    }))
}

async fn found(shared: &Shared) -> Result<Vec<FoundBackup>, Problem> {
    let folder = folder(shared)?;
    let read = move |host: &Host| {
        let url = host.store().backend().url().parse().ok();
        Ok(backups_in(&folder, url.as_ref()))
    };
    let found = shared.host.ask(read).await?;
    found.map_err(|error| {
        let detail = format!("the folder of backups cannot be read: {error}");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
    })
}

fn folder(shared: &Shared) -> Result<std::path::PathBuf, Problem> {
    let folder = shared.settings.backups.clone();
    folder.ok_or_else(|| Problem::conflict("the server has no folder for backups"))
}

/// The one of a name: of those that are there, so that no name leads elsewhere.
async fn named(shared: &Shared, name: &str) -> Result<FoundBackup, Problem> {
    let found = found(shared).await?;
    let named = found.into_iter().find(|found| found.name() == name);
    named.ok_or_else(|| Problem::not_found(format!("there is no backup {name}")))
}

/// Back the store up, as it is at one moment; one backup is made at a time
#[utoipa::path(post, path = "/api/v1/backups", tag = "backups",
    responses((status = 202, body = Activity), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 415, body = Problem)))]
pub async fn create(State(shared): State<Shared>) -> Result<Response, Problem> {
    let folder = folder(&shared)?;
    let turn = shared.backing_up.clone().try_lock_owned().map_err(|_| {
        let problem = Problem::conflict("a backup is being made already");
        problem.with_hint("begin another one once it is done")
    })?;
    let work = shared.host.begin(move |host, _, control| {
        let _turn = turn;
        let (file, manifest) = host.back_up_in(&folder, control, &mut |_| {})?;
        Ok(told(&file, &manifest))
    });
    let known = shared.activities.begin("backup", work).await;
    begun(&shared, &known).await
}

/// What came of it: without the list of its chunks.
fn told(file: &Path, manifest: &Manifest) -> Value {
    json!({
        "name": file.file_name().unwrap_or_default().to_string_lossy(),
        "entries": manifest.entries,
        "bytes": manifest.bytes,
        "digest": manifest.digest,
    })
}

/// A backup
#[utoipa::path(get, path = "/api/v1/backups/{name}", tag = "backups", params(("name" = String, Path)),
    responses((status = 200, body = KeptBackup, headers(("etag" = String))), (status = 401, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn one(State(shared): State<Shared>, At(name): At<String>) -> Result<Response, Problem> {
    let found = named(&shared, &name).await?;
    let tag = tag_of(&found);
    Ok(Tagged(Json(KeptBackup::from(&found)), tag).into_response())
}

fn tag_of(found: &FoundBackup) -> String {
    let digest = found
        .backup
        .as_ref()
        .ok()
        .map(|backup| backup.manifest().digest);
    let digest = digest.map_or_else(|| "unreadable".to_owned(), |digest| digest.short());
    format!("\"{digest}\"")
}

/// Read every byte of a backup
#[utoipa::path(post, path = "/api/v1/backups/{name}/verify", tag = "backups", params(("name" = String, Path)),
    responses((status = 202, body = Activity), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 415, body = Problem)))]
pub async fn verify(
    State(shared): State<Shared>,
    At(name): At<String>,
) -> Result<Response, Problem> {
    let found = named(&shared, &name).await?;
    let backup = found.backup.map_err(HostError::from)?;
    let work = shared.host.begin(move |_, _, control| {
        backup.verify(&mut |_| match control.is_stopped() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        })?;
        Ok(told(backup.path(), backup.manifest()))
    });
    let known = shared.activities.begin("backup verify", work).await;
    begun(&shared, &known).await
}

/// Remove a backup, unless it is all that takes an unfinished run back
#[utoipa::path(delete, path = "/api/v1/backups/{name}", tag = "backups",
    params(("name" = String, Path), ("if-match" = String, Header, description = "The ETag of the backup.")),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 412, body = Problem), (status = 428, body = Problem)))]
pub async fn delete(
    State(shared): State<Shared>,
    At(name): At<String>,
    condition: Condition,
) -> Result<StatusCode, Problem> {
    let found = named(&shared, &name).await?;
    condition.check(Some(&tag_of(&found)))?;
    if !found.is_own {
        return Err(Problem::conflict("it is a backup of another store"));
    }
    let runs = shared.host.ask(|host| Ok(host.store().runs()?)).await?;
    let is_its = |run: &&Run| run.needs_backup() && run.backup.as_deref() == Some(&*name);
    if let Some(run) = runs.iter().find(is_its) {
        let detail = format!(
            "nothing else takes run {} back, which is {}",
            run.id, run.state
        );
        return Err(Problem::conflict(detail).with_hint("finish the run first"));
    }
    let remove = move |_: &Host| {
        let removed = std::fs::remove_file(&found.path);
        Ok(removed.map_err(|source| BackupError::Failed {
            action: "removing",
            path: found.path.clone(),
            source,
        })?)
    };
    shared.host.ask(remove).await?;
    Ok(StatusCode::NO_CONTENT)
}
