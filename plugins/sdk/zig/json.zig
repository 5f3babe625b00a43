//! Reads JSON into a `std.json.Value` that says exactly what the text says.
//!
//! `std.json` reads values, too. This takes much less memory: a list or an object is made when it has ended and its
//! size is known, and text without escapes is not copied.

const std = @import("std");

const Scanner = std.json.Scanner;
const Value = std.json.Value;

pub const Error = error{ OutOfMemory, SyntaxError, DuplicateField };

/// Reads a text. The value lives in the arena and points into the text; what is needed meanwhile is freed.
pub fn parse(arena: std.mem.Allocator, gpa: std.mem.Allocator, text: []const u8) Error!Value {
    var scanner: Scanner = .initCompleteInput(gpa, text);
    defer scanner.deinit();
    // The members of everything that has not ended: values, and in objects a name before each.
    var members: std.ArrayList(Value) = .empty;
    defer members.deinit(gpa);
    // Where those of each list or object begin.
    var starts: std.ArrayList(usize) = .empty;
    defer starts.deinit(gpa);

    while (true) {
        const value: Value = switch (try next(&scanner, arena)) {
            .object_begin, .array_begin => {
                try starts.append(gpa, members.items.len);
                continue;
            },
            .object_end => try end(object, arena, &members, &starts),
            .array_end => try end(array, arena, &members, &starts),
            .string, .allocated_string => |string| .{ .string = string },
            .number, .allocated_number => |number| .{ .number_string = number },
            .true => .{ .bool = true },
            .false => .{ .bool = false },
            .null => .null,
            else => unreachable, // parts of texts come from streams, and the end after a value
        };
        if (starts.items.len == 0) {
            if (try next(&scanner, arena) != .end_of_document) return error.SyntaxError;
            return value;
        }
        try members.append(gpa, value);
    }
}

fn next(scanner: *Scanner, arena: std.mem.Allocator) Error!std.json.Token {
    return scanner.nextAlloc(arena, .alloc_if_needed) catch |err| switch (err) {
        error.OutOfMemory => error.OutOfMemory,
        else => error.SyntaxError,
    };
}

const Make = fn (std.mem.Allocator, []const Value) Error!Value;

/// Makes what has just ended of its members.
fn end(
    make: Make,
    arena: std.mem.Allocator,
    members: *std.ArrayList(Value),
    starts: *std.ArrayList(usize),
) Error!Value {
    const start = starts.pop().?;
    defer members.shrinkRetainingCapacity(start);
    return make(arena, members.items[start..]);
}

fn array(arena: std.mem.Allocator, items: []const Value) Error!Value {
    return .{ .array = .fromOwnedSlice(arena, try arena.dupe(Value, items)) };
}

fn object(arena: std.mem.Allocator, members: []const Value) Error!Value {
    var map: std.json.ObjectMap = .empty;
    try map.ensureTotalCapacity(arena, members.len / 2);
    var index: usize = 0;
    while (index < members.len) : (index += 2) {
        const entry = map.getOrPutAssumeCapacity(members[index].string);
        if (entry.found_existing) return error.DuplicateField;
        entry.value_ptr.* = members[index + 1];
    }
    return .{ .object = map };
}

test parse {
    var memory: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer memory.deinit();
    const same = [_][]const u8{
        "1e400",
        "[]",
        "{\"b\":[1.10,-0,{}],\"a\":{\"c\":null,\"ü\":[true,false,\"\\n\"]}}",
    };
    for (same) |text| {
        const value = try parse(memory.allocator(), std.testing.allocator, text);
        const printed = try std.json.Stringify.valueAlloc(memory.allocator(), value, .{});
        try std.testing.expectEqualStrings(text, printed);
    }
    const wrong = [_][]const u8{
        "", " ", "[1", "[1}", "[1,]", "{\"a\"}", "{1:2}", "1 2", "01", "\"\xff\"", "\"\\ud800\"",
    };
    for (wrong) |text| {
        try std.testing.expectError(error.SyntaxError, parse(memory.allocator(), std.testing.allocator, text));
    }
    const twice = parse(memory.allocator(), std.testing.allocator, "{\"a\":1,\"\\u0061\":2}");
    try std.testing.expectError(error.DuplicateField, twice);
}
