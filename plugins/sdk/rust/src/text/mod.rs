//! JSON as text: read in place, edited by splicing, everything else as it was.

mod edit;
mod lanes;
mod piece;
mod pointer;
mod slice;
mod syntax;
mod walk;

pub use edit::{EditError, JsonText};
pub use piece::JsonPiece;
pub use slice::{JsonKind, JsonSlice};
pub use syntax::{MAX_DEPTH, SyntaxError};

/// Whether the scanners with and without SIMD say the same of some bytes, and where they say that it is not JSON.
#[doc(hidden)]
pub fn checked_both_ways(bytes: &[u8]) -> Result<(), SyntaxError> {
    let fast = syntax::check::<true>(bytes);
    assert_eq!(fast, syntax::check::<false>(bytes), "the scanners differ");
    if let Ok((text, members)) = &fast {
        let start = syntax::space(text.as_bytes(), 0);
        let ends = [
            walk::value_end::<true>(text.as_bytes(), start),
            walk::value_end::<false>(text.as_bytes(), start),
            text.trim_end_matches([' ', '\n', '\r', '\t']).len(),
        ];
        assert!(
            ends.iter().all(|end| *end == ends[2]),
            "the scanners differ: {ends:?}"
        );
        let walked: Vec<_> = walk::Places::of(text.as_bytes(), start).collect();
        assert!(
            walked == *members || !text[start..].starts_with('{'),
            "the places differ"
        );
    }
    fast.map(drop)
}
