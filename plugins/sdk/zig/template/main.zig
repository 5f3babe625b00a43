//! Version {{version}} of {{app}}: every item has tags.

const godwit = @import("godwit");

pub const migration: godwit.Migration = .{
    .app = "{{app}}",
    .version = "{{version}}",
    .requires = "{{requires}}",
    .summary = "gives every item a list of tags",
    .steps = &.{.{ .name = "tags", .collection = "{{collection}}", .migrate = tags }},
};

/// Gives an item an empty list `tags`, unless it has one.
fn tags(context: *godwit.Context, item: godwit.Item) !godwit.Outcome {
    var value = try item.json(context);
    if (value != .object) return context.fail("an item is an object", .{});
    if (value.object.contains("tags")) return .unchanged;
    try value.object.put(context.arena, "tags", .{ .array = .init(context.arena) });
    return .{ .updated = value };
}
