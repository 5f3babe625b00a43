//! What became of a batch, laid out as it crosses the boundary.

const std = @import("std");
const godwit = @import("godwit.zig");

const ArenaAllocator = std.heap.ArenaAllocator;

/// One outcome for each item. The memory of one batch is used again for the next.
pub const Outcomes = struct {
    gpa: std.mem.Allocator,
    kinds: std.ArrayList(Kind) = .empty,
    payloads: std.Io.Writer.Allocating,
    ends: std.ArrayList(u32) = .empty,
    /// The memory of one item.
    arena: ArenaAllocator,
    /// The item that is being migrated.
    item: ?godwit.Item = null,

    /// The contract's numbers.
    pub const Kind = enum(u8) { unchanged, updated, removed, failed };

    pub fn init(gpa: std.mem.Allocator) Outcomes {
        return .{ .gpa = gpa, .payloads = .init(gpa), .arena = .init(gpa) };
    }

    pub fn deinit(outcomes: *Outcomes) void {
        outcomes.kinds.deinit(outcomes.gpa);
        outcomes.payloads.deinit();
        outcomes.ends.deinit(outcomes.gpa);
        outcomes.arena.deinit();
    }

    /// Migrates a batch, in order. Only what has to be laid out for every item can run out of memory here.
    pub fn migrate(outcomes: *Outcomes, step: godwit.Step, batch: godwit.Batch) error{OutOfMemory}!void {
        outcomes.kinds.clearRetainingCapacity();
        outcomes.payloads.clearRetainingCapacity();
        outcomes.ends.clearRetainingCapacity();

        var context: godwit.Context = .{ .arena = outcomes.arena.allocator(), .gpa = outcomes.gpa };
        const begun = if (step.batch) |begin| begin(&context, batch) else {};
        begun catch |err| {
            if (batch.len() > 1) @trap(); // the host halves a batch that ends the sandbox
            try outcomes.add(.failed, context.reason(err));
            return outcomes.forget();
        };
        outcomes.forget();
        for (0..batch.len()) |index| {
            try outcomes.migrateItem(step, batch.at(index));
            outcomes.forget();
        }
    }

    fn migrateItem(outcomes: *Outcomes, step: godwit.Step, item: godwit.Item) error{OutOfMemory}!void {
        outcomes.item = item;
        defer outcomes.item = null;
        var context: godwit.Context = .{ .arena = outcomes.arena.allocator(), .gpa = outcomes.gpa, .item = item };
        const outcome = step.migrate(&context, item) catch |err|
            return outcomes.add(.failed, context.reason(err));
        switch (outcome) {
            .unchanged => try outcomes.add(.unchanged, ""),
            .removed => try outcomes.add(.removed, ""),
            .updated_bytes => |body| try outcomes.add(.updated, body),
            .updated => |value| {
                std.json.Stringify.value(value, .{}, &outcomes.payloads.writer) catch return error.OutOfMemory;
                try outcomes.add(.updated, "");
            },
        }
    }

    /// Settles one item; its payload is what was written since the last one, and this.
    fn add(outcomes: *Outcomes, kind: Kind, payload: []const u8) error{OutOfMemory}!void {
        outcomes.payloads.writer.writeAll(payload) catch return error.OutOfMemory;
        try outcomes.kinds.append(outcomes.gpa, kind);
        try outcomes.ends.append(outcomes.gpa, @intCast(outcomes.payloads.written().len));
    }

    /// Empties the memory of one item, but for what the next one can do with.
    fn forget(outcomes: *Outcomes) void {
        _ = outcomes.arena.reset(.{ .retain_with_limit = 1 << 20 });
    }
};
