//! The host that a test holds in its hands.

use std::collections::BTreeSet;

use serde_json::Value;

use super::report::{Became, Report};
use super::world::InFlight;
use super::{Line, World, descriptor, ndjson};
use crate::batch::span;
use crate::outcome::kind;
use crate::{
    Batch, Context, Item, Migration, Mode, Outcome, Outcomes, Result, Revert, Run, Step, Verify,
};

/// What is done to a batch of a step.
type Work = fn(&str, &Batch, &Context<'_>) -> Outcomes;

/// Holds collections in memory and brings them from version to version.
pub struct Host {
    world: World,
    batch_size: usize,
}

impl Default for Host {
    fn default() -> Self {
        Self::new()
    }
}

impl Host {
    /// A host without collections.
    pub fn new() -> Self {
        Self {
            world: World::new(),
            batch_size: 100,
        }
    }

    /// Adds items to a collection: one JSON document a line, with its id in `_id`.
    ///
    /// # Panics
    /// When a line has no `_id` that is text.
    #[must_use]
    pub fn with(self, collection: &str, lines: &str) -> Self {
        for (id, body) in ndjson::read(lines) {
            self.world.store(collection, &id, Some(body));
        }
        self
    }

    /// Adds one item to a collection.
    #[must_use]
    pub fn with_item(self, collection: &str, id: &str, body: impl Into<Vec<u8>>) -> Self {
        self.world.store(collection, id, Some(body.into()));
        self
    }

    /// Lets the bodies of a collection be any bytes.
    #[must_use]
    pub fn opaque(mut self, collection: &str) -> Self {
        self.world.set_opaque(collection);
        self
    }

    /// Feeds so many items at once; a migration's result must not depend on it.
    ///
    /// # Panics
    /// When it is 0.
    #[must_use]
    pub fn batch_size(mut self, items: usize) -> Self {
        assert!(items > 0, "a batch has at least one item");
        self.batch_size = items;
        self
    }

    /// Sets what migrations learn about the run.
    #[must_use]
    pub fn run(mut self, run: Run) -> Self {
        self.world.set_run(run);
        self
    }

    /// Carries out all steps of a migration.
    ///
    /// # Panics
    /// When the migration does what the real host would refuse, and when it panics itself.
    #[track_caller]
    pub fn migrate<M: Migration>(&mut self) -> Report {
        let mut report = Report::default();
        for step in described::<M>() {
            self.feed_all(&step, M::migrate_batch, &mut report);
        }
        report
    }

    /// Shows the items of each step that rewrites to a migration's `verify`: those that it finds wrong are the failed ones
    /// of the report.
    ///
    /// ```
    /// # use godwit_plugin::{Context, Descriptor, Item, Migration, Outcome, Result, Step, Verify, testing::Host};
    /// # struct Titles;
    /// # impl Migration for Titles {
    /// #     fn describe() -> Descriptor { Descriptor::new("notes", "2.0.0").step(Step::rewrite("titles", "notes")) }
    /// #     fn migrate(_: &str, _: &Item<'_>, _: &Context<'_>) -> Result { Ok(Outcome::Unchanged) }
    /// # }
    /// impl Verify for Titles {
    ///     fn verify(_step: &str, item: &Item<'_>, _context: &Context<'_>) -> Result<()> {
    ///         item.json()?["title"].as_str().ok_or("there is no title")?;
    ///         Ok(())
    ///     }
    /// }
    /// let mut host = Host::new().with("notes", "{\"_id\":\"a\",\"title\":\"A\"}\n{\"_id\":\"b\"}");
    /// assert_eq!(host.verify::<Titles>().failed(), [("b", "there is no title")]);
    /// ```
    ///
    /// # Panics
    /// When the migration does what the real host would refuse, and when it panics itself.
    #[track_caller]
    pub fn verify<M: Verify>(&mut self) -> Report {
        let mut report = Report::default();
        for step in described::<M>() {
            if step.mode == Mode::Rewrite {
                self.feed_all(&only_reading(step), verify_batch::<M>, &mut report);
            }
        }
        report
    }

    /// Takes a migration's way back: the items of each step that rewrites, the last step first.
    ///
    /// # Panics
    /// When the migration does what the real host would refuse, and when it panics itself.
    #[track_caller]
    pub fn revert<M: Revert>(&mut self) -> Report {
        let mut report = Report::default();
        for step in described::<M>().into_iter().rev() {
            if step.mode == Mode::Rewrite {
                let alone = Step {
                    reads: Vec::new(),
                    writes: Vec::new(),
                    ..step
                };
                self.feed_all(&alone, revert_batch::<M>, &mut report);
            }
        }
        report
    }

    /// Carries out one step of a migration.
    ///
    /// # Panics
    /// As [`migrate`](Self::migrate), and when there is no such step.
    #[track_caller]
    pub fn migrate_step<M: Migration>(&mut self, name: &str) -> Report {
        let mut report = Report::default();
        let steps = described::<M>();
        let Some(step) = steps.iter().find(|step| step.name == name) else {
            panic!("the migration has no step `{name}`");
        };
        self.feed_all(step, M::migrate_batch, &mut report);
        report
    }

    /// A context to test functions of your own with; everything is granted, and writes are in force at once.
    pub fn context(&self) -> Context<'_> {
        Context::new(&self.world)
    }

    /// The body of an item as JSON, if there is one.
    ///
    /// # Panics
    /// When the body is not JSON.
    pub fn get(&self, collection: &str, id: &str) -> Option<Value> {
        let body = self.world.body(collection, id)?;
        Some(serde_json::from_slice(&body).expect("the body is JSON"))
    }

    /// A collection as lines, in order of ids.
    pub fn lines(&self, collection: &str) -> String {
        ndjson::write(&self.world.collection(collection))
    }

    /// Checks that a collection holds exactly the items of these lines, to the byte.
    ///
    /// # Panics
    /// When it doesn't; names the first item that differs.
    #[track_caller]
    pub fn assert_holds(&self, collection: &str, lines: &str) {
        let expected = ndjson::read(lines);
        let found = self.world.collection(collection);
        if let Some(difference) = ndjson::difference(&expected, &found) {
            panic!("collection `{collection}` differs at {difference}");
        }
    }

    /// What was logged.
    pub fn log(&mut self) -> &[Line] {
        self.world.log_lines()
    }

    /// Feeds a collection from its first item to its last.
    fn feed_all(&self, step: &Step, work: Work, report: &mut Report) {
        let mut feed = Feed {
            world: &self.world,
            step,
            work,
            brought: BTreeSet::new(),
            report,
        };
        let mut after = String::new();
        loop {
            let ids = self
                .world
                .ids_after(&step.collection, &after, self.batch_size);
            let Some(last) = ids.last() else { return };
            after.clone_from(last);
            feed.feed(&ids);
        }
    }
}

