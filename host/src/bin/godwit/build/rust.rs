//! Rust: cargo, for `wasm32-unknown-unknown`.
//!
//! rustup's target is taken where it is installed; otherwise Debian's compiler with the sources of its
//! standard library, from which cargo builds it.

use std::path::{Path, PathBuf};

use super::tool::{self, Command};
use crate::exit::Failure;
use crate::project::Project;

const TARGET: &str = "wasm32-unknown-unknown";

pub fn build(project: &Project) -> Result<PathBuf, Failure> {
    let cargo = tool::find(&["cargo"]).ok_or_else(|| {
        tool::missing(
            "cargo",
            "https://rustup.rs, then rustup target add wasm32-unknown-unknown; or, on Debian 12, apt-get install \
             cargo-web rustc-web rust-web-src lld",
        )
    })?;
    let (library, target) = describe(project, &cargo)?;
    let mut command = Command::new(cargo).arguments(["build", "--release", "--target", TARGET]);
    if !has_target("rustc") {
        command = from_sources(command)?;
    }
    command.run_in(&project.folder)?;
    let file = format!("{}.wasm", library.replace('-', "_"));
    Ok(target.join(TARGET).join("release").join(file))
}

/// The name of the package's library, and where cargo puts what it builds.
fn describe(project: &Project, cargo: &Path) -> Result<(String, PathBuf), Failure> {
    let manifest = project.folder.join("Cargo.toml");
    let unreadable = |why: &str| {
        let message = format!("{}: {why}", manifest.display());
        Failure::input(
            message,
            "a Rust project has a Cargo.toml with a package of its own",
        )
    };
    let metadata = Command::new(cargo)
        .arguments([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--manifest-path",
        ])
        .argument(&manifest)
        .answer()
        .map_err(|why| unreadable(&format!("cargo cannot read it:\n{why}")))?;
    let metadata: serde_json::Value =
        serde_json::from_str(&metadata).map_err(|_| unreadable("cargo says no JSON of it"))?;
    let path = std::fs::canonicalize(&manifest).map_err(|error| unreadable(&error.to_string()))?;
    let mut packages = metadata["packages"].as_array().into_iter().flatten();
    let own = packages.find(|package| {
        package["manifest_path"]
            .as_str()
            .is_some_and(|own| Path::new(own) == path)
    });
    let target = metadata["target_directory"].as_str();
    let (Some(own), Some(target)) = (own, target) else {
        return Err(unreadable("it has no package"));
    };
    let mut targets = own["targets"].as_array().into_iter().flatten();
    let is_cdylib = |target: &&serde_json::Value| {
        let types = target["crate_types"].as_array();
        types.is_some_and(|types| types.iter().any(|kind| kind == "cdylib"))
    };
    match targets.find(is_cdylib).and_then(|lib| lib["name"].as_str()) {
        Some(name) => Ok((name.to_owned(), target.into())),
        None => {
            let message = format!("{}: it makes no WebAssembly", manifest.display());
            let hint = "say crate-type = [\"cdylib\"] under [lib]";
            Err(Failure::input(message, hint))
        }
    }
}

fn sysroot(compiler: &str) -> Option<PathBuf> {
    let sysroot = Command::new(compiler)
        .arguments(["--print", "sysroot"])
        .ask();
    sysroot.map(PathBuf::from)
}

fn has_target(compiler: &str) -> bool {
    sysroot(compiler).is_some_and(|root| root.join("lib/rustlib").join(TARGET).join("lib").is_dir())
}

/// Lets cargo build the standard library, too, with Debian's compiler.
fn from_sources(command: Command) -> Result<Command, Failure> {
    const DEBIAN: &str = "/usr/bin/rustc";
    let sources =
        sysroot(DEBIAN).map(|root| root.join("lib/rustlib/src/rust/library/std/Cargo.toml"));
    if !sources.is_some_and(|sources| sources.is_file()) {
        let how = "rustup target add wasm32-unknown-unknown; or, on Debian 12, apt-get install rustc-web rust-web-src \
                   lld";
        return Err(tool::missing(
            "a Rust compiler for wasm32-unknown-unknown",
            how,
        ));
    }
    let linker =
        linker().ok_or_else(|| tool::missing("a linker for WebAssembly", "apt-get install lld"))?;
    Ok(command
        .argument("-Zbuild-std=std,panic_abort")
        .variable("RUSTC", DEBIAN)
        // `-Zbuild-std` is for nightly compilers; this says that this one may.
        .variable("RUSTC_BOOTSTRAP", "1")
        .variable("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker))
}

/// The linker of the active toolchain, or LLVM's.
fn linker() -> Option<PathBuf> {
    let inside = |root: PathBuf| {
        let hosts = std::fs::read_dir(root.join("lib/rustlib")).ok()?;
        let mut found = hosts.flatten().map(|host| host.path().join("bin/rust-lld"));
        found.find(|file| file.is_file())
    };
    let own = ["rustc", "/usr/bin/rustc"]
        .into_iter()
        .filter_map(sysroot)
        .find_map(inside);
    own.or_else(|| {
        tool::find(&[
            "wasm-ld",
            "wasm-ld-19",
            "wasm-ld-18",
            "wasm-ld-17",
            "wasm-ld-16",
            "wasm-ld-14",
        ])
    })
}
