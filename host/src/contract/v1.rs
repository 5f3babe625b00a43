//! Version 1 of the contract: bindings, and their translation to the model.

use wasmtime::component::{HasData, InstancePre, Linker};
use wasmtime::{AsContextMut, Store};

use super::{
    AnswerError, Call, Context, Denial, Imports, LogLevel, RawDescriptor, RawStep, Speech,
    StartError,
};
use crate::model::{Batch, Kind, Layout, Reply};

mod bindings {
    // All exports in one world: each is looked up on its own, so that a component needs to have
    // those of one layout only.
    wasmtime::component::bindgen!({
        path: "wit/v1",
        inline: "
            package godwit:host;
            world every {
                include godwit:migration/migration@1.0.0;
                include godwit:migration/text-migration@1.0.0;
                include godwit:migration/columnar-migration@1.0.0;
                include godwit:migration/reversible@1.0.0;
                include godwit:migration/verified@1.0.0;
            }
        ",
        world: "godwit:host/every",
        imports: { default: trappable },
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

use bindings::exports::godwit::migration as exported;
use bindings::godwit::migration::{documents, log, run, types};

/// The exports of one instance.
pub(crate) struct Guest {
    description: exported::description::Guest,
    work: Work,
    revert: Option<exported::revert::Guest>,
    verify: Option<exported::verify::Guest>,
}

enum Work {
    Columns(exported::transform_columns::Guest),
    Text(exported::transform_text::Guest),
    Records(exported::transform::Guest),
}

impl Guest {
    /// Instantiates a component and finds its exports.
    pub(crate) fn instantiate<T: 'static>(
        pre: &InstancePre<T>,
        speech: &Speech,
        mut store: &mut Store<T>,
    ) -> Result<Self, StartError> {
        let instance = pre.instantiate(&mut store).map_err(StartError::Start)?;
        let mut found = || {
            let description = exported::description::GuestIndices::new(pre)?;
            let description = description.load(&mut store, &instance)?;
            let work = match speech.layout {
                Layout::Columns => {
                    let indices = exported::transform_columns::GuestIndices::new(pre)?;
                    Work::Columns(indices.load(&mut store, &instance)?)
                }
                Layout::Text => {
                    let indices = exported::transform_text::GuestIndices::new(pre)?;
                    Work::Text(indices.load(&mut store, &instance)?)
                }
                Layout::Records => {
                    let indices = exported::transform::GuestIndices::new(pre)?;
                    Work::Records(indices.load(&mut store, &instance)?)
                }
            };
            let revert = match speech.has(Call::Revert) {
                true => {
                    Some(exported::revert::GuestIndices::new(pre)?.load(&mut store, &instance)?)
                }
                false => None,
            };
            let verify = match speech.has(Call::Verify) {
                true => {
                    Some(exported::verify::GuestIndices::new(pre)?.load(&mut store, &instance)?)
                }
                false => None,
            };
            Ok(Self {
                description,
                work,
                revert,
                verify,
            })
        };
        found().map_err(StartError::Exports)
    }

    /// Asks the component what it is.
    pub(crate) fn describe(&self, store: impl AsContextMut) -> wasmtime::Result<RawDescriptor> {
        let descriptor = self.description.call_describe(store)?;
        Ok(RawDescriptor {
            app: descriptor.app,
            version: descriptor.version,
            requires: descriptor.requires,
            depends_on: descriptor
                .depends_on
                .into_iter()
                .map(|dependency| (dependency.app, dependency.versions))
                .collect(),
            summary: descriptor.summary,
            steps: descriptor.steps.into_iter().map(raw_step).collect(),
        })
    }

    /// Feeds a batch to an export of the component.
    pub(crate) fn call(
        &self,
        call: Call,
        store: impl AsContextMut,
        step: &str,
        batch: &Batch,
    ) -> Result<Reply, AnswerError> {
        match (call, &self.work) {
            (Call::Migrate, Work::Columns(guest)) => migrate_columns(guest, store, step, batch),
            (Call::Migrate, Work::Text(guest)) => migrate_text(guest, store, step, batch),
            (Call::Migrate, Work::Records(guest)) => {
                let answer = guest.call_migrate(store, step, &items(batch));
                outcomes(batch, answer.map_err(AnswerError::Call)?)
            }
            (Call::Revert, _) => {
                let guest = self.revert.as_ref().ok_or_else(|| not_exported("revert"))?;
                let answer = guest.call_revert(store, step, &items(batch));
                outcomes(batch, answer.map_err(AnswerError::Call)?)
            }
            (Call::Verify, _) => {
                let guest = self.verify.as_ref().ok_or_else(|| not_exported("verify"))?;
                let answer = guest.call_verify(store, step, &items(batch));
                let wrong = answer.map_err(AnswerError::Call)?;
                let outcomes = wrong.iter().map(|wrong| match wrong {
                    None => (Kind::Unchanged, &[][..]),
                    Some(wrong) => (Kind::Failed, wrong.as_bytes()),
                });
                collect(batch.len(), outcomes)
            }
        }
    }
}

fn raw_step(step: types::Step) -> RawStep {
    RawStep {
        name: step.name,
        online: matches!(step.phase, types::Phase::Online),
        derive: matches!(step.mode, types::Mode::Derive),
        collection: step.collection,
        reads: step.reads,
        writes: step.writes,
    }
}

fn migrate_columns(
    guest: &exported::transform_columns::Guest,
    store: impl AsContextMut,
    step: &str,
    batch: &Batch,
) -> Result<Reply, AnswerError> {
    let columns = exported::transform_columns::Batch {
        ids: &batch.ids,
        id_ends: &batch.id_ends,
        bodies: &batch.bodies,
        body_ends: &batch.body_ends,
    };
    let outcomes = guest
        .call_migrate(store, step, columns)
        .map_err(AnswerError::Call)?;
    let exported::transform_columns::Outcomes {
        kinds,
        payloads,
        payload_ends,
    } = outcomes;
    Reply::from_columns(batch.len(), kinds, payloads, payload_ends).map_err(AnswerError::Reply)
}

fn migrate_text(
    guest: &exported::transform_text::Guest,
    store: impl AsContextMut,
    step: &str,
    batch: &Batch,
) -> Result<Reply, AnswerError> {
    use exported::transform_text::{TextItem, TextOutcome};
    let mut items = Vec::with_capacity(batch.len());
    for (id, body) in batch.iter() {
        let body = std::str::from_utf8(body).map_err(|_| AnswerError::NotText)?;
        items.push(TextItem { id, body });
    }
    let outcomes = guest
        .call_migrate(store, step, &items)
        .map_err(AnswerError::Call)?;
    let outcomes = outcomes.iter().map(|outcome| match outcome {
        TextOutcome::Unchanged => (Kind::Unchanged, &[][..]),
        TextOutcome::Updated(body) => (Kind::Updated, body.as_bytes()),
        TextOutcome::Removed => (Kind::Removed, &[][..]),
        TextOutcome::Failed(reason) => (Kind::Failed, reason.as_bytes()),
    });
    collect(batch.len(), outcomes)
}

fn not_exported(what: &str) -> AnswerError {
    AnswerError::Call(wasmtime::Error::msg(format!("it does not export `{what}`")))
}

fn items(batch: &Batch) -> Vec<types::ItemParam<'_>> {
    let items = batch.iter();
    items
        .map(|(id, body)| types::ItemParam { id, body })
        .collect()
}

fn outcomes(batch: &Batch, outcomes: Vec<types::Outcome>) -> Result<Reply, AnswerError> {
    use types::Outcome;
    let outcomes = outcomes.iter().map(|outcome| match outcome {
        Outcome::Unchanged => (Kind::Unchanged, &[][..]),
        Outcome::Updated(body) => (Kind::Updated, body.as_slice()),
        Outcome::Removed => (Kind::Removed, &[][..]),
        Outcome::Failed(reason) => (Kind::Failed, reason.as_bytes()),
    });
    collect(batch.len(), outcomes)
}

fn collect<'a>(
    expected: usize,
    outcomes: impl ExactSizeIterator<Item = (Kind, &'a [u8])>,
) -> Result<Reply, AnswerError> {
    let given = outcomes.len();
    if given != expected {
        let error = crate::model::ReplyError::Count { expected, given };
        return Err(AnswerError::Reply(error));
    }
    let mut reply = Reply::default();
    outcomes.for_each(|(kind, payload)| reply.push(kind, payload));
    Ok(reply)
}

/// Offers the contract's imports, and nothing else, to components.
pub(crate) fn add_to_linker<I: Imports>(linker: &mut Linker<I>) -> wasmtime::Result<()> {
    log::add_to_linker::<I, PortsOf<I>>(linker, |imports| Ports(imports))?;
    documents::add_to_linker::<I, PortsOf<I>>(linker, |imports| Ports(imports))?;
    run::add_to_linker::<I, PortsOf<I>>(linker, |imports| Ports(imports))?;
    types::add_to_linker::<I, PortsOf<I>>(linker, |imports| Ports(imports))
}

/// The host's side of the imports, over whatever answers them.
struct Ports<'a, I>(&'a mut I);

