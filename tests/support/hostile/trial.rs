//! One guest and one host: what becomes of the items, the texts and the host itself.

use std::sync::{Arc, Mutex, OnceLock};

use godwit::blocking::Host;
use godwit::catalogue::Catalogue;
use godwit::model::{Mode, RunState, StepWork, Version};
use godwit::plan::Goal;
use godwit::run::{Control, Observer, Report, RunEvent};
use godwit::sandbox::Engine;
use godwit::store::Memory;
use godwit::{HostError, with_causes};

use super::{Verdict, kind, limits};
use crate::world::{host, items, name, seed, small_batches};

/// How many items are fed.
const ITEMS: usize = 12;
/// The one at which guests misbehave.
const MARKED: usize = 7;
/// What a well-behaved guest makes of every body.
const GOOD_BODY: &str = r#"{"migrated":true}"#;
/// How many items are fed at once: first some, then one after another.
const BATCHES: [usize; 2] = [4, 1];

/// What was seen of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What became of it.
    pub verdict: Verdict,
    /// How many bytes of its log were kept in a run, a line counting one more than its letters.
    pub log_bytes: usize,
}

impl Seen {
    /// The most bytes that may be kept of the one step of a run, and the ends of lines.
    pub fn most_log_bytes() -> usize {
        limits().log_step_bytes * 5 / 4
    }
}

/// Tries a guest's file.
///
/// # Errors
/// What went wrong that must never go wrong, whatever the guest is: the run itself failed, an item
/// beside the marked one was harmed, the marked one lost something, a text has control characters.
pub fn trial(engine: &Engine, file: &[u8]) -> Result<Seen, String> {
    let mut catalogue = Catalogue::new();
    catalogue.add(engine, "hostile.wasm".into(), file);
    if let Some(rejected) = catalogue.rejected().first() {
        let reason = with_causes(&rejected.reason);
        clean(&reason)?;
        let kind = kind::of(&rejected.reason).to_owned();
        let verdict = Verdict::Rejected { kind, reason };
        return Ok(Seen {
            verdict,
            log_bytes: 0,
        });
    }
    clean(&catalogue.migrations()[0].summary)?;
    let catalogue = Arc::new(catalogue);
    let [some, one] = BATCHES.map(|size| Feeding::of(&catalogue, size));
    let (some, one) = (some?, one?);
    let log_bytes = some.log_bytes.max(one.log_bytes);
    let verdict = if some.left == one.left {
        some.verdict?
    } else {
        Verdict::Unsteady
    };
    Ok(Seen { verdict, log_bytes })
}

/// Runs the good migration in an engine that hostile ones were tried in.
///
/// # Errors
/// What is wrong with the host.
pub fn good_works(engine: &Engine) -> Result<(), String> {
    static GOOD: OnceLock<Arc<Catalogue>> = OnceLock::new();
    let good = GOOD.get_or_init(|| {
        let mut catalogue = Catalogue::new();
        catalogue.add(engine, "good.wasm".into(), &godwit_hostile::good());
        Arc::new(catalogue)
    });
    if let Some(rejected) = good.rejected().first() {
        return Err(with_causes(&rejected.reason));
    }
    let verdict = Feeding::of(good, BATCHES[0])?.verdict?;
    if verdict == Verdict::Harmless {
        Ok(())
    } else {
        Err(format!("the good migration fails: {verdict:?}"))
    }
}

/// What a run left.
struct Feeding {
    verdict: Result<Verdict, String>,
    left: Vec<String>,
    log_bytes: usize,
}

impl Feeding {
    fn of(catalogue: &Arc<Catalogue>, batch: usize) -> Result<Self, String> {
        let mut host = host(Arc::new(Memory::new()), catalogue);
        host.options = small_batches(batch, 1);
        host.options.max_failures = "100%".parse().expect("it is a share");
        seed(&host, "hostile", "items", &fed());
        seed(&host, "hostile", "notes", &notes());
        let before = items(host.store(), "items");
        let listener = Listener::default();
        let reports = host.up(&Goal::default(), &listener, &Control::default());
        let reports = match reports {
            Err(error @ HostError::Refused(_)) => return Self::refused(&error),
            reports => reports.map_err(|error| with_causes(&error))?,
        };
        let report = reports.last().ok_or("there was nothing to do")?;
        let heard = listener.0.into_inner().expect("nobody panicked");
        heard.texts.iter().try_for_each(|text| clean(text))?;
        let verdict = verdict(&host, report, &before);
        let mut left = items(host.store(), "items");
        left.extend(items(host.store(), "notes"));
        Ok(Self {
            verdict,
            left,
            log_bytes: heard.log_bytes,
        })
    }

