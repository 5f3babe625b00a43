//! What components say of themselves, and cannot be.

use godwit_tests::made::{LAYOUTS, Order, derive, rewrite};
use godwit_tests::world::guest;
use serde_json::{Value, json};

use super::reason;

fn good() -> Order {
    Order::new("made", "2.0.0").step(rewrite("apply", "items"))
}

/// The reason for which a made order is rejected.
fn refusal(order: &Order) -> String {
    reason("made.wasm", &order.file(LAYOUTS[0]))
}

#[test]
fn descriptions_that_make_no_sense_are_refused() {
    let twice = |step: Value| good().step(step);
    let online = |mut step: Value| {
        step["online"] = json!(true);
        step
    };
    let reading = |collection: &str| {
        let mut step = rewrite("apply", "items");
        step["reads"] = json!([collection]);
        Order::new("made", "2.0.0").step(step)
    };
    let steps = (0..1_001).map(|_| json!({})).collect::<Vec<_>>();
    for (order, expected) in [
        (good().with("app", json!("")), "`` is not a name"),
        (good().with("app", json!("a/b")), "`a/b` is not a name"),
        (good().with("app", json!("x".repeat(65))), "is not a name"),
        (
            good().with("version", json!("2")),
            "`2` is not a semver version: unexpected end of input",
        ),
        (
            good().with("version", json!("01.0.0")),
            "`01.0.0` is not a semver version",
        ),
        (
            good().with("version", json!(format!("1.0.0-{}", "a".repeat(130)))),
            "a version of 136 bytes; 128 is the limit",
        ),
        (
            good().with("requires", json!("newer")),
            "`newer` is not a semver requirement",
        ),
        (
            good().with("depends_on", json!([["other", "newer"]])),
            "`newer` is not a semver requirement",
        ),
        (
            good().with("depends_on", json!([["o ther", "*"]])),
            "`o ther` is not a name",
        ),
        (
            good().with("steps", json!(steps)),
            "it has 1001 steps; 1000 is the limit",
        ),
        (
            twice(rewrite("apply", "others")),
            "two steps are named `apply`",
        ),
        (
            twice(rewrite("again", "items")),
            "two steps rewrite `items`",
        ),
        (
            Order::new("made", "2.0.0")
                .step(online(rewrite("a", "x")))
                .step(rewrite("b", "y")),
            "the offline step `b` comes after an online one",
        ),
        (
            twice(derive("index", "items", "items")),
            "the derive step `index` asks to write `items`",
        ),
        (twice(rewrite("", "others")), "`` is not a name"),
        (twice(rewrite("b", "no\nname")), "is not a name"),
        (reading("a\u{0}b"), "is not a name"),
    ] {
        let reason = refusal(&order);
        let is_told = reason.starts_with("what it says about itself is not valid: ");
        assert!(is_told && reason.contains(expected), "{expected}: {reason}");
    }
}

#[test]
fn a_component_that_fails_to_describe_itself_is_refused() {
    let reason = refusal(&Order::raw(json!({"steps": 1, "app": "x"})).with("version", json!("1")));
    assert!(reason.contains("is not a semver version"), "{reason}");
    let mut bytes = good().file(LAYOUTS[0]);
    let place = bytes
        .windows(6)
        .position(|window| window == b"{\"app\"")
        .expect("it is there");
    bytes[place] = b'!';
    let reason = super::reason("made.wasm", &bytes);
    assert!(
        reason.starts_with("it cannot be described: it trapped"),
        "{reason}"
    );
}

/// A guest in which a text is replaced by one of the same length, wherever it stands.
fn patched(from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = std::fs::read(guest(LAYOUTS[0])).expect("guests can be read");
    let mut place = 0;
    while let Some(found) = bytes[place..]
        .windows(from.len())
        .position(|window| window == from.as_bytes())
    {
        place += found;
        bytes[place..place + from.len()].copy_from_slice(to.as_bytes());
    }
    bytes
}

