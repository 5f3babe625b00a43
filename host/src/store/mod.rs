//! What we keep.

mod backend;
mod error;
mod memory;

pub use backend::{Backend, Commit, MAX_KEY};
pub use error::StoreError;
pub use memory::Memory;
