//! What is pending of one app, and whether its history allows it.

use crate::model::{Applied, Migration, Phase, Version};

use super::due::{Due, phases};
use super::finding::Subject;
use super::findings::Findings;
use super::lines::Line;
use super::requirement::satisfies;
use super::{Drift, Matter, Need};

/// Every stage of an app that is not applied, in order, up to `to`.
///
/// A late arrival starts from the app's version, which is above its own, and leaves it as it is.
pub(super) fn pending<'a>(line: &Line<'a>, to: Option<&Version>) -> Vec<Due<'a>> {
    let mut at = line.state.version().cloned();
    let mut dues = Vec::new();
    for migration in line.files.values().filter(|file| is_within(file, to)) {
        dues.extend(pending_of(line, migration, at.as_ref()));
        if !line.state.has(&migration.version, Phase::Offline) {
            at = at.max(Some(migration.version.clone()));
        }
    }
    dues
}

fn is_within(migration: &Migration, to: Option<&Version>) -> bool {
    to.is_none_or(|to| migration.version <= *to)
}

/// The pending stages of one migration; `at` is the app's version before the first of them.
fn pending_of<'a>(line: &Line<'a>, migration: &'a Migration, at: Option<&Version>) -> Vec<Due<'a>> {
    let version = &migration.version;
    let is_begun = line.state.has(version, Phase::Offline);
    let from = if is_begun {
        line.predecessor(version)
    } else {
        at
    };
    let pending = phases(migration).filter(|phase| !line.state.has(version, *phase));
    pending
        .map(|phase| Due {
            migration,
            phase,
            from: from.cloned(),
        })
        .collect()
}

/// Every stage of the versions wanted, applied to the app or not, in order: the way of an item that
/// has version `start`, which may have begun that version without being through.
pub(super) fn path<'a>(
    line: &Line<'a>,
    start: &Version,
    is_wanted: impl Fn(&Version) -> bool,
) -> Vec<Due<'a>> {
    let mut at = start.clone();
    let mut dues = Vec::new();
    for &migration in line.files.values().filter(|file| is_wanted(&file.version)) {
        let is_begun = migration.version <= *start;
        let from = if is_begun {
            line.before(&migration.version)
        } else {
            Some(&at)
        };
        dues.extend(phases(migration).map(|phase| Due {
            migration,
            phase,
            from: from.cloned(),
        }));
        at = at.max(migration.version.clone());
    }
    dues
}

/// Reports files that are missing though they were applied; `need` tells who needs a version.
pub(super) fn check_gaps(
    line: &Line<'_>,
    need: impl Fn(&Version) -> Option<Need>,
    findings: &mut Findings<'_>,
) {
    for (version, applied) in line.missing() {
        if let Some(need) = need(version) {
            let subject = Subject::version(line.app, version, &applied.file);
            findings.add(subject, Matter::Gap { need });
        }
    }
}

/// Reports files that are not those that were applied.
pub(super) fn check_drift(
    line: &Line<'_>,
    is_concerned: impl Fn(&Version) -> bool,
    drift: Drift,
    findings: &mut Findings<'_>,
) {
    for (version, applied) in line
        .state
        .applied
        .iter()
        .filter(|(version, _)| is_concerned(version))
    {
        if let Some(migration) = line.files.get(version) {
            check_digest(migration, applied, drift, findings);
        }
    }
}

fn check_digest(
    migration: &Migration,
    applied: &Applied,
    drift: Drift,
    findings: &mut Findings<'_>,
) {
    let Some(&known) = applied.digests.last() else {
        return;
    };
    let found = migration.digest;
    if !applied.digests.contains(&found) {
        findings.add(
            migration,
            Matter::DigestDrift {
                known,
                found,
                drift,
            },
        );
    }
}

/// Reports migrations that arrived after a newer one was applied.
pub(super) fn check_late(line: &Line<'_>, dues: &[Due<'_>], findings: &mut Findings<'_>) {
    let Some(current) = line.state.version() else {
        return;
    };
    for migration in first_stages(dues) {
        let is_applied = line.state.has(&migration.migration.version, Phase::Offline);
        if !is_applied && migration.migration.version < *current {
            findings.add(
                migration.migration,
                Matter::LateArrival {
                    current: current.clone(),
                },
            );
        }
    }
}

/// Reports migrations that cannot start from the version that there would be. A fresh app, which
/// has no version yet, has no items that could have a wrong one.
pub(super) fn check_requires(dues: &[Due<'_>], findings: &mut Findings<'_>) {
    for due in first_stages(dues) {
        if let Some(requires) = &due.migration.requires
            && let Some(from) = &due.from
            && !satisfies(from, requires)
        {
            let (requires, from) = (requires.clone(), from.clone());
            findings.add(due.migration, Matter::Requires { requires, from });
        }
    }
}

/// The stages by which migrations begin. What a migration demands is checked then, and not again
/// when its online stage comes later.
fn first_stages<'d, 'a>(dues: &'d [Due<'a>]) -> impl Iterator<Item = &'d Due<'a>> {
    dues.iter().filter(|due| due.phase == Phase::Offline)
}
