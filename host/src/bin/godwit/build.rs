//! Builds projects with their languages' own tools.

mod go;
mod javascript;
mod native;
mod python;
mod rust;
mod tool;

use std::path::{Path, PathBuf};

use godwit::kit::{self, Packed};

use crate::commands::pack;
use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::project::{Language, Project};
use tool::Command;

/// Builds a project and puts the plugin into its place.
pub fn build(project: &Project, plugin: &Path, context: &Context) -> Result<Packed, Failure> {
    let manifest = &project.manifest;
    let language = manifest.language.name();
    context.remark(&format!("building {} ({language})", manifest.name));
    let folder = project.work();
    std::fs::create_dir_all(&folder).map_err(|error| {
        let message = format!("{} cannot be made: {error}", folder.display());
        Failure::input(message, "check that the project's folder may be written to")
    })?;
    check_sdk(project)?;
    let core = match (&manifest.build.command, manifest.language) {
        (Some(command), _) => by_command(project, command)?,
        (None, Language::Rust) => rust::build(project)?,
        (None, Language::C) => native::build_c(project)?,
        (None, Language::Cpp) => native::build_cpp(project)?,
        (None, Language::Zig) => native::build_zig(project)?,
        (None, Language::Go) => go::build(project)?,
        (None, Language::JavaScript | Language::TypeScript) => javascript::build(project, context)?,
        (None, Language::Python) => python::build(project, context)?,
        (None, Language::Other) => {
            let message = "nobody knows how this project is built";
            let hint = "say `command` and `artifact` under [build] in migration.toml";
            return Err(Failure::input(message, hint));
        }
    };
    let bytes = std::fs::read(&core).map_err(|error| {
        let message = format!("the build left no {}: {error}", core.display());
        Failure::input(message, "check `artifact` under [build] in migration.toml")
    })?;
    let packed = kit::pack(&bytes).map_err(|error| {
        let message = format!("{}: {}", core.display(), godwit::with_causes(&error));
        let hint = "plugins/README.md tells what a migration exports and imports";
        Failure::other(Code::Migration, message, hint)
    })?;
    pack::write(plugin, &packed.component)?;
    Ok(packed)
}

/// Whether the SDK is where tools are told to find it. Rust's is a dependency, which cargo looks for; Go's a
/// module.
fn check_sdk(project: &Project) -> Result<(), Failure> {
    let manifest = &project.manifest;
    let by_itself = matches!(
        manifest.language,
        Language::Rust | Language::Go | Language::Other
    );
    let sdk = project.sdk();
    if by_itself || manifest.build.command.is_some() || sdk.is_dir() {
        return Ok(());
    }
    let message = format!("the SDK is missing: {} is no folder", sdk.display());
    let hint = format!(
        "say where it lies with `sdk` under [build] in migration.toml, or take the one that `godwit new NAME --lang {}` writes",
        manifest.language.name()
    );
    Err(Failure::input(message, hint))
}

/// Builds with the program that the manifest names.
fn by_command(project: &Project, command: &[String]) -> Result<PathBuf, Failure> {
    let artifact = project.manifest.build.artifact.as_deref();
    let (Some((program, arguments)), Some(artifact)) = (command.split_first(), artifact) else {
        let message =
            "`command` under [build] needs a program, and `artifact` the file that it leaves";
        return Err(Failure::input(message, "plugins/README.md shows both"));
    };
    Command::new(program)
        .arguments(arguments)
        .run_in(&project.folder)?;
    Ok(project.path(Path::new(artifact)))
}
