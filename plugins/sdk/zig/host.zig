//! The host's side of the contract, as Zig calls it: the real one in a component, one in memory in tests.

const builtin = @import("builtin");

pub const side = if (builtin.target.cpu.arch.isWasm()) @import("imports.zig") else @import("testing.zig").side;

/// What `documents` answers.
pub fn Answer(comptime Value: type) type {
    return union(enum) {
        ok: Value,
        denied,
        limit: []const u8,
        invalid: []const u8,
    };
}

pub const log = side.log;
pub const get = side.get;
pub const scan = side.scan;
pub const put = side.put;
pub const delete = side.delete;
pub const run = side.run;
