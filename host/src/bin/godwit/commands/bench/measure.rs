//! Each part of a run by itself, and all of it.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use godwit::blocking::Host;
use godwit::catalogue::Catalogue;
use godwit::model::{
    Batch, Event, Kind, Migration, Name, Reply, RunId, RunState, Timestamp, Version,
};
use godwit::plan::Goal;
use godwit::run::{Became, Options, Quiet, Stream};
use godwit::sandbox::{Component, NativeCode};
use godwit::store::{Collection, Compression, Memory, OpenMode, Store, StoreUrl, Visit};

use super::source::Source;
use crate::context::Context;
use crate::exit::{Code, Failure};

/// How many bytes of items are put into a store at once.
const PAGE_BYTES: usize = 4 << 20;

/// What is measured, and how.
pub struct Bench<'a> {
    pub context: &'a Context,
    /// The plugin, loaded anew.
    pub catalogue: &'a dyn Fn() -> Catalogue,
    pub migration: &'a Migration,
    pub component: &'a Component,
    pub collection: &'a Name,
    pub from: &'a Version,
    pub source: Source,
    pub scheme: &'static str,
    pub compression: Compression,
    pub options: Options,
}

/// What the plugin answers, by the items' ids.
pub type Answers = Arc<HashMap<String, (Kind, Vec<u8>)>>;

impl Bench<'_> {
    /// Asks the plugin for all that it answers.
    pub fn answers(&self) -> Result<Answers, Failure> {
        let mut answers = HashMap::new();
        self.pass(1, &mut |batch, became| {
            for ((id, _), became) in batch.iter().zip(became) {
                let answer = match became {
                    Became::Unchanged => (Kind::Unchanged, Vec::new()),
                    Became::Updated(body) => (Kind::Updated, body.into()),
                    Became::Removed => (Kind::Removed, Vec::new()),
                    Became::Failed { reason, .. } => (Kind::Failed, reason.into_bytes()),
                };
                answers.insert(id.to_owned(), answer);
            }
        })?;
        Ok(Arc::new(answers))
    }

    /// The plugin alone, on items that lie in memory.
    pub fn transform(&self) -> Result<Duration, Failure> {
        self.pass(self.options.threads, &mut |_, _| {})
    }

    /// Passes all items through the plugin.
    fn pass(
        &self,
        threads: usize,
        sink: &mut dyn FnMut(&Batch, Vec<Became>),
    ) -> Result<Duration, Failure> {
        let batches = self.batches();
        let stream = Stream::new(
            self.component,
            &self.migration.steps[0],
            Store::new(Arc::new(Memory::new()))?,
            godwit::sandbox::Context {
                from_version: Some(self.from.clone()),
                started_at: 0,
                seed: 1,
            },
            threads,
            &self.context.control,
        );
        let unfit = |error| {
            let message = godwit::with_causes(&error);
            let hint = "`godwit inspect` tells more about the plugin";
            Failure::other(Code::Migration, message, hint)
        };
        let stream = stream.map_err(unfit)?;
        let started = Instant::now();
        stream
            .pass(batches.into_iter(), &mut |passed| {
                sink(&passed.batch, passed.became);
                ControlFlow::Continue(())
            })
            .map_err(unfit)?;
        Ok(started.elapsed())
    }

    /// All items in batches as a run feeds them.
    fn batches(&self) -> Vec<Batch> {
        let mut batches = Vec::new();
        let mut batch = Batch::default();
        let done: Result<(), std::convert::Infallible> = self.source.each(|id, body| {
            let is_over = batch.bodies.len() + body.len() > self.options.batch_bytes;
            if !batch.is_empty() && (is_over || batch.len() >= self.options.batch_items) {
                batches.push(std::mem::take(&mut batch));
            }
            batch.push(id, body);
            Ok(())
        });
        let Ok(()) = done;
        batches.push(batch);
        batches
    }

    /// The store alone: every item is read, and written with one byte more, in an opaque collection, at which nothing
    /// looks.
    pub fn store(&self) -> Result<Duration, Failure> {
        let grow: NativeCode = Arc::new(|batch: &Batch| {
            let mut reply = Reply::default();
            let mut longer = Vec::new();
            for (_, body) in batch.iter() {
                longer.clear();
                longer.extend_from_slice(body);
                longer.push(b' ');
                reply.push(Kind::Updated, &longer);
            }
            reply
        });
        self.up(true, Some(grow))
    }

    /// A run in which the plugin's answers cost nothing.
    pub fn without_plugin(&self, answers: &Answers) -> Result<Duration, Failure> {
        let answers = answers.clone();
        let answer: NativeCode = Arc::new(move |batch: &Batch| {
            let mut reply = Reply::default();
            for (id, _) in batch.iter() {
                let (kind, payload) = &answers[id];
                reply.push(*kind, payload);
            }
            reply
        });
        self.up(false, Some(answer))
    }

    /// What an operator does.
    pub fn whole(&self) -> Result<Duration, Failure> {
        self.up(false, None)
    }

    /// Fills a new store and migrates it.
    fn up(&self, opaque: bool, code: Option<NativeCode>) -> Result<Duration, Failure> {
        let folder = tempfile::Builder::new()
            .prefix(".godwit-bench-")
            .tempdir_in(".")
            .map_err(|error| {
                let message = format!("no folder can be made here: {error}");
                Failure::input(message, "call it in a folder that may be written to")
            })?;
        let url = match self.scheme {
            "memory" => "memory:".to_owned(),
            scheme => format!("{scheme}:{}", folder.path().join("store").display()),
        };
        let url: StoreUrl = url.parse()?;
        let mut catalogue = (self.catalogue)();
        if let Some(code) = code {
            catalogue.replace_code(&self.migration.digest, code);
        }
        let store = Store::new(url.open(OpenMode::Create)?)?.compressing(self.compression);
        let mut host = Host::new(store, catalogue, self.context.surroundings.clone());
        host.options = self.options.clone();
        self.fill(&host, opaque)?;
        let started = Instant::now();
        let reports = host.up(&Goal::default(), &Quiet, &self.context.control)?;
        let took = started.elapsed();
        let state = reports.last().map(|report| report.run.state);
        if !matches!(
            state,
            Some(RunState::Completed | RunState::Blocked | RunState::Stopped)
        ) {
            let message = "the run did not come to its end";
            return Err(Failure::other(Code::Migration, message, ""));
        }
        Ok(took)
    }

    fn fill(&self, host: &Host, opaque: bool) -> Result<(), Failure> {
        let (store, app) = (host.store(), &self.migration.app);
        let now = || host.surroundings().clock.now();
        let mut lease = host.lease("bench")?;
        let mut write = store.write(RunId(0), None);
        let record = Collection {
            opaque,
            ..Collection::new(app.clone(), Some(self.from.clone()))
        };
        write.set_collection(self.collection, record)?;
        write.add_history(Timestamp(0), app, self.from, Event::Baseline)?;
        self.source.each(|id, body| -> Result<(), Failure> {
            let new = Some((self.from, body.to_vec().into()));
            write.set_item(self.collection, id, None, new, Visit::Once)?;
            if write.len_bytes() >= PAGE_BYTES {
                let full = std::mem::replace(&mut write, store.write(RunId(0), None));
                full.commit(&mut lease, now())?;
            }
            Ok(())
        })?;
        write.commit(&mut lease, now())?;
        Ok(lease.release(store)?)
    }
}
