//! What remains of the pending stages when one phase is asked for.

use crate::model::{Phase, Stage, Version};

use super::due::Due;
use super::findings::Findings;
use super::{Matter, Severity};

/// The pending stages of the phase that was asked for, up to the first that comes after a pending
/// one of the other phase. A policy can accept that it goes ahead, except that a version's online
/// stage never comes before its own offline stage.
pub(super) fn only_asked<'a>(
    dues: Vec<Due<'a>>,
    asked: Phase,
    findings: &mut Findings<'_>,
) -> Vec<Due<'a>> {
    let mut kept = Vec::new();
    let mut others: Vec<&Version> = Vec::new();
    let mut is_reported = false;
    for due in dues {
        if due.phase != asked {
            others.push(&due.migration.version);
            continue;
        }
        if let Some(&first) = others.first() {
            let is_own = asked == Phase::Online && others.last() == Some(&&due.migration.version);
            if (is_own || !is_reported) && !may_go_ahead(&due, first, is_own, findings) {
                break;
            }
            is_reported = true;
        }
        kept.push(due);
    }
    kept
}

/// Reports that `due` comes after a pending stage of the other phase; whether it may go ahead.
fn may_go_ahead(due: &Due<'_>, first: &Version, is_own: bool, findings: &mut Findings<'_>) -> bool {
    let matter = |pending: &Version| Matter::PhaseOrder {
        asked: due.phase,
        pending: pending.clone(),
        behind: false,
    };
    let severity = findings.judge(&matter(first));
    if is_own && severity == Severity::Accepted {
        let own = matter(&due.migration.version);
        findings.add_judged(Severity::Warned, due.migration, own);
        return false;
    }
    findings.add(due.migration, matter(first)) == Severity::Accepted
}

/// The stages for items that are behind, up to the first offline one when the online phase is
/// asked for: while the application is serving, those wait. Otherwise all.
pub(super) fn allowed_behind(
    mut stages: Vec<Stage>,
    asked: Option<Phase>,
    findings: &mut Findings<'_>,
) -> Vec<Stage> {
    let is_offline = |stage: &Stage| stage.phase == Phase::Offline;
    if asked == Some(Phase::Online)
        && let Some(at) = stages.iter().position(is_offline)
    {
        let first = &stages[at];
        let matter = Matter::PhaseOrder {
            asked: Phase::Online,
            pending: first.version.clone(),
            behind: true,
        };
        if findings.add(first, matter) != Severity::Accepted {
            stages.truncate(at);
        }
    }
    stages
}
