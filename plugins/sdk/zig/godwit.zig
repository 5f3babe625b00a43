//! Write Godwit migrations in Zig.
//!
//! A migration brings the stored documents of an application to its next version. You write one function on one item
//! and say, in a `Migration`, which collection it is for; the host does the rest: it feeds the items in batches,
//! commits what became of them together with its own progress, and can be killed at any moment.
//!
//! ```zig
//! const std = @import("std");
//! const godwit = @import("godwit");
//!
//! pub const migration: godwit.Migration = .{
//!     .app = "notes",
//!     .version = "2.0.0",
//!     .requires = ">=1, <2",
//!     .summary = "gives every note a list of tags",
//!     .steps = &.{.{ .name = "tags", .collection = "notes", .migrate = tags }},
//! };
//!
//! fn tags(context: *godwit.Context, item: godwit.Item) !godwit.Outcome {
//!     var note = try item.json(context);
//!     if (note != .object) return context.fail("a note is an object", .{});
//!     if (note.object.contains("tags")) return .unchanged;
//!     try note.object.put(context.arena, "tags", .{ .array = .init(context.arena) });
//!     return .{ .updated = note };
//! }
//! ```
//!
//! # Errors and panics
//!
//! An error concerns its item only: the item keeps its old body and goes to the quarantine with what `Context.fail` was
//! told, or else with the error's name. A panic ends the sandbox; the host then narrows the batch down to the item that
//! panics and puts that one into the quarantine. The panic's message is logged before.
//!
//! # State
//!
//! A migration has none, on purpose: the host may throw a sandbox away between any two batches, and feeds a batch again
//! when a run was interrupted. Whatever must last goes into items or into `Documents`, which are committed together
//! with the batch.

const std = @import("std");

const host = @import("host.zig");
const outcomes = @import("outcomes.zig");
const parse = @import("json.zig").parse;

/// A host in memory, for tests.
pub const testing = @import("testing.zig");

/// What one file of the SDK has for another; not for migrations.
pub const internal = struct {
    pub const Outcomes = outcomes.Outcomes;
    pub const imports = host.side;
    pub const log = logLine;
};

/// Brings the items of one application to one version.
pub const Migration = struct {
    /// The application whose versions are counted: 1 to 64 bytes.
    app: []const u8,
    /// The version (semver) that the application's items have afterwards.
    version: []const u8,
    /// The versions of `app` that it can start from, as a semver requirement like `>=1, <2`; null: any earlier one.
    requires: ?[]const u8 = null,
    /// Versions of other applications that must be applied before.
    depends_on: []const Dependency = &.{},
    /// One line for people.
    summary: []const u8 = "",
    /// Carried out in this order, the offline ones before the online ones.
    steps: []const Step = &.{},

    /// Another application that must have reached a version first.
    pub const Dependency = struct {
        /// The other application.
        app: []const u8,
        /// A semver requirement, as in `>=2.1, <4`.
        versions: []const u8,
    };
};

/// One pass over one collection.
pub const Step = struct {
    /// Unique within the migration: 1 to 64 bytes.
    name: []const u8,
    /// When it runs.
    phase: Phase = .offline,
    /// What it may do to the items that it is fed.
    mode: Mode = .rewrite,
    /// The collection whose items it is fed.
    collection: []const u8,
    /// Other collections that it asks to read.
    reads: []const []const u8 = &.{},
    /// Other collections that it asks to write; it may read them too.
    writes: []const []const u8 = &.{},

    /// Migrates one item; called for each, in order of ids. An error means that this item can't be migrated, and
    /// whatever was written for the item is dropped. Should fail rather than guess, and give `.unchanged` for an item
    /// that has the new shape already.
    migrate: *const fn (context: *Context, item: Item) anyerror!Outcome,
    /// Called before the items of each batch, for what can be done once for many items. After an error the host feeds
    /// the items again in smaller batches; one that is alone fails. The size of a batch means nothing: the same items
    /// may come in other batches the next time. What it keeps for the items must lie in `Context.gpa`: the arena is
    /// emptied before them.
    batch: ?*const fn (context: *Context, batch: Batch) anyerror!void = null,

    /// When a step runs, seen from the application that owns the items.
    pub const Phase = enum(u8) {
        /// Before the new version takes traffic; nothing else writes meanwhile.
        offline,
        /// While the new version is serving.
        online,
    };

    /// What a step may do to the items that it is fed.
    pub const Mode = enum(u8) {
        /// Each item may be updated or removed.
        rewrite,
        /// Each item is only read; results go to other collections through `Documents`.
        derive,
    };
};

