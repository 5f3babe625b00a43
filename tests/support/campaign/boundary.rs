//! A store in the middle of a run, against its own checkpoints.
//!
//! Up to a step's checkpoint every document has to be entirely new, behind it entirely old, and
//! whatever is counted beside them (the tally, the step's counts, the collection's) has to be what
//! the checkpoint says.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use godwit::model::{Apart, Counts, Name, Progress, RunId};
use godwit::run::step_number;
use godwit::store::{Store, Tallies};
use serde_json::Value;

use super::documents::VERSIONS;
use super::score::{Kind, Violation};
use super::{Documents, Fate, Result};

/// The most violations that are named: the first ones tell the story.
const NAMED: usize = 8;

/// How far the two steps of a run have come: what was acknowledged, or is recorded.
pub type Reads = [u64; 2];

/// Checks a store whose migration is under way, done, or has not begun. What was `acknowledged`
/// before must not have been lost.
///
/// # Errors
/// When the store cannot be read.
pub fn check(store: &Store, documents: &Documents, acknowledged: Reads) -> Result<Vec<Violation>> {
    let steps = [progress(store, 0)?, progress(store, 1)?];
    let mut found = Vec::new();
    for (step, least) in steps.iter().zip(acknowledged) {
        let read = step.counts.read;
        if read < least {
            found.push(Kind::Lost.because(format!("{least} items acknowledged, {read} recorded")));
        }
    }
    let items = items(store)?;
    let mut expected = Expected::default();
    for number in 0..documents.count {
        expected.add(documents, number, &steps);
        let id = Documents::id(number);
        let item = items.get(&id).map(Vec::as_slice);
        found.extend(document(documents, number, versions(&id, &steps), item));
    }
    if items.len() as u64 > expected.tallies.items {
        let what = format!(
            "{} items instead of {}",
            items.len(),
            expected.tallies.items
        );
        found.push(Kind::Different.because(what));
    }
    found.extend(counts(store, &expected, &steps)?);
    found.truncate(NAMED);
    Ok(found)
}

/// Checks a store into which documents are being imported, in order: those that are there are the
/// first ones, whole, and those that were `acknowledged` are among them.
///
/// # Errors
/// When the store cannot be read.
pub fn check_import(
    store: &Store,
    documents: &Documents,
    acknowledged: u64,
) -> Result<Vec<Violation>> {
    let items = items(store)?;
    let mut found = Vec::new();
    if (items.len() as u64) < acknowledged {
        found.push(Kind::Lost.because(format!(
            "{acknowledged} acknowledged, {} there",
            items.len()
        )));
    }
    for number in 0..items.len() {
        let item = items.get(&Documents::id(number)).map(Vec::as_slice);
        found.extend(document(documents, number, 0, item));
    }
    let counted = store.tallies(&name("items"))?.items;
    if counted != items.len() as u64 {
        found.push(Kind::Different.because(format!("{counted} counted, {} there", items.len())));
    }
    found.truncate(NAMED);
    Ok(found)
}

/// How far the step of a stage of the run has come; each stage has one.
fn progress(store: &Store, stage: usize) -> Result<Progress> {
    let Some(run) = store.run(RunId(1))? else {
        return Ok(Progress::default());
    };
    Ok(store.progress(run.id, step_number(stage, 0))?)
}

/// How many versions the checkpoints say that an item has had its turn with.
fn versions(id: &str, steps: &[Progress; 2]) -> usize {
    let is_behind =
        |step: &&Progress| !step.done && step.after.as_deref().is_none_or(|after| id > after);
    steps.iter().take_while(|step| !is_behind(step)).count()
}

fn items(store: &Store) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut items = BTreeMap::new();
    store.each_item(&name("items"), None, &mut |id, record| {
        items.insert(id.to_owned(), record.body.to_vec());
        ControlFlow::Continue(())
    })?;
    Ok(items)
}

fn name(name: &str) -> Name {
    name.parse().expect("it is a name")
}

/// What the counters have to say.
#[derive(Default)]
struct Expected {
    tallies: Tallies,
    tally: u64,
    read: [u64; 2],
}

