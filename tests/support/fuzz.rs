//! What must hold whatever bytes come in: the bodies of the fuzz targets in `tests/fuzz`, which are
//! also fed with all that was kept of earlier fuzzing.

pub mod edit;
mod load;
mod reply;
mod text;

pub use load::{End, end_of, load};
pub use reply::reply;
pub use text::text;

/// Whether a text may be printed to a terminal as it is.
fn is_printable(text: &str) -> bool {
    text.chars().all(godwit::model::is_plain)
}