    fn refused(error: &HostError) -> Result<Self, String> {
        let reason = with_causes(error);
        clean(&reason)?;
        Ok(Self {
            verdict: Ok(Verdict::Refused { reason }),
            left: Vec::new(),
            log_bytes: 0,
        })
    }
}

fn id(n: usize) -> String {
    format!("item {n:02}")
}

fn fed() -> Vec<(String, String)> {
    let body = |n: usize| {
        if n == MARKED {
            format!(r#"{{"n":{n},"mark":"{}"}}"#, "!".repeat(3_000))
        } else {
            format!(r#"{{"n":{n}}}"#)
        }
    };
    (0..ITEMS).map(|n| (id(n), body(n))).collect()
}

/// What guests read.
fn notes() -> Vec<(String, String)> {
    vec![("notes".to_owned(), r#"{"note":true}"#.to_owned())]
}

fn verdict(host: &Host, report: &Report, before: &[String]) -> Result<Verdict, String> {
    let store = host.store();
    let apart = store.apart(&name("items"), &id(MARKED));
    let apart = apart.map_err(|error| error.to_string())?;
    let after = items(store, "items");
    let marked = after.iter().find(|line| line.starts_with(&id(MARKED)));
    let state = &report.run.state;
    let Some(failure) = apart.and_then(|apart| apart.failure) else {
        others(host, before, &after)?;
        let is_done = *state == RunState::Completed && report.open == 0;
        let new = format!("{} {} ", id(MARKED), version(host));
        return if is_done && marked.is_none_or(|line| line.starts_with(&new)) {
            Ok(Verdict::Harmless)
        } else {
            Err(format!("the run is {state}, the marked item {marked:?}"))
        };
    };
    clean(&failure.reason)?;
    if (state, report.open) != (&RunState::Blocked, 1) {
        return Err(format!("{} items are in quarantine", report.open));
    }
    if marked != Some(&before[MARKED]) {
        return Err(format!("the item in quarantine is {marked:?}"));
    }
    let notes = items(store, "notes");
    if notes.len() != 1 {
        return Err(format!("the failed item left a trace: {notes:?}"));
    }
    if derives(host) {
        // What is only read has its new version once all of it is applied.
        same(without_marked(before), without_marked(&after))?;
    } else {
        others(host, before, &after)?;
    }
    Ok(Verdict::Quarantined {
        kind: failure.kind,
        reason: failure.reason,
    })
}

/// Checks that every item but the marked one is migrated.
fn others(host: &Host, before: &[String], after: &[String]) -> Result<(), String> {
    let (derives, version) = (derives(host), version(host));
    let migrated = |line: String| {
        let (id, body) = line.split_once(" 1.0.0 ").unwrap_or((&line, ""));
        let body = if derives { body } else { GOOD_BODY };
        format!("{id} {version} {body}")
    };
    let expected = without_marked(before).into_iter().map(migrated);
    same(expected.collect(), without_marked(after))
}

fn without_marked(lines: &[String]) -> Vec<String> {
    let others = lines.iter().filter(|line| !line.starts_with(&id(MARKED)));
    others.cloned().collect()
}

fn same(expected: Vec<String>, found: Vec<String>) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("other items are {found:?}, not {expected:?}"))
    }
}

/// The version that the guest leads to.
fn version(host: &Host) -> &Version {
    &host.catalogue().migrations()[0].version
}

/// Whether the guest's steps only read the items.
fn derives(host: &Host) -> bool {
    let steps = &host.catalogue().migrations()[0].steps;
    steps.iter().all(|step| {
        let StepWork::Transform { mode, .. } = &step.work else {
            return false;
        };
        *mode == Mode::Derive
    })
}

/// Checks that a text can be shown: it has no control characters but line ends and tabs.
fn clean(text: &str) -> Result<(), String> {
    let is_control = |c: &char| !godwit::model::is_plain(*c);
    match text.chars().find(is_control) {
        None => Ok(()),
        Some(c) => Err(format!("the text {text:?} has the control character {c:?}")),
    }
}

#[derive(Default)]
struct Heard {
    texts: Vec<String>,
    log_bytes: usize,
}

/// Remembers what operators would be shown.
#[derive(Default)]
struct Listener(Mutex<Heard>);

impl Observer for Listener {
    fn event(&self, event: &RunEvent) {
        let mut heard = self.0.lock().expect("nobody panicked");
        match event {
            RunEvent::Log { lines, .. } => {
                for line in lines {
                    heard.log_bytes += line.message.len() + 1;
                    heard.log_bytes += line.item.as_ref().map_or(0, String::len);
                    heard.texts.push(line.message.clone());
                    heard.texts.extend(line.item.clone());
                }
            }
            RunEvent::Failed { kind, reason, .. } => {
                heard.texts.extend([kind.clone(), reason.clone()]);
            }
            _ => {}
        }
    }
}