struct PortsOf<I>(std::marker::PhantomData<I>);

impl<I: Imports> HasData for PortsOf<I> {
    type Data<'a> = Ports<'a, I>;
}

impl<I: Imports> types::Host for Ports<'_, I> {}

impl<I: Imports> log::Host for Ports<'_, I> {
    fn log(
        &mut self,
        level: log::Level,
        message: String,
        item: Option<String>,
    ) -> wasmtime::Result<()> {
        self.0.log(level.into(), message, item);
        Ok(())
    }

    fn print(&mut self, level: log::Level, piece: Vec<u8>) -> wasmtime::Result<()> {
        self.0.print(level.into(), &piece);
        Ok(())
    }
}

impl From<log::Level> for LogLevel {
    fn from(level: log::Level) -> Self {
        match level {
            log::Level::Debug => Self::Debug,
            log::Level::Info => Self::Info,
            log::Level::Warn => Self::Warn,
            log::Level::Error => Self::Error,
        }
    }
}

impl<I: Imports> run::Host for Ports<'_, I> {
    fn current(&mut self) -> wasmtime::Result<run::Context> {
        let Context {
            from_version,
            started_at,
            seed,
        } = self.0.context();
        let from_version = from_version.map(|version| version.to_string());
        Ok(run::Context {
            from_version,
            started_at,
            seed,
        })
    }
}

