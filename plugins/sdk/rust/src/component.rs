//! The component side: the generated bindings, translated to and from this crate's own types.

use std::cell::Cell;
use std::marker::PhantomData;
use std::panic::{self, PanicHookInfo};

use bindings::exports::godwit::migration::{description, transform_columns};
use bindings::godwit::migration::{documents, log, run, types};

use crate::host_side::HostSide;
use crate::outcome::with_causes;
use crate::{
    Batch, Context, Descriptor, DocumentsError, Item, Level, Migration, Mode, Outcome, Phase,
    Revert, Run, Step, Verify,
};

/// What wit-bindgen makes of the contract.
#[allow(missing_docs, reason = "generated; documented in the contract")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "wit/v1",
        world: "columnar-migration",
        pub_export_macro: true,
        export_macro_name: "export",
    });
}

/// The same for migrations that check their own work.
#[allow(missing_docs, reason = "generated; documented in the contract")]
pub mod verified {
    wit_bindgen::generate!({
        path: "wit/v1",
        world: "verified",
        pub_export_macro: true,
        export_macro_name: "export",
        with: {
            "godwit:migration/types@1.0.0": crate::component::bindings::godwit::migration::types,
            "godwit:migration/log@1.0.0": crate::component::bindings::godwit::migration::log,
            "godwit:migration/documents@1.0.0": crate::component::bindings::godwit::migration::documents,
            "godwit:migration/run@1.0.0": crate::component::bindings::godwit::migration::run,
        },
    });
}

/// The same for migrations that can go back.
#[allow(missing_docs, reason = "generated; documented in the contract")]
pub mod reversible {
    wit_bindgen::generate!({
        path: "wit/v1",
        world: "reversible",
        pub_export_macro: true,
        export_macro_name: "export",
        with: {
            "godwit:migration/types@1.0.0": crate::component::bindings::godwit::migration::types,
            "godwit:migration/log@1.0.0": crate::component::bindings::godwit::migration::log,
            "godwit:migration/documents@1.0.0": crate::component::bindings::godwit::migration::documents,
            "godwit:migration/run@1.0.0": crate::component::bindings::godwit::migration::run,
        },
    });
}

/// A migration as the contract exports it.
#[allow(missing_debug_implementations, reason = "never made, only named")]
pub struct Component<M>(PhantomData<M>);

impl<M: Migration> description::Guest for Component<M> {
    fn describe() -> types::Descriptor {
        log_panics();
        M::describe().into()
    }
}

impl<M: Migration> transform_columns::Guest for Component<M> {
    fn migrate(step: String, batch: transform_columns::Batch) -> transform_columns::Outcomes {
        log_panics();
        let batch = Batch::from_columns(batch.ids, batch.id_ends, batch.bodies, batch.body_ends);
        let outcomes = M::migrate_batch(&step, &batch, &Context::new(&Imports));
        transform_columns::Outcomes {
            kinds: outcomes.kinds,
            payloads: outcomes.payloads,
            payload_ends: outcomes.payload_ends,
        }
    }
}

impl<M: Verify> verified::exports::godwit::migration::verify::Guest for Component<M> {
    fn verify(step: String, batch: Vec<types::Item>) -> Vec<Option<String>> {
        log_panics();
        let context = Context::new(&Imports);
        let items = batch.into_iter().map(|item| Item::new(item.id, item.body));
        items
            .map(|item| {
                let verified = M::verify(&step, &item, &context.about(&item));
                verified.err().map(|error| with_causes(&*error))
            })
            .collect()
    }
}

impl<M: Revert> reversible::exports::godwit::migration::revert::Guest for Component<M> {
    fn revert(step: String, batch: Vec<types::Item>) -> Vec<types::Outcome> {
        log_panics();
        let context = Context::new(&Imports);
        let items = batch.into_iter().map(|item| Item::new(item.id, item.body));
        items
            .map(|item| reverted(M::revert(&step, &item, &context.about(&item))))
            .collect()
    }
}

