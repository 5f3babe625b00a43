//! A good migration with something behind it.
//!
//! A component's sections may come in any order, so that more can be added to one that is complete.

use super::bytes::{leb, section};
use crate::text::Text;

/// A good component, and what is added to it.
pub(super) fn with_tail(add: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = Text::new("").component();
    add(&mut bytes);
    bytes
}

/// A good component with a component behind it that is instantiated, too.
fn with_instance(text: &str) -> Vec<u8> {
    let inner = wat::parse_str(text).expect("it is a component");
    with_tail(|bytes| {
        let index = components(bytes);
        section(bytes, 4, &inner);
        // One instance, of a component, with nothing passed to it.
        let mut content = vec![1, 0];
        content.extend(leb(index));
        content.push(0);
        section(bytes, 5, &content);
    })
}

/// How many components a component has directly in it.
fn components(bytes: &[u8]) -> usize {
    use wasmparser::{Parser, Payload};
    let (mut depth, mut count) = (0_usize, 0);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.expect("it is a component") {
            Payload::ComponentSection { .. } => {
                count += usize::from(depth == 0);
                depth += 1;
            }
            Payload::ModuleSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    count
}

fn instances(count: usize) -> Vec<u8> {
    let one = "(core instance (instantiate $m))".repeat(count);
    with_instance(&format!("(component (core module $m) {one})"))
}

/// 90 instances; what joins its modules has some more.
pub fn has_ninety_instances() -> Vec<u8> {
    instances(90)
}

/// 110 instances.
pub fn has_too_many_instances() -> Vec<u8> {
    instances(110)
}

/// As many instances as one component may have.
pub fn has_a_thousand_instances() -> Vec<u8> {
    instances(990)
}

/// Components that each have ten of the one within, five deep: 100,000 instances from a small file.
pub fn has_instances_that_multiply() -> Vec<u8> {
    let mut text =
        String::from("(component $c0 (core module $m) (core instance (instantiate $m)))");
    for depth in 1..=5 {
        let ten = format!("(instance (instantiate $c{}))", depth - 1).repeat(10);
        text = format!("(component $c{depth} {text} {ten})");
    }
    with_instance(&text)
}

/// 120 tables in four instances.
pub fn has_too_many_tables() -> Vec<u8> {
    let tables = "(table 1 funcref)".repeat(30);
    let four = "(core instance (instantiate $m))".repeat(4);
    with_instance(&format!("(component (core module $m {tables}) {four})"))
}

/// Nine instances that have 4 MiB each: together they are over the limit.
pub fn has_instances_with_much_memory() -> Vec<u8> {
    let nine = "(core instance (instantiate $m))".repeat(9);
    with_instance(&format!("(component (core module $m (memory 64)) {nine})"))
}

/// A start function of a module that is no part of the work.
pub fn loops_in_another_module() -> Vec<u8> {
    with_instance(
        "(component
            (core module $m (func $f (loop (br 0))) (start $f))
            (core instance (instantiate $m)))",
    )
}
