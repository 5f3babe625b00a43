//! The seam between a migration and its host: the contract's imports in the sandbox, a double in memory natively.

use crate::{DocumentsError, Item, Level, Run};

/// What the host offers to a component, as the contract has it.
///
/// Calls are resolved at compile time, so that a component imports only what its migration uses.
pub(crate) trait HostSide {
    fn get(&self, collection: &str, id: &str) -> Result<Option<Vec<u8>>, DocumentsError>;
    fn scan(
        &self,
        collection: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Item<'static>>, DocumentsError>;
    fn put(&self, collection: &str, id: &str, body: &[u8]) -> Result<(), DocumentsError>;
    fn delete(&self, collection: &str, id: &str) -> Result<(), DocumentsError>;
    fn log(&self, level: Level, message: &str, item: Option<&str>);
    fn run(&self) -> Run;
}

/// The host of this target.
#[cfg(target_arch = "wasm32")]
pub(crate) type Connected = crate::component::Imports;

/// The host of this target.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) type Connected = crate::testing::World;
