//! What we keep.

mod backend;
mod error;
mod folder;
mod lmdb;
mod memory;
mod overlay;
mod sled;
mod url;

pub use backend::{Backend, Commit, MAX_KEY};
pub use error::StoreError;
pub use lmdb::Lmdb;
pub use memory::Memory;
pub use overlay::Overlay;
pub use sled::Sled;
pub use url::{OpenMode, StoreUrl};
