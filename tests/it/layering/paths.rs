//! Every path in a source file, with its line.

use std::collections::BTreeSet;
use std::path::Path;

use proc_macro2::{Delimiter, LexError, Spacing, TokenStream, TokenTree};

/// A path, as far as it matters: two names of it, or `crate::` and the room.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// As in `crate::store`, `std::env`, `println!`.
    pub path: String,
    /// Where, from 1.
    pub line: usize,
}

/// The paths of a file; `super` is followed to the crate.
pub fn paths(file: &Path, text: &str) -> Result<Vec<Found>, LexError> {
    let mut walk = Walk::default();
    walk.tokens(text.parse()?, depth(file), &[]);
    let Walk { mut found, modules } = walk;
    // The file's own modules may be named like crates.
    found.retain(|found| {
        let first = found.path.split("::").next().unwrap_or_default();
        !modules.contains(first)
    });
    Ok(found)
}

/// How many times `super` leads from a file's module to the crate.
fn depth(file: &Path) -> usize {
    let parts = file.iter().count();
    let is_room = file
        .file_name()
        .is_some_and(|name| name == "mod.rs" || name == "lib.rs");
    parts - usize::from(is_room)
}

#[derive(Default)]
struct Walk {
    found: Vec<Found>,
    modules: BTreeSet<String>,
}

impl Walk {
    /// Looks at tokens inside a module; `prefix` is the path before a group of a `use`.
    fn tokens(&mut self, tokens: TokenStream, depth: usize, prefix: &[String]) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let (mut place, mut path, mut is_path_open) = (0, prefix.to_vec(), !prefix.is_empty());
        while place < tokens.len() {
            match &tokens[place] {
                TokenTree::Ident(ident) => {
                    if !is_path_open {
                        path.clear();
                    }
                    path.push(ident.to_string());
                    let is_macro = is_punct(tokens.get(place + 1), '!')
                        && matches!(tokens.get(place + 2), Some(TokenTree::Group(_)));
                    is_path_open = is_colons(&tokens, place + 1);
                    if is_macro {
                        self.note(&[format!("{ident}!")], ident, depth);
                    }
                    // A name alone may be anything, but for that of a crate that is imported.
                    if path.len() >= 2
                        || is_ident(place.checked_sub(1).map(|last| &tokens[last]), "use")
                    {
                        self.note(&path, ident, depth);
                    }
                    if is_path_open {
                        place += 2;
                    } else if ident == "mod" {
                        place = self.module(&tokens, place, depth);
                    }
                }
                TokenTree::Group(group) => {
                    let is_use = is_path_open && group.delimiter() == Delimiter::Brace;
                    let before = if is_use { path.clone() } else { Vec::new() };
                    self.tokens(group.stream(), depth, &before);
                    is_path_open = false;
                }
                TokenTree::Punct(punct) if punct.as_char() == ',' => {
                    path = prefix.to_vec();
                    is_path_open = !prefix.is_empty();
                }
                TokenTree::Punct(_) if is_colons(&tokens, place) => {
                    // A path that begins with `::`.
                    path.clear();
                    is_path_open = true;
                    place += 1;
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => is_path_open = false,
            }
            place += 1;
        }
    }

    /// Looks into `mod name { ... }` and remembers `mod name;`. Gives the place of its last token.
    fn module(&mut self, tokens: &[TokenTree], place: usize, depth: usize) -> usize {
        match (tokens.get(place + 1), tokens.get(place + 2)) {
            (Some(TokenTree::Ident(_)), Some(TokenTree::Group(body))) => {
                self.tokens(body.stream(), depth + 1, &[]);
                place + 2
            }
            (Some(TokenTree::Ident(name)), _) => {
                self.modules.insert(name.to_string());
                place + 1
            }
            _ => place,
        }
    }

    fn note(&mut self, path: &[String], at: &proc_macro2::Ident, depth: usize) {
        let supers = path.iter().take_while(|part| *part == "super").count();
        let parts: Vec<&str> = match path.first().map(String::as_str) {
            Some("super") if supers == depth => std::iter::once("crate")
                .chain(path[supers..].iter().map(String::as_str))
                .collect(),
            Some("super" | "self") | None => return,
            Some(_) => path.iter().map(String::as_str).collect(),
        };
        // A longer path is noted again with each name; two are enough, from its beginning and,
        // for types, from its end.
        let path = match parts[..] {
            [.., _, _, _] if parts[0] == "crate" => return,
            [.., before, last] if parts.len() > 2 => format!("{before}::{last}"),
            _ => parts.join("::"),
        };
        let line = at.span().start().line;
        self.found.push(Found { path, line });
    }
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

fn is_ident(token: Option<&TokenTree>, wanted: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if ident == wanted)
}

fn is_colons(tokens: &[TokenTree], place: usize) -> bool {
    let is_joint = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.spacing() == Spacing::Joint);
    is_punct(tokens.get(place), ':')
        && tokens.get(place).is_some_and(is_joint)
        && is_punct(tokens.get(place + 1), ':')
}