/// A stored document.
pub const Item = struct {
    /// Names the item inside its collection.
    id: []const u8,
    /// Exactly what is stored: JSON, unless the collection is opaque.
    body: []const u8,

    /// The body as JSON, with all digits of its numbers (each is a `number_string`) and its members in their order.
    ///
    /// It lives in the context's arena and may point into the body. For a type of your own, use
    /// `std.json.parseFromSliceLeaky` on the body.
    pub fn json(item: Item, context: *Context) error{ NotJson, OutOfMemory }!std.json.Value {
        return parse(context.arena, context.gpa, item.body) catch |err| switch (err) {
            error.OutOfMemory => error.OutOfMemory,
            error.SyntaxError => context.explain(error.NotJson, "the body is not JSON", .{}),
            error.DuplicateField => context.explain(
                error.NotJson,
                "the body has an object with two members of one name",
                .{},
            ),
        };
    }
};

/// A member of an object; null where there is none, or where the value is no object.
pub fn member(value: std.json.Value, name: []const u8) ?*std.json.Value {
    return if (value == .object) value.object.getPtr(name) else null;
}

/// Items that are fed together, in order of their ids.
pub const Batch = struct {
    /// The ids, one after another.
    ids: []const u8,
    /// Where each id ends.
    id_ends: []const u32,
    /// The bodies, one after another.
    bodies: []const u8,
    /// Where each body ends.
    body_ends: []const u32,

    /// How many items it has.
    pub fn len(batch: Batch) usize {
        return batch.id_ends.len;
    }

    /// One of its items; nothing is copied.
    pub fn at(batch: Batch, index: usize) Item {
        return .{
            .id = cut(batch.ids, batch.id_ends, index),
            .body = cut(batch.bodies, batch.body_ends, index),
        };
    }

    fn cut(column: []const u8, ends: []const u32, index: usize) []const u8 {
        return column[if (index == 0) 0 else ends[index - 1]..ends[index]];
    }
};

/// What became of one item. That it can't be migrated is said with an error instead.
pub const Outcome = union(enum) {
    /// The item already has the shape that the step produces.
    unchanged,
    /// The item's new body, printed as JSON. The host compares: a body that says the same as the old one counts as
    /// unchanged.
    updated: std.json.Value,
    /// The item's new body, as it is.
    updated_bytes: []const u8,
    /// The item is to be deleted.
    removed,
};

/// What a migration may use beside the item itself: memory, other documents, a log, facts about the run.
///
/// There is nothing else: no files, no network, no clock.
pub const Context = struct {
    /// Memory for one item, its outcome, and what is read for it; emptied after each item.
    arena: std.mem.Allocator,
    /// Memory that stays until it is freed.
    gpa: std.mem.Allocator,
    /// The item that log lines are about.
    item: ?Item = null,
    /// The last error that came with a text.
    explained: ?Explained = null,
    /// What the host said with the last `error.Limit` or `error.Invalid`.
    refusal: []const u8 = "",

    const Explained = struct { err: anyerror, text: []const u8 };

    /// Makes an error that fails the item with a reason for the operator: `return context.fail("no {s}", .{name})`.
    pub fn fail(context: *Context, comptime format: []const u8, args: anytype) error{ Failed, OutOfMemory } {
        return context.explain(error.Failed, format, args);
    }

    /// Gives an error of your own a text, which the item fails with if the error is what the function returns.
    pub fn explain(
        context: *Context,
        err: anytype,
        comptime format: []const u8,
        args: anytype,
    ) (@TypeOf(err) || error{OutOfMemory}) {
        const text = try std.fmt.allocPrint(context.arena, format, args);
        context.explained = .{ .err = err, .text = text };
        return err;
    }

    /// What an error says: its text, or else its name.
    pub fn reason(context: *const Context, err: anyerror) []const u8 {
        if (context.explained) |explained| if (explained.err == err) return explained.text;
        return @errorName(err);
    }

    /// Writes a line about the item for the operator; the host limits their rate and length. `std.log` writes lines
    /// that are about no item.
    pub fn log(context: *const Context, level: std.log.Level, comptime format: []const u8, args: anytype) void {
        logLine(level, format, args, if (context.item) |item| item.id else null);
    }

    /// The items of a collection, as far as the step asked for it and the operator granted it.
    pub fn documents(context: *Context, collection: []const u8) Documents {
        return .{ .context = context, .collection = collection };
    }

    /// Facts about the run that this call belongs to.
    pub fn run(_: *const Context) Run {
        return host.run();
    }
};

