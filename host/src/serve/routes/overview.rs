//! What there is, and what would be done.

use axum::extract::State;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::host::Status;
use crate::model::{Entry, Name, Phase, StepWork, Version};
use crate::plan::Goal;
use crate::serve::Shared;
use crate::serve::access::Role;
use crate::serve::answer::Page;
use crate::serve::input::{Asked, PageOf};
use crate::serve::problem::Problem;
use crate::serve::wire::{Migration, MigrationStep, Migrations, Planned, RejectedFile, StepKind};
use crate::store::Audit;

/// Who asks, and what.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// What the token is for.
    role: Role,
    /// The version of the server.
    version: String,
    /// The store.
    store: String,
}

/// What the token is for
#[utoipa::path(get, path = "/api/v1/session", tag = "overview",
    responses((status = 200, body = Session), (status = 401, body = Problem)))]
pub async fn session(
    State(shared): State<Shared>,
    Extension(role): Extension<Role>,
) -> Json<Session> {
    Json(Session {
        role,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        store: shared.host.blocking().store().backend().url(),
    })
}

/// What there is, at a glance
#[utoipa::path(get, path = "/api/v1/status", tag = "overview",
    responses((status = 200, body = Status), (status = 401, body = Problem)))]
pub async fn status(State(shared): State<Shared>) -> Result<Json<Status>, Problem> {
    Ok(Json(shared.host.status().await?))
}

/// The migrations that were found
#[utoipa::path(get, path = "/api/v1/migrations", tag = "overview",
    responses((status = 200, body = Migrations), (status = 401, body = Problem)))]
pub async fn migrations(State(shared): State<Shared>) -> Result<Json<Migrations>, Problem> {
    let found = shared.host.ask(|host| {
        let apps = host.store().history()?.apps();
        let shown = |known: &crate::model::Migration| {
            let has = |phase: &Phase| {
                apps.get(&known.app)
                    .is_some_and(|app| app.has(&known.version, *phase))
            };
            let phases = [Phase::Offline, Phase::Online];
            let steps = known.steps.iter().map(|step| MigrationStep {
                name: step.name.clone(),
                phase: step.phase,
                kind: match &step.work {
                    StepWork::Transform {
                        mode: crate::model::Mode::Rewrite,
                        ..
                    } => StepKind::Rewrite,
                    StepWork::Transform {
                        mode: crate::model::Mode::Derive,
                        ..
                    } => StepKind::Derive,
                    StepWork::Schema(_) => StepKind::Schema,
                },
                collection: step.work.collection().clone(),
            });
            Migration {
                app: known.app.clone(),
                version: known.version.to_string(),
                file: known.file.display().to_string(),
                digest: known.digest,
                summary: known.summary.clone(),
                applied: phases.into_iter().filter(has).collect(),
                reverts: host.has_way_back(known),
                steps: steps.collect(),
            }
        };
        let rejected = host
            .catalogue()
            .rejected()
            .iter()
            .map(|rejected| RejectedFile {
                file: rejected.file.display().to_string(),
                reason: crate::host::with_causes(&rejected.reason),
            });
        Ok(Migrations {
            items: host.catalogue().migrations().iter().map(shown).collect(),
            rejected: rejected.collect(),
        })
    });
    Ok(Json(found.await?))
}

/// What is wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// The app; all without it.
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>)]
    pub app: Option<Name>,
    /// The version; the newest without it.
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>)]
    pub to: Option<Version>,
    /// The phase; both without it.
    pub phase: Option<Phase>,
}

impl From<Wanted> for Goal {
    fn from(Wanted { app, to, phase }: Wanted) -> Self {
        Self { app, to, phase }
    }
}

/// What would be done, or why nothing can be
#[utoipa::path(get, path = "/api/v1/plan", tag = "overview", params(Wanted),
    responses((status = 200, body = Planned), (status = 400, body = Problem), (status = 401, body = Problem)))]
pub async fn plan(
    State(shared): State<Shared>,
    Asked(wanted): Asked<Wanted>,
) -> Result<Json<Planned>, Problem> {
    Ok(Json(shared.host.plan(wanted.into()).await?.into()))
}

/// What was applied when, the newest first
#[utoipa::path(get, path = "/api/v1/history", tag = "overview", params(PageOf),
    responses((status = 200, body = Page<Entry>), (status = 400, body = Problem), (status = 401, body = Problem)))]
pub async fn history(
    State(shared): State<Shared>,
    Asked(page): Asked<PageOf>,
) -> Result<Json<Page<Entry>>, Problem> {
    let (after, limit) = (page.number()?, page.limit()?);
    let history = shared
        .host
        .ask(|host| Ok(host.store().history()?.0))
        .await?;
    Ok(Json(Page::newest_first(
        history,
        |entry| entry.number,
        after,
        limit,
    )))
}

/// Who changed what by way of this server, the newest first
#[utoipa::path(get, path = "/api/v1/audit", tag = "overview", params(PageOf),
    responses((status = 200, body = Page<Audit>), (status = 400, body = Problem), (status = 401, body = Problem)))]
pub async fn audit(
    State(shared): State<Shared>,
    Asked(page): Asked<PageOf>,
) -> Result<Json<Page<Audit>>, Problem> {
    let (after, limit) = (page.number()?, page.limit()?);
    let read = move |host: &crate::host::Host| Ok(host.store().audits(after, limit + 1)?);
    let mut items = shared.host.ask(read).await?;
    let is_more = items.len() > limit;
    items.truncate(limit);
    let next = items
        .last()
        .filter(|_| is_more)
        .map(|last| last.number.to_string());
    Ok(Json(Page { items, next }))
}