fn reverted(outcome: crate::Result) -> types::Outcome {
    match outcome {
        Ok(Outcome::Unchanged) => types::Outcome::Unchanged,
        Ok(Outcome::Removed) => types::Outcome::Removed,
        Ok(Outcome::Updated(body)) => match body.into_bytes() {
            Ok(body) => types::Outcome::Updated(body),
            Err(error) => types::Outcome::Failed(error.to_string()),
        },
        Err(error) => types::Outcome::Failed(with_causes(&*error)),
    }
}

/// Sees to it, once in a sandbox, that a panic is logged before it becomes a trap.
fn log_panics() {
    thread_local!(static DONE: Cell<bool> = const { Cell::new(false) });
    if !DONE.replace(true) {
        panic::set_hook(Box::new(log_panic));
    }
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let payload = panic.payload();
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let message = text
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a message");
    let line = match panic.location() {
        Some(place) => format!("panicked at {place}: {message}"),
        None => format!("panicked: {message}"),
    };
    Imports.log(Level::Error, &line, None);
}

/// The contract's imports.
pub(crate) struct Imports;

impl HostSide for Imports {
    fn get(&self, collection: &str, id: &str) -> Result<Option<Vec<u8>>, DocumentsError> {
        documents::get(collection, id).map_err(|error| translated(error, collection))
    }

    fn scan(
        &self,
        collection: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Item<'static>>, DocumentsError> {
        let page = documents::scan(collection, after, limit)
            .map_err(|error| translated(error, collection))?;
        Ok(page
            .into_iter()
            .map(|item| Item::new(item.id, item.body))
            .collect())
    }

    fn put(&self, collection: &str, id: &str, body: &[u8]) -> Result<(), DocumentsError> {
        documents::put(collection, id, body).map_err(|error| translated(error, collection))
    }

    fn delete(&self, collection: &str, id: &str) -> Result<(), DocumentsError> {
        documents::delete(collection, id).map_err(|error| translated(error, collection))
    }

    fn log(&self, level: Level, message: &str, item: Option<&str>) {
        log::log(level.into(), message, item);
    }

    fn run(&self) -> Run {
        let run = run::current();
        Run {
            from_version: run.from_version,
            started_at: run.started_at,
            seed: run.seed,
        }
    }
}

fn translated(error: documents::AccessError, collection: &str) -> DocumentsError {
    match error {
        documents::AccessError::Denied => DocumentsError::Denied {
            collection: collection.to_owned(),
        },
        documents::AccessError::Limit(limit) => DocumentsError::Limit(limit),
        documents::AccessError::Invalid(reason) => DocumentsError::Invalid(reason),
    }
}

impl From<Level> for log::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Debug => Self::Debug,
            Level::Info => Self::Info,
            Level::Warn => Self::Warn,
            Level::Error => Self::Error,
        }
    }
}

impl From<Descriptor> for types::Descriptor {
    fn from(descriptor: Descriptor) -> Self {
        Self {
            app: descriptor.app,
            version: descriptor.version,
            requires: descriptor.requires,
            depends_on: descriptor
                .depends_on
                .into_iter()
                .map(|dependency| types::Dependency {
                    app: dependency.app,
                    versions: dependency.versions,
                })
                .collect(),
            summary: descriptor.summary,
            steps: descriptor.steps.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Step> for types::Step {
    fn from(step: Step) -> Self {
        Self {
            name: step.name,
            phase: match step.phase {
                Phase::Offline => types::Phase::Offline,
                Phase::Online => types::Phase::Online,
            },
            mode: match step.mode {
                Mode::Rewrite => types::Mode::Rewrite,
                Mode::Derive => types::Mode::Derive,
            },
            collection: step.collection,
            reads: step.reads,
            writes: step.writes,
        }
    }
}