impl Expected {
    fn add(&mut self, documents: &Documents, number: usize, steps: &[Progress; 2]) {
        let had = versions(&Documents::id(number), steps);
        let fate = Documents::fate(number);
        self.tallies.items += u64::from(documents.after(number, had).is_some());
        if fate == Fate::Failed && had > 0 {
            self.tallies.open += 1;
        }
        for version in 0..had {
            self.tally += Documents::tally(number, version);
            let is_fed = version == 0 || matches!(fate, Fate::Appended | Fate::Kept);
            self.read[version] += u64::from(is_fed);
        }
    }
}

fn document(
    documents: &Documents,
    number: usize,
    versions: usize,
    item: Option<&[u8]>,
) -> Option<Violation> {
    let id = Documents::id(number);
    let expected = documents.after(number, versions);
    let (item, expected) = match (item, expected) {
        (None, None) => return None,
        (None, Some(_)) => return Some(Kind::Lost.because(format!("{id} is gone"))),
        (Some(_), None) => return Some(Kind::Lost.because(format!("{id} was to be removed"))),
        (Some(item), Some(expected)) => (item, expected),
    };
    let is_untouched = versions == 0 || Documents::fate(number) != Fate::Appended;
    let found: Value = match serde_json::from_slice(item) {
        Ok(found) => found,
        Err(error) => return Some(Kind::Different.because(format!("{id}: {error}"))),
    };
    let is_same = found == expected && (!is_untouched || item == documents.body(number).as_bytes());
    if is_same {
        return None;
    }
    let length = |value: &Value| value["trail"].as_array().map_or(0, Vec::len);
    let kind = match length(&found).cmp(&length(&expected)) {
        std::cmp::Ordering::Greater => Kind::Doubled,
        std::cmp::Ordering::Less => Kind::Lost,
        std::cmp::Ordering::Equal => Kind::Different,
    };
    let trail = &found["trail"];
    Some(kind.because(format!(
        "{id} has trail {trail} after {:?}",
        &VERSIONS[..versions]
    )))
}

/// Compares what the store counted with what it has to be, and with a full count.
fn counts(store: &Store, expected: &Expected, steps: &[Progress; 2]) -> Result<Vec<Violation>> {
    let mut found = Vec::new();
    let mut compare = |what: &str, here: u64, there: u64| {
        let kind = if here > there {
            Kind::Doubled
        } else {
            Kind::Lost
        };
        if here != there {
            found.push(kind.because(format!("{what}: {here} instead of {there}")));
        }
    };
    let total = store
        .body(&name("tallies"), "total")?
        .unwrap_or_else(|| b"{}".to_vec());
    let total: Value = serde_json::from_slice(&total)?;
    compare(
        "tallies/total",
        total["count"].as_u64().unwrap_or(0),
        expected.tally,
    );
    for (step, read) in steps.iter().zip(expected.read) {
        let Counts {
            read: counted,
            unchanged,
            updated,
            removed,
            failed,
            ..
        } = step.counts;
        compare("items read", counted, read);
        compare("outcomes", unchanged + updated + removed + failed, read);
    }
    let (tallies, full) = (store.tallies(&name("items"))?, count(store)?);
    compare("items counted", tallies.items, full.items);
    compare("items expected", tallies.items, expected.tallies.items);
    compare("open counted", tallies.open, full.open);
    compare("accepted counted", tallies.accepted, full.accepted);
    compare("waiting counted", tallies.waiting, full.waiting);
    compare(
        "quarantine",
        tallies.open + tallies.accepted,
        expected.tallies.open,
    );
    compare("waiting", tallies.waiting, 0);
    Ok(found)
}

/// Counts everything anew.
fn count(store: &Store) -> Result<Tallies> {
    let mut full = Tallies {
        items: items(store)?.len() as u64,
        ..Tallies::default()
    };
    store.each_apart(&name("items"), None, &mut |_, apart: Apart| {
        match apart.failure {
            Some(failure) if failure.accepted => full.accepted += 1,
            Some(_) => full.open += 1,
            None => full.waiting += 1,
        }
        ControlFlow::Continue(())
    })?;
    Ok(full)
}
