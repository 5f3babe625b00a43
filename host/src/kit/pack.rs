//! Makes a component of what a compiler made.
//!
//! A core module says by the names of its exports which interfaces of the contract it has; so it need
//! not carry a component type. What a language's runtime asks of WASI preview 1 is answered inside the
//! component, by `no-wasi.wat`: the result imports the contract only. What is there for debuggers is left
//! out; the names of functions, which the traces of traps show, stay.

use wasmparser::{Encoding, ExternalKind, Parser, Payload, TypeRef};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{PackageId, Resolve, WorldId};

use super::CONTRACT;
use crate::contract::{Speech, SpeechError, VERSION, printable};

/// What answers WASI preview 1 inside a component.
const NO_WASI: &str = include_str!("no-wasi.wat");
/// The name by which core modules import WASI preview 1.
const PREVIEW_1: &str = "wasi_snapshot_preview1";
/// The names by which core modules import and export the contract start with this.
const PACKAGE: &str = "godwit:migration/";

/// The exported functions of the contract: the interface and the function.
const EXPORTS: [(&str, &str); 6] = [
    ("description", "describe"),
    ("transform", "migrate"),
    ("transform-text", "migrate"),
    ("transform-columns", "migrate"),
    ("revert", "revert"),
    ("verify", "verify"),
];

/// A migration, ready to be loaded.
///
/// ```
/// # fn example(packed: &godwit::kit::Packed) -> Result<(), Box<dyn std::error::Error>> {
/// std::fs::write("notes-2-0-0.wasm", &packed.component)?;
/// println!("it speaks contract {}", packed.speech.contract);
/// if packed.closed_wasi {
///     println!("it asked for WASI, and gets none");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Packed {
    /// The component.
    pub component: Vec<u8>,
    /// What it speaks, imports and exports.
    pub speech: Speech,
    /// Whether functions of WASI preview 1 were closed.
    pub closed_wasi: bool,
}

/// A way in which a file cannot be packed.
///
/// ```
/// use godwit::kit::{PackError, pack};
///
/// // A core module that has nothing.
/// let error = pack(b"\0asm\x01\0\0\0").unwrap_err();
/// assert!(matches!(error, PackError::Export { .. }));
/// assert!(error.to_string().ends_with("it exports: no function"));
/// ```
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// Occurs when a file is not a migration after all that could be done for it.
    #[error(transparent)]
    Speech(#[from] SpeechError),
    /// Occurs when a core module does not have the exports of a migration.
    #[error(
        "it does not export `{missing}`. A migration exports `describe` of `{PACKAGE}description` and \
         `migrate` of one of the transform interfaces; it exports: {found}"
    )]
    Export {
        /// The export that is missing.
        missing: String,
        /// What it exports.
        found: String,
    },
    /// Occurs when a core module imports what nobody offers.
    #[error(
        "it imports `{name}` of `{module}`, which nobody offers: a migration gets the contract only. \
         A function that was declared and not defined ends up as such an import"
    )]
    Import {
        /// The module.
        module: String,
        /// The function.
        name: String,
    },
    /// Occurs when a component cannot be made.
    #[error("no component can be made of it: {0}")]
    Encode(String),
}

/// Makes a component of a core module, or checks a component.
///
/// ```
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use godwit::kit::pack;
///
/// let module = std::fs::read("target/wasm32-unknown-unknown/release/notes.wasm")?;
/// let packed = pack(&module)?;
/// assert!(packed.component.starts_with(b"\0asm"));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`PackError`] when the file cannot become a migration.
pub fn pack(file: &[u8]) -> Result<Packed, PackError> {
    let (component, closed_wasi) = match Shape::of(file)? {
        Shape::Component => (file.to_vec(), false),
        Shape::Module(module) => encode(file, &module)?,
    };
    let speech = Speech::of(&component)?;
    Ok(Packed {
        component,
        speech,
        closed_wasi,
    })
}

/// What a file is.
enum Shape {
    Component,
    Module(Module),
}

/// What a core module says about itself.
#[derive(Default)]
struct Module {
    /// Module and name of each import.
    imports: Vec<(String, String)>,
    /// The functions that it exports.
    exports: Vec<String>,
    /// Whether it carries a component type.
    is_typed: bool,
}

impl Shape {
    fn of(file: &[u8]) -> Result<Self, PackError> {
        if !file.starts_with(b"\0asm") {
            return Err(SpeechError::NotWasm.into());
        }
        let mut module = Module::default();
        for payload in Parser::new(0).parse_all(file) {
            match payload.map_err(malformed)? {
                Payload::Version {
                    encoding: Encoding::Component,
                    ..
                } => return Ok(Self::Component),
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import.map_err(malformed)?;
                        if matches!(import.ty, TypeRef::Func(_)) {
                            let names = (import.module.to_owned(), import.name.to_owned());
                            module.imports.push(names);
                        }
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export.map_err(malformed)?;
                        if export.kind == ExternalKind::Func {
                            module.exports.push(export.name.to_owned());
                        }
                    }
                }
                Payload::CustomSection(section) => {
                    module.is_typed |= section.name().starts_with("component-type");
                }
                _ => {}
            }
        }
        Ok(Self::Module(module))
    }
}

