//! The root of a component: what the host calls, by hand, as the canonical ABI lays it out.
//!
//! Of the contract's layouts this is `transform-columns`: a batch comes in four blocks and goes in three, whatever the
//! number of items, and items are slices of the blocks.

const std = @import("std");
const godwit = @import("godwit");
const migration: godwit.Migration = @import("migration").migration;

const imports = godwit.internal.imports;
const List = imports.List;
const Slice = imports.Slice;

/// Lines of `std.log` go to the operator.
pub const std_options: std.Options = .{ .log_level = .debug, .logFn = logFn };

fn logFn(
    comptime level: std.log.Level,
    comptime scope: @EnumLiteral(),
    comptime format: []const u8,
    args: anytype,
) void {
    const prefix = if (scope == .default) "" else "(" ++ @tagName(scope) ++ ") ";
    godwit.internal.log(level, prefix ++ format, args, null);
}

/// A panic tells the operator its message, then traps.
pub const panic = std.debug.FullPanic(panicFn);

fn panicFn(message: []const u8, _: ?usize) noreturn {
    godwit.internal.log(.err, "panic: {s}", .{message}, if (outcomes.item) |item| item.id else null);
    @trap();
}

/// What the host was given last: it reads it after the call has ended.
var outcomes: godwit.internal.Outcomes = .init(std.heap.wasm_allocator);
var result: Outcomes = undefined;

const Outcomes = extern struct {
    kinds: List(godwit.internal.Outcomes.Kind),
    payloads: Slice,
    payload_ends: List(u32),
};

const Descriptor = extern struct {
    app: Slice,
    version: Slice,
    requires: imports.OptionalSlice,
    depends_on: List(Dependency),
    summary: Slice,
    steps: List(Step),
};

const Dependency = extern struct { app: Slice, versions: Slice };

const Step = extern struct {
    name: Slice,
    phase: godwit.Step.Phase,
    mode: godwit.Step.Mode,
    collection: Slice,
    reads: List(Slice),
    writes: List(Slice),
};

/// The descriptor, laid out when the component is compiled.
const descriptor: Descriptor = .{
    .app = .of(migration.app),
    .version = .of(migration.version),
    .requires = .of(migration.requires),
    .depends_on = .of(&dependencies),
    .summary = .of(migration.summary),
    .steps = .of(&steps),
};

const dependencies = dependencies: {
    var list: [migration.depends_on.len]Dependency = undefined;
    for (&list, migration.depends_on) |*laid_out, dependency| {
        laid_out.* = .{ .app = .of(dependency.app), .versions = .of(dependency.versions) };
    }
    break :dependencies list;
};

const steps = steps: {
    var list: [migration.steps.len]Step = undefined;
    for (&list, migration.steps) |*laid_out, step| {
        laid_out.* = .{
            .name = .of(step.name),
            .phase = step.phase,
            .mode = step.mode,
            .collection = .of(step.collection),
            .reads = .of(strings(step.reads)),
            .writes = .of(strings(step.writes)),
        };
    }
    break :steps list;
};

fn strings(comptime texts: []const []const u8) []const Slice {
    var list: [texts.len]Slice = undefined;
    for (&list, texts) |*laid_out, text| laid_out.* = .of(text);
    const constant = list;
    return &constant;
}

export fn @"godwit:migration/description@1.0.0#describe"() *const Descriptor {
    return &descriptor;
}

export fn @"godwit:migration/transform-columns@1.0.0#migrate"(
    step: [*]const u8,
    step_len: usize,
    ids: [*]const u8,
    ids_len: usize,
    id_ends: [*]const u32,
    id_ends_len: usize,
    bodies: [*]const u8,
    bodies_len: usize,
    body_ends: [*]const u32,
    body_ends_len: usize,
) *const Outcomes {
    imports.lent = &outcomes.arena;
    outcomes.migrate(stepNamed(step[0..step_len]), .{
        .ids = ids[0..ids_len],
        .id_ends = id_ends[0..id_ends_len],
        .bodies = bodies[0..bodies_len],
        .body_ends = body_ends[0..body_ends_len],
    }) catch @panic("out of memory");

    imports.lent = &imports.batch_arena;
    _ = imports.batch_arena.reset(.{ .retain_with_limit = 1 << 20 });
    result = .{
        .kinds = .of(outcomes.kinds.items),
        .payloads = .of(outcomes.payloads.written()),
        .payload_ends = .of(outcomes.ends.items),
    };
    return &result;
}

/// The step of that name; the host asks for no other.
fn stepNamed(name: []const u8) godwit.Step {
    for (migration.steps) |step| if (std.mem.eql(u8, step.name, name)) return step;
    @panic("the migration has no such step");
}

export fn cabi_realloc(_: ?[*]u8, _: usize, alignment: usize, size: usize) [*]u8 {
    if (size == 0) return @ptrFromInt(alignment);
    return imports.lent.allocator().rawAlloc(size, .fromByteUnits(alignment), @returnAddress()) orelse @trap();
}
