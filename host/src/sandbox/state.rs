//! What a session knows while its component runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::contract::{Context, Denial, Imports, LogLevel, printable};
use crate::model::Batch;

use super::Limits;

/// How many different denials of a call are noted.
const DENIALS: usize = 10;

/// Answers a component's `documents` calls. Implemented by whoever feeds the session.
///
/// ```
/// use godwit::model::Batch;
/// use godwit::sandbox::{Denial, Documents};
///
/// // One document, and no access to any other.
/// struct One(Vec<u8>);
///
/// impl Documents for One {
///     fn get(&mut self, _: &str, id: &str) -> Result<Option<Vec<u8>>, Denial> {
///         Ok((id == "one").then(|| self.0.clone()))
///     }
///     // `scan`, `put` and `delete` answer `Err(Denial::Denied)`.
/// #     fn scan(&mut self, _: &str, _: Option<&str>, _: u32) -> Result<Batch, Denial> {
/// #         Err(Denial::Denied)
/// #     }
/// #     fn put(&mut self, _: &str, _: &str, _: Vec<u8>) -> Result<(), Denial> {
/// #         Err(Denial::Denied)
/// #     }
/// #     fn delete(&mut self, _: &str, _: &str) -> Result<(), Denial> {
/// #         Err(Denial::Denied)
/// #     }
/// }
///
/// let mut documents = One(b"{}".to_vec());
/// assert_eq!(documents.get("notes", "one"), Ok(Some(b"{}".to_vec())));
/// ```
pub trait Documents: Send + 'static {
    /// Reads one body.
    ///
    /// # Errors
    /// [`Denial`], which the component is told, but for [`Denial::Halt`], which stops it.
    fn get(&mut self, collection: &str, id: &str) -> Result<Option<Vec<u8>>, Denial>;

    /// Reads up to `limit` items after `after`, in order of their ids.
    ///
    /// # Errors
    /// As for [`Documents::get`].
    fn scan(&mut self, collection: &str, after: Option<&str>, limit: u32) -> Result<Batch, Denial>;

    /// Creates or replaces one item.
    ///
    /// # Errors
    /// As for [`Documents::get`].
    fn put(&mut self, collection: &str, id: &str, body: Vec<u8>) -> Result<(), Denial>;

    /// Deletes one item.
    ///
    /// # Errors
    /// As for [`Documents::get`].
    fn delete(&mut self, collection: &str, id: &str) -> Result<(), Denial>;
}

/// Denies every access: for calls that have no business with documents.
///
/// ```
/// use godwit::sandbox::{Denial, Documents, NoDocuments};
///
/// assert_eq!(NoDocuments.get("notes", "first"), Err(Denial::Denied));
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct NoDocuments;

impl Documents for NoDocuments {
    fn get(&mut self, _: &str, _: &str) -> Result<Option<Vec<u8>>, Denial> {
        Err(Denial::Denied)
    }

    fn scan(&mut self, _: &str, _: Option<&str>, _: u32) -> Result<Batch, Denial> {
        Err(Denial::Denied)
    }

    fn put(&mut self, _: &str, _: &str, _: Vec<u8>) -> Result<(), Denial> {
        Err(Denial::Denied)
    }

    fn delete(&mut self, _: &str, _: &str) -> Result<(), Denial> {
        Err(Denial::Denied)
    }
}

/// A line that a component wrote for the operator.
///
/// ```
/// use godwit::sandbox::{LogLevel, LogLine};
///
/// let line = LogLine {
///     level: LogLevel::Warn,
///     message: "no title".to_owned(),
///     item: Some("first".to_owned()),
///     is_printed: false,
/// };
/// assert_eq!(line.to_string(), "warn first: no title");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// How severe it is.
    pub level: LogLevel,
    /// The text, cut to the limit, without control characters.
    pub message: String,
    /// The item that it is about.
    pub item: Option<String>,
    /// Whether it was printed, in pieces, as to a standard stream; otherwise it was logged.
    pub is_printed: bool,
}

impl std::fmt::Display for LogLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let level = match self.level {
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warn => "warn",
            LogLevel::Error => "error",
        };
        match &self.item {
            Some(item) => write!(f, "{level} {item}: {}", self.message),
            None => write!(f, "{level} {}", self.message),
        }
    }
}

impl LogLine {
    /// Bytes of its texts.
    pub(crate) fn len_bytes(&self) -> usize {
        self.message.len() + self.item.as_ref().map_or(0, String::len)
    }
}

/// The data of a wasmtime store: what answers the imports, and the meters of the limits.
pub(super) struct State<D> {
    pub limits: Limits,
    pub memory: Meter,
    pub context: Context,
    /// Present during a call.
    pub documents: Option<D>,
    pub log: Vec<LogLine>,
    log_bytes: usize,
    /// The line that is being printed, and its level.
    printing: (LogLevel, Vec<u8>),
    /// Lines dropped because the log was full.
    pub log_dropped: u64,
    /// What was asked for and denied, as in "read `users`".
    pub denied: Vec<String>,
    document_calls: u64,
    document_bytes: u64,
    /// Whether a single item is fed.
    is_alone: bool,
}

