//! Where in a document something is.

use std::fmt;
use std::str::FromStr;

/// A JSON pointer (RFC 6901), taken apart: `/_id`, `/meta/key`, or nothing for the whole document.
///
/// ```
/// use godwit::transfer::Pointer;
///
/// let pointer: Pointer = "/meta/a~1b".parse()?;
/// assert_eq!(pointer.segments(), ["meta", "a/b"]);
/// assert_eq!(pointer.to_string(), "/meta/a~1b");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pointer {
    segments: Vec<String>,
}

/// Occurs when a text is not a JSON pointer.
///
/// ```
/// use godwit::transfer::Pointer;
///
/// let error = "_id".parse::<Pointer>().unwrap_err();
/// assert_eq!(error.text, "_id");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a JSON pointer: it starts with `/`, as in `/_id`, and `~` is written `~0`", .text.escape_debug())]
pub struct PointerError {
    /// What was given.
    pub text: String,
}

impl Pointer {
    /// The members and places that lead to the value, the outermost one first.
    pub fn segments(&self) -> &[String] {
        &self.segments
    }
}

impl FromStr for Pointer {
    type Err = PointerError;

    fn from_str(text: &str) -> Result<Self, PointerError> {
        let malformed = || PointerError {
            text: text.to_owned(),
        };
        if text.is_empty() {
            return Ok(Self::default());
        }
        let rest = text.strip_prefix('/').ok_or_else(malformed)?;
        let segments = rest
            .split('/')
            .map(|segment| unescape(segment).ok_or_else(malformed));
        Ok(Self {
            segments: segments.collect::<Result<_, _>>()?,
        })
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.segments
            .iter()
            .try_for_each(|segment| write!(f, "/{}", segment.replace('~', "~0").replace('/', "~1")))
    }
}

fn unescape(segment: &str) -> Option<String> {
    let mut parts = segment.split('~');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push(match part.chars().next() {
            Some('0') => '~',
            Some('1') => '/',
            _ => return None,
        });
        text.push_str(&part[1..]);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_taken_apart_and_put_together() {
        let cases: [(&str, &[&str]); 5] = [
            ("", &[]),
            ("/", &[""]),
            ("/_id", &["_id"]),
            ("/a/0/ü", &["a", "0", "ü"]),
            ("/a~1b/~0c~01", &["a/b", "~c~1"]),
        ];
        for (text, segments) in cases {
            let pointer: Pointer = text.parse().unwrap();
            assert_eq!(pointer.segments(), segments);
            assert_eq!(pointer.to_string(), text);
        }
        for bad in ["_id", "a/b", "/a~", "/~2"] {
            assert!(bad.parse::<Pointer>().is_err(), "{bad}");
        }
    }
}
