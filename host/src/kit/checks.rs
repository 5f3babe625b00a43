//! What every migration should hold, whatever it does.

use std::collections::BTreeMap;

use serde_json::Value;

use super::mutate::{Mutation, Mutator};
use super::subject::{Failed, Feeding, Subject, Trial, TrialError};
use super::{Deviation, World};
use crate::model::{Batch, Kind, Migration, Name, StepWork, Version};
use crate::sandbox::{Component, Context, Fault, NoDocuments, Session};

/// How many bent items are tried at once, at least; at first fewer.
const MUTATED_AT_ONCE: usize = 64;
const MUTATED_AT_FIRST: usize = 8;

/// How many items are tried before all are, to learn at little cost whether they run out of time.
const TRIED_FIRST: [usize; 3] = [2, 16, 128];

/// The most findings of one check that are told one by one.
const TOLD: usize = 10;

/// A migration with what it is tried on.
///
/// ```
/// # use godwit::kit::Subject;
/// # use godwit::sandbox::{Engine, Limits};
/// # let schema = br#"{"app": "notes", "version": "2.0.0",
/// #     "operations": [{"ensure_index": {"collection": "notes", "pointer": "/title"}}]}"#;
/// # let files = [("notes.json".into(), schema.to_vec())];
/// # let subject = Subject::load(&Engine::new(Limits::default()), files)?;
/// use godwit::kit::{Bench, World};
/// use godwit::model::{Name, Version};
///
/// // A migration of notes to 2.0.0, tried from 1.0.0.
/// let bench = Bench {
///     subject: &subject,
///     migration: &subject.migrations()[0],
///     from: &Version::new(1, 0, 0),
/// };
/// let notes: Name = "notes".parse()?;
/// let mut world = World::new();
/// world.insert(&notes, "first", br#"{"title": "hello"}"#.to_vec())?;
/// assert!(bench.deterministic(&world)?.is_empty());
/// assert!(bench.idempotent(&world)?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Bench<'a> {
    /// The migrations.
    pub subject: &'a Subject,
    /// The one that is tried.
    pub migration: &'a Migration,
    /// The version that it starts from.
    pub from: &'a Version,
}

/// What a check found: nothing, if the migration holds it.
///
/// ```
/// # use godwit::kit::Subject;
/// # use godwit::sandbox::{Engine, Limits};
/// # let schema = br#"{"app": "notes", "version": "2.0.0",
/// #     "operations": [{"ensure_index": {"collection": "notes", "pointer": "/title"}}]}"#;
/// # let files = [("notes.json".into(), schema.to_vec())];
/// # let subject = Subject::load(&Engine::new(Limits::default()), files)?;
/// # let notes: godwit::model::Name = "notes".parse()?;
/// # let mut world = godwit::kit::World::new();
/// # world.insert(&notes, "first", br#"{"title": "hello"}"#.to_vec())?;
/// # let from = godwit::model::Version::new(1, 0, 0);
/// # let migration = &subject.migrations()[0];
/// # let bench = godwit::kit::Bench { subject: &subject, migration, from: &from };
/// use godwit::kit::Findings;
///
/// let findings: Findings = bench.idempotent(&world)?;
/// assert!(findings.is_empty(), "{}", findings.join("\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type Findings = Vec<String>;

