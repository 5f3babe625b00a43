//! Python: componentize-py, in a virtual environment of the project's.

use std::path::{Path, PathBuf};

use super::native::absolute;
use super::tool::{self, Command};
use crate::commands::read_text;
use crate::context::Context;
use crate::exit::Failure;
use crate::project::{Project, PythonLayout};

const VERSION: &str = "0.25.1";
/// The Python inside of components.
const INSIDE: &str = "3.14";

pub fn build(project: &Project, context: &Context) -> Result<PathBuf, Failure> {
    let folder = &project.folder;
    let tool = componentize(project, context)?;
    let sdk = absolute(&project.sdk())?;
    let core = project.core();
    let (world, module) = match project.manifest.build.layout {
        PythonLayout::Text => ("text-migration", "godwit.component.text"),
        PythonLayout::Records => ("migration", "godwit.component.records"),
    };
    let mut command = tool
        .arguments(["-q", "-d"])
        .argument(sdk.join("wit").join("v1"))
        .arguments(["-w", world, "componentize", module, "-p", ".", "-p"])
        .argument(&sdk)
        // The packages of an environment that is active are none of the project's.
        .without("VIRTUAL_ENV")
        // The author's traceback is shown in any case.
        .variable("RUST_BACKTRACE", "0");
    if folder.join("requirements.txt").is_file() {
        command = command
            .argument("-p")
            .argument(dependencies(project, context)?);
    }
    command
        .argument("-o")
        .argument(absolute(&core)?)
        .argument("--stub-wasi")
        .run_in(folder)?;
    Ok(core)
}

/// componentize-py of the right version: in PATH, or in the project's own environment, which is made.
fn componentize(project: &Project, context: &Context) -> Result<Command, Failure> {
    let is_right = |tool: &Command| {
        let version = tool.clone().argument("--version").ask();
        version.is_some_and(|version| version.ends_with(VERSION))
    };
    let own = absolute(&project.folder.join("build").join("venv"))?;
    let own_tool = Command::new(own.join("bin").join("componentize-py"));
    let known = tool::find(&["componentize-py"]).map(Command::new);
    if let Some(tool) = known.into_iter().chain([own_tool.clone()]).find(is_right) {
        return Ok(tool);
    }
    let python = environment(project)?;
    context.remark(&format!(
        "installing componentize-py {VERSION} into build/venv"
    ));
    pip(&python)
        .argument(format!("componentize-py=={VERSION}"))
        .run_in(&project.folder)?;
    Ok(own_tool)
}

/// The Python of the project's own environment, which is made where it is not there.
fn environment(project: &Project) -> Result<PathBuf, Failure> {
    let folder = absolute(&project.folder.join("build").join("venv"))?;
    let own = folder.join("bin").join("python");
    if Command::new(&own)
        .arguments(["-m", "pip", "--version"])
        .ask()
        .is_some()
    {
        return Ok(own);
    }
    let how = "https://python.org, or, on Debian, apt-get install python3 python3-venv";
    let python = tool::find(&["python3", "python"])
        .ok_or_else(|| tool::missing("Python 3.10 or newer", how))?;
    Command::new(python)
        .arguments(["-m", "venv", "--clear"])
        .argument(&folder)
        .hint("Python needs its module venv: on Debian, apt-get install python3-venv")
        .run_in(&project.folder)?;
    Ok(own)
}

/// pip, about to install something.
fn pip(python: &Path) -> Command {
    Command::new(python).arguments([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ])
}

/// What requirements.txt names, unpacked where the component finds it: anew whenever that file has changed.
/// Packages with compiled code are refused: it would not run.
fn dependencies(project: &Project, context: &Context) -> Result<PathBuf, Failure> {
    let folder = absolute(&project.work().join("deps"))?;
    let wanted = read_text(
        &project.folder.join("requirements.txt"),
        "it is a text in UTF-8",
    )?;
    // Written last, so that what was begun is not taken for what is there.
    let done = folder.join("requirements.txt");
    if std::fs::read_to_string(&done).is_ok_and(|had| had == wanted) {
        return Ok(folder);
    }
    let unwritable = |error: std::io::Error| {
        let message = format!("{} cannot be made anew: {error}", folder.display());
        Failure::input(message, "check that the project's folder may be written to")
    };
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(unwritable)?;
    }
    context.remark("installing what requirements.txt names");
    pip(&environment(project)?)
        .argument("--target")
        .argument(&folder)
        .arguments([
            "--only-binary=:all:",
            "--platform",
            "any",
            "--implementation",
            "py",
            "--abi",
            "none",
        ])
        .arguments(["--python-version", INSIDE, "-r", "requirements.txt"])
        .hint(
            "mend what it says; where it finds no distribution, the package may have compiled code, which does not \
             run in a component: take one of Python alone",
        )
        .run_in(&project.folder)?;
    std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(&done, wanted))
        .map_err(unwritable)?;
    Ok(folder)
}
