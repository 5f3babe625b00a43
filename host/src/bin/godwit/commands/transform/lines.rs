//! Documents from a stream, in batches of what is there.

use std::io::{self, BufRead};
use std::sync::{Arc, Mutex};

use godwit::model::Batch;
use godwit::transfer::{Pointer, identify};

use super::Pending;

/// How many documents a batch has at most.
const BATCH_ITEMS: usize = 4_096;

/// A line that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 1.
    pub number: u64,
    /// Why it is no document; `None`: it is one.
    pub bad: Option<String>,
}

/// What went wrong while reading, for whoever waits on another thread.
pub type Trouble = Arc<Mutex<Option<io::Error>>>;

/// Reads documents. A batch has what came at once, so that nobody waits for more than that.
pub struct Lines {
    reader: Box<dyn BufRead + Send>,
    splitter: Splitter,
    is_over: bool,
    pending: Pending,
    trouble: Trouble,
}

/// Makes lines of what is read.
struct Splitter {
    /// Where ids are.
    id: Pointer,
    /// Whether a document without an id there has its line's number.
    counts: bool,
    /// The longest document.
    most: usize,
    /// The line that has begun.
    begun: Vec<u8>,
    /// Whether the line that has begun is too long, and only its end is looked for.
    is_too_long: bool,
    number: u64,
}

impl Lines {
    pub fn new(
        reader: Box<dyn BufRead + Send>,
        id: Option<Pointer>,
        most: usize,
        pending: Pending,
    ) -> Self {
        Self {
            reader,
            splitter: Splitter {
                counts: id.is_none(),
                id: id.unwrap_or_else(|| "/_id".parse().expect("it is a pointer")),
                most,
                begun: Vec::new(),
                is_too_long: false,
                number: 0,
            },
            is_over: false,
            pending,
            trouble: Trouble::default(),
        }
    }

    /// Where an error is left.
    pub fn trouble(&self) -> Trouble {
        self.trouble.clone()
    }

    /// Takes what there is up to the ends of lines; at least something is waited for.
    fn take(&mut self, batch: &mut Batch, lines: &mut Vec<Line>) -> io::Result<()> {
        let chunk = match self.reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            chunk => chunk?,
        };
        if chunk.is_empty() {
            self.is_over = true;
            self.splitter.end(batch, lines);
            return Ok(());
        }
        let taken = self.splitter.split(chunk, batch, lines);
        self.reader.consume(taken);
        Ok(())
    }
}

impl Splitter {
    /// Takes lines until there are enough for a batch, and what is behind the last end of one; gives how
    /// many bytes it took.
    fn split(&mut self, chunk: &[u8], batch: &mut Batch, lines: &mut Vec<Line>) -> usize {
        let mut taken = 0;
        while lines.len() < BATCH_ITEMS && taken < chunk.len() {
            let rest = &chunk[taken..];
            let end = rest.iter().position(|byte| *byte == b'\n');
            let part = &rest[..end.unwrap_or(rest.len())];
            if self.begun.len() + part.len() > self.most.saturating_add(1) {
                self.is_too_long = true;
                self.begun.clear();
            }
            if !self.is_too_long {
                self.begun.extend_from_slice(part);
            }
            taken += part.len() + usize::from(end.is_some());
            if end.is_some() {
                self.end_line(batch, lines);
            }
        }
        taken
    }

    /// Takes what has begun as a line, when nothing more comes.
    fn end(&mut self, batch: &mut Batch, lines: &mut Vec<Line>) {
        if !self.begun.is_empty() || self.is_too_long {
            self.end_line(batch, lines);
        }
    }

    fn end_line(&mut self, batch: &mut Batch, lines: &mut Vec<Line>) {
        self.number += 1;
        let mut line = std::mem::take(&mut self.begun);
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        let number = self.number;
        if std::mem::take(&mut self.is_too_long) || line.len() > self.most {
            let bad = Some(format!(
                "it is longer than a body may be, which is {} bytes",
                self.most
            ));
            lines.push(Line { number, bad });
        } else if !line.trim_ascii().is_empty() {
            let bad = match self.id_of(&line) {
                Ok(id) => {
                    batch.push(&id, &line);
                    None
                }
                Err(reason) => Some(reason),
            };
            lines.push(Line { number, bad });
        }
        // The room is used again.
        line.clear();
        self.begun = line;
    }

    /// A document's id: at the pointer, or else, if none was named, the line's number.
    fn id_of(&self, line: &[u8]) -> Result<String, String> {
        match identify(line, &self.id) {
            Ok(id) => Ok(id),
            Err(reason) if self.counts && reason.is_json() => Ok(self.number.to_string()),
            Err(reason) => Err(reason.to_string()),
        }
    }
}

impl Iterator for Lines {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        let (mut batch, mut lines) = (Batch::default(), Vec::new());
        while lines.is_empty() && !self.is_over {
            if let Err(error) = self.take(&mut batch, &mut lines) {
                if let Ok(mut trouble) = self.trouble.lock() {
                    *trouble = Some(error);
                }
                self.is_over = true;
            }
        }
        if lines.is_empty() {
            return None;
        }
        if let Ok(mut pending) = self.pending.lock() {
            pending.push_back(lines);
        }
        Some(batch)
    }
}
