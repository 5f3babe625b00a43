//! Components are compiled in a process of their own, whose end is no harm to anybody.

use std::time::Duration;

use godwit::sandbox::{Compiler, CompilerProcess, Component, Engine, Limits, LoadError};
use godwit_tests::campaign::process::program;
use godwit_tests::world::guest;

fn process(arguments: &[&str]) -> CompilerProcess {
    CompilerProcess {
        program: program("godwit").expect("it is built"),
        arguments: arguments.iter().map(Into::into).collect(),
    }
}

fn load(process: CompilerProcess, limits: Limits, bytes: &[u8]) -> Result<Component, LoadError> {
    let engine = Engine::new(limits).with_compiler(Compiler::Child(process));
    Component::load(&engine, bytes)
}

fn bytes() -> Vec<u8> {
    std::fs::read(guest("append-2-0-0")).expect("guests can be read")
}

/// A component that is no migration but takes a while to compile: many functions of many additions.
fn slow() -> Vec<u8> {
    let additions = "local.get 0 i32.const 7 i32.mul local.get 0 i32.add local.set 0 ".repeat(400);
    let function = format!("(func (param i32) {additions})");
    let exports = r#"(core instance $i (instantiate $m))
        (instance $empty)
        (export "godwit:migration/description@1.0.0" (instance $empty))
        (export "godwit:migration/transform@1.0.0" (instance $empty))"#;
    let text = format!(
        "(component (core module $m {}) {exports})",
        function.repeat(600)
    );
    wat::parse_str(text).expect("it is a component")
}

#[test]
fn a_component_is_compiled_elsewhere_as_it_would_be_here() {
    let component = load(process(&["compiler"]), Limits::default(), &bytes()).expect("it is valid");
    let here = Component::load(&Engine::new(Limits::default()), &bytes()).expect("it is valid");
    assert_eq!(component.speech(), here.speech());
    assert_eq!(component.describe().unwrap(), here.describe().unwrap());
}

#[test]
fn what_cannot_be_compiled_says_the_same_as_here() {
    let good = bytes();
    let cut = good[..good.len() / 2].to_vec();
    let no_export = wat::parse_str("(component)").unwrap();
    let exports = r#"(instance $empty)
        (export "godwit:migration/description@1.0.0" (instance $empty))
        (export "godwit:migration/transform@1.0.0" (instance $empty))"#;
    let no_code = format!("(component (core module (func (result i32))) {exports})");
    let no_code = wat::parse_str(no_code).unwrap();
    for bad in [b"not wasm".to_vec(), cut, no_export, no_code] {
        let here = Component::load(&Engine::new(Limits::default()), &bad).unwrap_err();
        let there = load(process(&["compiler"]), Limits::default(), &bad).unwrap_err();
        assert_eq!(
            (there.kind(), there.to_string()),
            (here.kind(), here.to_string())
        );
    }
}

#[test]
fn too_much_memory_ends_the_process_and_not_the_host() {
    let limits = Limits {
        compile_bytes: 32 << 20,
        ..Limits::default()
    };
    let error = load(process(&["compiler"]), limits, &slow()).unwrap_err();
    assert_eq!(error.kind(), "cannot be compiled");
    assert!(error.to_string().contains("32 MiB of memory"), "{error}");
}

#[test]
fn a_process_that_does_not_answer_is_given_up() {
    let limits = Limits {
        compile: Duration::from_secs(1),
        ..Limits::default()
    };
    let sleeping = CompilerProcess {
        program: "sleep".into(),
        arguments: vec!["1000".into()],
    };
    let error = load(sleeping, limits, &bytes()).unwrap_err();
    assert_eq!(error.kind(), "cannot be compiled");
    assert!(error.to_string().contains("longer than 1 s"), "{error}");
}

#[test]
fn a_process_that_is_no_compiler_is_told() {
    let missing = CompilerProcess {
        program: "/nowhere/godwit".into(),
        arguments: Vec::new(),
    };
    for (process, expected) in [
        (missing, "cannot be started"),
        (process(&["--version"]), "ended with exit status: 0"),
        (process(&["no-verb"]), "ended with exit status: 2"),
    ] {
        let error = load(process, Limits::default(), &bytes()).unwrap_err();
        assert_eq!(error.kind(), "cannot be compiled");
        assert!(error.to_string().contains(expected), "{error}");
    }
}
