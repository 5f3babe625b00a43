//! What a component may use at most.

use std::time::Duration;

/// Finite bounds of everything that a component can make the host spend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of linear memory, over all memories of an instance. The default, 256 MiB, is what the
    /// largest language runtime measured (StarlingMonkey) needs for a batch of 1 MiB.
    pub memory_bytes: usize,
    /// Elements of all tables of an instance. The default, 100,000, is ten times what a Python
    /// component has.
    pub table_elements: usize,
    /// Bytes of a component's file. The default, 64 MiB, leaves a Python component (19 MB) room.
    pub component_bytes: usize,
    /// How long instantiation and `describe` may take together. The default, 2 s, is a hundred
    /// times what the slowest runtime measured needs.
    pub describe: Duration,
    /// How long a batch may take. The default, 5 s, is a thousand times what a batch of 256 KiB
    /// takes in Rust, and a hundred times what it takes in Python.
    pub batch: Duration,
    /// Bytes of native stack that wasm code may use. The default, 512 KiB, is wasmtime's own.
    pub stack_bytes: usize,
    /// Bytes that one host call or one reply may make the host allocate. The default, 64 MiB, is
    /// room for the largest batch (one item of 8 MiB) growing eightfold.
    pub hostcall_bytes: usize,
    /// Bytes of one body. The default, 8 MiB, keeps a commit of one item and its pre-image small
    /// enough for every store.
    pub body_bytes: usize,
    /// Bytes of a failure's text that are kept. The default, 10 KiB, holds a stack trace.
    pub failure_bytes: usize,
    /// Bytes of a log line that are kept.
    pub log_line_bytes: usize,
    /// Bytes of log lines kept from one batch; later ones are counted and dropped.
    pub log_batch_bytes: usize,
    /// `documents` calls of one batch. The default, 100,000, is some hundred for each item of a
    /// full batch.
    pub document_calls: u64,
    /// Bytes read and written through `documents` in one batch.
    pub document_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 256 << 20,
            table_elements: 100_000,
            component_bytes: 64 << 20,
            describe: Duration::from_secs(2),
            batch: Duration::from_secs(5),
            stack_bytes: 512 << 10,
            hostcall_bytes: 64 << 20,
            body_bytes: 8 << 20,
            failure_bytes: 10 << 10,
            log_line_bytes: 1 << 10,
            log_batch_bytes: 64 << 10,
            document_calls: 100_000,
            document_bytes: 64 << 20,
        }
    }
}
