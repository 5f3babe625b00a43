//! Ways through a text that is known to be JSON: past values, over members and elements.
//!
//! Whatever the text, nothing here reads beyond its end or goes on for ever; where a text is not JSON the places
//! that come out mean nothing.

use std::borrow::Cow;
use std::ops::Range;

use super::lanes::{WIDTH, structure, text_end};
use super::syntax::space;

/// A member of an object, or an element of an array: where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The member's name with its quotes; of an element nothing, where its value begins.
    pub name: Range<usize>,
    /// The value.
    pub value: Range<usize>,
}

impl Place {
    /// From the name to the value's end.
    pub fn whole(&self) -> Range<usize> {
        self.name.start..self.value.end
    }
}

/// Goes over the members of an object or the elements of an array; any other value has none.
#[derive(Clone, Debug)]
pub(super) struct Places<'t> {
    text: &'t [u8],
    /// The next name or element, or the closing bracket.
    at: usize,
    is_object: bool,
    is_over: bool,
}

impl<'t> Places<'t> {
    /// Those of the value that begins at a place.
    pub fn of(text: &'t [u8], at: usize) -> Self {
        let open = text.get(at);
        Self {
            text,
            at: space(text, at + 1),
            is_object: open == Some(&b'{'),
            is_over: !matches!(open, Some(b'{' | b'[')),
        }
    }
}

impl Iterator for Places<'_> {
    type Item = Place;

    fn next(&mut self) -> Option<Place> {
        let start = self.at;
        if self.is_over || matches!(self.text.get(start), None | Some(b'}' | b']')) {
            self.is_over = true;
            return None;
        }
        let (name, value) = if self.is_object {
            let end = string_end::<true>(self.text, start);
            // A colon, with spaces around it.
            (start..end, space(self.text, space(self.text, end) + 1))
        } else {
            (start..start, start)
        };
        let end = value_end::<true>(self.text, value);
        let behind = space(self.text, end);
        match self.text.get(behind) {
            Some(b',') => self.at = space(self.text, behind + 1),
            _ => (self.at, self.is_over) = (behind, true),
        }
        let value = value.min(end)..end;
        Some(Place { name, value })
    }
}

/// Whether a name, with its quotes, stands for a text.
pub(super) fn is_name(quoted: &[u8], name: &str) -> bool {
    let inner = quoted
        .get(1..quoted.len().saturating_sub(1))
        .unwrap_or_default();
    inner == name.as_bytes()
        // An escape takes more room than what it stands for.
        || inner.len() > name.len() && inner.contains(&b'\\') && unescaped(quoted) == name
}

/// The text that a string with its quotes stands for.
pub(super) fn unescaped(quoted: &[u8]) -> Cow<'_, str> {
    let text = std::str::from_utf8(quoted).unwrap_or_default();
    let inner = text
        .get(1..text.len().saturating_sub(1))
        .unwrap_or_default();
    if inner.contains('\\') {
        serde_json::from_str::<String>(text)
            .unwrap_or_default()
            .into()
    } else {
        inner.into()
    }
}

/// The end of a value of any kind, which begins at a place.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
pub(super) fn value_end<const SIMD: bool>(text: &[u8], at: usize) -> usize {
    match text.get(at) {
        Some(b'"') => string_end::<SIMD>(text, at),
        Some(b'{' | b'[') => brackets_end::<SIMD>(text, at),
        _ => {
            let rest = text.get(at..).unwrap_or_default();
            let is_end =
                |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t');
            at + rest.iter().position(is_end).unwrap_or(rest.len())
        }
    }
}

/// The end of a string, which begins at a quote: behind the other one.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
pub(super) fn string_end<const SIMD: bool>(text: &[u8], quote: usize) -> usize {
    let mut at = quote + 1;
    loop {
        at = text_end::<SIMD>(text, at);
        match text.get(at) {
            Some(b'\\') => at += 2,
            Some(_) => return at + 1,
            None => return text.len(),
        }
    }
}

/// The end of an array or an object, which begins at a bracket: behind the one that closes it.
///
/// Sixteen bytes at a time: which of them are inside of strings is the running parity of the quotes, as in simdjson
/// (Langdale and Lemire, Parsing Gigabytes of JSON per Second, 2019); where there are escapes it goes byte by byte.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn brackets_end<const SIMD: bool>(text: &[u8], open: usize) -> usize {
    let (mut at, mut depth) = (open, 0_i32);
    while at < text.len() {
        if let Some(chunk) = text[at..].first_chunk::<WIDTH>() {
            let found = structure::<SIMD>(chunk);
            if found.escapes == 0 {
                let inside = parity(found.quotes);
                let (opens, mut closes) = (found.opens & !inside, found.closes & !inside);
                let opened = opens.count_ones() as i32;
                let closed = closes.count_ones() as i32;
                if closed < depth {
                    depth += opened - closed;
                } else {
                    // It may close here: each closing bracket is looked at.
                    while closes != 0 {
                        let place = closes.trailing_zeros();
                        let opened = (opens & ((1 << place) - 1)).count_ones() as i32;
                        if depth + opened <= 1 {
                            return at + place as usize + 1;
                        }
                        depth -= 1;
                        closes &= closes - 1;
                    }
                    depth += opened;
                }
                at += WIDTH;
                if inside >> (WIDTH - 1) & 1 == 1 {
                    // The last quote opened a string that goes on.
                    let back = found.quotes.leading_zeros() as usize + WIDTH - u32::BITS as usize;
                    at = string_end::<SIMD>(text, at - 1 - back);
                }
                continue;
            }
        }
        // Byte by byte, and outside of a string again.
        let end = (at + WIDTH).min(text.len());
        while at < end {
            match text[at] {
                b'"' => {
                    at = string_end::<SIMD>(text, at);
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth <= 1 => return at + 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            at += 1;
        }
    }
    text.len()
}

/// For each bit the parity of those up to it.
#[inline]
fn parity(bits: u32) -> u32 {
    let bits = bits ^ bits << 1;
    let bits = bits ^ bits << 2;
    let bits = bits ^ bits << 4;
    bits ^ bits << 8
}
