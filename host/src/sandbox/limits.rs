//! What a component may use at most.

use std::time::Duration;

/// Finite bounds of everything that a component can make the host spend.
///
/// Each component has limits of its own, but for `stack_bytes` and `fuel`, which are compiled in: those
/// are the engine's.
///
/// ```
/// use std::time::Duration;
///
/// use godwit::sandbox::Limits;
///
/// let limits = Limits {
///     batch: Duration::from_secs(10),
///     body_bytes: 1 << 20,
///     ..Limits::default()
/// };
/// assert_eq!(limits.json_depth, Limits::MAX_JSON_DEPTH);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of linear memory, over all memories of an instance. The default, 256 MiB, is what the
    /// largest language runtime measured (StarlingMonkey) needs for a batch of 1 MiB.
    pub memory_bytes: usize,
    /// Linear memories of an instance. The default, 10, leaves room beside the one that every
    /// language uses.
    pub memories: usize,
    /// Elements of all tables of an instance. The default, 100,000, is ten times what a Python
    /// component has.
    pub table_elements: usize,
    /// Tables of an instance. The default, 100, is several times what a Python component has, which
    /// links twenty modules.
    pub tables: usize,
    /// Core instances inside one instance of a component. The default, 100, is several times what a
    /// Python component has.
    pub instances: usize,
    /// Resource handles that an instance may hold. The default, 1,000, is more than any migration
    /// can use: the contract has none.
    pub handles: usize,
    /// Bytes of a component's file. The default, 64 MiB, leaves a Python component (19 MB) room.
    pub component_bytes: usize,
    /// How much time of the processor compiling may take, in a process of its own; on the clock it may
    /// be four times as long, since the machine may have other work. The default, 120 s, is nine times
    /// what the slowest component measured (StarlingMonkey) needs.
    pub compile: Duration,
    /// Bytes of address space that compiling may take in a process of its own. The default, 4 GiB,
    /// is some times what the largest component measured needs.
    pub compile_bytes: u64,
    /// How long instantiation and `describe` may take together. The default, 2 s, is a hundred
    /// times what the slowest runtime measured needs.
    pub describe: Duration,
    /// How long a batch may take. The default, 5 s, is a thousand times what a batch of 256 KiB
    /// takes in Rust, and a hundred times what it takes in Python.
    pub batch: Duration,
    /// Fuel of a batch, where it is metered: about one unit for each instruction. It gives the same
    /// verdict on every machine, which time does not, and makes code slower by some 40 %. By default
    /// nothing is metered. Where it is, the time limits are ten times as long and only stop what
    /// costs time without fuel.
    pub fuel: Option<u64>,
    /// Bytes of native stack that wasm code may use. The default, 512 KiB, is wasmtime's own.
    pub stack_bytes: usize,
    /// Bytes that one host call or one reply may make the host allocate. The default, 64 MiB, is
    /// room for the largest batch (one item of 8 MiB) growing eightfold.
    pub hostcall_bytes: usize,
    /// Bytes of new bodies and failure texts in one reply. The default, 64 MiB, is that of one call.
    pub reply_bytes: usize,
    /// Bytes of one body. The default, 8 MiB, keeps a commit of one item and its pre-image small
    /// enough for every store.
    pub body_bytes: usize,
    /// How deep the JSON of a new body may be nested. The default, 128, is the most that can be
    /// asked for: what other readers of JSON take, and no danger for a stack.
    pub json_depth: usize,
    /// What becomes of a new body in which an object has two members of one name.
    pub duplicate_names: DuplicateNames,
    /// Bytes of a failure's text that are kept. The default, 10 KiB, holds a stack trace.
    pub failure_bytes: usize,
    /// Bytes of a log line that are kept. The default, 1 KiB, is a paragraph.
    pub log_line_bytes: usize,
    /// Bytes of log lines kept from one batch; later ones are counted and dropped. The default,
    /// 64 KiB, is some hundred lines.
    pub log_batch_bytes: usize,
    /// Bytes of log lines kept from one step of a run; later ones are counted and dropped. The
    /// default, 1 MiB, is what a person may read.
    pub log_step_bytes: usize,
    /// `documents` calls of one batch. The default, 100,000, is some hundred for each item of a
    /// full batch.
    pub document_calls: u64,
    /// Bytes read and written through `documents` in one batch. The default, 64 MiB, is 256 times
    /// what a batch itself has.
    pub document_bytes: u64,
}

/// What becomes of a new body in which an object has two members of one name.
///
/// RFC 8259 lets it be and warns that readers differ in what they make of it.
///
/// ```
/// use godwit::sandbox::{DuplicateNames, Limits};
///
/// assert_eq!(Limits::default().duplicate_names, DuplicateNames::Refuse);
/// let lenient = Limits {
///     duplicate_names: DuplicateNames::Keep,
///     ..Limits::default()
/// };
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DuplicateNames {
    /// The item fails, unless its old body had such members, too.
    #[default]
    Refuse,
    /// It is stored as it is.
    Keep,
}

impl Limits {
    /// The most that `json_depth` can be: the parser's own limit.
    pub const MAX_JSON_DEPTH: usize = 128;

    /// The most that `stack_bytes` can be: half of what the threads that run components have, since the
    /// host's own frames lie on the same stack.
    pub const MAX_STACK_BYTES: usize = 4 << 20;

    /// How much longer time limits are where fuel is metered.
    pub(super) const METERED_TIME: u32 = 10;

    /// The most that a call limited to `time` may take on the clock.
    pub(super) fn time(&self, time: Duration) -> Duration {
        match self.fuel {
            Some(_) => time.saturating_mul(Self::METERED_TIME),
            None => time,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 256 << 20,
            memories: 10,
            table_elements: 100_000,
            tables: 100,
            instances: 100,
            handles: 1_000,
            component_bytes: 64 << 20,
            compile: Duration::from_secs(120),
            compile_bytes: 4 << 30,
            describe: Duration::from_secs(2),
            batch: Duration::from_secs(5),
            fuel: None,
            stack_bytes: 512 << 10,
            hostcall_bytes: 64 << 20,
            reply_bytes: 64 << 20,
            body_bytes: 8 << 20,
            json_depth: Self::MAX_JSON_DEPTH,
            duplicate_names: DuplicateNames::Refuse,
            failure_bytes: 10 << 10,
            log_line_bytes: 1 << 10,
            log_batch_bytes: 64 << 10,
            log_step_bytes: 1 << 20,
            document_calls: 100_000,
            document_bytes: 64 << 20,
        }
    }
}
