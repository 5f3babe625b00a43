//! Files that are broken, or no WebAssembly at all.

use crate::good;
use crate::text::Text;

/// What tests allow a file to have: 8 MiB.
pub const FILE_BYTES: usize = 8 << 20;

/// Nothing at all.
pub fn is_empty() -> Vec<u8> {
    Vec::new()
}

/// Text that has the right name.
pub fn is_no_webassembly() -> Vec<u8> {
    b"#!/bin/sh\necho all your items are belong to us\n".to_vec()
}

/// The first four bytes, and no more.
pub fn is_only_magic() -> Vec<u8> {
    b"\0asm".to_vec()
}

/// A version of the format that nobody has.
pub fn is_of_another_format() -> Vec<u8> {
    b"\0asm\x7f\0\x01\0".to_vec()
}

/// A core module that says nothing about its component.
pub fn is_a_plain_module() -> Vec<u8> {
    wat::parse_str("(module)").expect("it is a module")
}

/// A component that offers nothing.
pub fn is_an_empty_component() -> Vec<u8> {
    wat::parse_str("(component)").expect("it is a component")
}

/// The first half of a module.
pub fn is_half_a_module() -> Vec<u8> {
    let mut bytes = good();
    bytes.truncate(bytes.len() / 2);
    bytes
}

/// The first half of a component.
pub fn is_half_a_component() -> Vec<u8> {
    let mut bytes = Text::new("").component();
    bytes.truncate(bytes.len() / 2);
    bytes
}

/// A component whose last byte got lost.
pub fn lacks_its_last_byte() -> Vec<u8> {
    let mut bytes = Text::new("").component();
    bytes.pop();
    bytes
}

/// Bytes without any meaning.
pub fn is_random() -> Vec<u8> {
    random(1, 100_000)
}

/// A component's header, and bytes without any meaning.
pub fn is_random_behind_a_header() -> Vec<u8> {
    let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
    bytes.extend(random(2, 100_000));
    bytes
}

/// A section that says to be 4 GiB long.
pub fn says_to_be_endless() -> Vec<u8> {
    b"\0asm\x0d\0\x01\0\x01\xff\xff\xff\xff\x0f\0".to_vec()
}

/// As large a file as may be: a good one, and room.
pub fn is_as_large_as_may_be() -> Vec<u8> {
    padded(FILE_BYTES)
}

/// A byte more than may be.
pub fn is_a_byte_too_large() -> Vec<u8> {
    padded(FILE_BYTES + 1)
}

/// A component type that is none.
pub fn has_a_type_that_is_none() -> Vec<u8> {
    let mut bytes = wat::parse_str("(module)").expect("it is a module");
    custom_section(&mut bytes, "component-type", &random(3, 1_000));
    bytes
}

/// A good module in which a bit is another one. `seed` says which.
pub fn flipped(seed: u64) -> Vec<u8> {
    flip(good(), seed)
}

/// A good component in which a bit is another one. `seed` says which.
pub fn flipped_component(seed: u64) -> Vec<u8> {
    flip(Text::new("").component(), seed)
}

fn flip(mut bytes: Vec<u8>, seed: u64) -> Vec<u8> {
    let number = mix(seed);
    let place = usize::try_from(number >> 3).unwrap_or(usize::MAX) % bytes.len();
    bytes[place] ^= 1 << (number & 7);
    bytes
}

/// Bytes that are the same for the same seed.
pub fn random(seed: u64, length: usize) -> Vec<u8> {
    let numbers = (0..).map(|n| mix(seed.wrapping_mul(0x1_0000_0001).wrapping_add(n)));
    let bytes = numbers.flat_map(u64::to_le_bytes);
    bytes.take(length).collect()
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014): every bit depends on every bit.
fn mix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A good module with a custom section that makes it as long as that.
fn padded(length: usize) -> Vec<u8> {
    let mut bytes = good();
    // An id, a length of four bytes, a name of one letter with its length.
    let room = length - bytes.len() - 7;
    custom_section(&mut bytes, "x", &vec![0; room]);
    assert_eq!(bytes.len(), length, "the section's length has four bytes");
    bytes
}

pub(super) fn custom_section(bytes: &mut Vec<u8>, name: &str, data: &[u8]) {
    let mut content = leb(name.len());
    content.extend_from_slice(name.as_bytes());
    content.extend_from_slice(data);
    section(bytes, 0, &content);
}

/// Adds a section to a module or a component.
pub(super) fn section(bytes: &mut Vec<u8>, id: u8, content: &[u8]) {
    bytes.push(id);
    bytes.extend(leb(content.len()));
    bytes.extend_from_slice(content);
}

/// A number as WebAssembly writes it, seven bits a byte.
pub(super) fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).expect("seven bits fit");
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
