//! What planning answers.

use serde::Serialize;

use crate::model::{Plan, RunId};

use super::{Finding, Kind, Severity};

/// The answer: a plan and what there is to say about it.
///
/// ```
/// use godwit::plan::{Goal, Policy, Recorded, plan};
///
/// let (recorded, policy) = (Recorded::default(), Policy::default());
/// let planned = plan(&[], &recorded, &Goal::default(), &policy);
/// assert!(planned.plan.is_empty());
/// assert!(!planned.is_refused());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Planned {
    /// What is to be done; empty when a finding is refused.
    pub plan: Plan,
    /// The run that the plan belongs to already; `None`: it needs a new one. A resumed run has its
    /// own plan, so when it is completed there may be more to plan.
    pub resumes: Option<RunId>,
    /// What an operator should know, the most general first.
    pub findings: Vec<Finding>,
}

impl Planned {
    /// This answer with findings from elsewhere before its own. Nothing is planned where one of
    /// them is refused.
    ///
    /// ```
    /// use std::path::Path;
    ///
    /// use godwit::plan::{Finding, Planned, Policy};
    ///
    /// let reason = "it is empty".to_owned();
    /// let finding = Finding::invalid_file(&Policy::default(), Path::new("a.wasm"), reason);
    /// let planned = Planned::default().after([finding]);
    /// assert!(planned.is_refused());
    /// ```
    pub fn after(mut self, findings: impl IntoIterator<Item = Finding>) -> Self {
        self.findings.splice(0..0, findings);
        if self.is_refused() {
            (self.plan, self.resumes) = (Plan::default(), None);
        }
        self
    }

    /// Whether nothing may be done before a finding is dealt with.
    pub fn is_refused(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.severity == Severity::Refused)
    }

    /// Whether nothing of the phase that was asked for can be done before the other one: nothing is planned, and not because
    /// everything is up to date.
    ///
    /// ```
    /// use godwit::model::Phase;
    /// use godwit::plan::{Goal, Policy, Recorded, plan};
    ///
    /// # use godwit::catalogue::Catalogue;
    /// # use godwit::sandbox::{Engine, Limits};
    /// # let schema = br#"{"app": "notes", "version": "1.0.0", "phase": "online",
    /// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
    /// # let mut catalogue = Catalogue::new();
    /// # catalogue.add(&Engine::new(Limits::default()), "notes.json".into(), schema);
    /// // All steps of the one migration are online; its offline stage comes first all the same.
    /// let goal = Goal {
    ///     phase: Some(Phase::Online),
    ///     ..Goal::default()
    /// };
    /// let (recorded, policy) = (Recorded::default(), Policy::default());
    /// let planned = plan(catalogue.migrations(), &recorded, &goal, &policy);
    /// assert!(planned.waits_for_phase());
    /// ```
    pub fn waits_for_phase(&self) -> bool {
        let is_held_up = |finding: &Finding| {
            finding.kind() == Kind::PhaseOrder && finding.severity == Severity::Warned
        };
        self.plan.is_empty() && self.findings.iter().any(is_held_up)
    }
}
