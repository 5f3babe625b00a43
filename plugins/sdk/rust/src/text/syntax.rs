//! Whether bytes are one JSON value: RFC 8259, nothing else.

use std::error::Error;
use std::fmt;

use super::lanes::text_end;
use super::walk::Place;

/// How deep arrays and objects may be nested. It is the most that the host takes, too.
pub const MAX_DEPTH: usize = 128;

/// Occurs when a text is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    offset: usize,
    what: &'static str,
}

impl SyntaxError {
    fn new(offset: usize, what: &'static str) -> Self {
        Self { offset, what }
    }

    /// The byte where it is seen first that the text is not JSON, counted from 0; the text's length where it ends too
    /// early.
    pub fn offset(&self) -> usize {
        self.offset
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.what, self.offset)
    }
}

impl Error for SyntaxError {}

/// Members that room is made for at first.
const MEMBERS: usize = 16;

type Checked = Result<usize, SyntaxError>;

/// The text of bytes that are one JSON value, and where the members of the object lie that it is, if it is one.
pub(super) fn check<const SIMD: bool>(bytes: &[u8]) -> Result<(&str, Vec<Place>), SyntaxError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| SyntaxError::new(error.valid_up_to(), "there is no UTF-8"))?;
    Ok((text, check_text::<SIMD>(bytes)?))
}

/// Goes over a text once. What it is inside of is a bit for each level: 1 in an object.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn check_text<const SIMD: bool>(text: &[u8]) -> Result<Vec<Place>, SyntaxError> {
    let mut members: Vec<Place> = Vec::new();
    let (mut depth, mut objects) = (0, 0_u128);
    let mut is_name = false;
    let mut at = space(text, 0);
    'next: loop {
        // Strings are read in one place, so that the compiler puts the reading here.
        at = match text.get(at) {
            Some(b'"') => {
                let end = string::<SIMD>(text, at)?;
                if is_name {
                    let name = at..end;
                    at = colon(text, end)?;
                    if depth == 1 {
                        if members.is_empty() {
                            members.reserve(MEMBERS);
                        }
                        let value = at..at;
                        members.push(Place { name, value });
                    }
                    is_name = false;
                    continue 'next;
                }
                end
            }
            other if is_name => return Err(unexpected(other, at, "there is no name")),
            Some(open @ (b'{' | b'[')) => {
                if depth == MAX_DEPTH {
                    return Err(SyntaxError::new(at, "it is nested too deep"));
                }
                let is_object = *open == b'{';
                at = space(text, at + 1);
                match (open, text.get(at)) {
                    (b'{', Some(b'}')) | (b'[', Some(b']')) => at + 1,
                    _ => {
                        depth += 1;
                        objects = objects << 1 | u128::from(is_object);
                        is_name = is_object;
                        continue 'next;
                    }
                }
            }
            Some(b'-' | b'0'..=b'9') => number(text, at)?,
            Some(b't') => literal(text, at, b"true")?,
            Some(b'f') => literal(text, at, b"false")?,
            Some(b'n') => literal(text, at, b"null")?,
            other => return Err(unexpected(other, at, "there is no value")),
        };
        // Behind a value.
        loop {
            if let (1, Some(member)) = (depth, members.last_mut()) {
                member.value.end = at;
            }
            at = space(text, at);
            let Some(byte) = text.get(at) else {
                return match depth {
                    0 => Ok(members),
                    _ => Err(unexpected(None, at, "")),
                };
            };
            if depth == 0 {
                return Err(SyntaxError::new(at, "something follows the value"));
            }
            let in_object = objects & 1 == 1;
            match byte {
                b',' => {
                    at = space(text, at + 1);
                    is_name = in_object;
                    continue 'next;
                }
                b'}' if in_object => {}
                b']' if !in_object => {}
                _ => return Err(SyntaxError::new(at, "there is no comma and no end")),
            }
            depth -= 1;
            objects >>= 1;
            at += 1;
        }
    }
}

