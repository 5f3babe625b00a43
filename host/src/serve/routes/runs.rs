//! Runs, what directs them, and what goes on.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::overview::Wanted;
use crate::embed::Work;
use crate::host::{
    Answer, DownGoal, Host, HostError, Request, ShadowStats, SocketError, is_about, with_causes,
};
use crate::model::{Run, RunId};
use crate::plan::Goal;
use crate::run::{ChangedItems, Control, Pacing, Report, RunProgress};
use crate::serve::Shared;
use crate::serve::activities::Known;
use crate::serve::answer::{Page, Tagged, etag};
use crate::serve::input::{Asked, At, Condition, Input, PageOf};
use crate::serve::problem::Problem;
use crate::serve::wire::{Activity, ActivityState, CurrentActivity, Pace};

/// What goes on, or else ended last
#[utoipa::path(get, path = "/api/v1/activity", tag = "runs",
    responses((status = 200, body = CurrentActivity), (status = 401, body = Problem)))]
pub async fn activity(State(shared): State<Shared>) -> Result<Json<CurrentActivity>, Problem> {
    let own = match shared.activities.current() {
        Some(known) => Some(shared.activities.told(&known).await?),
        None => None,
    };
    let goes_on = own
        .as_ref()
        .is_some_and(|own| own.state == ActivityState::Working);
    let others = match goes_on {
        true => None,
        false => elsewhere(&shared).await?,
    };
    Ok(Json(CurrentActivity {
        activity: others.or(own),
    }))
}

/// What somebody else does to the store, if anybody does something. Of one who cannot be asked, on another machine or without a
/// socket, it is known what the lease says.
async fn elsewhere(shared: &Shared) -> Result<Option<Activity>, Problem> {
    let found = shared.host.ask(|host| {
        let answer = host.control_folder.as_deref().map(|folder| {
            let asked = Request::Progress.send(folder);
            asked.inspect_err(|error| tracing::debug!(%error, "nobody can be asked how far it is"))
        });
        if let Some(Ok(answer)) = answer {
            return Ok(Some(activity_of(host, answer)?));
        }
        Ok(host.busy()?.map(|busy| Activity {
            directed: false,
            ..others(busy.purpose)
        }))
    });
    Ok(found.await?)
}

/// What another process on the machine answers.
fn activity_of(host: &Host, answer: Answer) -> Result<Activity, HostError> {
    let Answer {
        purpose,
        is_stopping,
        holds,
        pacing,
        progress,
    } = answer;
    let run = progress.as_ref().map(|progress| progress.run);
    let record = run.map(|run| host.store().run(run)).transpose()?.flatten();
    // An import may go on beside a run that is blocked.
    let is_its = record.is_some_and(|run| is_about(&purpose, &run));
    let progress = progress.filter(|_| is_its);
    Ok(Activity {
        run: progress.as_ref().map(|progress| progress.run),
        holds,
        is_stopping,
        pacing: Some(pacing.into()),
        progress,
        ..others(purpose)
    })
}

/// What is known of what another process does, whatever it is.
fn others(purpose: String) -> Activity {
    Activity {
        number: 0,
        purpose,
        state: ActivityState::Working,
        started_at: None,
        ended_at: None,
        run: None,
        directed: true,
        holds: Vec::new(),
        is_stopping: false,
        pacing: None,
        progress: None,
        error: None,
        reports: None,
        result: None,
    }
}

/// Something that goes on or has ended
#[utoipa::path(get, path = "/api/v1/activities/{number}", tag = "runs", params(("number" = u64, Path)),
    responses((status = 200, body = Activity), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub async fn numbered_activity(
    State(shared): State<Shared>,
    At(number): At<u64>,
) -> Result<Json<Activity>, Problem> {
    let known = shared.activities.get(number);
    let known =
        known.ok_or_else(|| Problem::not_found(format!("there is no activity {number}")))?;
    Ok(Json(shared.activities.told(&known).await?))
}

/// Runs, the newest first
#[utoipa::path(get, path = "/api/v1/runs", tag = "runs", params(PageOf),
    responses((status = 200, body = Page<Run>), (status = 400, body = Problem), (status = 401, body = Problem)))]
