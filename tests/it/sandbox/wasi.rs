//! WASI is not there: what imports it is loaded, and what calls it fails.

use godwit::sandbox::{Component, Engine, Limits, LoadError};

/// A component that speaks the contract as far as loading goes, imports WASI and calls it in a start
/// function, or does not.
fn component(calls: bool) -> Vec<u8> {
    let start = if calls { "(start $now)" } else { "" };
    let text = format!(
        r#"(component
            (import "wasi:clocks/wall-clock@0.2.0" (instance $clock
                (export "moment" (type (sub resource)))
                (export "now" (func (result u64)))))
            (core func $lowered (canon lower (func $clock "now")))
            (core module $m
                (import "clock" "now" (func $clock (result i64)))
                (func $now (drop (call $clock)))
                {start})
            (core instance $i (instantiate $m
                (with "clock" (instance (export "now" (func $lowered))))))
            (instance $empty)
            (export "godwit:migration/description@1.0.0" (instance $empty))
            (export "godwit:migration/transform@1.0.0" (instance $empty)))"#
    );
    wat::parse_str(text).expect("it is a component")
}

#[test]
fn a_call_of_what_is_not_offered_is_named_with_the_way_to_get_rid_of_it() {
    let component = Component::load(&Engine::new(Limits::default()), &component(true)).unwrap();
    let imports: Vec<_> = component
        .speech()
        .imports
        .iter()
        .map(|import| (import.name.as_str(), import.is_contract))
        .collect();
    assert_eq!(imports, [("wasi:clocks/wall-clock@0.2.0", false)]);
    let LoadError::Instantiate(fault) = component.describe().unwrap_err() else {
        panic!("it is called when it is instantiated")
    };
    assert_eq!(fault.kind().name(), "import not offered");
    let said = fault.to_string();
    assert!(
        said.starts_with(
            "it called `wasi:clocks/wall-clock@0.2.0#now`, which no migration is given;"
        ),
        "{said}"
    );
    assert!(said.contains("--stub-wasi"), "{said}");
}

#[test]
fn an_import_that_is_not_called_does_no_harm() {
    let component = Component::load(&Engine::new(Limits::default()), &component(false)).unwrap();
    // It exports nothing, so that it gets no further than that.
    let error = component.describe().unwrap_err();
    assert_eq!(error.kind(), "cannot be linked");
    assert!(!error.to_string().contains("wasi"), "{error}");
}
