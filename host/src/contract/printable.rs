//! Text that a component chose, made fit to be shown.

use crate::model::is_plain;

/// What stands for a control character.
const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// Text from a component, fit for a terminal, a log and a page: each control character but newline and
/// tab is replaced by U+FFFD, and so is each character that turns the direction of what follows or
/// cannot be seen (the kinds that Unicode Technical Report 36 warns of). The text is cut before the
/// first character that does not fit.
///
/// The result has at most `limit` bytes, also where replacements (3 bytes each) made it longer than
/// what was given. It is the same when it is cleaned again.
///
/// ```
/// use godwit::sandbox::printable;
///
/// assert_eq!(printable("a\u{1b}[2J\n", 100), "a\u{fffd}[2J\n");
/// assert_eq!(printable("\u{202e}evil", 100), "\u{fffd}evil");
/// assert_eq!(printable("naïve", 3), "na");
/// assert_eq!(printable("\0\0\0", 7), "\u{fffd}\u{fffd}");
/// ```
pub fn printable(text: &str, limit: usize) -> String {
    let mut clean = String::with_capacity(text.len().min(limit));
    for c in text.chars() {
        let c = if is_plain(c) { c } else { REPLACEMENT };
        if clean.len() + c.len_utf8() > limit {
            break;
        }
        clean.push(c);
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_bounds_what_is_kept() {
        for (text, limit, expected) in [
            ("abc", 3, "abc"),
            ("abc", 2, "ab"),
            ("a\u{1b}c", 3, "a"),
            ("a\u{1b}c", 4, "a\u{fffd}"),
            ("a\u{9b}c", usize::MAX, "a\u{fffd}c"),
            ("\u{1b}", 0, ""),
            ("é", 1, ""),
        ] {
            let clean = printable(text, limit);
            assert_eq!(clean, expected, "{text:?} in {limit}");
            assert_eq!(printable(&clean, limit), clean, "{text:?} in {limit}");
        }
    }
}