impl<D: Documents> State<D> {
    pub(super) fn new(limits: Limits, peak: Arc<AtomicUsize>) -> Self {
        Self {
            memory: Meter::new(&limits, peak),
            limits,
            context: Context::default(),
            documents: None,
            log: Vec::new(),
            log_bytes: 0,
            printing: (LogLevel::Debug, Vec::new()),
            log_dropped: 0,
            denied: Vec::new(),
            document_calls: 0,
            document_bytes: 0,
            is_alone: true,
        }
    }

    /// Starts a call that is fed `items` items, with fresh meters.
    pub(super) fn start(&mut self, items: usize, context: Context, documents: D) {
        self.memory.refused = false;
        self.context = context;
        self.documents = Some(documents);
        self.log.clear();
        self.printing.1.clear();
        self.denied.clear();
        (self.log_bytes, self.log_dropped) = (0, 0);
        (self.document_calls, self.document_bytes) = (0, 0);
        self.is_alone = items <= 1;
    }

    /// Ends a call; gives the lines of its log.
    pub(super) fn end_log(&mut self) -> Vec<LogLine> {
        self.end_printed();
        std::mem::take(&mut self.log)
    }

    /// Ends the line that is being printed, if one was begun.
    fn end_printed(&mut self) {
        let (level, line) = &mut self.printing;
        let (level, line) = (*level, std::mem::take(line));
        if !line.is_empty() {
            let line = String::from_utf8_lossy(&line);
            self.add_line(level, &line, None, true);
        }
    }

    fn add_line(&mut self, level: LogLevel, message: &str, item: Option<String>, is_printed: bool) {
        let line = LogLine {
            level,
            message: printable(message, self.limits.log_line_bytes),
            item,
            is_printed,
        };
        // A line counts for something even if it is empty.
        let bytes = line.len_bytes().max(16);
        if self.log_bytes + bytes > self.limits.log_batch_bytes {
            self.log_dropped += 1;
            return;
        }
        self.log_bytes += bytes;
        self.log.push(line);
    }

    fn documents(&mut self, bytes: usize) -> Result<&mut D, Denial> {
        self.document_calls += 1;
        if self.document_calls > self.limits.document_calls {
            let limit = self.limits.document_calls;
            return Err(self.limit(format!("more than {limit} documents calls in one batch")));
        }
        self.spend(bytes)?;
        // Outside of a call (in a start function, or while describing) there are no documents.
        self.documents.as_mut().ok_or(Denial::Denied)
    }

    /// Notes what was denied, each thing once, and not without end.
    fn noted<T>(
        &mut self,
        what: &str,
        collection: &str,
        answer: Result<T, Denial>,
    ) -> Result<T, Denial> {
        if matches!(answer, Err(Denial::Denied)) && self.denied.len() < DENIALS {
            let name = printable(collection, crate::model::Name::MAX_BYTES);
            let denied = format!("{what} `{name}`");
            if !self.denied.contains(&denied) {
                self.denied.push(denied);
            }
        }
        answer
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Denial> {
        self.document_bytes += bytes as u64;
        let limit = self.limits.document_bytes;
        if self.document_bytes > limit {
            return Err(self.limit(format!("more than {limit} bytes of documents in one batch")));
        }
        Ok(())
    }

    /// A limit is told to an item that reaches it on its own. Where several are fed the call is
    /// stopped, so that whoever feeds them tries fewer: otherwise the size of batches would show.
    fn limit(&self, text: String) -> Denial {
        if self.is_alone {
            Denial::Limit(text)
        } else {
            Denial::Halt
        }
    }
}

impl<D: Documents> Imports for State<D> {
    fn log(&mut self, level: LogLevel, message: String, item: Option<String>) {
        // Lines stay in the order in which they were written.
        self.end_printed();
        let item = item.map(|item| printable(&item, crate::model::item::MAX_ID_BYTES));
        self.add_line(level, &message, item, false);
    }

    fn print(&mut self, level: LogLevel, piece: &[u8]) {
        if self.printing.0 != level {
            self.end_printed();
            self.printing.0 = level;
        }
        let mut lines = piece.split(|byte| *byte == b'\n');
        let mut part = lines.next();
        while let Some(text) = part {
            // What is cut off of a line need not be held.
            let line = &mut self.printing.1;
            let room = (self.limits.log_line_bytes + 1).saturating_sub(line.len());
            line.extend_from_slice(&text[..text.len().min(room)]);
            part = lines.next();
            if part.is_some() {
                self.end_printed();
            }
        }
    }

    fn context(&self) -> Context {
        self.context.clone()
    }