impl Bench<'_> {
    /// Runs the migration on a world.
    ///
    /// ```
    /// # use godwit::kit::Subject;
    /// # use godwit::sandbox::{Engine, Limits};
    /// # let schema = br#"{"app": "notes", "version": "2.0.0",
    /// #     "operations": [{"ensure_index": {"collection": "notes", "pointer": "/title"}}]}"#;
    /// # let files = [("notes.json".into(), schema.to_vec())];
    /// # let subject = Subject::load(&Engine::new(Limits::default()), files)?;
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// # let mut world = godwit::kit::World::new();
    /// # world.insert(&notes, "first", br#"{"title": "hello"}"#.to_vec())?;
    /// # let from = godwit::model::Version::new(1, 0, 0);
    /// # let migration = &subject.migrations()[0];
    /// # let bench = godwit::kit::Bench { subject: &subject, migration, from: &from };
    /// use godwit::kit::Feeding;
    ///
    /// let trial = bench.run(&world, Feeding::default())?;
    /// assert!(trial.failed.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`TrialError`] when the run cannot be planned or fails as a whole.
    pub fn run(&self, world: &World, feeding: Feeding) -> Result<Trial, TrialError> {
        let (app, to) = (&self.migration.app, &self.migration.version);
        self.subject.run(app, self.from, Some(to), world, feeding)
    }

    /// What becomes of a world; which items make it fault, and the world without them: a loop without an end takes
    /// its whole time whenever it is fed. Once items ran out of time, no more than the first ones are tried.
    ///
    /// ```
    /// # use godwit::kit::Subject;
    /// # use godwit::sandbox::{Engine, Limits};
    /// # let schema = br#"{"app": "notes", "version": "2.0.0",
    /// #     "operations": [{"ensure_index": {"collection": "notes", "pointer": "/title"}}]}"#;
    /// # let files = [("notes.json".into(), schema.to_vec())];
    /// # let subject = Subject::load(&Engine::new(Limits::default()), files)?;
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// # let mut world = godwit::kit::World::new();
    /// # world.insert(&notes, "first", br#"{"title": "hello"}"#.to_vec())?;
    /// # let from = godwit::model::Version::new(1, 0, 0);
    /// # let migration = &subject.migrations()[0];
    /// # let bench = godwit::kit::Bench { subject: &subject, migration, from: &from };
    /// let (trial, faults, left) = bench.faults(&world)?;
    /// assert!(trial.failed.is_empty() && faults.is_empty());
    /// assert_eq!(left, world);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`TrialError`] when the run fails as a whole.
    pub fn faults(&self, world: &World) -> Result<(Trial, Findings, World), TrialError> {
        for count in TRIED_FIRST.into_iter().filter(|count| *count < world.len()) {
            let first = self.first(world, count);
            let trial = self.run(&first, Feeding::default())?;
            if trial.failed.iter().any(Failed::is_out_of_time) {
                let (mut findings, left) = faulting(&trial, &first);
                let more = world.len() - first.len();
                findings.push(format!("{more} more were not tried: mend the loop first"));
                return Ok((trial, findings, left));
            }
        }
        let trial = self.run(world, Feeding::default())?;
        let (findings, left) = faulting(&trial, world);
        Ok((trial, findings, left))
    }

    /// A world with no more than so many of the items that are fed, and everything else.
    fn first(&self, world: &World, count: usize) -> World {
        let fed: Vec<_> = self.migration.fed().collect();
        let (mut first, mut taken) = (world.clone(), 0);
        for name in fed {
            let items = first.collection(name);
            let left = count.saturating_sub(taken);
            if let Some(end) = items.keys().nth(left).cloned() {
                items.split_off(&end);
            }
            taken += items.len();
        }
        first
    }

    /// Whether a second pass over what the first one left changes nothing. Items that failed are left
    /// out of it.
    ///
    /// ```
    /// # use godwit::kit::Subject;
    /// # use godwit::sandbox::{Engine, Limits};
    /// # let schema = br#"{"app": "notes", "version": "2.0.0",
    /// #     "operations": [{"ensure_index": {"collection": "notes", "pointer": "/title"}}]}"#;
    /// # let files = [("notes.json".into(), schema.to_vec())];
    /// # let subject = Subject::load(&Engine::new(Limits::default()), files)?;
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// # let mut world = godwit::kit::World::new();
    /// # world.insert(&notes, "first", br#"{"title": "hello"}"#.to_vec())?;
    /// # let from = godwit::model::Version::new(1, 0, 0);
    /// # let migration = &subject.migrations()[0];
    /// # let bench = godwit::kit::Bench { subject: &subject, migration, from: &from };
    /// assert!(bench.idempotent(&world)?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`TrialError`] when the run fails as a whole.
    pub fn idempotent(&self, world: &World) -> Result<Findings, TrialError> {
        let left = self.run(world, Feeding::default())?.migrated();
        let second = self.run(&left, Feeding::default())?;
        let mut findings = failures(&second, "a second pass fails");
        let deviations = second.left.deviations(&left);
        findings.extend(
            deviations
                .iter()
                .map(|deviation| format!("a second pass changes it: {deviation}")),
        );
        Ok(told(findings))
    }

    /// Whether two runs, batches of several sizes and several threads leave the same bytes.
    ///
    /// ```
    /// # use godwit::kit::Subject;
    /// # use godwit::sandbox::{Engine, Limits};
    /// # let schema = br#"{"app": "notes", "version": "2.0.0",
    /// #     "operations": [{"ensure_index": {"collection": "notes", "pointer": "/title"}}]}"#;
    /// # let files = [("notes.json".into(), schema.to_vec())];
    /// # let subject = Subject::load(&Engine::new(Limits::default()), files)?;
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// # let mut world = godwit::kit::World::new();
    /// # world.insert(&notes, "first", br#"{"title": "hello"}"#.to_vec())?;
    /// # let from = godwit::model::Version::new(1, 0, 0);
    /// # let migration = &subject.migrations()[0];
    /// # let bench = godwit::kit::Bench { subject: &subject, migration, from: &from };
    /// assert!(bench.deterministic(&world)?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`TrialError`] when a run fails as a whole.
    pub fn deterministic(&self, world: &World) -> Result<Findings, TrialError> {
        let first = self.run(world, Feeding::default())?;
        let feedings = [
            ("a second run", Feeding::default()),
            (
                "a batch for each item",
                Feeding {
                    batch_items: 1,
                    threads: 1,
                },
            ),
            (
                "batches of three items, on two threads",
                Feeding {
                    batch_items: 3,
                    threads: 2,
                },
            ),
        ];
        let mut findings = Vec::new();
        for (how, feeding) in feedings {
            let other = self.run(world, feeding)?;
            if (&other.left, &other.failed) == (&first.left, &first.failed) {
                continue;
            }
            findings
                .extend(bytewise(&first.left, &other.left).map(|what| format!("{how}: {what}")));
            if other.failed != first.failed {
                let count = |trial: &Trial| trial.failed.len();
                findings.push(format!(
                    "{how}: the items that fail are others, or for other reasons ({} and {})",
                    count(&first),
                    count(&other)
                ));
            }
        }
        Ok(told(findings))
    }

    /// Whether an item's outcome depends on the items around it: they are fed in other orders, and
    /// without `documents`. Nothing where a step asks for documents, whose order is part of what it does.
    ///
    /// ```
    /// # use godwit::kit::Subject;
    /// # use godwit::sandbox::{Engine, Limits};
    /// # let schema = br#"{"app": "notes", "version": "2.0.0",
    /// #     "operations": [{"ensure_index": {"collection": "notes", "pointer": "/title"}}]}"#;
    /// # let files = [("notes.json".into(), schema.to_vec())];
    /// # let subject = Subject::load(&Engine::new(Limits::default()), files)?;
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// # let mut world = godwit::kit::World::new();
    /// # world.insert(&notes, "first", br#"{"title": "hello"}"#.to_vec())?;
    /// # let from = godwit::model::Version::new(1, 0, 0);
    /// # let migration = &subject.migrations()[0];
    /// # let bench = godwit::kit::Bench { subject: &subject, migration, from: &from };
    /// // A schema file has no code that is fed.
    /// assert_eq!(bench.independent_of_order(&world)?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`TrialError`] when the migration cannot be started.
    pub fn independent_of_order(&self, world: &World) -> Result<Option<Findings>, TrialError> {
        let Some(component) = self.subject.component(self.migration) else {
            return Ok(None);
        };
        let mut findings = Vec::new();
        for step in &self.migration.steps {
            let StepWork::Transform {
                collection,
                reads,
                writes,
                ..
            } = &step.work
            else {
                continue;
            };
            if !(reads.is_empty() && writes.is_empty()) {
                return Ok(None);
            }
            let items = world.items().filter(|(fed, ..)| *fed == collection);
            let items: Vec<_> = items.map(|(_, id, body)| (id, body)).collect();
            let Some(forward) = outcomes(component, &step.name, items.iter().copied()) else {
                // An item that faults is found by other checks.
                continue;
            };
            let Some(backward) = outcomes(component, &step.name, items.iter().rev().copied())
            else {
                continue;
            };
            let differing = forward
                .iter()
                .filter(|(id, outcome)| backward.get(*id) != Some(outcome));
            findings.extend(differing.map(|(id, _)| {
                format!(
                    "{collection}/{id} becomes something else when the items are fed in reverse"
                )
            }));
        }
        Ok(Some(told(findings)))
    }

    /// Whether items that are bent out of shape make it fault: it may fail them, but neither trap, nor
    /// run out of time or memory, nor leave what is no JSON.
    ///
    /// ```
    /// # use godwit::kit::Subject;
    /// # use godwit::sandbox::{Engine, Limits};
    /// # let schema = br#"{"app": "notes", "version": "2.0.0",
    /// #     "operations": [{"ensure_index": {"collection": "notes", "pointer": "/title"}}]}"#;
    /// # let files = [("notes.json".into(), schema.to_vec())];
    /// # let subject = Subject::load(&Engine::new(Limits::default()), files)?;
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// # let mut world = godwit::kit::World::new();
    /// # world.insert(&notes, "first", br#"{"title": "hello"}"#.to_vec())?;
    /// # let from = godwit::model::Version::new(1, 0, 0);
    /// # let migration = &subject.migrations()[0];
    /// # let bench = godwit::kit::Bench { subject: &subject, migration, from: &from };
    /// let (count, seed) = (200, 1);
    /// let findings = bench.survives_mutations(&world, count, seed)?;
    /// assert!(findings.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`TrialError`] when the run fails as a whole.
    pub fn survives_mutations(
        &self,
        world: &World,
        count: usize,
        seed: u64,
    ) -> Result<Findings, TrialError> {
        let fed: Vec<_> = self.migration.fed().collect();
        let sources: Vec<(Name, Value)> = world
            .items()
            .filter(|(collection, ..)| fed.contains(collection))
            .filter_map(|(collection, _, body)| {
                Some((collection.clone(), serde_json::from_slice(body).ok()?))
            })
            .collect();
        if sources.is_empty() {
            return Ok(Vec::new());
        }
        let mut mutator = Mutator::new(seed);
        let mut numbered = (0..count).zip(sources.iter().cycle());
        let mut findings = Vec::new();
        // The others are fed each time, too: the work is at most some times that of all at once.
        let most = MUTATED_AT_ONCE.max(world.len());
        let mut at_once = MUTATED_AT_FIRST;
        let feeding = Feeding {
            batch_items: MUTATED_AT_ONCE,
            threads: 1,
        };
        // Once it is known that it faults, there is no need to know how often.
        while findings.len() < TOLD {
            let some: Vec<_> = numbered.by_ref().take(at_once).collect();
            if some.is_empty() {
                break;
            }
            at_once = most.min(at_once * 8);
            let mut mutated = world.clone();
            let mut mutations: BTreeMap<(Name, String), Mutation> = BTreeMap::new();
            for (number, (collection, body)) in some {
                let mutation = mutator.mutate(body);
                let id = format!("mutated-{number:06}");
                mutated
                    .collection(collection)
                    .insert(id.clone(), mutation.body.clone());
                mutations.insert((collection.clone(), id), mutation);
            }
            let trial = self.run(&mutated, feeding)?;
            for failed in trial.failed.iter().filter(|failed| failed.is_fault()) {
                let place = (failed.collection.clone(), failed.id.clone());
                findings.push(match mutations.get(&place) {
                    None => failed.to_string(),
                    Some(Mutation { what, body }) => {
                        let reason = failed.reason.lines().next().unwrap_or_default();
                        let (kind, body) = (&failed.kind, shown(body));
                        format!("an item with {what}: {kind}: {reason}\n  {body}")
                    }
                });
            }
            // Each more of them takes the whole time of a batch.
            if trial.failed.iter().any(Failed::is_out_of_time) {
                break;
            }
        }
        Ok(told(findings))
    }
}