/// The steps of a migration that the real host would accept.
#[track_caller]
fn described<M: Migration>() -> Vec<Step> {
    let described = M::describe();
    if let Err(flaw) = descriptor::check(&described) {
        panic!("the descriptor is not valid: {flaw}");
    }
    described.steps
}

/// The step as checks are granted it: nothing is written on the side.
fn only_reading(mut step: Step) -> Step {
    step.reads.append(&mut step.writes);
    step
}

fn verify_batch<M: Verify>(step: &str, batch: &Batch, context: &Context<'_>) -> Outcomes {
    let verify = |item| M::verify(step, &item, &context.about(&item));
    each(batch, |item| verify(item).map(|()| Outcome::Unchanged))
}

fn revert_batch<M: Revert>(step: &str, batch: &Batch, context: &Context<'_>) -> Outcomes {
    each(batch, |item| M::revert(step, &item, &context.about(&item)))
}

fn each<'a>(batch: &'a Batch, outcome: impl Fn(Item<'a>) -> Result) -> Outcomes {
    let mut outcomes = Outcomes::with_room_for(batch);
    outcomes.extend(batch.iter().map(outcome));
    outcomes
}

/// One step under way.
struct Feed<'a> {
    world: &'a World,
    step: &'a Step,
    work: Work,
    /// Items of the fed collection that the step wrote on the side: they have the new version already.
    brought: BTreeSet<String>,
    report: &'a mut Report,
}

