//! C, C++ and Zig: with Zig's compiler, which is clang, too, or with LLVM's.

use std::path::{Path, PathBuf};

use super::tool::{self, Command};
use crate::exit::Failure;
use crate::project::Project;

/// The release of Zig that the SDKs are written for; Zig changes with each.
const ZIG: &str = "0.17.0";
const GET_ZIG: &str = "pip install ziglang==0.17.0";
const GET_JSON: &str =
    "pip install nlohmann-json==3.12.0, or, on Debian, apt-get install nlohmann-json3-dev";

/// Debian's names of clang, the newest first.
const CLANG: [&str; 9] = [
    "clang", "clang-21", "clang-20", "clang-19", "clang-18", "clang-17", "clang-16", "clang-15",
    "clang-14",
];

/// C: freestanding, with nothing but the SDK.
pub fn build_c(project: &Project) -> Result<PathBuf, Failure> {
    const FLAGS: [&str; 8] = [
        "-std=c17",
        "-ffreestanding",
        "-nostdlib",
        "-O2",
        "-g0",
        "-mbulk-memory",
        "-msign-ext",
        "-Wall",
    ];
    let compiler = match zig(project) {
        Some(zig) => zig.arguments(["cc", "-target", "wasm32-freestanding"]),
        None => {
            let clang = tool::find(&CLANG)
                .ok_or_else(|| tool::missing("a C compiler for WebAssembly", GET_ZIG))?;
            Command::new(clang).arguments(["--target=wasm32-unknown-unknown", "-Wl,--stack-first"])
        }
    };
    let core = project.core();
    compiler
        .arguments(FLAGS)
        .argument("-I")
        .argument(absolute(&project.sdk())?)
        .arguments(sources(project, "c")?)
        .argument("-Wl,--no-entry,-z,stack-size=131072")
        .argument("-o")
        .argument(absolute(&core)?)
        .run_in(&project.folder)?;
    Ok(core)
}

/// C++: with Zig's libraries, whose calls of WASI are closed when the plugin is packed.
pub fn build_cpp(project: &Project) -> Result<PathBuf, Failure> {
    const FLAGS: [&str; 13] = [
        "c++",
        "-target",
        "wasm32-wasi",
        "-mexec-model=reactor",
        "-std=c++20",
        "-fno-exceptions",
        "-fno-rtti",
        "-O2",
        "-g0",
        "-DNDEBUG",
        "-mbulk-memory",
        "-msign-ext",
        "-Wall",
    ];
    let zig =
        zig(project).ok_or_else(|| tool::missing("Zig 0.17.0, which compiles C++,", GET_ZIG))?;
    let core = project.core();
    zig.arguments(FLAGS)
        .argument("-I")
        .argument(absolute(&project.sdk())?)
        .argument("-isystem")
        .argument(json_headers(project)?)
        .arguments(sources(project, "cpp")?)
        .argument("-Wl,-z,stack-size=262144")
        .argument("-o")
        .argument(absolute(&core)?)
        .run_in(&project.folder)?;
    Ok(core)
}

/// Zig: the root of the program is the SDK's, the author's file is a module.
pub fn build_zig(project: &Project) -> Result<PathBuf, Failure> {
    let zig = zig(project).ok_or_else(|| tool::missing("Zig 0.17.0", GET_ZIG))?;
    let core = project.core();
    let sdk = absolute(&project.sdk())?;
    let module = |name: &str, file: &str| format!("-M{name}={}", sdk.join(file).display());
    zig.arguments([
        "build-exe",
        "-target",
        "wasm32-freestanding",
        "-OReleaseSafe",
        "-fno-entry",
        "-fsingle-threaded",
        "--export=cabi_realloc",
        "--export=godwit:migration/description@1.0.0#describe",
        "--export=godwit:migration/transform-columns@1.0.0#migrate",
        "--dep",
        "godwit",
        "--dep",
        "migration",
    ])
    .argument(module("root", "component.zig"))
    .argument(module("godwit", "godwit.zig"))
    .arguments(["--dep", "godwit", "-Mmigration=main.zig"])
    .argument("--cache-dir")
    .argument(absolute(&project.work().join("cache"))?)
    .argument(format!("-femit-bin={}", absolute(&core)?.display()))
    .run_in(&project.folder)?;
    Ok(core)
}

/// A path that holds wherever a compiler is started.
pub fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| {
        let message = format!("{} cannot be named: {error}", path.display());
        Failure::input(message, "call it from a folder that exists")
    })
}

/// Zig of the right release: in PATH, or as a package of Python.
fn zig(project: &Project) -> Option<Command> {
    let is_right = |zig: &Command| {
        let version = zig.clone().argument("version").ask();
        version.is_some_and(|version| version == ZIG)
    };
    let alone = tool::find(&["zig"]).map(Command::new).filter(is_right);
    let packaged =
        tool::pythons(project).map(|python| Command::new(python).arguments(["-m", "ziglang"]));
    let mut packaged = packaged.filter(is_right);
    alone.or_else(|| packaged.next())
}

/// The sources of a project and of its SDK.
fn sources(project: &Project, extension: &str) -> Result<Vec<PathBuf>, Failure> {
    let mut sources = Vec::new();
    for folder in [project.folder.clone(), project.sdk()] {
        let entries = std::fs::read_dir(&folder).map_err(|error| {
            let message = format!("{} cannot be read: {error}", folder.display());
            Failure::input(
                message,
                "`sdk` under [build] in migration.toml says where the SDK lies",
            )
        })?;
        let mut found: Vec<_> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|found| found == extension))
            .collect();
        found.sort();
        for source in found {
            sources.push(absolute(&source)?);
        }
    }
    Ok(sources)
}

/// The folder that has `nlohmann/json.hpp` and nothing else: a package of Python, or a link to Debian's.
fn json_headers(project: &Project) -> Result<PathBuf, Failure> {
    const WHERE: &str = "import nlohmann_json as n, os; print(os.path.join(os.path.dirname(n.__file__), 'include'))";
    const DEBIAN: &str = "/usr/include/nlohmann";
    let has_header = |folder: &Path| folder.join("nlohmann/json.hpp").is_file();
    let packaged = tool::pythons(project)
        .filter_map(|python| Command::new(python).arguments(["-c", WHERE]).ask())
        .map(PathBuf::from)
        .find(|folder| has_header(folder));
    if let Some(folder) = packaged {
        return Ok(folder);
    }
    let missing = || tool::missing("nlohmann's json.hpp", GET_JSON);
    if !Path::new(DEBIAN).join("json.hpp").is_file() {
        return Err(missing());
    }
    let folder = absolute(&project.work().join("include"))?;
    copy_folder(Path::new(DEBIAN), &folder.join("nlohmann")).map_err(|_| missing())?;
    Ok(folder)
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to)?;
        } else {
            std::fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}
