// Does what its items say; plugins/conformance/README.md says how.

#include <godwit.h>

// ---------------------------------------------------------------------------------------------------------------
// Commands that see something. Each writes what it sees.

static void write_null(gw_writer *out) { gw_write(out, GW_JSON("null")); }

static void write_failed_call(gw_writer *out, gw_result result, gw_text collection) {
    gw_begin_object(out);
    switch (result.problem) {
    case GW_FINE:
        break;
    case GW_DENIED:
        gw_write_name(out, GW("denied"));
        gw_write_string(out, collection);
        break;
    case GW_LIMIT:
        gw_write_name(out, GW("limit"));
        gw_write_string(out, result.reason);
        break;
    case GW_INVALID:
        gw_write_name(out, GW("invalid"));
        gw_write_string(out, result.reason);
        break;
    }
    gw_end_object(out);
}

static void get(gw_writer *out, gw_text collection, gw_text id) {
    gw_text body;
    gw_result result = gw_get(collection, id, &body);
    if (result.problem) {
        write_failed_call(out, result, collection);
    } else if (gw_is_present(body)) {
        gw_write(out, gw_parse(body, NULL));
    } else {
        write_null(out);
    }
}

static void scan(gw_writer *out, gw_text collection, gw_text after, int64_t most) {
    gw_writer list = {0};
    gw_begin_array(&list);
    gw_scan scan = {.collection = collection, .after = after};
    for (int64_t i = 0; i < most && gw_scan_next(&scan); i++) {
        gw_begin_array(&list);
        gw_write_string(&list, scan.item.id);
        gw_write(&list, gw_parse(scan.item.body, NULL));
        gw_end_array(&list);
    }
    gw_end_array(&list);
    if (scan.result.problem) {
        write_failed_call(out, scan.result, collection);
    } else {
        gw_write(out, gw_written(&list));
    }
}

static void put(gw_writer *out, gw_text collection, gw_text id, gw_json value) {
    gw_result result = gw_put(collection, id, gw_compact(value).text);
    if (result.problem) {
        write_failed_call(out, result, collection);
    } else {
        gw_write_string(out, GW("put"));
    }
}

static void delete(gw_writer *out, gw_text collection, gw_text id) {
    gw_result result = gw_delete(collection, id);
    if (result.problem) {
        write_failed_call(out, result, collection);
    } else {
        gw_write_string(out, GW("deleted"));
    }
}

static void write_run(gw_writer *out) {
    gw_run run = gw_current_run();
    gw_begin_object(out);
    gw_write_name(out, GW("from"));
    if (gw_is_present(run.from_version)) {
        gw_write_string(out, run.from_version);
    } else {
        write_null(out);
    }
    gw_write_name(out, GW("started"));
    gw_write_integer(out, (int64_t)run.started_at);
    gw_write_name(out, GW("seed"));
    gw_write_string(out, gw_decimal(run.seed));
    gw_end_object(out);
}

// ---------------------------------------------------------------------------------------------------------------
// The others

static gw_json big(int64_t length) {
    char *letters = gw_allocate((size_t)length);
    __builtin_memset(letters, 'x', (size_t)length);
    gw_writer out = {0};
    gw_begin_object(&out);
    gw_write_name(&out, GW("big"));
    gw_write_string(&out, (gw_text){letters, (size_t)length});
    gw_end_object(&out);
    return gw_written(&out);
}

static gw_level level_of(gw_text name) {
    if (gw_same(name, GW("debug"))) return GW_DEBUG;
    if (gw_same(name, GW("info"))) return GW_INFO;
    if (gw_same(name, GW("warn"))) return GW_WARN;
    return GW_ERROR;
}

// ---------------------------------------------------------------------------------------------------------------
// The steps

static gw_text text_of(gw_json command, size_t index) { return gw_string(gw_element(command, index)); }

static int64_t integer_of(gw_json command, size_t index) {
    int64_t integer = 0;
    gw_integer(gw_element(command, index), &integer);
    return integer;
}