/// Writes a line, cut where the host would cut it; the contract asks for UTF-8.
fn logLine(level: std.log.Level, comptime format: []const u8, args: anytype, item: ?[]const u8) void {
    var bytes: [1024]u8 = undefined;
    var line: std.Io.Writer = .fixed(&bytes);
    line.print(format, args) catch {}; // what fits is there
    var text: [3 * bytes.len]u8 = undefined;
    host.log(level, std.fmt.bufPrint(&text, "{f}", .{std.unicode.fmtUtf8(line.buffered())}) catch unreachable, item);
}

/// Facts about a run, the same for every batch of it and for every retry. A migration that uses nothing else gives the
/// same result each time.
pub const Run = struct {
    /// The version that the application had before this migration; null on a fresh store.
    from_version: ?[]const u8,
    /// Milliseconds since 1970-01-01T00:00:00Z at the moment when the run was first started.
    started_at: u64,
    /// Differs from run to run.
    seed: u64,
};

/// The items of a collection, read and written beside the one that is being migrated.
///
/// Writes are held back and committed together with the batch, or not at all; reads see them. A step must have asked
/// for the collection in its `reads` or `writes`. What is read lives in the context's arena.
pub const Documents = struct {
    /// What asks for them.
    context: *Context,
    /// The collection's name.
    collection: []const u8,

    /// Why a document can't be read or written; `Context.refusal` has the host's text.
    pub const Error = error{
        /// The step did not ask for the collection, or the operator did not grant it.
        Denied,
        /// A limit of the sandbox was reached; the text names it.
        Limit,
        /// The id, the collection's name or the body is not valid; the text says why.
        Invalid,
        OutOfMemory,
    };

    /// One item, or null where there is none.
    pub fn get(documents: Documents, id: []const u8) Error!?Item {
        const body = try documents.checked(host.get(documents.collection, id)) orelse return null;
        return .{ .id = id, .body = body };
    }

    /// Goes over the items in order of their ids, fetched page by page: those after one, or all.
    pub fn scan(documents: Documents, after: ?[]const u8) Scan {
        return .{ .documents = documents, .after = after };
    }

    /// Creates or replaces one item with a value printed as JSON: a `std.json.Value` or anything else that `std.json`
    /// can print. The item that is being migrated is changed by its outcome only.
    pub fn put(documents: Documents, id: []const u8, value: anytype) Error!void {
        const body = try std.json.Stringify.valueAlloc(documents.context.arena, value, .{});
        return documents.putBytes(id, body);
    }

    /// Creates or replaces one item with a body as it is.
    pub fn putBytes(documents: Documents, id: []const u8, body: []const u8) Error!void {
        return documents.checked(host.put(documents.collection, id, body));
    }

    /// Deletes one item; deleting what is not there is no error.
    pub fn delete(documents: Documents, id: []const u8) Error!void {
        return documents.checked(host.delete(documents.collection, id));
    }

    /// Turns what the host answered into Zig's way to say it.
    fn checked(documents: Documents, answer: anytype) Error!@FieldType(@TypeOf(answer), "ok") {
        const context = documents.context;
        switch (answer) {
            .ok => |value| return value,
            .denied => {
                const collection = documents.collection;
                return context.explain(error.Denied, "access to collection `{s}` is denied", .{collection});
            },
            .limit => |text| {
                context.refusal = text;
                return context.explain(error.Limit, "a limit of the sandbox is reached: {s}", .{text});
            },
            .invalid => |text| {
                context.refusal = text;
                return context.explain(error.Invalid, "not valid: {s}", .{text});
            },
        }
    }
};

/// The items of a collection, one after another; made by `Documents.scan`.
pub const Scan = struct {
    /// The collection.
    documents: Documents,
    /// The last id that was given out.
    after: ?[]const u8,
    /// What is left of the page that was fetched.
    page: []const host.side.Item = &.{},

    /// Items asked for at once: enough to make crossings rare; the host bounds the bytes.
    const page_items = 256;

    /// The next item, or null at the end.
    pub fn next(scan: *Scan) Documents.Error!?Item {
        if (scan.page.len == 0) {
            const collection = scan.documents.collection;
            scan.page = try scan.documents.checked(host.scan(collection, scan.after, page_items));
            if (scan.page.len == 0) return null;
        }
        const item = scan.page[0].item();
        scan.page = scan.page[1..];
        scan.after = item.id;
        return item;
    }
};
