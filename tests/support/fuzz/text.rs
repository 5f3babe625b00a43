//! Text as a plugin says it: anything.

use godwit::sandbox::printable;

use super::is_printable;

/// Cleans text of a plugin. The first two bytes are the limit (little-endian), the others the text.
///
/// # Panics
/// When the result is not fit to be shown, longer than the limit, cut too early, or another one when
/// it is cleaned again.
pub fn text(bytes: &[u8]) {
    let Some((limit, text)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    let limit = usize::from(u16::from_le_bytes(*limit));
    let text = String::from_utf8_lossy(text);
    let clean = printable(&text, limit);
    assert!(is_printable(&clean), "{clean:?}");
    assert!(clean.len() <= limit, "{clean:?} is longer than {limit}");
    assert_eq!(printable(&clean, limit), clean, "it is clean already");
    is_cut_where_it_must(&text, &clean, limit);
}

/// What was kept is the beginning of the whole, and one character more would be too much.
fn is_cut_where_it_must(text: &str, clean: &str, limit: usize) {
    let whole = printable(text, usize::MAX);
    assert_eq!(whole.chars().count(), text.chars().count());
    if is_printable(text) {
        assert_eq!(whole, text, "there is nothing to clean");
    }
    let rest = whole.strip_prefix(clean).expect("it is the beginning");
    if let Some(next) = rest.chars().next() {
        assert!(clean.len() + next.len_utf8() > limit, "{next:?} fits");
    }
}
