//! The contract's imports, by hand, as the canonical ABI lays them out.

const std = @import("std");
const godwit = @import("godwit.zig");
const Answer = @import("host.zig").Answer;

/// The memory of a batch.
pub var batch_arena: std.heap.ArenaAllocator = .init(std.heap.wasm_allocator);

/// Where the host's answers go, through `cabi_realloc`: to the memory of the batch, or of the item while there is one.
pub var lent: *std.heap.ArenaAllocator = &batch_arena;

/// A string or a list of bytes.
pub const Slice = List(u8);

/// A list.
pub fn List(comptime Element: type) type {
    return extern struct {
        ptr: [*]const Element,
        len: usize,

        pub fn of(elements: []const Element) @This() {
            return .{ .ptr = nonempty(elements), .len = elements.len };
        }

        pub fn slice(list: @This()) []const Element {
            return list.ptr[0..list.len];
        }

        /// An empty slice may lie anywhere in Zig; the host wants a good address.
        fn nonempty(elements: []const Element) [*]const Element {
            return if (elements.len == 0) @ptrFromInt(@alignOf(Element)) else elements.ptr;
        }
    };
}

/// An option of a string or a list of bytes.
pub const OptionalSlice = extern struct {
    is_some: bool,
    slice: Slice,

    pub fn of(slice: ?[]const u8) OptionalSlice {
        return .{ .is_some = slice != null, .slice = .of(slice orelse "") };
    }

    fn optional(option: OptionalSlice) ?[]const u8 {
        return if (option.is_some) option.slice.slice() else null;
    }
};

/// A result of `documents`, with the error `access-error`.
fn Result(comptime Ok: type) type {
    return extern struct {
        is_error: bool,
        value: extern union { ok: Ok, err: AccessError },

        fn answer(result: @This(), comptime Value: type, lift: fn (Ok) Value) Answer(Value) {
            if (!result.is_error) return .{ .ok = lift(result.value.ok) };
            const err = result.value.err;
            return switch (err.reason) {
                .denied => .denied,
                .limit => .{ .limit = err.text.slice() },
                .invalid => .{ .invalid = err.text.slice() },
            };
        }
    };
}

const AccessError = extern struct {
    reason: enum(u8) { denied, limit, invalid },
    text: Slice,
};

/// What a result without a value has in its place.
const Nothing = extern struct {
    unused: u32,

    fn lift(_: Nothing) void {}
};

/// An item as the host laid it out.
pub const Item = extern struct {
    id: Slice,
    body: Slice,

    pub fn item(laid_out: Item) godwit.Item {
        return .{ .id = laid_out.id.slice(), .body = laid_out.body.slice() };
    }
};

const RunContext = extern struct {
    from_version: OptionalSlice,
    started_at: u64,
    seed: u64,
};

const imported = struct {
    const Bytes = [*]const u8;
    const Page = Result(List(Item));

    extern "godwit:migration/log@1.0.0" fn log(u32, Bytes, usize, has_item: u32, Bytes, usize) void;
    extern "godwit:migration/documents@1.0.0" fn get(Bytes, usize, Bytes, usize, *Result(OptionalSlice)) void;
    extern "godwit:migration/documents@1.0.0" fn scan(Bytes, usize, has_after: u32, Bytes, usize, u32, *Page) void;
    extern "godwit:migration/documents@1.0.0" fn put(Bytes, usize, Bytes, usize, Bytes, usize, *Result(Nothing)) void;
    extern "godwit:migration/documents@1.0.0" fn delete(Bytes, usize, Bytes, usize, *Result(Nothing)) void;
    extern "godwit:migration/run@1.0.0" fn current(*RunContext) void;
};

pub fn log(level: std.log.Level, line: []const u8, item: ?[]const u8) void {
    const number: u32 = switch (level) {
        .debug => 0,
        .info => 1,
        .warn => 2,
        .err => 3,
    };
    const text: Slice = .of(line);
    const about: Slice = .of(item orelse "");
    imported.log(number, text.ptr, text.len, @intFromBool(item != null), about.ptr, about.len);
}

pub fn get(collection: []const u8, id: []const u8) Answer(?[]const u8) {
    const c: Slice = .of(collection);
    const i: Slice = .of(id);
    var result: Result(OptionalSlice) = undefined;
    imported.get(c.ptr, c.len, i.ptr, i.len, &result);
    return result.answer(?[]const u8, OptionalSlice.optional);
}

pub fn scan(collection: []const u8, after: ?[]const u8, limit: u32) Answer([]const Item) {
    const c: Slice = .of(collection);
    const a: Slice = .of(after orelse "");
    var result: imported.Page = undefined;
    imported.scan(c.ptr, c.len, @intFromBool(after != null), a.ptr, a.len, limit, &result);
    return result.answer([]const Item, List(Item).slice);
}

pub fn put(collection: []const u8, id: []const u8, body: []const u8) Answer(void) {
    const c: Slice = .of(collection);
    const i: Slice = .of(id);
    const b: Slice = .of(body);
    var result: Result(Nothing) = undefined;
    imported.put(c.ptr, c.len, i.ptr, i.len, b.ptr, b.len, &result);
    return result.answer(void, Nothing.lift);
}

pub fn delete(collection: []const u8, id: []const u8) Answer(void) {
    const c: Slice = .of(collection);
    const i: Slice = .of(id);
    var result: Result(Nothing) = undefined;
    imported.delete(c.ptr, c.len, i.ptr, i.len, &result);
    return result.answer(void, Nothing.lift);
}

pub fn run() godwit.Run {
    var context: RunContext = undefined;
    imported.current(&context);
    return .{
        .from_version = context.from_version.optional(),
        .started_at = context.started_at,
        .seed = context.seed,
    };
}