    fn get(&mut self, collection: &str, id: &str) -> Result<Option<Vec<u8>>, Denial> {
        let body = self
            .documents(0)
            .and_then(|documents| documents.get(collection, id));
        let body = self.noted("read", collection, body)?;
        self.spend(body.as_ref().map_or(0, Vec::len))?;
        Ok(body)
    }

    fn scan(&mut self, collection: &str, after: Option<&str>, limit: u32) -> Result<Batch, Denial> {
        let items = self
            .documents(0)
            .and_then(|documents| documents.scan(collection, after, limit));
        let items = self.noted("read", collection, items)?;
        self.spend(items.bodies.len() + items.ids.len())?;
        Ok(items)
    }

    fn put(&mut self, collection: &str, id: &str, body: Vec<u8>) -> Result<(), Denial> {
        let put = self
            .documents(body.len())
            .and_then(|documents| documents.put(collection, id, body));
        self.noted("write", collection, put)
    }

    fn delete(&mut self, collection: &str, id: &str) -> Result<(), Denial> {
        let deleted = self
            .documents(0)
            .and_then(|documents| documents.delete(collection, id));
        self.noted("write", collection, deleted)
    }
}

/// Counts memory and table elements over everything that an instance has.
#[derive(Debug)]
pub(super) struct Meter {
    limits: Limits,
    used: usize,
    elements: usize,
    /// Whether memory was refused since the call began.
    pub refused: bool,
    /// The most that any instance of the engine used.
    peak: Arc<AtomicUsize>,
}

impl Meter {
    fn new(limits: &Limits, peak: Arc<AtomicUsize>) -> Self {
        Self {
            peak,
            limits: limits.clone(),
            used: 0,
            elements: 0,
            refused: false,
        }
    }

    /// Bytes of linear memory.
    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// The most of them.
    pub(super) fn limit(&self) -> usize {
        self.limits.memory_bytes
    }
}

/// Whether a memory or a table forbids itself to grow so far; that takes nothing of what it may have.
fn is_beyond(desired: usize, maximum: Option<usize>) -> bool {
    maximum.is_some_and(|maximum| desired > maximum)
}

impl wasmtime::ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if is_beyond(desired, maximum) {
            return Ok(false);
        }
        let used = self.used.saturating_add(desired.saturating_sub(current));
        let granted = used <= self.limits.memory_bytes;
        self.refused |= !granted;
        if granted {
            self.used = used;
            self.peak.fetch_max(used, Ordering::Relaxed);
        }
        Ok(granted)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if is_beyond(desired, maximum) {
            return Ok(false);
        }
        let elements = self
            .elements
            .saturating_add(desired.saturating_sub(current));
        let granted = elements <= self.limits.table_elements;
        if granted {
            self.elements = elements;
        }
        Ok(granted)
    }

    fn instances(&self) -> usize {
        self.limits.instances
    }

    fn tables(&self) -> usize {
        self.limits.tables
    }

    fn memories(&self) -> usize {
        self.limits.memories
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(limits: Limits) -> State<NoDocuments> {
        let mut state = State::new(limits, Arc::default());
        state.start(1, Context::default(), NoDocuments);
        state
    }

    fn told(state: &mut State<NoDocuments>) -> Vec<String> {
        state.end_log().iter().map(LogLine::to_string).collect()
    }

    #[test]
    fn lines_are_made_of_what_is_printed_in_pieces() {
        let mut state = state(Limits::default());
        for piece in ["one ", "line\ntwo", "", "\n\n", "thr\u{ea}e ", "bytes"] {
            state.print(LogLevel::Debug, piece.as_bytes());
        }
        // A letter may come in two pieces, and what is no text is no reason to fail.
        state.print(LogLevel::Error, &"\u{ea}".as_bytes()[..1]);
        state.print(LogLevel::Error, &"\u{ea}".as_bytes()[1..]);
        state.print(LogLevel::Error, b" \xff");
        state.log(LogLevel::Info, "logged".to_owned(), None);
        state.print(LogLevel::Error, b"the end");
        let expected = [
            "debug one line",
            "debug two",
            "debug thr\u{ea}e bytes",
            "error \u{ea} \u{fffd}",
            "info logged",
            "error the end",
        ];
        assert_eq!(told(&mut state), expected);
        assert_eq!(told(&mut state), [""; 0]);
    }

    #[test]
    fn what_is_printed_is_held_to_the_limits_of_lines() {
        let limits = Limits {
            log_line_bytes: 8,
            log_batch_bytes: 40,
            ..Limits::default()
        };
        let mut state = state(limits);
        for _ in 0..1_000 {
            state.print(LogLevel::Debug, &[b'x'; 1_000]);
            assert!(state.printing.1.len() <= 9);
        }
        state.print(LogLevel::Debug, b"\ny\nz\n");
        assert_eq!(told(&mut state), ["debug xxxxxxxx", "debug y"]);
        assert_eq!(state.log_dropped, 1);
    }
}
