//! How far a run is.

use serde::{Deserialize, Serialize};

use crate::model::{Counts, Name, Phase, Purpose, RunId, RunState, Version};

/// How far a run is. What was read is what the store says was committed.
///
/// ```
/// # let schema = r#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let backend = std::sync::Arc::new(godwit::store::Memory::new());
/// # let builder = godwit::Host::builder().backend(backend).plugin("notes.json", schema);
/// # let host = builder.open_blocking()?;
/// # let host = host.blocking();
/// use godwit::plan::Goal;
/// use godwit::run::{Control, Quiet};
///
/// let reports = host.up(&Goal::default(), &Quiet, &Control::default())?;
/// let progress = host.progress_of(reports[0].run.clone())?;
/// println!("run {}: {} of {} items", progress.run, progress.read, progress.total);
/// assert!(progress.steps.iter().all(|step| step.done));
/// assert!(progress.waits_for.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct RunProgress {
    /// The run.
    pub run: RunId,
    /// What it is for.
    pub purpose: Purpose,
    /// Its state.
    pub state: RunState,
    /// Whether somebody carries it out now, or undoes it. One that is running and is not alive has lost its process.
    #[serde(default)]
    pub is_alive: bool,
    /// Its steps, in order.
    pub steps: Vec<StepProgress>,
    /// How many items were read, each counted once for every step that read it.
    pub read: u64,
    /// How many there are to be read, as far as can be told by now.
    pub total: u64,
    /// How many are read in a second; `None` where nobody knows: nothing carries it out, or only just.
    pub items_per_second: Option<f64>,
    /// How many seconds are left, at this rate.
    pub seconds_left: Option<f64>,
    /// Why it waits; empty where it does not.
    pub waits_for: Vec<String>,
}

/// How far a step is.
///
/// ```
/// # let schema = r#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let backend = std::sync::Arc::new(godwit::store::Memory::new());
/// # let builder = godwit::Host::builder().backend(backend).plugin("notes.json", schema);
/// # let host = builder.open_blocking()?;
/// # let host = host.blocking();
/// use godwit::plan::Goal;
/// use godwit::run::{Control, Quiet};
///
/// let reports = host.up(&Goal::default(), &Quiet, &Control::default())?;
/// let progress = host.progress_of(reports[0].run.clone())?;
/// let step = &progress.steps[0];
/// assert_eq!(step.step.as_str(), "create-collection-1");
/// assert!(step.done);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct StepProgress {
    /// The app.
    pub app: Name,
    /// The version.
    #[cfg_attr(feature = "server", schema(value_type = String))]
    pub version: Version,
    /// The phase.
    pub phase: Phase,
    /// The step.
    pub step: Name,
    /// The collection that it is fed from.
    pub collection: Name,
    /// Whether it is done.
    pub done: bool,
    /// What became of the items.
    pub counts: Counts,
    /// How many there are to be read, as far as can be told by now.
    pub total: u64,
    /// How many seconds are left of it, at the rate of the run.
    pub seconds_left: Option<f64>,
}
