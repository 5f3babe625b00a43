//! The conformance migration in Zig: it does what its items say.

const std = @import("std");
const godwit = @import("godwit");

const Value = std.json.Value;

pub const migration: godwit.Migration = .{
    .app = "conformance",
    .version = "2.0.0",
    .requires = ">=1, <2",
    .depends_on = &.{.{ .app = "other", .versions = ">=1.2" }},
    .summary = "does what its items say, in Zig – grüezi",
    .steps = &.{
        .{
            .name = "apply",
            .collection = "items",
            .reads = &.{ "lookup", "nowhere" },
            .writes = &.{"notes"},
            .migrate = apply,
        },
        .{
            .name = "derive",
            .phase = .online,
            .mode = .derive,
            .collection = "items",
            .writes = &.{"seen"},
            .migrate = derive,
        },
    },
};

/// Notes that it has seen an item.
fn derive(context: *godwit.Context, item: godwit.Item) !godwit.Outcome {
    try context.documents("seen").put(item.id, .{ .of = item.id });
    return .unchanged;
}

const Command = enum { keep, remove, fail, throw, replace, echo, big, log, get, scan, put, delete, run };

/// Carries out an item's commands until one is its outcome.
fn apply(context: *godwit.Context, item: godwit.Item) !godwit.Outcome {
    const value = try item.json(context);
    const commands = godwit.member(value, "do");
    if (commands == null or commands.?.* != .array) return context.fail("the item has no list `do`", .{});

    var saw: std.json.Array = .init(context.arena);
    for (commands.?.array.items) |entry| {
        const parts = entry.array.items;
        const command = std.meta.stringToEnum(Command, parts[0].string) orelse
            return context.fail("there is no command `{s}`", .{parts[0].string});
        switch (command) {
            .keep => return .unchanged,
            .remove => return .removed,
            .fail => return context.fail("{s}", .{parts[1].string}),
            .throw => @panic(parts[1].string),
            .replace => return .{ .updated = parts[1] },
            .echo => return .{ .updated = value },
            .big => return big(context, try count(parts[1])),
            .log => logLine(context, parts),
            .run => try saw.append(try seenRun(context)),
            .get, .scan, .put, .delete => try saw.append(try access(context, command, parts)),
        }
    }
    if (saw.items.len == 0) return .unchanged;
    return .{ .updated = try object(context, .{ .saw = Value{ .array = saw } }) };
}

fn big(context: *godwit.Context, letters: usize) !godwit.Outcome {
    const text = try context.arena.alloc(u8, letters);
    @memset(text, 'x');
    return .{ .updated = try object(context, .{ .big = Value{ .string = text } }) };
}

fn logLine(context: *godwit.Context, parts: []const Value) void {
    const Level = enum { debug, info, warn, @"error" };
    switch (std.meta.stringToEnum(Level, parts[1].string).?) {
        inline else => |name| {
            const level = if (name == .@"error") .err else @field(std.log.Level, @tagName(name));
            if (parts.len > 3) {
                std.options.logFn(level, .default, "{s}", .{parts[2].string});
            } else {
                context.log(level, "{s}", .{parts[2].string});
            }
        },
    }
}

/// Carries out a command on documents. What the host refuses is seen, too.
fn access(context: *godwit.Context, command: Command, parts: []const Value) !Value {
    const collection = parts[1].string;
    return attempt(context, command, context.documents(collection), parts) catch |err| switch (err) {
        error.Denied => object(context, .{ .denied = Value{ .string = collection } }),
        error.Limit => object(context, .{ .limit = Value{ .string = context.refusal } }),
        error.Invalid => object(context, .{ .invalid = Value{ .string = context.refusal } }),
        else => err,
    };
}

fn attempt(
    context: *godwit.Context,
    command: Command,
    documents: godwit.Documents,
    parts: []const Value,
) !Value {
    switch (command) {
        .get => {
            const item = try documents.get(parts[2].string) orelse return .null;
            return item.json(context);
        },
        .scan => {
            var items = documents.scan(if (parts[2] == .string) parts[2].string else null);
            var seen: std.json.Array = .init(context.arena);
            while (seen.items.len < try count(parts[3])) {
                const item = try items.next() orelse break;
                var pair: std.json.Array = .init(context.arena);
                try pair.appendSlice(&.{ .{ .string = item.id }, try item.json(context) });
                try seen.append(.{ .array = pair });
            }
            return .{ .array = seen };
        },
        .put => {
            try documents.put(parts[2].string, parts[3]);
            return .{ .string = "put" };
        },
        .delete => {
            try documents.delete(parts[2].string);
            return .{ .string = "deleted" };
        },
        else => unreachable,
    }
}

fn seenRun(context: *godwit.Context) !Value {
    const run = context.run();
    return object(context, .{
        .from = if (run.from_version) |version| Value{ .string = version } else .null,
        .started = Value{ .integer = @intCast(run.started_at) },
        .seed = Value{ .string = try std.fmt.allocPrint(context.arena, "{d}", .{run.seed}) },
    });
}

fn count(value: Value) !usize {
    return std.fmt.parseInt(usize, value.number_string, 10);
}

/// An object with the members of a struct of values.
fn object(context: *godwit.Context, members: anytype) !Value {
    var map: std.json.ObjectMap = .empty;
    inline for (comptime std.meta.fieldNames(@TypeOf(members))) |name| {
        try map.put(context.arena, name, @field(members, name));
    }
    return .{ .object = map };
}