impl Feed<'_> {
    /// Feeds a batch, and again in halves where its size would show.
    fn feed(&mut self, ids: &[String]) {
        let ids: Vec<String> = ids.iter().filter(|id| self.is_due(id)).cloned().collect();
        if ids.is_empty() {
            return;
        }
        let batch = self.world.begin(self.step, &ids);
        let outcomes = (self.work)(&self.step.name, &batch, &Context::new(self.world));
        let in_flight = self.world.end();
        assert_eq!(
            outcomes.len(),
            ids.len(),
            "one outcome for each item of the batch"
        );
        if ids.len() > 1 && shows_its_size(&in_flight, &outcomes) {
            self.world.forget_log_of(&in_flight);
            let (first, second) = ids.split_at(ids.len() / 2);
            self.feed(first);
            self.feed(second);
        } else {
            self.commit(&ids, &outcomes, in_flight);
        }
    }

    fn is_due(&self, id: &str) -> bool {
        !self.brought.contains(id) && self.world.body(&self.step.collection, id).is_some()
    }

    fn commit(&mut self, ids: &[String], outcomes: &Outcomes, in_flight: InFlight) {
        if !outcomes.kinds.contains(&kind::FAILED) {
            for ((collection, id), body) in in_flight.writes {
                self.world.store(&collection, &id, body);
                if collection == self.step.collection {
                    self.brought.insert(id);
                }
            }
        }
        for (index, id) in ids.iter().enumerate() {
            let payload = &outcomes.payloads[span(&outcomes.payload_ends, index)];
            let became = self.apply(id, outcomes.kinds[index], payload);
            self.report.add(id, became);
        }
    }

    fn apply(&self, id: &str, kind: u8, payload: &[u8]) -> Became {
        let collection = &self.step.collection;
        if self.step.mode == Mode::Derive && matches!(kind, kind::UPDATED | kind::REMOVED) {
            panic!(
                "step `{}` derives, yet it changes item `{id}`",
                self.step.name
            );
        }
        match kind {
            kind::UNCHANGED => Became::Unchanged,
            kind::REMOVED => {
                self.world.store(collection, id, None);
                Became::Removed
            }
            kind::UPDATED if self.says_the_same(id, payload) => Became::Unchanged,
            kind::UPDATED => {
                self.world.store(collection, id, Some(payload.to_owned()));
                Became::Updated
            }
            _ => Became::Failed(String::from_utf8_lossy(payload).into_owned()),
        }
    }

    /// Whether a new body says the same as the stored one.
    fn says_the_same(&self, id: &str, new: &[u8]) -> bool {
        let old = self.world.body(&self.step.collection, id);
        let old = old.expect("an item that was fed is there");
        if self.world.is_opaque(&self.step.collection) {
            return old == new;
        }
        let new: Value = match serde_json::from_slice(new) {
            Ok(new) => new,
            Err(error) => panic!("the new body of item `{id}` is not JSON: {error}"),
        };
        serde_json::from_slice::<Value>(&old).is_ok_and(|old| old == new)
    }
}

