//! Bindings to the contract, for languages whose generators are libraries in Rust.

use std::collections::BTreeMap;
use std::path::PathBuf;

use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::Resolve;

use super::CONTRACT;
use crate::model::Layout;

/// What there are bindings for.
///
/// ```
/// use std::path::Path;
///
/// use godwit::kit::{Bindings, bindgen};
/// use godwit::model::Layout;
///
/// let files = bindgen(Bindings::C, Layout::Columns)?;
/// assert!(files.contains_key(Path::new("columnar_migration.h")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bindings {
    /// A header and a source named after the layout's world, as `columnar_migration.h`, and an object file that
    /// carries the component type.
    C,
    /// Packages of Go, for which `go.bytecodealliance.org/pkg` is needed.
    Go,
    /// The contract itself, for every other generator.
    Wit,
}

/// A way in which no bindings can be made.
///
/// ```
/// use godwit::kit::{BindgenError, Bindings, bindgen};
/// use godwit::model::Layout;
///
/// fn count(bindings: Bindings) -> Result<usize, BindgenError> {
///     Ok(bindgen(bindings, Layout::Records)?.len())
/// }
/// match count(Bindings::C) {
///     Ok(files) => println!("{files} files"),
///     Err(error) => println!("{error}"),
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[error("the generator failed: {0}")]
pub struct BindgenError(String);

/// Makes the files of bindings, by their paths.
///
/// ```
/// use godwit::kit::{Bindings, CONTRACT, bindgen};
/// use godwit::model::Layout;
///
/// let files = bindgen(Bindings::Wit, Layout::Records)?;
/// for (path, bytes) in files {
///     assert_eq!(path, std::path::Path::new("migration.wit"));
///     assert_eq!(bytes, CONTRACT.as_bytes());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`BindgenError`] when the generator fails, which it does not for a layout of the contract.
pub fn bindgen(
    bindings: Bindings,
    layout: Layout,
) -> Result<BTreeMap<PathBuf, Vec<u8>>, BindgenError> {
    let mut generator = match bindings {
        Bindings::C => wit_bindgen_c::Opts::default().build(),
        Bindings::Go => wit_bindgen_go::Opts {
            format: wit_bindgen_go::Format::False,
            ..Default::default()
        }
        .build(),
        Bindings::Wit => {
            let contract = (PathBuf::from("migration.wit"), CONTRACT.into());
            return Ok(BTreeMap::from([contract]));
        }
    };
    let failed = |error: &dyn std::fmt::Display| BindgenError(format!("{error:#}"));
    let mut resolve = Resolve::default();
    let package = resolve
        .push_str("migration.wit", CONTRACT)
        .map_err(|error| failed(&error))?;
    let world = match layout {
        Layout::Records => "migration",
        Layout::Text => "text-migration",
        Layout::Columns => "columnar-migration",
    };
    let world = resolve
        .select_world(&[package], Some(world))
        .map_err(|error| failed(&error))?;
    let mut files = Files::default();
    generator
        .generate(&mut resolve, world, &mut files)
        .map_err(|error| failed(&error))?;
    let files = files.iter();
    Ok(files
        .map(|(path, bytes)| (path.into(), bytes.to_vec()))
        .collect())
}
