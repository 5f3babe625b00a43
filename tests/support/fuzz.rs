//! What must hold whatever bytes come in: the bodies of the fuzz targets in `tests/fuzz`, which are
//! also fed with all that was kept of earlier fuzzing.

mod load;
mod reply;
mod text;

pub use load::{End, end_of, load};
pub use reply::reply;
pub use text::text;

/// Whether a text may be printed to a terminal as it is.
fn is_printable(text: &str) -> bool {
    let is_plain = |c: char| !c.is_control() || c == '\n' || c == '\t';
    text.chars().all(is_plain)
}