/// Whether feeding the items one by one could give another result.
fn shows_its_size(in_flight: &InFlight, outcomes: &Outcomes) -> bool {
    let drops_writes = outcomes.kinds.contains(&kind::FAILED) && !in_flight.writes.is_empty();
    in_flight.touched_itself || drops_writes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Descriptor, json};

    /// Adds each item's number to the one before it, and counts; fails odd jobs.
    struct Sums;

    impl Migration for Sums {
        fn describe() -> Descriptor {
            Descriptor::new("test", "1.0.0").step(
                Step::rewrite("sum", "chain")
                    .reads("chain")
                    .writes("counts"),
            )
        }

        fn migrate(_step: &str, item: &Item<'_>, context: &Context<'_>) -> Result {
            let documents = context.documents();
            let number: u64 = item.id().parse()?;
            let count: u64 = documents.get_json("counts", "all")?.unwrap_or(0);
            documents.put_json("counts", "all", &(count + 1))?;
            if number % 4 == 3 {
                return Err("three".into());
            }
            let before = format!("{:02}", number.saturating_sub(1));
            let before: Option<Value> = documents.get_json("chain", &before)?;
            let sum = before.and_then(|it| it["sum"].as_u64()).unwrap_or(0) + number;
            context.info("summed");
            Ok(Outcome::updated(json!({"_id": item.id(), "sum": sum})))
        }
    }

    fn chain() -> String {
        (1..=10)
            .map(|n| format!("{{\"_id\":\"{n:02}\"}}\n"))
            .collect()
    }

    #[test]
    fn the_size_of_batches_never_shows() {
        let run = |size| {
            let mut host = Host::new().with("chain", &chain()).batch_size(size);
            let report = host.migrate::<Sums>();
            let lines = host.lines("chain");
            (
                lines,
                host.get("counts", "all"),
                report,
                host.log().to_vec(),
            )
        };
        let one_by_one = run(1);
        assert_eq!(one_by_one.1, Some(json!(8)));
        assert_eq!(one_by_one.2.failed(), [("03", "three"), ("07", "three")]);
        assert_eq!(
            one_by_one.2.to_string(),
            "0 unchanged, 8 updated, 0 removed, 2 failed"
        );
        assert_eq!(one_by_one.3.len(), 8);
        for size in [2, 3, 10, 100] {
            assert_eq!(run(size), one_by_one, "batches of {size}");
        }
    }

    /// Splits each item in two: the second is put beside the first and is not fed again.
    struct Split;

    impl Migration for Split {
        fn describe() -> Descriptor {
            Descriptor::new("test", "1.0.0").step(Step::rewrite("split", "c").writes("c"))
        }

        fn migrate(_step: &str, item: &Item<'_>, context: &Context<'_>) -> Result {
            let id = format!("{}z", item.id());
            context
                .documents()
                .put_json("c", &id, &json!({"_id": id}))?;
            Ok(Outcome::Unchanged)
        }
    }

    #[test]
    fn what_a_step_brings_into_its_own_collection_is_not_fed() {
        let mut host = Host::new()
            .with("c", "{\"_id\":\"a\"}\n{\"_id\":\"b\"}")
            .batch_size(1);
        assert_eq!(host.migrate::<Split>().unchanged(), ["a", "b"]);
        assert_eq!(host.lines("c").lines().count(), 4);
    }

    /// Adds a member, which the second step makes larger; both steps can be checked and taken back.
    struct Sizes;

    impl Migration for Sizes {
        fn describe() -> Descriptor {
            Descriptor::new("test", "1.0.0")
                .step(Step::rewrite("measure", "c").reads("units"))
                .step(Step::rewrite("double", "c"))
                .step(Step::derive("count", "c").writes("counts"))
        }

        fn migrate(step: &str, item: &Item<'_>, _: &Context<'_>) -> Result {
            let size = item.json()?["size"].as_u64().unwrap_or(0);
            Ok(match step {
                "measure" => Outcome::updated(json!({"_id": item.id(), "size": 1})),
                "double" => Outcome::updated(json!({"_id": item.id(), "size": 2 * size})),
                _ => Outcome::Unchanged,
            })
        }
    }

    impl Verify for Sizes {
        fn verify(step: &str, item: &Item<'_>, context: &Context<'_>) -> Result<()> {
            if step == "measure" {
                context.documents().get("units", "one")?.ok_or("no unit")?;
            }
            match item.json()?["size"].as_u64() {
                Some(2) => Ok(()),
                other => Err(format!("{step}: {other:?}").into()),
            }
        }
    }

    impl Revert for Sizes {
        fn revert(step: &str, item: &Item<'_>, context: &Context<'_>) -> Result {
            let size = item.json()?["size"].as_u64().ok_or("it has no size")?;
            if size > 2 {
                context.documents().put("counts", "large", "1")?;
            }
            Ok(match step {
                "double" => Outcome::updated(json!({"_id": item.id(), "size": size / 2})),
                _ => Outcome::updated(json!({"_id": item.id()})),
            })
        }
    }

    #[test]
    fn a_migration_can_check_its_work_and_take_it_back() {
        let before = "{\"_id\":\"a\"}\n{\"_id\":\"b\"}\n";
        let mut host = Host::new()
            .with("c", before)
            .with_item("units", "one", "1")
            .batch_size(1);
        host.migrate::<Sizes>();
        assert_eq!(host.verify::<Sizes>().failed(), []);
        assert_eq!(host.revert::<Sizes>().updated(), ["a", "b", "a", "b"]);
        host.assert_holds("c", before);
        let failed = host.verify::<Sizes>();
        assert_eq!(failed.failed()[3], ("b", "double: None"));
        host.assert_holds("c", before);
    }

    #[test]
    fn what_has_no_way_back_stays_and_a_way_back_writes_nothing_on_the_side() {
        let mut host = Host::new().with("c", "{\"_id\":\"a\",\"size\":3}\n{\"_id\":\"b\"}");
        let report = host.revert::<Sizes>();
        assert!(report.failed()[0].1.contains("`counts` is denied"));
        assert_eq!(report.failed()[1], ("b", "it has no size"));
        assert_eq!(host.get("c", "b"), Some(json!({"_id": "b"})));
    }

    /// Does what its step says, where that is wrong.
    struct Wrong;

    impl Migration for Wrong {
        fn describe() -> Descriptor {
            Descriptor::new("test", "1.0.0")
                .step(Step::rewrite("itself", "c").writes("c"))
                .step(Step::rewrite("denied", "c").reads("d"))
                .step(Step::rewrite("broken", "c"))
                .step(Step::rewrite("same", "c"))
                .step(Step::derive("changes", "c"))
        }

        fn migrate(step: &str, item: &Item<'_>, context: &Context<'_>) -> Result {
            match step {
                "itself" => context.documents().put("c", item.id(), "1")?,
                "denied" => context.documents().put("d", "x", "1")?,
                "broken" => return Ok(Outcome::updated(String::from("{"))),
                _ => {}
            }
            Ok(Outcome::updated(b"{ \"_id\": \"a\" }".to_vec()))
        }
    }

    fn wrong(step: &str) -> Report {
        let mut host = Host::new().with("c", "{\"_id\":\"a\"}");
        host.migrate_step::<Wrong>(step)
    }

    #[test]
    fn a_step_reaches_what_it_asked_for_and_not_itself() {
        let itself = wrong("itself");
        assert!(itself.failed()[0].1.contains("by its outcome only"));
        let denied = wrong("denied");
        assert!(denied.failed()[0].1.contains("`d` is denied"));
    }

    #[test]
    fn a_body_that_says_the_same_is_unchanged() {
        assert_eq!(wrong("same").unchanged(), ["a"]);
    }

    #[test]
    #[should_panic(expected = "not JSON")]
    fn a_broken_body_is_refused() {
        wrong("broken");
    }

    #[test]
    #[should_panic(expected = "derives, yet it changes item `a`")]
    fn a_derive_step_that_changes_is_refused() {
        wrong("changes");
    }

    #[test]
    #[should_panic(expected = "differs at `b`")]
    fn the_first_difference_is_named() {
        let host = Host::new().with("c", "{\"_id\":\"a\"}\n{\"_id\":\"b\"}");
        host.assert_holds("c", "{\"_id\":\"a\"}\n{\"_id\":\"c\"}");
    }
}
