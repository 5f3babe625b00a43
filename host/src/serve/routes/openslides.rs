//! The route of OpenSlides (OpenSlides/openslides-backend, docs/migration_route.md), for its clients: one command in each
//! call.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::host::{Host, HostError};
use crate::model::RunState;
use crate::plan::Goal;
use crate::serve::Shared;
use crate::serve::activities::Known;
use crate::serve::input::Input;
use crate::serve::problem::Problem;

/// A command.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Command {
    /// What is to be done.
    cmd: What,
    /// Taken, and of no effect: everything is told.
    #[serde(default)]
    #[expect(dead_code, reason = "clients send it")]
    verbose: bool,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// Migrates copies, while the application goes on.
    Migrate,
    /// Migrates what is left and makes the copies live.
    Finalize,
    /// Drops the copies.
    Reset,
    /// Tells where everything is.
    Stats,
    /// Tells how far what goes on is.
    Progress,
}

/// What is answered.
#[derive(Debug, Serialize, ToSchema)]
pub struct Answer {
    /// That the command was taken, not that it ended well.
    success: bool,
    /// Where everything is.
    status: MigrationState,
    /// What was said so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    /// Why it failed, once it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    exception: Option<String>,
    /// The figures, for `stats`.
    #[serde(skip_serializing_if = "Option::is_none")]
    stats: Option<Stats>,
}

/// Where everything is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MigrationState {
    /// Something is pending.
    MigrationRequired,
    /// Copies are being migrated.
    MigrationRunning,
    /// Migrating them failed.
    MigrationFailed,
    /// They are ready to become live.
    FinalizationRequired,
    /// They are becoming live.
    FinalizationRunning,
    /// That failed.
    FinalizationFailed,
    /// Nothing is pending.
    Finalized,
}

/// Figures.
#[derive(Debug, Serialize, ToSchema)]
pub struct Stats {
    /// Where everything is.
    status: MigrationState,
    /// The versions of the apps.
    current_migration_index: std::collections::BTreeMap<String, String>,
    /// The versions that the migrations lead to.
    target_migration_index: std::collections::BTreeMap<String, String>,
    /// The items.
    migratable_models: Models,
}

/// How many items.
#[derive(Debug, Serialize, ToSchema)]
pub struct Models {
    /// There are to be migrated.
    count: u64,
    /// Were migrated so far.
    migrated: u64,
}

/// Carry out one of OpenSlides' commands
#[utoipa::path(post, path = "/system/migrations", tag = "clients", request_body = Command,
    responses((status = 200, body = Answer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem)))]
pub async fn command(
    State(shared): State<Shared>,
    Input(command): Input<Command>,
) -> Result<Json<Answer>, Problem> {
    if !matches!(command.cmd, What::Stats | What::Progress) {
        begin(&shared, command.cmd).await?;
    }
    Ok(Json(answer(&shared, command.cmd).await?))
}

/// Begins what a command asks for.
async fn begin(shared: &Shared, what: What) -> Result<(), Problem> {
    // Between looking and beginning nobody else begins.
    let mut commanded = shared.commanded.lock().await;
    let is_working = |known: &Known| !known.has_ended();
    if going_on(shared).is_some_and(|known| is_working(&known)) {
        let detail = "a command is under way: `stats` and `progress` tell how far it is";
        return Err(Problem::conflict(detail));
    }
    let (host, activities) = (&shared.host, &shared.activities);
    let known = match what {
        What::Stats | What::Progress => return Ok(()),
        What::Migrate => {
            let work = host.up_shadow(Goal::default());
            activities.begin("shadow", work).await
        }
        What::Finalize => {
            // As there, what was not migrated is before it is finalized.
            let work = host.begin(|host, observer, control| {
                let report = host.up_shadow(&Goal::default(), observer, control)?;
                match report.stats {
                    Some(stats) if stats.is_ready => host.finalize(observer, control),
                    _ => Ok(report),
                }
            });
            activities.begin("finalize", work).await
        }
        What::Reset => {
            let reset = activities.begin("reset", host.reset()).await;
            // It is short, and what is told next depends on it.
            let _ = tokio::time::timeout(Duration::from_secs(10), reset.end()).await;
            reset
        }
    };
    *commanded = Some(known.number);
    Ok(())
}

