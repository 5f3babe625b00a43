//! The route of OpenSlides (OpenSlides/openslides-backend, docs/migration_route.md), for its clients: one command in each
//! call.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::host::{Host, HostError};
use crate::model::RunState;
use crate::plan::Goal;
use crate::serve::Shared;
use crate::serve::input::Input;
use crate::serve::problem::Problem;
use crate::serve::wire::ActivityState;

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
    // Between looking and beginning nobody else begins.
    let _alone = shared.commands.lock().await;
    let running = going_on(&shared).await?;
    let host = &shared.host;
    match command.cmd {
        What::Stats | What::Progress => {}
        _ if running.is_some() => {
            let detail = "a command is under way: `stats` and `progress` tell how far it is";
            return Err(Problem::conflict(detail));
        }
        What::Migrate => drop(
            shared
                .activities
                .begin("shadow", host.up_shadow(Goal::default()))
                .await,
        ),
        What::Finalize => {
            // As there, what was not migrated is before it is finalized.
            let all = host.begin(|host, observer, control| {
                let report = host.up_shadow(&Goal::default(), observer, control)?;
                match report.stats {
                    Some(stats) if stats.is_ready => host.finalize(observer, control),
                    _ => Ok(report),
                }
            });
            drop(shared.activities.begin("finalize", all).await);
        }
        What::Reset => {
            let reset = shared.activities.begin("reset", host.reset()).await;
            // It is short, and what is told next depends on it.
            let _ = tokio::time::timeout(Duration::from_secs(10), reset.end()).await;
        }
    }
    Ok(Json(answer(&shared, command.cmd).await?))
}

/// Whether something is done for a purpose of the commands.
fn is_command(purpose: &str) -> bool {
    matches!(purpose, "shadow" | "finalize" | "reset")
}

/// What goes on that was commanded.
async fn going_on(shared: &Shared) -> Result<Option<String>, Problem> {
    let Some(known) = shared.activities.current_of(is_command) else {
        return Ok(None);
    };
    let activity = shared.activities.told(&known).await?;
    Ok((activity.state == ActivityState::Working).then_some(activity.purpose))
}

async fn answer(shared: &Shared, what: What) -> Result<Answer, Problem> {
    let (mut purpose, mut failure) = (None, None);
    if let Some(known) = shared.activities.current_of(is_command) {
        let activity = shared.activities.told(&known).await?;
        match activity.state {
            ActivityState::Working => purpose = Some(activity.purpose),
            ActivityState::Failed => {
                failure = activity.error.map(|error| (activity.purpose, error.detail));
            }
            ActivityState::Done => {}
        }
    }
    let figures = shared.host.ask(figures).await?;
    let status = match (purpose.as_deref(), &failure) {
        (Some("finalize"), _) => MigrationState::FinalizationRunning,
        (Some(_), _) => MigrationState::MigrationRunning,
        (None, Some((purpose, _))) if purpose == "finalize" => MigrationState::FinalizationFailed,
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
