//! What really became of an item: a component's word is not trusted.

use super::view::Grants;
use crate::model::{
    Batch, Failure, FailureKind, Glance, Kind, Mode, Name, Reply, Rules, RunId, Timestamp, Version,
    fingerprint, glance, json,
};
use bytes::Bytes;

/// What became of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Unchanged,
    Updated(Bytes),
    Removed,
    Failed(Failed),
}

/// Why an item failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failed {
    pub kind: FailureKind,
    pub reason: String,
}

/// Whether an item failed.
pub(super) fn is_failed(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Failed(_))
}

impl Verdict {
    /// The verdict on an item that was denied something: that comes first where it failed.
    pub(super) fn having_been_denied(self, denied: &[String]) -> Self {
        match self {
            Self::Failed(failed) => Self::Failed(failed.having_been_denied(denied)),
            other => other,
        }
    }
}

impl Failed {
    /// What the store keeps of it.
    pub(super) fn at_step(
        &self,
        migration: &Version,
        step: &Name,
        run: RunId,
        at: Timestamp,
    ) -> Failure {
        Failure {
            kind: self.kind.name().to_owned(),
            reason: self.reason.clone(),
            migration: migration.clone(),
            step: step.clone(),
            run,
            at,
            accepted: false,
        }
    }

    /// The failure of an item that was denied something.
    pub(super) fn having_been_denied(self, denied: &[String]) -> Self {
        if denied.is_empty() {
            return self;
        }
        let Self { kind, reason } = self;
        Self {
            kind: FailureKind::DeniedAccess,
            reason: format!("it may not {}; {kind}: {reason}", denied.join(", ")),
        }
    }
}

/// Judges each outcome of a reply that matches its batch. Of some bodies it `is_sound` already that they are JSON that
/// meets the rules.
pub(super) fn judge(
    batch: &Batch,
    is_sound: impl Fn(usize) -> bool,
    reply: Reply,
    grants: &Grants,
    reason_bytes: usize,
) -> Vec<Verdict> {
    let outcomes = reply.into_outcomes().enumerate();
    let judge = |(index, (kind, payload)): (usize, (Kind, Bytes))| match kind {
        Kind::Unchanged => Verdict::Unchanged,
        Kind::Updated => updated(batch.body(index), is_sound(index), payload, grants),
        Kind::Removed if grants.mode == Mode::Derive => derive_changed("removed"),
        Kind::Removed => Verdict::Removed,
        Kind::Failed => failed(FailureKind::Refused, &printable(&payload, reason_bytes)),
    };
    outcomes.map(judge).collect()
}

fn updated(old: &[u8], is_sound: bool, new: Bytes, grants: &Grants) -> Verdict {
    if old == new {
        return Verdict::Unchanged;
    }
    if new.len() > grants.body_bytes {
        let limit = grants.body_bytes;
        let bytes = new.len();
        return failed(
            FailureKind::TooMuchOutput,
            &format!("the new body has {bytes} bytes, the limit is {limit}"),
        );
    }
    if let Err(reason) = grants.bodies.check(&grants.fed, &new) {
        return failed(FailureKind::InvalidBody, &format!("the new body {reason}"));
    }
    if !grants.bodies.opaque.contains(&grants.fed) {
        match is_change(old, is_sound, &new, grants) {
            Ok(true) => {}
            Ok(false) => return Verdict::Unchanged,
            Err(reason) => {
                return failed(FailureKind::InvalidBody, &format!("the new body {reason}"));
            }
        }
    }
    match grants.mode {
        Mode::Rewrite => Verdict::Updated(new),
        Mode::Derive => derive_changed("updated"),
    }
}

/// Whether a new body says something else than the old one; otherwise what is wrong with it.
fn is_change(old: &[u8], is_sound: bool, new: &[u8], grants: &Grants) -> Result<bool, String> {
    let seen = glance(old, new);
    if is_sound && seen == Glance::OneText {
        return Ok(true);
    }
    let Some(print) = fingerprint(new, grants.json) else {
        grants.check_json(new, Some(old))?;
        return Ok(!json::same_body(old, new));
    };
    let certainly_differ = seen != Glance::Nothing
        || fingerprint(old, Rules::default()).is_some_and(|old| old != print);
    Ok(certainly_differ || !json::same_body(old, new))
}

