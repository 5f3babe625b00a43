//! Files of documents, plain or packed, and how far along they are.

mod input;
mod meter;
mod output;
mod partial;

pub use input::Input;
pub use meter::{Meter, Unit};
pub use output::{Packed, Packing};
pub use partial::{Identity, PartialFile, Place};
