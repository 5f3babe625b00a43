//! What the steps of a plan ask for and are not granted.

use crate::model::{Access, Grants, Name, Plan, Stage, Step, StepWork};

use super::{Finding, Matter, Policy, Recorded};

/// Reports every step of a plan that asks for a collection that the operator has not granted. Where the
/// policy lets it run all the same, it is denied that collection.
pub fn missing_grants(
    plan: &Plan,
    recorded: &Recorded,
    grants: &Grants,
    policy: &Policy,
) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for stage in &plan.stages {
        for step in &stage.steps {
            let Some(matter) = missing(stage, step, recorded, grants) else {
                continue;
            };
            let finding = Finding {
                severity: matter.severity(policy),
                subject: stage.into(),
                matter,
            };
            // A step may be part of several stages.
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
    }
    findings
}

fn missing(stage: &Stage, step: &Step, recorded: &Recorded, grants: &Grants) -> Option<Matter> {
    let StepWork::Transform {
        collection: fed,
        reads,
        writes,
        ..
    } = &step.work
    else {
        return None;
    };
    let is_own = |name: &Name| {
        let known = recorded.collections.get(name);
        known.is_none_or(|known| known.app == stage.app)
    };
    let without = |asked: &[Name], access: Access| -> Vec<Name> {
        let asked = asked
            .iter()
            .filter(|name| *name != fed && !grants.allow(&stage.app, name, is_own(name), access));
        asked.cloned().collect()
    };
    let (reads, writes) = (without(reads, Access::Read), without(writes, Access::Write));
    let is_missing = !reads.is_empty() || !writes.is_empty();
    is_missing.then(|| Matter::Grant {
        step: step.name.clone(),
        reads,
        writes,
    })
}