impl<I: Imports> documents::Host for Ports<'_, I> {
    fn get(
        &mut self,
        collection: String,
        id: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, documents::AccessError>> {
        answer(self.0.get(&collection, &id))
    }

    fn scan(
        &mut self,
        collection: String,
        after: Option<String>,
        limit: u32,
    ) -> wasmtime::Result<Result<Vec<types::ItemResult>, documents::AccessError>> {
        let found = self
            .0
            .scan(&collection, after.as_deref(), limit)
            .map(|batch| {
                let item = |(id, body): (&str, &[u8])| types::ItemResult {
                    id: id.to_owned(),
                    body: body.to_owned(),
                };
                batch.iter().map(item).collect()
            });
        answer(found)
    }

    fn put(
        &mut self,
        collection: String,
        id: String,
        body: Vec<u8>,
    ) -> wasmtime::Result<Result<(), documents::AccessError>> {
        answer(self.0.put(&collection, &id, body))
    }

    fn delete(
        &mut self,
        collection: String,
        id: String,
    ) -> wasmtime::Result<Result<(), documents::AccessError>> {
        answer(self.0.delete(&collection, &id))
    }
}

fn answer<T>(result: Result<T, Denial>) -> wasmtime::Result<Result<T, documents::AccessError>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Denial::Denied) => Ok(Err(documents::AccessError::Denied)),
        Err(Denial::Limit(text)) => Ok(Err(documents::AccessError::Limit(text))),
        Err(Denial::Invalid(text)) => Ok(Err(documents::AccessError::Invalid(text))),
        Err(Denial::Halt) => Err(wasmtime::Error::new(Denial::Halt)),
    }
}