/// Where commands are sent.
pub const PATH: &str = "/system/migrations";

/// Whether a command changes nothing.
pub fn only_asks(body: &[u8]) -> bool {
    let command = serde_json::from_slice::<Command>(body);
    command.is_ok_and(|command| matches!(command.cmd, What::Stats | What::Progress))
}

/// Whether something is done for a purpose of the commands.
fn is_command(purpose: &str) -> bool {
    matches!(purpose, "shadow" | "finalize" | "reset")
}

/// What goes on, or ended last, of what is done for a purpose of the commands.
fn going_on(shared: &Shared) -> Option<Arc<Known>> {
    shared.activities.current_of(is_command)
}

/// Why what a command began last has failed, if it has, with its purpose.
async fn failure(shared: &Shared) -> Option<(&'static str, String)> {
    let number = (*shared.commanded.lock().await)?;
    let known = shared.activities.get(number)?;
    let problem = known.failure()?;
    Some((known.purpose, problem.detail))
}

async fn answer(shared: &Shared, what: What) -> Result<Answer, Problem> {
    let working = going_on(shared).filter(|known| !known.has_ended());
    let purpose = working.map(|known| known.purpose);
    let failure = match purpose {
        Some(_) => None,
        None => failure(shared).await,
    };
    let figures = shared.host.ask(figures).await?;
    // What the store says of itself counts more: others may have ended what failed.
    let is_well = matches!(
        figures.status,
        MigrationState::Finalized | MigrationState::FinalizationRequired
    );
    let failure = failure.filter(|_| !is_well);
    let status = match (purpose, &failure) {
        (Some("finalize"), _) => MigrationState::FinalizationRunning,
        (Some(_), _) => MigrationState::MigrationRunning,
        (None, Some(("finalize", _))) => MigrationState::FinalizationFailed,
        (None, Some(_)) => MigrationState::MigrationFailed,
        (None, None) => figures.status,
    };
    let stats = (what == What::Stats).then_some(Stats {
        status,
        ..figures.stats
    });
    Ok(Answer {
        success: true,
        status,
        output: figures.output,
        exception: failure.map(|(_, detail)| detail),
        stats,
    })
}

/// What the store says.
struct Figures {
    status: MigrationState,
    stats: Stats,
    output: Option<String>,
}

fn figures(host: &Host) -> Result<Figures, HostError> {
    let shadow = host.shadow()?;
    let planned = host.plan(&Goal::default())?;
    let status = match &shadow {
        Some(shadow) if shadow.is_ready => MigrationState::FinalizationRequired,
        Some(shadow) => match shadow.run {
            Some((_, RunState::Failed | RunState::Blocked)) => MigrationState::MigrationFailed,
            _ => MigrationState::MigrationRequired,
        },
        None if planned.plan.is_empty() && !planned.is_refused() => MigrationState::Finalized,
        None => MigrationState::MigrationRequired,
    };
    let mut target = std::collections::BTreeMap::new();
    for migration in host.catalogue().migrations() {
        let newest = host.catalogue().newest(&migration.app);
        let newest = newest.map(ToString::to_string).unwrap_or_default();
        target.insert(migration.app.to_string(), newest);
    }
    let apps = host.status()?.apps.into_iter();
    let current = apps.filter_map(|app| Some((app.app.to_string(), app.version?.to_string())));
    let progress = host.progress()?;
    let output = progress.as_ref().map(|progress| {
        format!(
            "run {}: {} of {} items",
            progress.run, progress.read, progress.total
        )
    });
    let migrated = progress.as_ref().map_or(0, |progress| progress.read);
    Ok(Figures {
        status,
        output,
        stats: Stats {
            status,
            current_migration_index: current.collect(),
            target_migration_index: target,
            migratable_models: Models {
                count: progress.map_or(0, |progress| progress.total),
                migrated,
            },
        },
    })
}
