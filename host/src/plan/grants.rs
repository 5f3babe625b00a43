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
                retreat: None,
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
    let allowed = |name: &Name, access: Access| {
        let owner = recorded.collections.get(name).map(|known| &known.app);
        grants.allow(&stage.app, fed, name, owner, access)
    };
    let without = |asked: &[Name], access: Access| -> Vec<Name> {
        let missing = asked.iter().filter(|name| !allowed(name, access));
        missing.cloned().collect()
    };
    let (reads, writes) = (without(reads, Access::Read), without(writes, Access::Write));
    let is_missing = !reads.is_empty() || !writes.is_empty();
    is_missing.then(|| Matter::Grant {
        step: step.name.clone(),
        reads,
        writes,
    })
}
