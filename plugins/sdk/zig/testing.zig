//! A host in memory, so that migrations are tested natively with plain `zig test`.
//!
//! It keeps the real one's promises: a step reaches only the collections that it asked for, and what a failing item
//! wrote is dropped. Items are fed one by one.
//!
//! ```zig
//! test "every note gets tags" {
//!     var host: godwit.testing.Host = .init(std.testing.allocator);
//!     defer host.deinit();
//!     try host.put("notes", "a", "{\"text\":\"Grüezi\"}");
//!     try host.migrate(migration);
//!     try std.testing.expectEqualStrings("{\"text\":\"Grüezi\",\"tags\":[]}", host.get("notes", "a").?);
//! }
//! ```

const std = @import("std");
const godwit = @import("godwit.zig");
const outcomes = @import("outcomes.zig");
const Answer = @import("host.zig").Answer;

/// Documents, and what became of them.
pub const Host = struct {
    /// All of its memory.
    arena: std.heap.ArenaAllocator,
    /// The documents, by collection and id.
    collections: Collections = .empty,
    /// Why items failed, by id.
    failures: std.array_hash_map.String([]const u8) = .empty,
    /// What `Context.run` tells.
    run: godwit.Run = .{ .from_version = null, .started_at = 0, .seed = 0 },
    /// The step that is under way.
    step: ?godwit.Step = null,
    /// The item that is being migrated.
    item: []const u8 = "",

    const Collection = std.array_hash_map.String([]const u8);
    const Collections = std.array_hash_map.String(Collection);

    /// A host without documents; `deinit` frees it.
    pub fn init(gpa: std.mem.Allocator) Host {
        return .{ .arena = .init(gpa) };
    }

    /// Frees all that it holds.
    pub fn deinit(host: *Host) void {
        host.arena.deinit();
    }

    /// Creates or replaces a document.
    pub fn put(host: *Host, collection: []const u8, id: []const u8, body: []const u8) !void {
        const memory = host.arena.allocator();
        const items = try host.collections.getOrPutValue(memory, try memory.dupe(u8, collection), .empty);
        try items.value_ptr.put(memory, try memory.dupe(u8, id), try memory.dupe(u8, body));
    }

    /// The body of a document, or null where there is none.
    pub fn get(host: *const Host, collection: []const u8, id: []const u8) ?[]const u8 {
        const items = host.collections.get(collection) orelse return null;
        return items.get(id);
    }

    /// Deletes a document, if there is one.
    pub fn delete(host: *Host, collection: []const u8, id: []const u8) void {
        if (host.collections.getPtr(collection)) |items| _ = items.orderedRemove(id);
    }

    /// Feeds every step the items of its collection.
    pub fn migrate(host: *Host, migration: godwit.Migration) !void {
        current = host;
        defer current = null;
        for (migration.steps) |step| {
            host.step = step;
            var after: ?[]const u8 = null;
            while (host.next(step.collection, after)) |item| : (after = item.id) try host.migrateItem(item);
        }
        host.step = null;
    }

    fn migrateItem(host: *Host, item: godwit.Item) !void {
        const step = host.step.?;
        const before = try host.snapshot();
        host.item = item.id;
        var all: outcomes.Outcomes = .init(host.arena.child_allocator);
        defer all.deinit();
        try all.migrate(step, .{
            .ids = item.id,
            .id_ends = &.{@intCast(item.id.len)},
            .bodies = item.body,
            .body_ends = &.{@intCast(item.body.len)},
        });
        const payload = all.payloads.written();
        switch (all.kinds.items[0]) {
            .unchanged => {},
            .updated => try host.put(step.collection, item.id, payload),
            .removed => host.delete(step.collection, item.id),
            .failed => {
                host.collections = before;
                const memory = host.arena.allocator();
                try host.failures.put(memory, item.id, try memory.dupe(u8, payload));
            },
        }
    }

    fn snapshot(host: *Host) !Collections {
        const memory = host.arena.allocator();
        var copy = try host.collections.clone(memory);
        for (copy.values()) |*items| items.* = try items.clone(memory);
        return copy;
    }

    /// The first item behind an id.
    fn next(host: *const Host, collection: []const u8, after: ?[]const u8) ?godwit.Item {
        const items = host.collections.get(collection) orelse return null;
        var first: ?godwit.Item = null;
        for (items.keys(), items.values()) |id, body| {
            if (after) |last| if (std.mem.order(u8, id, last) != .gt) continue;
            if (first) |found| if (std.mem.order(u8, id, found.id) != .lt) continue;
            first = .{ .id = id, .body = body };
        }
        return first;
    }

    fn mayReach(host: *const Host, collection: []const u8, access: enum { read, write }) bool {
        const step = host.step orelse return true;
        for (step.writes) |name| if (std.mem.eql(u8, name, collection)) return true;
        if (access == .write) return false;
        for (step.reads) |name| if (std.mem.eql(u8, name, collection)) return true;
        return false;
    }
};

/// The host of the migration that is under way.
var current: ?*Host = null;

/// The host's side of the contract.
pub const side = struct {
    /// An item of a page.
    pub const Item = struct {
        laid_out: godwit.Item,

        pub fn item(page_item: Item) godwit.Item {
            return page_item.laid_out;
        }
    };

    pub fn log(level: std.log.Level, line: []const u8, item: ?[]const u8) void {
        const name = switch (level) {
            inline else => |known| known.asText(),
        };
        std.debug.print("{s}: {s}{s}{s}\n", .{ name, item orelse "", if (item == null) "" else ": ", line });
    }

    pub fn get(collection: []const u8, id: []const u8) Answer(?[]const u8) {
        const host = current.?;
        if (!host.mayReach(collection, .read)) return .denied;
        return .{ .ok = host.get(collection, id) };
    }

    pub fn scan(collection: []const u8, after: ?[]const u8, _: u32) Answer([]const Item) {
        const host = current.?;
        if (!host.mayReach(collection, .read)) return .denied;
        const item = host.next(collection, after) orelse return .{ .ok = &.{} };
        const page = host.arena.allocator().alloc(Item, 1) catch @panic("out of memory");
        page[0] = .{ .laid_out = item };
        return .{ .ok = page };
    }

    pub fn put(collection: []const u8, id: []const u8, body: []const u8) Answer(void) {
        const host = current.?;
        if (!host.mayReach(collection, .write)) return .denied;
        if (std.mem.eql(u8, collection, host.step.?.collection) and std.mem.eql(u8, id, host.item)) {
            return .{ .invalid = "the item that is being migrated is changed by its outcome only" };
        }
        host.put(collection, id, body) catch @panic("out of memory");
        return .{ .ok = {} };
    }

    pub fn delete(collection: []const u8, id: []const u8) Answer(void) {
        const host = current.?;
        if (!host.mayReach(collection, .write)) return .denied;
        host.delete(collection, id);
        return .{ .ok = {} };
    }

    pub fn run() godwit.Run {
        return current.?.run;
    }
};