pub async fn list(
    State(shared): State<Shared>,
    Asked(page): Asked<PageOf>,
) -> Result<Json<Page<Run>>, Problem> {
    let (after, limit) = (page.number()?, page.limit()?);
    let runs = shared.host.ask(|host| {
        let runs = host.store().runs()?.into_iter();
        runs.map(|run| host.as_of_now(run))
            .collect::<Result<Vec<_>, _>>()
    });
    let runs = runs.await?;
    Ok(Json(Page::newest_first(runs, |run| run.id.0, after, limit)))
}

/// What is to be done.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRun {
    /// What for.
    #[serde(default)]
    purpose: NewPurpose,
    /// The app; all without it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    app: Option<crate::model::Name>,
    /// The version; the newest without it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    to: Option<crate::model::Version>,
    /// The phase; both without it.
    #[serde(default)]
    phase: Option<crate::model::Phase>,
    /// How fast it may go; as the server was told without it.
    #[serde(default)]
    pace: Option<Pace>,
}

/// What a run is begun for.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum NewPurpose {
    /// To carry out what is pending, or go on with what was interrupted.
    #[default]
    Up,
    /// The same in copies, while the application goes on.
    Shadow,
    /// To make live what a shadow run made.
    Finalize,
    /// To drop what a shadow run made.
    Reset,
    /// To bring an app back to an older version, by what its migrations do to go back. `app` and `to` must be named.
    Down,
}

/// Begin a run, or go on with one
#[utoipa::path(post, path = "/api/v1/runs", tag = "runs", request_body = NewRun,
    responses((status = 202, body = Activity, description = "It was begun; `Location` says where to look after it."),
        (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 409, body = Problem, description = "Nothing can be planned, or somebody else works on the store."),
        (status = 415, body = Problem), (status = 422, body = Problem)))]
pub async fn begin(
    State(shared): State<Shared>,
    Input(wanted): Input<NewRun>,
) -> Result<Response, Problem> {
    let NewRun {
        purpose,
        app,
        to,
        phase,
        pace,
    } = wanted;
    let pacing = pace.map(Pace::checked).transpose()?;
    let goal: Goal = Wanted { app, to, phase }.into();
    let (host, activities) = (&shared.host, &shared.activities);
    let known = match purpose {
        NewPurpose::Up => activities.begin("up", paced(host.up(goal), pacing)).await,
        NewPurpose::Shadow => {
            let work = paced(host.up_shadow(goal), pacing);
            activities.begin("shadow", work).await
        }
        NewPurpose::Finalize => {
            let work = paced(host.finalize(), pacing);
            activities.begin("finalize", work).await
        }
        NewPurpose::Reset => activities.begin("reset", host.reset()).await,
        NewPurpose::Down => {
            let (Some(app), Some(to), None) = (goal.app, goal.to, goal.phase) else {
                let detail = "`down` is told `app` and `to`, and no `phase`";
                return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
            };
            let work = paced(host.down(DownGoal { app, to }), pacing);
            activities.begin("down", work).await
        }
    };
    begun(&shared, &known).await
}

/// A work that may go so fast.
fn paced<T>(work: Work<T>, pacing: Option<Pacing>) -> Work<T> {
    if let Some(pacing) = pacing {
        work.throttle(|known| *known = pacing);
    }
    work
}

