//! Which app a collection belongs to.

use std::collections::BTreeMap;

use crate::model::{Migration, Name, Step, StepWork};

use super::findings::Findings;
use super::lines::{Line, Lines};
use super::{Matter, Recorded};

/// The first migration of each app that changes a collection, by collection.
pub(super) struct Claims<'a>(BTreeMap<&'a Name, BTreeMap<&'a Name, Claim<'a>>>);

/// A step that changes a collection, or is fed from it.
#[derive(Clone, Copy)]
struct Claim<'a> {
    migration: &'a Migration,
    step: &'a Step,
}

impl<'a> Claims<'a> {
    /// Collects them from the whole catalogue.
    pub fn of(lines: &Lines<'a>) -> Self {
        let mut claims: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        let migrations = lines.iter().flat_map(|line| line.files.values().copied());
        for migration in migrations {
            for step in &migration.steps {
                for collection in changed(step) {
                    let by_app = claims.entry(collection).or_default();
                    by_app
                        .entry(&migration.app)
                        .or_insert(Claim { migration, step });
                }
            }
        }
        Self(claims)
    }

    /// The app of a collection: as recorded, or else the first that claims it.
    pub fn owner<'s>(&'s self, collection: &Name, recorded: &'s Recorded) -> Option<&'s Name> {
        let recorded = recorded.collections.get(collection).map(|state| &state.app);
        let claimed = || self.0.get(collection)?.keys().next().copied();
        recorded.or_else(claimed)
    }

    /// Reports migrations of `scope` that change what belongs to another app, and those that claim
    /// what belongs to an app of `scope`.
    pub fn check(&self, scope: &[&Line<'a>], recorded: &Recorded, findings: &mut Findings<'_>) {
        let is_in_scope = |app: &Name| scope.iter().any(|line| line.app == app);
        for (collection, claims) in &self.0 {
            let Some(owner) = self.owner(collection, recorded) else {
                continue;
            };
            let is_recorded = recorded.collections.contains_key(*collection);
            let others = claims.iter().filter(|(app, _)| **app != owner);
            for (app, claim) in others {
                if is_in_scope(app) || (!is_recorded && is_in_scope(owner)) {
                    report(claim, collection, owner, claims.get(owner), findings);
                }
            }
        }
    }
}

/// The collections that a step is fed from or writes.
fn changed(step: &Step) -> impl Iterator<Item = &Name> {
    let writes = match &step.work {
        StepWork::Transform { writes, .. } => writes.as_slice(),
        StepWork::Schema(_) => &[],
    };
    std::iter::once(step.work.collection()).chain(writes)
}

fn report(
    claim: &Claim<'_>,
    collection: &Name,
    owner: &Name,
    owners_claim: Option<&Claim<'_>>,
    findings: &mut Findings<'_>,
) {
    let matter = Matter::ForeignCollection {
        collection: collection.clone(),
        step: claim.step.name.clone(),
        owner: owner.clone(),
        owner_file: owners_claim.map(|claim| claim.migration.file.display().to_string()),
    };
    findings.add(claim.migration, matter);
}
