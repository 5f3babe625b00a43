//! Imports that no migration is given, closed: calling one ends the call with a fault that names it.
//!
//! Language runtimes import WASI whether the code uses it or not. Such a component may be loaded; it
//! fails only if it calls what is not there.

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, ResourceType};

use crate::contract::Speech;

/// A call of an import that is not offered.
///
/// ```
/// use godwit::sandbox::NotOffered;
///
/// let import = "wasi:clocks/wall-clock@0.2.0#now".to_owned();
/// let text = NotOffered { import }.to_string();
/// assert!(text.starts_with("it called `wasi:clocks/wall-clock@0.2.0#now`"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it called `{import}`, which no migration is given; {}", remedy(.import))]
pub struct NotOffered {
    /// The import, as in `wasi:clocks/wall-clock@0.2.0#now`.
    pub import: String,
}

/// Takes the place of a resource that nobody can get hold of.
struct Nothing;

/// Defines every import that the contract does not offer.
pub(super) fn close<T: 'static>(
    linker: &mut Linker<T>,
    component: &Component,
    speech: &Speech,
) -> wasmtime::Result<()> {
    let engine = linker.engine().clone();
    let ty = component.component_type();
    for (name, import) in ty.imports(&engine) {
        let is_contract = |item: &crate::contract::WorldItem| item.name == name && item.is_contract;
        if speech.imports.iter().any(is_contract) {
            continue;
        }
        let ComponentItem::ComponentInstance(interface) = import.ty else {
            continue;
        };
        let mut instance = linker.instance(name)?;
        for (member, item) in interface.exports(&engine) {
            match item.ty {
                ComponentItem::ComponentFunc(_) => {
                    let fault = NotOffered {
                        import: format!("{name}#{member}"),
                    };
                    instance.func_new(member, move |_, _, _, _| {
                        Err(wasmtime::Error::new(fault.clone()))
                    })?;
                }
                ComponentItem::Resource(_) => {
                    let nothing = ResourceType::host::<Nothing>();
                    instance.resource(member, nothing, |_, _| Ok(()))?;
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// How an author gets rid of an import.
fn remedy(import: &str) -> &'static str {
    if import.starts_with("wasi:") {
        "build it without WASI: for wasm32-unknown-unknown in Rust, with `--stub-wasi` of \
         componentize-py and componentize-qjs, with all features disabled in componentize-js"
    } else {
        "a migration gets `log`, `documents` and `run` of `godwit:migration`"
    }
}