// Carries out a command after which the next one comes; what it sees goes to `saw`. False if it is none of these.
static bool carry_out(gw_json command, gw_item item, gw_writer *saw) {
    gw_text name = text_of(command, 0);
    if (gw_same(name, GW("log"))) {
        bool is_alone = gw_same(text_of(command, 3), GW("alone"));
        gw_log(level_of(text_of(command, 1)), text_of(command, 2), is_alone ? GW_NOTHING : item.id);
    } else if (gw_same(name, GW("get"))) {
        get(saw, text_of(command, 1), text_of(command, 2));
    } else if (gw_same(name, GW("scan"))) {
        scan(saw, text_of(command, 1), text_of(command, 2), integer_of(command, 3));
    } else if (gw_same(name, GW("put"))) {
        put(saw, text_of(command, 1), text_of(command, 2), gw_element(command, 3));
    } else if (gw_same(name, GW("delete"))) {
        delete(saw, text_of(command, 1), text_of(command, 2));
    } else if (gw_same(name, GW("run"))) {
        write_run(saw);
    } else {
        return false;
    }
    return true;
}

// The outcome that a command is.
static gw_outcome outcome_of(gw_json command, gw_json body) {
    gw_text name = text_of(command, 0);
    if (gw_same(name, GW("keep"))) return gw_unchanged();
    if (gw_same(name, GW("remove"))) return gw_removed();
    if (gw_same(name, GW("fail"))) return gw_failed(text_of(command, 1));
    if (gw_same(name, GW("throw"))) gw_panic(text_of(command, 1));
    if (gw_same(name, GW("replace"))) return gw_updated(gw_compact(gw_element(command, 1)));
    if (gw_same(name, GW("echo"))) return gw_updated(gw_compact(body));
    if (gw_same(name, GW("big"))) return gw_updated(big(integer_of(command, 1)));
    return gw_failed(GW_JOIN(GW("no such command: "), command.text));
}

static gw_outcome apply(gw_item item, gw_json body) {
    gw_json commands = gw_member(body, GW("do"));
    if (gw_kind_of(commands) != GW_ARRAY) return gw_failed(GW("an item is an object with a list `do`"));

    gw_writer saw = {0};
    gw_begin_object(&saw);
    gw_write_name(&saw, GW("saw"));
    gw_begin_array(&saw);
    size_t length_of_none = saw.length;
    for (gw_each command = gw_each_of(commands); gw_next(&command);) {
        if (!carry_out(command.value, item, &saw)) return outcome_of(command.value, body);
    }
    if (saw.length == length_of_none) return gw_unchanged();
    gw_end_array(&saw);
    gw_end_object(&saw);
    return gw_updated(gw_compact(gw_written(&saw)));
}

static gw_outcome derive(gw_item item, gw_json body) {
    gw_writer seen = {0};
    gw_begin_object(&seen);
    gw_write_name(&seen, GW("of"));
    gw_write_string(&seen, item.id);
    gw_end_object(&seen);
    gw_result result = gw_put(GW("seen"), item.id, gw_written(&seen).text);
    return result.problem ? gw_failed_call(result) : gw_unchanged();
}

const gw_migration migration = {
    .app = "conformance",
    .version = "2.0.0",
    .requires = ">=1, <2",
    .depends_on = GW_DEPENDENCIES({"other", ">=1.2"}),
    .summary = "does what its items say, in C – grüezi",
    .steps = GW_STEPS(
        {
            .name = "apply",
            .collection = "items",
            .reads = GW_NAMES("lookup", "nowhere"),
            .writes = GW_NAMES("notes"),
            .migrate = apply,
        },
        {
            .name = "derive",
            .phase = GW_ONLINE,
            .mode = GW_DERIVE,
            .collection = "items",
            .writes = GW_NAMES("seen"),
            .migrate = derive,
        }),
};
