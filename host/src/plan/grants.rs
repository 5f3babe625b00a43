//! What the steps of a plan ask for and are not granted.

use crate::model::{Access, Grants, Name, Plan, Stage, Step, StepWork};

use super::{Finding, Matter, Policy, Recorded};

/// Reports every step of a plan that asks for a collection that the operator has not granted. Where the
/// policy lets it run all the same, it is denied that collection.
///
/// ```
/// use godwit::model::Grants;
/// use godwit::plan::{Kind, Policy, Recorded, missing_grants};
///
/// # use godwit::model::*;
/// # let users: Name = "users".parse()?;
/// # let step = Step {
/// #     name: "fill".parse()?,
/// #     phase: Phase::Offline,
/// #     work: StepWork::Transform {
/// #         mode: Mode::Rewrite,
/// #         collection: "notes".parse()?,
/// #         reads: vec![users.clone()],
/// #         writes: Vec::new(),
/// #     },
/// # };
/// # let stage = Stage {
/// #     app: "notes".parse()?,
/// #     version: Version::new(2, 0, 0),
/// #     from: None,
/// #     phase: Phase::Offline,
/// #     digest: Digest::of(b"the file"),
/// #     file: "notes.wasm".to_owned(),
/// #     first_step: 0,
/// #     steps: vec![step],
/// #     source: Source::Collection,
/// # };
/// # let plan = Plan { stages: vec![stage] };
/// # let collection = godwit::plan::CollectionState {
/// #     app: users.clone(),
/// #     newest: None,
/// #     oldest_behind: None,
/// #     behind: 0,
/// # };
/// # let mut recorded = Recorded::default();
/// # recorded.collections.insert(users, collection);
/// // The plan has a step of `notes` that asks to read `users`, which belongs to another app.
/// let (mut grants, policy) = (Grants::default(), Policy::default());
/// let missing = missing_grants(&plan, &recorded, &grants, &policy);
/// assert_eq!(missing[0].kind(), Kind::Grant);
/// grants.add("notes:users:read".parse()?);
/// let missing = missing_grants(&plan, &recorded, &grants, &policy);
/// assert!(missing.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
