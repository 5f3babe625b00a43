//! Collects findings while a plan is made.

use crate::model::{Plan, RunId, Stage};

use super::finding::Subject;
use super::{Finding, Matter, Planned, Policy, Recorded, Severity};

/// The findings so far, judged by a policy.
pub(super) struct Findings<'a> {
    policy: &'a Policy,
    recorded: &'a Recorded,
    list: Vec<Finding>,
}

impl<'a> Findings<'a> {
    /// None yet.
    pub fn new(policy: &'a Policy, recorded: &'a Recorded) -> Self {
        Self {
            policy,
            recorded,
            list: Vec::new(),
        }
    }

    /// Adds one and tells what follows from it.
    pub fn add(&mut self, subject: impl Into<Subject>, matter: Matter) -> Severity {
        let severity = matter.severity(self.policy);
        self.add_judged(severity, subject, matter);
        severity
    }

    /// Adds one of which the caller knows what follows.
    pub fn add_judged(&mut self, severity: Severity, subject: impl Into<Subject>, matter: Matter) {
        let subject = subject.into();
        let retreat = matter.run().and_then(|run| self.recorded.retreat(run));
        self.list.push(Finding {
            severity,
            subject,
            matter,
            retreat,
        });
    }

    /// What would follow from a finding.
    pub fn judge(&self, matter: &Matter) -> Severity {
        matter.severity(self.policy)
    }

    /// All of them.
    pub fn into_list(self) -> Vec<Finding> {
        self.list
    }

    /// The answer: the stages, unless a finding is refused.
    pub fn into_planned(self, stages: Vec<Stage>, resumes: Option<RunId>) -> Planned {
        let plan = Plan { stages };
        let planned = Planned {
            plan,
            resumes,
            findings: self.list,
        };
        if planned.is_refused() {
            return Planned {
                findings: planned.findings,
                ..Planned::default()
            };
        }
        planned
    }
}