impl Grants {
    /// Checks a new body, which takes the place of `old`; otherwise says what is wrong with it. What
    /// was there before is let be.
    pub(super) fn check_json(&self, new: &[u8], old: Option<&[u8]>) -> Result<(), String> {
        let lenient = Rules {
            duplicate_names: true,
            ..self.json
        };
        match self.json.check(new) {
            Err(reason) if lenient.check(new).is_err() => Err(reason),
            Err(reason) if old.is_none_or(|old| self.json.check(old).is_ok()) => Err(reason),
            _ => Ok(()),
        }
    }
}

fn derive_changed(what: &str) -> Verdict {
    failed(
        FailureKind::DeriveChanged,
        &format!("a derive step may not have an item {what}"),
    )
}

fn failed(kind: FailureKind, reason: &str) -> Verdict {
    Verdict::Failed(Failed {
        kind,
        reason: reason.to_owned(),
    })
}

/// A component's text, cut, in UTF-8 and without control characters.
fn printable(text: &[u8], limit: usize) -> String {
    // Three bytes more than are kept: no character that is kept is cut in the middle.
    let some = &text[..text.len().min(limit.saturating_add(3))];
    crate::sandbox::printable(&String::from_utf8_lossy(some), limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn verdict(mode: Mode, old: &str, kind: Kind, new: &str) -> Verdict {
        let grants = Grants {
            mode,
            fed: "c".parse().unwrap(),
            reads: BTreeSet::new(),
            writes: BTreeSet::new(),
            bodies: super::super::view::Bodies::default(),
            body_bytes: 100,
            json: Rules {
                depth: 3,
                duplicate_names: false,
            },
        };
        let (mut batch, mut reply) = (Batch::default(), Reply::default());
        batch.push("a", old.as_bytes());
        reply.push(kind, new.as_bytes());
        judge(&batch, |_| false, reply, &grants, 10).remove(0)
    }

    fn kind(verdict: Verdict) -> String {
        match verdict {
            Verdict::Unchanged => "unchanged".to_owned(),
            Verdict::Updated(_) => "updated".to_owned(),
            Verdict::Removed => "removed".to_owned(),
            Verdict::Failed(failed) => failed.kind.name().to_owned(),
        }
    }

    #[test]
    fn the_host_judges_for_itself() {
        use Kind::{Failed, Removed, Unchanged, Updated};
        use Mode::{Derive, Rewrite};
        let twice = r#"{"a":1,"a":2}"#;
        let more = twice.replace('2', "3");
        let long = format!("\"{}\"", "x".repeat(99));
        let cases = [
            (Rewrite, "{}", Unchanged, "", "unchanged"),
            (Rewrite, "{}", Updated, "{}", "unchanged"),
            (
                Rewrite,
                r#"{"a":1,"b":2}"#,
                Updated,
                r#"{ "b": 2.0, "a": 1 }"#,
                "unchanged",
            ),
            (Rewrite, "{}", Updated, r#"{"a":1}"#, "updated"),
            (Rewrite, "{}", Updated, r#"{"a":1"#, "invalid body"),
            (Rewrite, "{}", Updated, "NaN", "invalid body"),
            (Rewrite, "{}", Updated, "", "invalid body"),
            (Rewrite, "{}", Updated, "[[[[]]]]", "invalid body"),
            (Rewrite, "{}", Updated, twice, "invalid body"),
            (Rewrite, twice, Updated, &more, "updated"),
            (Rewrite, "{}", Updated, &long, "too much output"),
            (Rewrite, "{}", Removed, "", "removed"),
            (Rewrite, "{}", Failed, "no", "refused"),
            (Derive, "{}", Unchanged, "", "unchanged"),
            (Derive, "{}", Updated, "{ }", "unchanged"),
            (Derive, "{}", Updated, "[]", "derive step changed an item"),
            (Derive, "{}", Removed, "", "derive step changed an item"),
        ];
        for (mode, old, outcome, new, expected) in cases {
            assert_eq!(
                kind(verdict(mode, old, outcome, new)),
                expected,
                "{mode:?} {outcome:?} {new}"
            );
        }
    }

    #[test]
    fn reasons_are_cut_and_cleaned() {
        let Verdict::Failed(failed) =
            verdict(Mode::Rewrite, "{}", Kind::Failed, "\u{1b}[31m0123456789")
        else {
            panic!("it failed")
        };
        assert_eq!(failed.reason, "\u{fffd}[31m012");
        for (text, expected) in [(&b"\xff\xff\xff\xff"[..], 3), ("123456789é".as_bytes(), 9)] {
            let kept = printable(text, 10);
            assert_eq!(kept.chars().count(), expected, "{kept}");
            assert!(kept.len() <= 10, "{kept}");
        }
    }
}
