//! Components in components, types in types.

use super::bytes::{leb, section};
use super::tail::with_tail;

const HEADER: &[u8] = b"\0asm\x0d\0\x01\0";

/// Components in one another, so many deep.
fn components(depth: usize) -> Vec<u8> {
    // From the inside out would copy everything for each; lengths are counted first instead.
    let mut lengths = vec![HEADER.len()];
    for _ in 0..depth {
        let inner = lengths[lengths.len() - 1];
        lengths.push(HEADER.len() + 1 + leb(inner).len() + inner);
    }
    let mut bytes = Vec::new();
    for length in lengths.iter().rev().skip(1) {
        bytes.extend_from_slice(HEADER);
        bytes.push(4);
        bytes.extend(leb(*length));
    }
    bytes.extend_from_slice(HEADER);
    bytes
}

/// Ten components in one another, beside a good migration.
pub fn has_components_ten_deep() -> Vec<u8> {
    with_tail(|bytes| section(bytes, 4, &components(10)))
}

/// 10,000 components in one another, beside a good migration.
pub fn has_components_ten_thousand_deep() -> Vec<u8> {
    with_tail(|bytes| section(bytes, 4, &components(10_000)))
}

/// Types of components, each of which has the next one as its type; so many deep.
fn types(depth: usize) -> Vec<u8> {
    // One type in the section; a component type is 0x41 and its declarations, here one: a type.
    let mut content = leb(1);
    for _ in 0..depth {
        content.extend_from_slice(&[0x41, 1, 1]);
    }
    content.extend_from_slice(&[0x41, 0]);
    content
}

/// Types of components ten deep.
pub fn has_types_ten_deep() -> Vec<u8> {
    with_tail(|bytes| section(bytes, 7, &types(10)))
}

/// Types of components 100,000 deep: whoever reads them by recursion falls.
pub fn has_types_a_hundred_thousand_deep() -> Vec<u8> {
    with_tail(|bytes| section(bytes, 7, &types(100_000)))
}

/// Types of instances 100,000 deep.
pub fn has_instance_types_a_hundred_thousand_deep() -> Vec<u8> {
    let mut content = leb(1);
    for _ in 0..100_000 {
        content.extend_from_slice(&[0x42, 1, 1]);
    }
    content.extend_from_slice(&[0x42, 0]);
    with_tail(|bytes| section(bytes, 7, &content))
}

/// A list of lists of lists, so many deep, in a component of its own.
fn lists(depth: usize) -> Vec<u8> {
    let mut content = leb(depth + 1);
    content.push(0x7d); // u8
    for n in 0..depth {
        content.push(0x70); // a list of the one before
        content.extend(leb(n));
    }
    let mut component = HEADER.to_vec();
    section(&mut component, 7, &content);
    component
}

/// A list of lists of lists, fifty deep.
pub fn has_lists_fifty_deep() -> Vec<u8> {
    with_tail(|bytes| section(bytes, 4, &lists(50)))
}

/// A list of lists of lists, 100,000 deep.
pub fn has_lists_a_hundred_thousand_deep() -> Vec<u8> {
    with_tail(|bytes| section(bytes, 4, &lists(100_000)))
}

/// A tuple of two of the tuple before, forty times: 2^40 numbers.
pub fn has_tuples_that_double() -> Vec<u8> {
    let mut content = leb(41);
    content.push(0x7d);
    for n in 0..40 {
        content.extend_from_slice(&[0x6f, 2]);
        content.extend(leb(n));
        content.extend(leb(n));
    }
    let mut component = HEADER.to_vec();
    section(&mut component, 7, &content);
    with_tail(|bytes| section(bytes, 4, &component))
}
