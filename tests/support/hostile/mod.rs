//! Feeds a host with migrations that misbehave, and says what became of it.
//!
//! The same trial is a test (`tests/it/hostile.rs`) and, in a process of its own for each guest, the
//! command `hostile`.

pub mod child;
mod kind;
pub mod table;
mod trial;
mod verdict;

use std::sync::LazyLock;
use std::time::Duration;

use godwit::sandbox::{Compiler, CompilerProcess, Engine, Limits};
use godwit_hostile::built::FILE_BYTES;
use godwit_hostile::{Expected, Guest};

use crate::campaign::process::program;

pub use trial::{Seen, good_works, trial};
pub use verdict::{Verdict, check};

/// The engine of all trials of a process. It compiles in a process of its own, as the command line does.
pub static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let program = program("godwit").expect("it is built: `cargo build -p godwit-host`");
    let process = CompilerProcess {
        program,
        arguments: vec!["compiler".into()],
    };
    Engine::new(limits()).with_compiler(Compiler::Child(process))
});

/// Limits that guests reach soon. The guests are written against these numbers.
pub fn limits() -> Limits {
    Limits {
        memory_bytes: 32 << 20,
        table_elements: 50_000,
        component_bytes: FILE_BYTES,
        // Of the processor's time: several times what the largest good one takes on a machine that is at rest, and a
        // fraction of what the bombs would.
        compile: Duration::from_secs(40),
        compile_bytes: 1 << 30,
        describe: Duration::from_millis(500),
        batch: Duration::from_millis(300),
        hostcall_bytes: 4 << 20,
        body_bytes: 256 << 10,
        log_batch_bytes: 16 << 10,
        log_step_bytes: 64 << 10,
        document_calls: 2_000,
        document_bytes: 1 << 20,
        ..Limits::default()
    }
}

/// An engine for one guest. Those that are not about time get ample of it: what a machine does beside
/// must not show.
pub fn engine_for(guest: &Guest, engine: &Engine) -> Engine {
    if guest.expected == Expected::Quarantined("timed out") {
        return engine.clone();
    }
    engine.limited(Limits {
        batch: Duration::from_secs(10),
        ..limits()
    })
}
