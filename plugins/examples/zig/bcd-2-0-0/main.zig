//! Browser-compat features, version 2.0.0: every entry of `support` is a list of statements.
//!
//! Before, a browser with one statement had it bare, and one with several had a list of them.

const std = @import("std");
const godwit = @import("godwit");

pub const migration: godwit.Migration = .{
    .app = "bcd",
    .version = "2.0.0",
    .requires = ">=1, <2",
    .summary = "makes every entry of `support` a list of statements",
    .steps = &.{.{ .name = "lists", .collection = "features", .migrate = lists }},
};

/// Makes every entry of `support` a list.
fn lists(context: *godwit.Context, item: godwit.Item) !godwit.Outcome {
    const feature = try item.json(context);
    const support = godwit.member(feature, "support");
    if (support == null or support.?.* != .object) {
        return context.fail("the feature has no `support` object", .{});
    }

    var outcome: godwit.Outcome = .unchanged;
    for (support.?.object.values()) |*entry| {
        if (entry.* != .object) continue;
        var list: std.json.Array = .init(context.arena);
        try list.append(entry.*);
        entry.* = .{ .array = list };
        outcome = .{ .updated = feature };
    }
    return outcome;
}

test "bare statements become lists" {
    var host: godwit.testing.Host = .init(std.testing.allocator);
    defer host.deinit();
    try host.put("features", "a", "{\"support\":{\"edge\":{\"version_added\":\"12\"},\"ie\":[]}}");
    try host.put("features", "b", "{\"support\":{\"ie\":[]}}");
    try host.put("features", "c", "[]");
    try host.migrate(migration);
    try std.testing.expectEqualStrings(
        "{\"support\":{\"edge\":[{\"version_added\":\"12\"}],\"ie\":[]}}",
        host.get("features", "a").?,
    );
    try std.testing.expectEqualStrings("{\"support\":{\"ie\":[]}}", host.get("features", "b").?);
    try std.testing.expectEqualStrings("the feature has no `support` object", host.failures.get("c").?);
}
