//! Reading lines with bounded memory, and remembering what was read.

use std::io::{self, BufRead, Read as _};

use sha2::{Digest as _, Sha256};

use crate::model::Digest;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How much of a line that is too long is held at once while it is skipped.
const CHUNK: u64 = 64 << 10;

/// The lines of a stream, without their endings, and without a byte order mark at its start.
pub(super) struct Lines<'a> {
    input: &'a mut dyn BufRead,
    limit: usize,
    offset: u64,
    digest: Sha256,
    buffer: Vec<u8>,
}

/// A place between two lines.
#[derive(Debug)]
pub(super) struct Position {
    /// How many bytes come before it.
    pub offset: u64,
    /// Their digest so far.
    hash: Sha256,
}

impl Position {
    /// The digest of what comes before it.
    pub fn digest(&self) -> Digest {
        Digest(self.hash.clone().finalize().into())
    }
}

/// A line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'l> {
    /// What it holds.
    Text(&'l [u8]),
    /// It is longer than the limit: so many bytes.
    TooLong(u64),
}

impl<'a> Lines<'a> {
    /// Reads lines of up to `limit` bytes.
    pub fn new(input: &'a mut dyn BufRead, limit: usize) -> Self {
        Self {
            input,
            limit,
            offset: 0,
            digest: Sha256::new(),
            buffer: Vec::new(),
        }
    }

    /// Behind the last whole line.
    pub fn position(&self) -> Position {
        Position {
            offset: self.offset,
            hash: self.digest.clone(),
        }
    }

    /// The digest of what was read.
    pub fn digest(&self) -> Digest {
        Digest(self.digest.clone().finalize().into())
    }

    /// Reads on towards `offset`, by a piece; returns whether there is more to read.
    pub fn skip_towards(&mut self, offset: u64) -> io::Result<bool> {
        let piece = offset.saturating_sub(self.offset).min(16 * CHUNK);
        self.buffer.clear();
        (&mut *self.input)
            .take(piece)
            .read_to_end(&mut self.buffer)?;
        self.offset += self.buffer.len() as u64;
        self.digest.update(&self.buffer);
        Ok(!self.buffer.is_empty() && self.offset < offset)
    }

    /// Reads the next line; `None` at the end.
    pub fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        // Room for the line, its ending and a byte order mark.
        let most = self.limit as u64 + 5;
        self.buffer.clear();
        (&mut *self.input)
            .take(most)
            .read_until(b'\n', &mut self.buffer)?;
        if self.buffer.is_empty() {
            return Ok(None);
        }
        if self.buffer.len() as u64 == most && !self.buffer.ends_with(b"\n") {
            return self.skip_line().map(|bytes| Some(Line::TooLong(bytes)));
        }
        let is_first = self.offset == 0;
        self.offset += self.buffer.len() as u64;
        self.digest.update(&self.buffer);
        let text = without_ending(&self.buffer);
        let text = text
            .strip_prefix(BYTE_ORDER_MARK)
            .filter(|_| is_first)
            .unwrap_or(text);
        let is_too_long = text.len() > self.limit;
        Ok(Some(if is_too_long {
            Line::TooLong(text.len() as u64)
        } else {
            Line::Text(text)
        }))
    }

    /// Reads the rest of a line without holding it, and returns the length of the whole.
    fn skip_line(&mut self) -> io::Result<u64> {
        // Only a line that was read to its end may move the offset.
        let mut digest = self.digest.clone();
        let (mut read, mut ending) = (0, 0);
        while !self.buffer.is_empty() {
            read += self.buffer.len() as u64;
            digest.update(&self.buffer);
            if self.buffer.ends_with(b"\n") {
                ending = (self.buffer.len() - without_ending(&self.buffer).len()) as u64;
                break;
            }
            self.buffer.clear();
            (&mut *self.input)
                .take(CHUNK)
                .read_until(b'\n', &mut self.buffer)?;
        }
        self.digest = digest;
        self.offset += read;
        Ok(read - ending)
    }
}

fn without_ending(line: &[u8]) -> &[u8] {
    let Some(line) = line.strip_suffix(b"\n") else {
        return line;
    };
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &str, limit: usize) -> Vec<Result<String, u64>> {
        let mut input = io::BufReader::with_capacity(3, input.as_bytes());
        let mut lines = Lines::new(&mut input, limit);
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push(match line {
                Line::Text(text) => Ok(String::from_utf8(text.to_vec()).unwrap()),
                Line::TooLong(bytes) => Err(bytes),
            });
        }
        found
    }

    #[test]
    fn lines_lose_their_endings_and_nothing_else() {
        let text = |lines: &[&str]| {
            lines
                .iter()
                .map(|line| Ok((*line).to_owned()))
                .collect::<Vec<_>>()
        };
        assert_eq!(read("", 9), text(&[]));
        assert_eq!(read("a\nb\r\n\n c \n", 9), text(&["a", "b", "", " c "]));
        assert_eq!(read("a\r\r\nb\rc\n\r", 9), text(&["a\r", "b\rc", "\r"]));
        assert_eq!(read("\u{feff}a\n\u{feff}b", 9), text(&["a", "\u{feff}b"]));
    }

    #[test]
    fn lines_that_are_too_long_are_measured_and_skipped() {
        let long = "x".repeat(200_000);
        let input = format!("1234\r\n12345\n{long}\r\n1234\n{long}");
        let expected = [
            Ok("1234".into()),
            Err(5),
            Err(200_000),
            Ok("1234".into()),
            Err(200_000),
        ];
        assert_eq!(read(&input, 4), expected);
        assert_eq!(read("\u{feff}1234\r\n", 4), [Ok("1234".into())]);
    }

    #[test]
    fn what_was_read_is_digested_up_to_the_last_whole_line() {
        let text = format!("a\r\n{}\nb", "x".repeat(100));
        let mut input = text.as_bytes();
        let mut lines = Lines::new(&mut input, 4);
        for end in [3, 104, 105] {
            lines.next().unwrap();
            assert_eq!(lines.position().offset, end);
            assert_eq!(lines.digest(), Digest::of(&text.as_bytes()[..end as usize]));
        }
        let mut input = text.as_bytes();
        let mut lines = Lines::new(&mut input, 4);
        assert!(!lines.skip_towards(104).unwrap());
        assert_eq!(lines.digest(), Digest::of(&text.as_bytes()[..104]));
        assert_eq!(lines.next().unwrap(), Some(Line::Text(b"b")));
    }
}