/// Which items make a migration fault, and a world without them.
fn faulting(trial: &Trial, world: &World) -> (Findings, World) {
    let faults = trial.failed.iter().filter(|failed| failed.is_fault());
    let left = world.without(faults.clone().map(Failed::place));
    (told(faults.map(Failed::to_string).collect()), left)
}

/// The outcome of each item, in a session of its own; nothing when one of them faults.
fn outcomes<'a>(
    component: &Component,
    step: &Name,
    items: impl Iterator<Item = (&'a str, &'a [u8])>,
) -> Option<BTreeMap<String, (Kind, Vec<u8>)>> {
    let mut session = Session::start(component).ok()?;
    let mut batch = Batch::default();
    let mut ids = Vec::new();
    for (id, body) in items {
        batch.push(id, body);
        ids.push(id.to_owned());
    }
    let attempt = session.migrate(step.as_str(), &batch, Context::default(), NoDocuments);
    let reply: Result<_, Fault> = attempt.reply;
    let reply = reply.ok()?;
    let outcomes = ids
        .into_iter()
        .enumerate()
        .map(|(place, id)| (id, (reply.kind(place), reply.payload(place).to_vec())));
    Some(outcomes.collect())
}

fn failures<'a>(trial: &'a Trial, how: &'a str) -> Findings {
    let failed = trial.failed.iter();
    failed.map(|failed| format!("{how}: {failed}")).collect()
}

/// How two worlds differ, byte by byte.
fn bytewise<'a>(first: &'a World, other: &'a World) -> impl Iterator<Item = String> + 'a {
    let said = other.deviations(first);
    let spelled: Vec<String> = if said.is_empty() && first != other {
        let differing = first
            .items()
            .filter(|(collection, id, body)| other.body(collection, id) != Some(body));
        differing
            .map(|(collection, id, _)| format!("{collection}/{id} is spelled in another way"))
            .collect()
    } else {
        said.iter().map(Deviation::to_string).collect()
    };
    spelled.into_iter()
}

/// A list of findings that is not too long to be read.
fn told(mut findings: Findings) -> Findings {
    let more = findings.len().saturating_sub(TOLD);
    if more > 0 {
        findings.truncate(TOLD);
        findings.push(format!("and {more} more"));
    }
    findings
}

/// A body, cut where it is long.
fn shown(body: &[u8]) -> String {
    const MOST: usize = 400;
    let text = String::from_utf8_lossy(body);
    match text.char_indices().nth(MOST) {
        None => text.into_owned(),
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], body.len()),
    }
}
