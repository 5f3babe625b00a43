//! What a component speaks, read from its bytes before anything is compiled.

use semver::Version;
use wasmparser::{Encoding, Parser, Payload};

use super::{Call, VERSION, printable};
use crate::model::Layout;

const PACKAGE: &str = "godwit:migration/";

/// The interfaces of the contract that a component may import.
const OFFERED: [&str; 4] = ["types", "log", "documents", "run"];

/// The most bytes that an error keeps of a name that the file has, where no validator has seen it.
const NAME_BYTES: usize = 128;
/// The most bytes that an error keeps of what is wrong with a file, which quotes from it.
const CAUSE_BYTES: usize = 1 << 10;

/// The contract version of a component and how its work is laid out.
///
/// ```
/// # fn example(file: &[u8]) -> Result<(), godwit::sandbox::SpeechError> {
/// use godwit::sandbox::Speech;
///
/// let component = Speech::component(file)?;
/// let speech = Speech::of(&component)?;
/// println!("contract {}, {} imports", speech.contract, speech.imports.len());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Speech {
    /// The contract version.
    pub contract: Version,
    /// The layout that will be used: the fastest one that it has.
    pub layout: Layout,
    /// Its imports, by name.
    pub imports: Vec<WorldItem>,
    /// Its exports, by name.
    pub exports: Vec<WorldItem>,
}

/// An import or export of a component.
///
/// ```
/// # fn example(speech: &godwit::sandbox::Speech) {
/// let others = speech.imports.iter().filter(|import| !import.is_contract);
/// for import in others {
///     println!("{} is not offered", import.name);
/// }
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct WorldItem {
    /// Its full name, as in `godwit:migration/log@1.0.0`.
    pub name: String,
    /// Whether it is one of the contract's.
    pub is_contract: bool,
}

impl WorldItem {
    /// Whether a component may be loaded though it imports this: it is offered, or it is WASI, which
    /// language runtimes import whether they use it or not, and ends whatever calls it.
    fn is_tolerated(&self) -> bool {
        self.is_contract || self.name.starts_with("wasi:")
    }
}

/// A way in which a file cannot be a migration, seen without running it.
///
/// ```
/// use godwit::sandbox::{Speech, SpeechError};
///
/// let error = Speech::component(b"no component").unwrap_err();
/// assert!(matches!(error, SpeechError::NotWasm));
/// assert_eq!(error.to_string(), "it is not WebAssembly");
/// ```
#[derive(Debug, thiserror::Error, serde::Serialize, serde::Deserialize)]
pub enum SpeechError {
    /// Occurs when a file does not start with `\0asm`.
    #[error("it is not WebAssembly")]
    NotWasm,
    /// Occurs when a core module says nothing about its component.
    #[error("it is a core module without a component type; build it with a wit-bindgen SDK")]
    CoreModule,
    /// Occurs when a core module cannot be turned into a component.
    #[error("its core module cannot be turned into a component: {0}")]
    Encode(String),
    /// Occurs when the bytes are not valid WebAssembly.
    #[error("it is not valid WebAssembly: {0}")]
    Malformed(String),
    /// Occurs when a component has none of the contract's exports.
    #[error("it does not export `{PACKAGE}description` and one of the transform interfaces")]
    NotAMigration,
    /// Occurs when a component speaks a version that this host does not.
    #[error("it speaks contract {found}; this Godwit speaks 1.0.0 to {VERSION}")]
    Unsupported {
        /// The component's version.
        found: String,
    },
    /// Occurs when a component imports what is not offered.
    #[error(
        "it imports `{name}`, which is not offered: a migration gets `log`, `documents` and `run` of \
         `{PACKAGE}` only; build it without that import"
    )]
    ImportNotOffered {
        /// The import.
        name: String,
    },
}

impl Speech {
    /// Whether it exports what a call needs.
    ///
    /// ```
    /// use godwit::model::Layout;
    /// use godwit::sandbox::{Call, Speech, VERSION, WorldItem};
    ///
    /// let revert = WorldItem {
    ///     name: "godwit:migration/revert@1.0.0".to_owned(),
    ///     is_contract: true,
    /// };
    /// let (contract, layout) = (VERSION, Layout::Text);
    /// let (imports, exports) = (Vec::new(), vec![revert]);
    /// let speech = Speech { contract, layout, imports, exports };
    /// assert!(speech.has(Call::Revert) && !speech.has(Call::Verify));
    /// ```
    pub fn has(&self, call: Call) -> bool {
        let interface = match call {
            Call::Migrate => return true,
            Call::Revert => "revert",
            Call::Verify => "verify",
        };
        self.exports
            .iter()
            .any(|item| is_interface(item, interface))
    }

