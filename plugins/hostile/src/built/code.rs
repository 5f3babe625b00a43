//! Guests that are much work to compile, or have much in them.

use std::fmt::Write as _;

use crate::text::Text;

fn module(text: &str) -> Vec<u8> {
    Text::new(text).module()
}

/// 100,000 functions, each of which does something else, in a file of 1 MB.
pub fn has_a_hundred_thousand_functions() -> Vec<u8> {
    functions(100_000)
}

/// 600,000 functions in a file of 5 MB: compiling them takes gigabytes, and a minute.
pub fn has_six_hundred_thousand_functions() -> Vec<u8> {
    functions(600_000)
}

fn functions(count: u32) -> Vec<u8> {
    let mut text = String::new();
    for n in 0..count {
        let _ = writeln!(text, "(func (result i32) (i32.const {n}))");
    }
    module(&text)
}

/// As many functions as no module may have.
pub fn has_more_functions_than_may_be() -> Vec<u8> {
    module(&"(func)".repeat(1_000_001))
}

/// One function of 100,000 sums.
pub fn has_a_long_function() -> Vec<u8> {
    let sums = "(i32.add (i32.const 1))".repeat(100_000);
    module(&format!("(func (result i32) (i32.const 1) {sums})"))
}

/// One function with as many locals as may be, which are all changed in a thousand branches.
pub fn has_many_locals() -> Vec<u8> {
    let locals = "i64 ".repeat(2_000);
    let mut branches = String::new();
    for n in 0..1_000 {
        let _ = write!(
            branches,
            "(if (local.get 0) (then (local.set {} (i64.const {n}))))",
            n + 1
        );
    }
    module(&format!(
        "(func (param i32) (local {locals}) (loop {branches} (br_if 0 (local.get 0))))"
    ))
}

/// One function with more locals than may be.
pub fn has_more_locals_than_may_be() -> Vec<u8> {
    let locals = "i64 ".repeat(50_001);
    module(&format!("(func (local {locals}))"))
}

/// 10,000 blocks in one another.
pub fn has_deep_blocks() -> Vec<u8> {
    blocks(10_000)
}

/// 300,000 blocks in one another, in a file of 900 KB: the time to compile them grows with the square
/// of their number, to minutes.
pub fn has_three_hundred_thousand_blocks() -> Vec<u8> {
    blocks(300_000)
}

fn blocks(depth: usize) -> Vec<u8> {
    let (open, close) = ("block ".repeat(depth), "end ".repeat(depth));
    module(&format!("(func {open} {close})"))
}

/// 4,000 loops in one another, each of which changes one of 20,000 locals, in a file of 56 KB: the time
/// to compile them grows with the product.
pub fn has_loops_over_many_locals() -> Vec<u8> {
    let (locals, open) = ("i64 ".repeat(20_000), "loop ".repeat(4_000));
    let mut close = String::new();
    for n in 1..=4_000 {
        let _ = write!(close, "i64.const 1 local.set {n} local.get 0 br_if 0 end ");
    }
    module(&format!(
        "(func (param i32) (local {locals}) {open} {close})"
    ))
}

/// A branch to one of 60,000 places.
pub fn has_a_wide_branch() -> Vec<u8> {
    branch(60_000)
}

/// A branch to one of 100,000 places.
pub fn has_a_branch_wider_than_may_be() -> Vec<u8> {
    branch(100_000)
}

fn branch(places: usize) -> Vec<u8> {
    let places = "0 ".repeat(places);
    module(&format!(
        "(func (param i32) (block (br_table {places} (local.get 0))))"
    ))
}

/// A function of a thousand results.
pub fn returns_a_thousand_values() -> Vec<u8> {
    let (types, values) = ("i32 ".repeat(1_000), "(i32.const 1)".repeat(1_000));
    module(&format!(
        "(func $many (result {types}) {values}) (func (result {types}) (call $many))"
    ))
}

/// 7 MiB that are written into memory when it starts.
pub fn has_a_large_segment() -> Vec<u8> {
    let data = "x".repeat(7 << 20);
    module(&format!(
        "(memory $memory (export \"memory\") 200) (data (i32.const 1048576) \"{data}\")"
    ))
}

/// As many segments as may be, which write the same byte.
pub fn has_many_segments() -> Vec<u8> {
    module(&"(data (i32.const 1024) \"x\")".repeat(90_000))
}

/// More segments than may be.
pub fn has_more_segments_than_may_be() -> Vec<u8> {
    module(&"(data (i32.const 1024) \"x\")".repeat(100_001))
}

/// A segment that is written outside of memory when it starts.
pub fn has_a_segment_outside_of_memory() -> Vec<u8> {
    module("(data (i32.const -1) \"xx\")")
}

/// Elements outside of their table.
pub fn has_elements_outside_of_their_table() -> Vec<u8> {
    module("(table $t 1 funcref) (elem (table $t) (i32.const 5) func $alloc)")
}

/// 90 tables; what joins its modules has one more.
pub fn has_ninety_tables() -> Vec<u8> {
    module(&"(table 1 funcref)".repeat(90))
}

/// 110 tables.
pub fn has_more_tables_than_a_module_may_have() -> Vec<u8> {
    module(&"(table 1 funcref)".repeat(110))
}

/// 90,000 exports that nobody asked for.
pub fn has_many_exports() -> Vec<u8> {
    let mut text = String::new();
    for n in 0..90_000 {
        let _ = write!(text, "(export \"x{n}\" (func $alloc))");
    }
    module(&text)
}

/// 100,000 globals.
pub fn has_many_globals() -> Vec<u8> {
    module(&"(global (mut i64) (i64.const 1))".repeat(100_000))
}
