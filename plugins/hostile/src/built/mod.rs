//! Guests that are made rather than written: by the hundred thousand, in bytes that are no text, or
//! against another contract.

mod bytes;
mod code;
mod contracts;
mod nested;
mod steps;
mod tail;

pub use bytes::*;
pub use code::*;
pub use contracts::*;
pub use nested::*;
pub use steps::*;
pub use tail::*;
