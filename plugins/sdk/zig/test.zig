//! The tests of the SDK: `zig test test.zig`.

const std = @import("std");
const godwit = @import("godwit.zig");

const expectEqual = std.testing.expectEqual;
const expectEqualStrings = std.testing.expectEqualStrings;

test {
    _ = @import("json.zig");
}

fn migrationOf(comptime step: godwit.Step) godwit.Migration {
    return .{ .app = "a", .version = "2.0.0", .steps = &.{step} };
}

const Id = enum { failed, named, unexplained, broken, removed, updated, bytes, unchanged };

fn everyOutcome(context: *godwit.Context, item: godwit.Item) !godwit.Outcome {
    try context.documents("w").put(item.id, true);
    context.log(.info, "looking at {s}", .{item.id});
    switch (std.meta.stringToEnum(Id, item.id).?) {
        .failed => return context.fail("no {s}", .{"luck"}),
        .named => return error.NameOnly,
        .unexplained => {
            context.fail("handled", .{}) catch {};
            return error.AnotherOne;
        },
        .broken => return .{ .updated = try item.json(context) },
        .removed => return .removed,
        .updated => return .{ .updated = .{ .string = item.id } },
        .bytes => return .{ .updated_bytes = "2" },
        .unchanged => return .unchanged,
    }
}

test "every outcome" {
    var host: godwit.testing.Host = .init(std.testing.allocator);
    defer host.deinit();
    for (std.enums.values(Id)) |id| try host.put("c", @tagName(id), if (id == .broken) "{" else "1");
    try host.migrate(migrationOf(.{ .name = "s", .collection = "c", .writes = &.{"w"}, .migrate = everyOutcome }));

    try expectEqualStrings("\"updated\"", host.get("c", "updated").?);
    try expectEqualStrings("2", host.get("c", "bytes").?);
    try expectEqualStrings("1", host.get("c", "unchanged").?);
    try expectEqual(null, host.get("c", "removed"));
    try expectEqualStrings("1", host.get("c", "failed").?);

    try expectEqualStrings("no luck", host.failures.get("failed").?);
    try expectEqualStrings("NameOnly", host.failures.get("named").?);
    try expectEqualStrings("AnotherOne", host.failures.get("unexplained").?);
    try expectEqualStrings("the body is not JSON", host.failures.get("broken").?);

    try expectEqualStrings("true", host.get("w", "removed").?);
    try expectEqual(null, host.get("w", "failed"));
}

fn useDocuments(context: *godwit.Context, item: godwit.Item) !godwit.Outcome {
    const read = context.documents("r");
    var count: i64 = 0;
    var items = read.scan("1");
    while (try items.next()) |_| count += 1;
    try std.testing.expectError(error.Denied, read.put(item.id, 1));
    try std.testing.expectError(error.Denied, context.documents("other").get("x"));
    try std.testing.expectError(error.Invalid, context.documents("c").put(item.id, 1));
    const written = context.documents("w");
    try written.put("new", .{ .count = count });
    try written.delete("none");
    try expectEqual(null, try written.get("none"));
    return .{ .updated = try (try written.get("new")).?.json(context) };
}

test "documents" {
    var host: godwit.testing.Host = .init(std.testing.allocator);
    defer host.deinit();
    try host.put("c", "a", "1");
    for ([_][]const u8{ "3", "1", "2" }) |id| try host.put("r", id, id);
    try host.migrate(migrationOf(.{
        .name = "s",
        .collection = "c",
        .reads = &.{"r"},
        .writes = &.{ "c", "w" },
        .migrate = useDocuments,
    }));
    try expectEqual(0, host.failures.count());
    try expectEqualStrings("{\"count\":2}", host.get("c", "a").?);
}

fn refuseA(_: *godwit.Context, batch: godwit.Batch) !void {
    if (batch.at(0).id[0] == 'a') return error.NotThese;
}

fn remove(_: *godwit.Context, _: godwit.Item) !godwit.Outcome {
    return .removed;
}

test "what is done once a batch" {
    var host: godwit.testing.Host = .init(std.testing.allocator);
    defer host.deinit();
    try host.put("c", "a", "1");
    try host.put("c", "b", "1");
    try host.migrate(migrationOf(.{ .name = "s", .collection = "c", .migrate = remove, .batch = refuseA }));
    try expectEqualStrings("NotThese", host.failures.get("a").?);
    try expectEqualStrings("1", host.get("c", "a").?);
    try expectEqual(null, host.get("c", "b"));
}