/// What is answered to who began something: how it began, or why it did not.
pub(super) async fn begun(shared: &Shared, known: &Known) -> Result<Response, Problem> {
    let activity = shared.activities.told(known).await?;
    if let Some(problem) = known.failure().filter(|_| activity.run.is_none()) {
        return Err(problem);
    }
    let place = format!("/api/v1/activities/{}", activity.number);
    let mut response = (StatusCode::ACCEPTED, Json(activity)).into_response();
    if let Ok(place) = HeaderValue::from_str(&place) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

/// A run, and how far it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct OneRun {
    /// What it did so far.
    report: Report,
    /// How far it is; `null` where it is over.
    progress: Option<RunProgress>,
    /// The command that takes it back, if there is one.
    retreat: Option<String>,
}

/// A run
#[utoipa::path(get, path = "/api/v1/runs/{run}", tag = "runs", params(("run" = u64, Path)),
    responses((status = 200, body = OneRun, headers(("etag" = String))), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub async fn one(State(shared): State<Shared>, At(run): At<RunId>) -> Result<Response, Problem> {
    let found = shared.host.ask(move |host| {
        let record = host.store().run(run)?.ok_or(HostError::NoRun(run))?;
        let progress = match record.state.is_unfinished() {
            true => Some(host.progress_of(record.clone())?),
            false => None,
        };
        let retreat = record.retreat_among(&host.store().runs()?);
        let retreat = retreat.map(|retreat| retreat.to_string());
        let tag = tag_of(&record);
        let report = host.report(host.as_of_now(record)?)?;
        Ok((
            OneRun {
                report,
                progress,
                retreat,
            },
            tag,
        ))
    });
    let (found, tag) = found.await?;
    Ok(Tagged(Json(found), tag).into_response())
}

fn tag_of(run: &Run) -> String {
    etag(&serde_json::to_vec(run).unwrap_or_default())
}

/// Has the work on a run done something, wherever on the machine it is.
async fn direct(
    shared: &Shared,
    run: RunId,
    requests: Vec<Request>,
    own: impl FnOnce(&Control),
) -> Result<Json<Activity>, Problem> {
    if let Some(known) = shared.activities.of_run(run) {
        own(&known.control);
        return Ok(Json(shared.activities.told(&known).await?));
    }
    let is_it = |activity: &Activity| activity.run == Some(run);
    let nobody = || {
        Problem::conflict(format!("nobody works on run {run}"))
            .with_hint("begin again: a run that was interrupted goes on")
    };
    let is_there = shared.host.ask(move |host| Ok(host.store().run(run)?));
    if is_there.await?.is_none() {
        return Err(HostError::NoRun(run).into());
    }
    match elsewhere(shared).await? {
        Some(activity) if is_it(&activity) => {}
        // It may be this run, or not.
        Some(Activity {
            purpose,
            directed: false,
            ..
        }) => {
            let detail = format!("{purpose} goes on elsewhere, and cannot be directed from here");
            return Err(Problem::conflict(detail));
        }
        _ => return Err(nobody()),
    }
    let answer = shared.host.ask(move |host| {
        let folder = host.control_folder.as_deref();
        let mut last = None;
        for request in requests {
            match folder.map(|folder| request.send(folder)) {
                None | Some(Err(SocketError::Nobody(_))) => return Ok(Ok(None)),
                Some(Err(error)) => return Ok(Err(with_causes(&error))),
                Some(Ok(answer)) => last = Some(answer),
            }
        }
        let last = last.map(|answer| activity_of(host, answer));
        last.transpose().map(Ok)
    });
    let answer = answer.await?.map_err(Problem::conflict)?;
    Ok(Json(answer.ok_or_else(nobody)?))
}

/// Have a run wait after the batch in flight
#[utoipa::path(post, path = "/api/v1/runs/{run}/pause", tag = "runs", params(("run" = u64, Path)),
    responses((status = 200, body = Activity), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn pause(
    State(shared): State<Shared>,
    At(run): At<RunId>,
) -> Result<Json<Activity>, Problem> {
    direct(&shared, run, vec![Request::Pause], Control::pause).await
}

/// Have a run go on after a pause
#[utoipa::path(post, path = "/api/v1/runs/{run}/resume", tag = "runs", params(("run" = u64, Path)),
    responses((status = 200, body = Activity), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn resume(
    State(shared): State<Shared>,
    At(run): At<RunId>,
) -> Result<Json<Activity>, Problem> {
    direct(&shared, run, vec![Request::Resume], Control::resume).await
}

/// Have a run stop after the batch in flight; it goes on when it is begun again
#[utoipa::path(post, path = "/api/v1/runs/{run}/cancel", tag = "runs", params(("run" = u64, Path)),
    responses((status = 200, body = Activity), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn cancel(
    State(shared): State<Shared>,
    At(run): At<RunId>,
) -> Result<Json<Activity>, Problem> {
    direct(&shared, run, vec![Request::Cancel], Control::stop).await
}

/// Change how fast a run may go; what is not named is not limited any more
#[utoipa::path(post, path = "/api/v1/runs/{run}/throttle", tag = "runs", params(("run" = u64, Path)), request_body = Pace,
    responses((status = 200, body = Activity), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem)))]
pub async fn throttle(
    State(shared): State<Shared>,
    At(run): At<RunId>,
    Input(pace): Input<Pace>,
) -> Result<Json<Activity>, Problem> {
    let pacing = pace.checked()?;
    let own = shared.activities.of_run(run);
    if own.is_some_and(|known| known.purpose == "undo") {
        let detail = "undo can be paused and cancelled, and not slowed down";
        return Err(Problem::conflict(detail));
    }
    let throttle = Request::Throttle {
        items_per_second: pacing.items_per_second,
        duty: pacing.duty,
        rest: pace.rest,
    };
    let bytes = pacing.batch_bytes;
    let requests = vec![throttle, Request::Batch { bytes }];
    direct(&shared, run, requests, |control| {
        control.pace(|known| *known = pacing);
    })
    .await
}

/// What becomes of items that were changed after a run.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Undo {
    /// What to do about them.
    #[serde(default)]
    changed: Changed,
}

