//! Guests that are written as text: a core module with the contract's component type.
//!
//! A guest's text shows its misdeed only. The prelude makes a migration of it: whatever the guest
//! defines itself takes the place of the prelude's definition of the same kind and name; its imports, each
//! on a line of its own, come before all of it, the rest after it. What the text cannot say stands in lines at its start: `;; layout: records` (columns where there is none)
//! and `;; world: exit`, one of `wit/worlds.wit` (the layout's where there is none).

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, WorldId};

const CONTRACT: &str = include_str!("../../../wit/v1/migration.wit");
const WORLDS: &str = include_str!("../wit/worlds.wit");

const IMPORTS: &str = include_str!("../prelude/imports.wat");
const COMMON: &str = include_str!("../prelude/common.wat");
const COLUMNS: &str = include_str!("../prelude/columns.wat");
const ITEMS: &str = include_str!("../prelude/items.wat");
const RECORDS: &str = include_str!("../prelude/records.wat");
const TEXT: &str = include_str!("../prelude/text.wat");

/// A guest's text, and what is replaced in all that is added to it.
#[derive(Debug, Clone)]
pub struct Text<'a> {
    text: &'a str,
    replaced: Vec<(&'a str, &'a str)>,
}

impl<'a> Text<'a> {
    /// A guest's text.
    pub fn new(text: &'a str) -> Self {
        Self {
            text,
            replaced: Vec::new(),
        }
    }

    /// Replaces something wherever it stands: in the guest, the prelude, the contract, the worlds.
    pub fn replacing(mut self, from: &'a str, to: &'a str) -> Self {
        self.replaced.push((from, to));
        self
    }

    /// The core module with its component type, which is what compilers of other languages leave.
    ///
    /// # Panics
    /// When the text is no module: that is a mistake in this package.
    pub fn module(&self) -> Vec<u8> {
        let text = self.replace(&self.module_text());
        let mut module = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let (resolve, world) = self.world();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
            .expect("the type of a world can be encoded");
        module
    }

    /// The component that the module becomes.
    ///
    /// # Panics
    /// When it becomes none.
    pub fn component(&self) -> Vec<u8> {
        let encoder = ComponentEncoder::default()
            .module(&self.module())
            .expect("it is a module with a component type");
        let mut encoder = encoder.validate(true);
        encoder.encode().expect("it does what its type says")
    }

    fn module_text(&self) -> String {
        let layout = self.setting("layout").unwrap_or("columns");
        let work: &[&str] = match layout {
            "columns" => &[COLUMNS],
            "records" => &[ITEMS, RECORDS],
            "text" => &[ITEMS, TEXT],
            other => panic!("there is no layout `{other}`"),
        };
        let (imports, rest): (Vec<_>, Vec<_>) = self
            .text
            .lines()
            .partition(|line| line.starts_with("(import "));
        let mut fields = kept(IMPORTS, self.text);
        fields.extend(imports);
        for part in [COMMON].iter().chain(work) {
            fields.extend(kept(part, self.text));
        }
        let rest = rest.join("\n");
        fields.push(&rest);
        format!("(module\n{}\n)", fields.join("\n\n"))
    }

    fn world(&self) -> (Resolve, WorldId) {
        let mut resolve = Resolve::default();
        let contract = self.replace(CONTRACT);
        let worlds = self.replace(WORLDS);
        resolve
            .push_source("migration.wit", &contract)
            .unwrap_or_else(|error| panic!("{error}\n{contract}"));
        let package = resolve
            .push_source("worlds.wit", &worlds)
            .unwrap_or_else(|error| panic!("{error}\n{worlds}"));
        let name = self.setting("world").or_else(|| self.setting("layout"));
        let world = resolve
            .select_world(&[package], Some(name.unwrap_or("columns")))
            .expect("the world is there");
        (resolve, world)
    }

    fn setting(&self, name: &str) -> Option<&'a str> {
        let mut settings = self.text.lines().filter_map(|line| {
            let (found, value) = line.strip_prefix(";; ")?.split_once(": ")?;
            (found == name).then_some(value)
        });
        settings.next()
    }

    fn replace(&self, text: &str) -> String {
        let replace = |text: String, (from, to): &(&str, &str)| text.replace(from, to);
        self.replaced.iter().fold(text.to_owned(), replace)
    }
}

/// The definitions of a part of the prelude that a guest leaves in place.
fn kept<'p>(part: &'p str, guest: &str) -> Vec<&'p str> {
    let definitions = part.split("\n\n").map(str::trim);
    definitions
        .filter(|definition| !definition.is_empty())
        .filter(|definition| head(definition).is_none_or(|head| !defines(guest, head)))
        .collect()
}

/// What a definition of the prelude begins with, as in `(func $describe`; exports have no such name.
fn head(definition: &str) -> Option<&str> {
    let named = ["(func $", "(memory $", "(global $", "(data $"];
    let starts = named.iter().filter_map(|start| {
        let place = definition.find(start)?;
        Some((place, place + start.len()))
    });
    let is_export = definition.lines().any(|line| line.starts_with("(export"));
    let (start, name) = starts.min().filter(|_| !is_export)?;
    let end = definition[name..].find([' ', ')', '\n'])?;
    Some(&definition[start..name + end])
}

/// Whether a line of a guest begins with a definition.
fn defines(guest: &str, head: &str) -> bool {
    guest.lines().any(|line| {
        let rest = line.strip_prefix(head);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', ')']))
    })
}