#[test]
fn other_contract_versions_are_refused_and_the_supported_ones_named() {
    for (version, found) in [
        ("9.0.0", "9.0.0"),
        ("1.0.1", "1.0.1"),
        ("1.9.0", "1.9.0"),
        ("0.9.0", "0.9.0"),
    ] {
        let reason = reason("new.wasm", &patched("@1.0.0", &format!("@{version}")));
        assert_eq!(
            reason,
            format!("it speaks contract {found}; this Godwit speaks 1.0.0 to 1.0.0")
        );
    }
}

#[test]
fn components_that_are_no_migrations_are_refused() {
    let component = |text: &str| wat::parse_str(text).expect("it is a component");
    let export =
        |name: &str| format!(r#"(export "godwit:migration/{name}@1.0.0" (instance $empty))"#);
    let described = export("description");
    let worked = export("transform");
    let text = |imports: &str, exports: &str| {
        component(&format!(
            "(component {imports} (instance $empty) {exports})"
        ))
    };
    let foreign = r#"(import "acme:clocks/wall-clock@0.2.0" (instance))"#;
    for (bytes, expected) in [
        (
            component("(component)"),
            "it does not export `godwit:migration/description`",
        ),
        (
            text("", &described),
            "it does not export `godwit:migration/description` and one of the transform",
        ),
        (
            text("", &worked),
            "it does not export `godwit:migration/description`",
        ),
        (
            text(foreign, &format!("{described}{worked}")),
            "it imports `acme:clocks/wall-clock@0.2.0`, which is not offered",
        ),
        (text("", &format!("{described}{worked}")), "it cannot be"),
        (
            component("(module)"),
            "it is a core module without a component type",
        ),
    ] {
        let reason = reason("other.wasm", &bytes);
        assert!(reason.contains(expected), "{expected}: {reason}");
    }
    let renamed = reason(
        "renamed.wasm",
        &patched("migration/transform@", "migration/tronsform@"),
    );
    assert!(
        renamed.contains("one of the transform interfaces"),
        "{renamed}"
    );
}

#[test]
fn names_in_a_file_that_is_refused_do_nothing_to_a_terminal() {
    let exports = r#"(instance $empty)
        (export "godwit:migration/description@1.0.0" (instance $empty))
        (export "godwit:migration/transform@1.0.0" (instance $empty))"#;
    let core = r#"(core module $m (import "\1b[2J" "f" (func))) (core instance (instantiate $m))"#;
    let import = r#"(import "acme:hostile/names" (instance))"#;
    let file = |before: &str| {
        let text = format!("(component {before} {exports})");
        wat::parse_str(text).expect("it can be written")
    };
    // No text says a component whose imports and exports are named like this.
    let renamed = |mut bytes: Vec<u8>, from: &str, to: &str| {
        let mut windows = bytes.windows(from.len());
        let place = windows.position(|window| window == from.as_bytes());
        let place = place.expect("it is there");
        bytes[place..place + to.len()].copy_from_slice(to.as_bytes());
        bytes
    };
    for (bytes, expected) in [
        (
            file(core),
            "it cannot be compiled: failed to parse WebAssembly module: missing module instantiation \
             argument named `\u{fffd}[2J`",
        ),
        (
            renamed(file(import), "acme:hos", "\u{1b}[2J\u{7}\n\r\0"),
            "it imports `\u{fffd}[2J\u{fffd}\n\u{fffd}\u{fffd}tile/names`, which is not offered",
        ),
        (
            renamed(file(""), "1.0.0", "\u{1b}[2J\u{7}"),
            "it speaks contract \u{fffd}[2J\u{fffd}; this Godwit speaks 1.0.0 to 1.0.0",
        ),
    ] {
        let reason = reason("hostile.wasm", &bytes);
        assert!(reason.starts_with(expected), "{expected:?}: {reason:?}");
    }
}
