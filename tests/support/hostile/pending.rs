//! Guests for which the host does not do yet what is expected of it.

/// Guests whose verdict is not compared with what is expected: the host lives, all other items are
/// migrated, and the good migration works beside them. Whoever makes the host do what is expected
/// takes them off this list.
pub const PENDING: &[&str] = &[
    // Components that import `wasi:*` are to load; calling such an import is the fault.
    "asks_for_a_network",
    "asks_for_files",
    "asks_for_http",
    "asks_for_randomness",
    "asks_for_standard_output",
    "asks_for_the_environment",
    "asks_for_the_time",
    "exits",
    "exits_in_describe",
    "imports_wasi_and_does_not_call_it",
    // An item that fails or traps after it was denied a collection.
    "is_denied_and_fails",
    "is_denied_and_traps",
    // JSON that is none for whoever reads it later.
    "leaves_a_member_twice",
    "leaves_a_member_twice_in_disguise",
    "leaves_deep_json",
    "leaves_half_a_surrogate",
    // Numbers of memories, tables and instances.
    "has_eleven_memories",
    "has_too_many_tables",
    "has_too_many_instances",
    "has_a_thousand_instances",
    // A description is to be asked for twice.
    "describes_otherwise_the_second_time",
    // Lines of no bytes are not bounded.
    "floods_the_log_with_empty_lines",
    // What a session has used up by its tenth batch is held against the item that it is fed alone then.
    "leaks_memory",
    // Elements that a table's own maximum refused count as used.
    "is_refused_elements_by_its_own_maximum",
    // Whatever comes after memory was refused is called `out of memory`.
    "is_refused_memory_and_traps_later",
    // Exports of another type are found when the component is instantiated, as a trap.
    "exports_empty_interfaces",
    "describes_with_another_type",
    "works_with_another_type",
];

/// Guests that end the process or take the machine's memory: tests leave them out, since nothing would
/// be left to tell of it. The command `hostile` shows them as failures.
pub const DEADLY: &[&str] = &[
    // Types are read by recursion when a component is compiled.
    "has_types_a_hundred_thousand_deep",
    "has_instance_types_a_hundred_thousand_deep",
    // 3 GiB for a file of 200 KB.
    "has_components_ten_thousand_deep",
    // A minute of compilation at several times the size, and nothing stops it.
    "has_a_hundred_thousand_blocks",
    "has_loops_over_many_locals",
    "has_two_hundred_thousand_functions",
];

/// Whether a guest is on the list.
pub fn is_pending(guest: &str) -> bool {
    PENDING.contains(&guest)
}
