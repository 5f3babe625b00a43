//! Every language with an SDK, held to the same words: `plugins/conformance` says which.
//!
//! `plugins/languages` builds what is tried here; a language that was not built is a failure.

mod commands;
mod data;
mod json;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use godwit::kit::{Feeding, Subject, Trial, World};
use godwit::sandbox::{Cache, Engine, Limits};
use godwit_tests::world::{name, version};
use serde_json::{Value, json};

/// Compiled plugins are kept from test to test: those with a language inside take long.
static ENGINE: LazyLock<Engine> = LazyLock::new(|| engine(Limits::default()));

fn engine(limits: Limits) -> Engine {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tmp/conformance");
    std::fs::create_dir_all(&folder).unwrap();
    Engine::new(limits).with_cache(Cache::open(&folder.join("cache")).unwrap())
}

/// A plugin that `plugins/languages` made.
fn plugin(language: &str, plugin: &str) -> (PathBuf, Vec<u8>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/plugins");
    let file = folder.join(language).join(format!("{plugin}.wasm"));
    let bytes = std::fs::read(&file);
    let bytes = bytes.unwrap_or_else(|error| {
        panic!("{}: {error}; run plugins/languages", file.display());
    });
    (file, bytes)
}

fn conformance(engine: &Engine, language: &str) -> Subject {
    Subject::load(engine, [plugin(language, "conformance")]).unwrap()
}

/// Runs the conformance migration on items, as pairs of an id and a body.
fn run(subject: &Subject, items: &[(String, String)], feeding: Feeding) -> Trial {
    let mut world = World::new();
    for (id, body) in items {
        let body = body.clone().into_bytes();
        world.insert(&name("items"), id, body).unwrap();
    }
    let looked_up = [("a", r#"{"n":1}"#), ("b", r#"{"é":"ü"}"#), ("c", "[1.5]")];
    for (id, body) in looked_up {
        world
            .insert(&name("lookup"), id, body.as_bytes().to_vec())
            .unwrap();
    }
    world.insert(&name("secret"), "a", b"{}".to_vec()).unwrap();
    let app = name("conformance");
    subject
        .run(&app, &version("1.0.0"), None, &world, feeding)
        .unwrap()
}

/// An item that has commands carried out.
fn doing(id: &str, commands: &Value) -> (String, String) {
    (
        id.to_owned(),
        json!({"_id": id, "do": commands}).to_string(),
    )
}

/// The body of an item, as text.
fn body<'a>(trial: &'a Trial, collection: &str, id: &str) -> Option<&'a str> {
    let body = trial.left.body(&name(collection), id)?;
    Some(std::str::from_utf8(body).expect("it is text"))
}

/// One test for each language.
macro_rules! languages {
    ($($language:ident: $inside:literal;)*) => {$(
        mod $language {
            use super::*;

            #[test]
            fn does_what_items_say() {
                commands::check(stringify!($language), $inside);
            }

            #[test]
            fn tells_what_limits_forbid() {
                commands::check_limits(stringify!($language));
            }

            #[test]
            fn keeps_of_json_what_its_page_says() {
                json::check(stringify!($language));
            }

            #[test]
            fn leaves_the_same_bytes_of_real_documents() {
                data::check(stringify!($language));
            }
        }
    )*};
}

languages! {
    rust: "Rust";
    c: "C";
    cpp: "C++";
    zig: "Zig";
    go: "Go";
    javascript: "JavaScript";
    starlingmonkey: "JavaScript";
    typescript: "TypeScript";
    python: "Python";
}
