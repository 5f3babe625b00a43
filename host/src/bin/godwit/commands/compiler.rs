//! What `godwit` starts itself as to have a component compiled; nobody types it.

use std::io::{self, Write};
use std::process::ExitCode;

use godwit::sandbox::serve_compiler;

/// Compiles what comes on standard input.
pub fn run() -> ExitCode {
    match serve_compiler(&mut io::stdin().lock(), &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Whoever started it tells people; if that is gone, nobody listens.
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}