/// What to do about items that were changed after a run.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Changed {
    /// Undo nothing, and name them.
    #[default]
    Refuse,
    /// Leave them as they are.
    Keep,
}

impl From<Changed> for ChangedItems {
    fn from(changed: Changed) -> Self {
        match changed {
            Changed::Refuse => Self::Refuse,
            Changed::Keep => Self::Leave,
        }
    }
}

/// Put back what a run changed
#[utoipa::path(post, path = "/api/v1/runs/{run}/undo", tag = "runs", request_body = Undo,
    params(("run" = u64, Path), ("if-match" = String, Header, description = "The ETag of the run.")),
    responses((status = 202, body = Activity), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 412, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub async fn undo(
    State(shared): State<Shared>,
    At(run): At<RunId>,
    condition: Condition,
    Input(wanted): Input<Undo>,
) -> Result<Response, Problem> {
    let record = shared
        .host
        .ask(move |host| host.store().run(run)?.ok_or(HostError::NoRun(run)));
    condition.check(Some(&tag_of(&record.await?)))?;
    let work = shared.host.undo(run, wanted.changed.into());
    let known = shared.activities.begin("undo", work).await;
    begun(&shared, &known).await
}

/// How far a shadow run is.
#[derive(Debug, Serialize, ToSchema)]
pub struct CurrentShadow {
    /// How far it is; `null`: there is none.
    shadow: Option<ShadowStats>,
}

/// How far the shadow run is
#[utoipa::path(get, path = "/api/v1/shadow", tag = "runs",
    responses((status = 200, body = CurrentShadow), (status = 401, body = Problem)))]
pub async fn shadow(State(shared): State<Shared>) -> Result<Json<CurrentShadow>, Problem> {
    Ok(Json(CurrentShadow {
        shadow: shared.host.shadow().await?,
    }))
}