fn unexpected(found: Option<&u8>, at: usize, what: &'static str) -> SyntaxError {
    match found {
        None => SyntaxError::new(at, "it ends too early"),
        Some(_) => SyntaxError::new(at, what),
    }
}

/// The first byte that is no white space.
#[inline]
pub(super) fn space(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = text.get(at) {
        at += 1;
    }
    at
}

/// The colon behind a member's name, which ends at a place; gives where the value begins.
#[inline]
fn colon(text: &[u8], end: usize) -> Checked {
    let colon = space(text, end);
    match text.get(colon) {
        Some(b':') => Ok(space(text, colon + 1)),
        other => Err(unexpected(other, colon, "there is no colon")),
    }
}

/// The string that begins at a quote; gives where it ends, behind the other quote.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn string<const SIMD: bool>(text: &[u8], quote: usize) -> Checked {
    let mut at = quote + 1;
    loop {
        at = text_end::<SIMD>(text, at);
        match text.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at = escape(text, at)?,
            other => {
                return Err(unexpected(
                    other,
                    at,
                    "there is a control character in a string",
                ));
            }
        }
    }
}

/// What begins with a backslash.
fn escape(text: &[u8], at: usize) -> Checked {
    match text.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => match unit(text, at)? {
            0xd800..=0xdbff => {
                // The other half of a pair has to follow.
                let next = at + 6;
                let lone = |found| Err(unexpected(found, at, "there is half of a surrogate pair"));
                match (text.get(next), text.get(next + 1)) {
                    (Some(b'\\'), Some(b'u')) => match unit(text, next)? {
                        0xdc00..=0xdfff => Ok(next + 6),
                        _ => lone(Some(&0)),
                    },
                    (None, _) | (Some(b'\\'), None) => lone(None),
                    _ => lone(Some(&0)),
                }
            }
            0xdc00..=0xdfff => Err(SyntaxError::new(at, "there is half of a surrogate pair")),
            _ => Ok(at + 6),
        },
        other => Err(unexpected(
            other,
            at + usize::from(other.is_none()),
            "there is no such escape",
        )),
    }
}

/// The number of a `\uXXXX`.
fn unit(text: &[u8], at: usize) -> Result<u32, SyntaxError> {
    let digits = at + 2..at + 6;
    digits
        .into_iter()
        .try_fold(0, |unit, at| match text.get(at) {
            Some(digit) if digit.is_ascii_hexdigit() => {
                let digit = (*digit as char).to_digit(16);
                Ok(unit << 4 | digit.unwrap_or_default())
            }
            other => Err(unexpected(other, at, "there is no hexadecimal digit")),
        })
}

#[inline]
fn number(text: &[u8], at: usize) -> Checked {
    let mut at = at + usize::from(text[at] == b'-');
    at = match text.get(at) {
        Some(b'0') => at + 1,
        Some(b'1'..=b'9') => digits(text, at + 1),
        other => return Err(unexpected(other, at, "there is no digit")),
    };
    let some_digits = |at: usize| match text.get(at) {
        Some(b'0'..=b'9') => Ok(digits(text, at + 1)),
        other => Err(unexpected(other, at, "there is no digit")),
    };
    if text.get(at) == Some(&b'.') {
        at = some_digits(at + 1)?;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        let sign = matches!(text.get(at + 1), Some(b'+' | b'-'));
        at = some_digits(at + 1 + usize::from(sign))?;
    }
    Ok(at)
}

#[inline]
fn digits(text: &[u8], mut at: usize) -> usize {
    while text.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    at
}

#[inline]
fn literal(text: &[u8], at: usize, word: &'static [u8]) -> Checked {
    if text[at..].starts_with(word) {
        return Ok(at + word.len());
    }
    let same = text[at..]
        .iter()
        .zip(word)
        .take_while(|(one, other)| one == other);
    let end = at + same.count();
    Err(unexpected(text.get(end), end, "there is no value"))
}