    /// Turns a core module that carries a component type into a component; components stay as
    /// they are.
    ///
    /// ```
    /// use godwit::sandbox::{Speech, SpeechError};
    ///
    /// // An empty component, and an empty core module.
    /// let (component, module) = (b"\0asm\x0d\0\x01\0", b"\0asm\x01\0\0\0");
    /// assert_eq!(&*Speech::component(component)?, component);
    /// assert!(matches!(Speech::component(module), Err(SpeechError::CoreModule)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SpeechError`] when the bytes are neither.
    pub fn component(bytes: &[u8]) -> Result<std::borrow::Cow<'_, [u8]>, SpeechError> {
        if !bytes.starts_with(b"\0asm") {
            return Err(SpeechError::NotWasm);
        }
        match Parser::new(0).parse_all(bytes).next() {
            Some(Ok(Payload::Version {
                encoding: Encoding::Component,
                ..
            })) => Ok(bytes.into()),
            Some(Ok(Payload::Version {
                encoding: Encoding::Module,
                ..
            })) => encode(bytes),
            Some(Err(error)) => Err(malformed(error)),
            _ => Err(SpeechError::NotWasm),
        }
    }

    /// Reads what a component speaks.
    ///
    /// ```
    /// use godwit::sandbox::{Speech, SpeechError};
    ///
    /// let empty = b"\0asm\x0d\0\x01\0";
    /// assert!(matches!(Speech::of(empty), Err(SpeechError::NotAMigration)));
    /// ```
    ///
    /// # Errors
    /// [`SpeechError`] when it is not a migration that this host can load.
    pub fn of(component: &[u8]) -> Result<Self, SpeechError> {
        let (imports, exports) = world(component)?;
        let contract = contract(&exports)?;
        if let Some(import) = imports.iter().find(|import| !import.is_tolerated()) {
            return Err(SpeechError::ImportNotOffered {
                name: printable(&import.name, NAME_BYTES),
            });
        }
        let has = |interface: &str| exports.iter().any(|item| is_interface(item, interface));
        let layout = [
            ("transform-columns", Layout::Columns),
            ("transform-text", Layout::Text),
            ("transform", Layout::Records),
        ]
        .into_iter()
        .find(|(interface, _)| has(interface))
        .map(|(_, layout)| layout)
        .filter(|_| has("description"))
        .ok_or(SpeechError::NotAMigration)?;
        Ok(Self {
            contract,
            layout,
            imports,
            exports,
        })
    }
}

fn encode(module: &[u8]) -> Result<std::borrow::Cow<'_, [u8]>, SpeechError> {
    let has_type = Parser::new(0).parse_all(module).any(|payload| {
        matches!(payload, Ok(Payload::CustomSection(section)) if section.name().starts_with("component-type"))
    });
    if !has_type {
        return Err(SpeechError::CoreModule);
    }
    let component = wit_component::ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|mut encoder| encoder.encode());
    match component {
        Ok(component) => Ok(component.into()),
        Err(error) => Err(SpeechError::Encode(cause(&format!("{error:#}")))),
    }
}

fn malformed(error: wasmparser::BinaryReaderError) -> SpeechError {
    SpeechError::Malformed(cause(&error.to_string()))
}

/// What is wrong, fit to be shown: it may quote names from the file.
fn cause(text: &str) -> String {
    printable(text, CAUSE_BYTES)
}

type World = (Vec<WorldItem>, Vec<WorldItem>);

fn world(component: &[u8]) -> Result<World, SpeechError> {
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(malformed)? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    let mut import = item(import.map_err(malformed)?.name.name);
                    import.is_contract = OFFERED.iter().any(|offer| is_interface(&import, offer));
                    imports.push(import);
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    exports.push(item(export.map_err(malformed)?.name.name));
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}

fn item(name: &str) -> WorldItem {
    WorldItem {
        name: name.to_owned(),
        is_contract: name.starts_with(PACKAGE),
    }
}

fn is_interface(item: &WorldItem, interface: &str) -> bool {
    let rest = item.name.strip_prefix(PACKAGE);
    rest.and_then(|rest| rest.split('@').next()) == Some(interface)
}

fn contract(exports: &[WorldItem]) -> Result<Version, SpeechError> {
    let mut found = exports.iter().filter(|item| item.is_contract);
    let first = found.next().ok_or(SpeechError::NotAMigration)?;
    let text = first.name.split('@').nth(1).unwrap_or("(none)");
    let unsupported = || SpeechError::Unsupported {
        found: printable(text, NAME_BYTES),
    };
    let version: Version = text.parse().map_err(|_| unsupported())?;
    if version.major == VERSION.major && version.pre.is_empty() && version <= VERSION {
        Ok(version)
    } else {
        Err(unsupported())
    }
}