impl Module {
    fn exports(&self, interface: &str, function: &str) -> bool {
        let name = export_name(interface, function);
        self.exports.contains(&name)
    }

    /// The interfaces of the contract that it exports.
    fn interfaces(&self) -> Result<Vec<&'static str>, PackError> {
        let found = EXPORTS
            .iter()
            .filter(|(interface, function)| self.exports(interface, function));
        let interfaces: Vec<_> = found.map(|(interface, _)| *interface).collect();
        let missing = |interface, function| PackError::Export {
            missing: export_name(interface, function),
            found: self.shown_exports(),
        };
        if !interfaces.contains(&"description") {
            return Err(missing("description", "describe"));
        }
        if !interfaces.iter().any(|name| name.starts_with("transform")) {
            return Err(missing("transform", "migrate"));
        }
        Ok(interfaces)
    }

    fn shown_exports(&self) -> String {
        if self.exports.is_empty() {
            return "no function".to_owned();
        }
        let shown = self.exports.join("`, `");
        format!("`{}`", printable(&shown, 1 << 10))
    }

    /// Checks that all that it imports is offered, by the contract or by what closes WASI.
    fn check_imports(&self) -> Result<(), PackError> {
        let is_met = |module: &str| module.starts_with(PACKAGE) || module == PREVIEW_1;
        match self.imports.iter().find(|(module, _)| !is_met(module)) {
            None => Ok(()),
            Some((module, name)) => Err(PackError::Import {
                module: printable(module, 128),
                name: printable(name, 128),
            }),
        }
    }

    fn imports_wasi(&self) -> bool {
        self.imports.iter().any(|(module, _)| module == PREVIEW_1)
    }
}

fn export_name(interface: &str, function: &str) -> String {
    format!("{PACKAGE}{interface}@{VERSION}#{function}")
}

fn malformed(error: wasmparser::BinaryReaderError) -> PackError {
    SpeechError::Malformed(printable(&error.to_string(), 1 << 10)).into()
}

fn encode(file: &[u8], module: &Module) -> Result<(Vec<u8>, bool), PackError> {
    let file = without_debugging(file)?;
    let typed = if module.is_typed {
        file
    } else {
        module.check_imports()?;
        let exports: String = module
            .interfaces()?
            .iter()
            .map(|interface| format!("export {PACKAGE}{interface}@{VERSION};\n"))
            .collect();
        let world = format!("include {PACKAGE}host-side@{VERSION};\n{exports}");
        with_world(file, "packed", &world).map_err(unencodable)?
    };
    let closes = module.imports_wasi();
    let component = component(&typed, closes).map_err(unencodable)?;
    Ok((component, closes))
}

/// A module without the custom sections that have DWARF, which can be most of a file.
fn without_debugging(file: &[u8]) -> Result<Vec<u8>, PackError> {
    let mut module = wasm_encoder::Module::new();
    for payload in Parser::new(0).parse_all(file) {
        let payload = payload.map_err(malformed)?;
        let is_debugging = matches!(&payload, Payload::CustomSection(section)
            if section.name().starts_with(".debug_"));
        if let Some((id, range)) = payload.as_section().filter(|_| !is_debugging) {
            let data = &file[range];
            module.section(&wasm_encoder::RawSection { id, data });
        }
    }
    Ok(module.finish())
}

fn unencodable(error: impl std::fmt::Display) -> PackError {
    PackError::Encode(printable(&format!("{error:#}"), 1 << 10))
}

/// An error of the libraries that make components; they use one that has no name here.
type Unnamed = Box<dyn std::error::Error + Send + Sync>;

fn component(module: &[u8], closes_wasi: bool) -> Result<Vec<u8>, Unnamed> {
    let mut encoder = ComponentEncoder::default().validate(true).module(module)?;
    if closes_wasi {
        let adapter = wat::parse_str(NO_WASI)?;
        let adapter = with_world(
            adapter,
            "closed",
            &format!("import {PACKAGE}log@{VERSION};"),
        )?;
        encoder = encoder.adapter(PREVIEW_1, &adapter)?;
    }
    Ok(encoder.encode()?)
}

/// A module with a world of the contract's interfaces as its component type. Modules that become one component have
/// worlds of different names: those of one name would have to be the same.
fn with_world(mut module: Vec<u8>, name: &str, items: &str) -> Result<Vec<u8>, Unnamed> {
    let (resolve, world) = world(name, items)?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    Ok(module)
}

fn world(name: &str, items: &str) -> Result<(Resolve, WorldId), Unnamed> {
    let mut resolve = Resolve::default();
    resolve.push_str("migration.wit", CONTRACT)?;
    let text = format!("package godwit:{name};\nworld {name} {{\n{items}\n}}");
    let package: PackageId = resolve.push_str(format!("{name}.wit"), &text)?;
    let world = resolve.select_world(&[package], Some(name))?;
    Ok((resolve, world))
}
