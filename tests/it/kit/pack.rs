//! A core module becomes a plugin by the names of what it exports and imports.

use godwit::kit::{Bindings, CONTRACT, PackError, bindgen, pack};
use godwit::model::Layout;
use godwit::sandbox::{Component, SpeechError};
use godwit_tests::made::LAYOUTS;
use godwit_tests::world::{ENGINE, guest};

/// A guest's module without the component type that its compiler put there.
fn untyped(package: &str) -> Vec<u8> {
    let bytes = std::fs::read(guest(package)).unwrap();
    let mut module = bytes[..8].to_vec();
    let mut rest = &bytes[8..];
    while let [id, tail @ ..] = rest {
        let (length, size) = leb128(tail);
        let section = &tail[size..size + length];
        let (name_length, name_size) = leb128(section);
        let is_type =
            *id == 0 && section[name_size..name_size + name_length].starts_with(b"component-type");
        if !is_type {
            module.extend_from_slice(&rest[..1 + size + length]);
        }
        rest = &tail[size + length..];
    }
    assert!(module.len() < bytes.len());
    module
}

/// An unsigned number (LEB128), and how many bytes it takes.
fn leb128(bytes: &[u8]) -> (usize, usize) {
    let size = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    let digits = bytes[..size].iter().rev();
    let number = digits.fold(0, |number, byte| number << 7 | usize::from(byte & 0x7f));
    (number, size)
}

fn module(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

#[test]
fn a_module_without_a_component_type_is_known_by_its_exports() {
    let layouts = [Layout::Records, Layout::Text, Layout::Columns];
    for (package, layout) in LAYOUTS.into_iter().zip(layouts) {
        let packed = pack(&untyped(package)).unwrap();
        assert_eq!(packed.speech.layout, layout);
        assert!(!packed.closed_wasi);
        assert!(
            packed
                .speech
                .imports
                .iter()
                .all(|import| import.is_contract)
        );
        let component = Component::load(&ENGINE, &packed.component).unwrap();
        let described = component.describe().unwrap();
        let original = std::fs::read(guest(package)).unwrap();
        let original = Component::load(&ENGINE, &original).unwrap();
        assert_eq!(described, original.describe().unwrap());
    }
}

#[test]
fn a_component_stays_as_it_is() {
    let packed = pack(&std::fs::read(guest("bcd-2-0-0")).unwrap()).unwrap();
    let again = pack(&packed.component).unwrap();
    assert_eq!(again.component, packed.component);
    assert_eq!(again.speech, packed.speech);
}

#[test]
fn what_is_missing_is_named() {
    let nothing = pack(&module("(module (func (export \"migrate\")))")).unwrap_err();
    assert_eq!(
        nothing.to_string(),
        "it does not export `godwit:migration/description@1.0.0#describe`. A migration exports `describe` \
         of `godwit:migration/description` and `migrate` of one of the transform interfaces; it exports: \
         `migrate`"
    );
    let text = r#"(module
        (import "env" "puts" (func (param i32)))
        (func (export "godwit:migration/description@1.0.0#describe") (result i32) unreachable))"#;
    let undefined = pack(&module(text)).unwrap_err();
    assert!(
        matches!(&undefined, PackError::Import { module, name } if (&**module, &**name) == ("env", "puts"))
    );
    let text = r#"(module
        (func (export "godwit:migration/description@1.0.0#describe") (result i32) unreachable))"#;
    let half = pack(&module(text)).unwrap_err().to_string();
    assert!(
        half.contains("`godwit:migration/transform@1.0.0#migrate`"),
        "{half}"
    );
}

#[test]
fn what_is_not_of_the_right_type_is_told() {
    let text = r#"(module
        (memory (export "memory") 1)
        (func (export "godwit:migration/description@1.0.0#describe") (result i64) unreachable)
        (func (export "godwit:migration/transform@1.0.0#migrate") (param i32 i32 i32 i32) (result i32) unreachable))"#;
    let wrong = pack(&module(text)).unwrap_err().to_string();
    assert!(
        wrong.starts_with("no component can be made of it: "),
        "{wrong}"
    );
    assert!(matches!(
        pack(b"no Wasm").unwrap_err(),
        PackError::Speech(SpeechError::NotWasm)
    ));
}

#[test]
fn bindings_are_made_for_every_layout() {
    for layout in [Layout::Records, Layout::Text, Layout::Columns] {
        let c = bindgen(Bindings::C, layout).unwrap();
        assert!(
            c.keys()
                .any(|path| path.extension().is_some_and(|end| end == "h"))
        );
        let go = bindgen(Bindings::Go, layout).unwrap();
        assert!(go.keys().any(|path| path.ends_with("wit_exports.go")));
        let wit = bindgen(Bindings::Wit, layout).unwrap();
        assert_eq!(wit.into_values().collect::<Vec<_>>(), [CONTRACT.as_bytes()]);
    }
}
