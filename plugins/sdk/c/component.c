// The contract (wit/v1/migration.wit), by hand: the names and the shapes that the canonical ABI of components gives it.
// No code is generated and no custom section is needed; `godwit pack` goes by the names.
//
// Of the three layouts it exports columns: the host then copies two blocks a batch instead of two an item, and ids and
// bodies are used where they lie.

#include "arena.h"
#include "godwit.h"

#define EXPORT(name) __attribute__((export_name(name)))
#define IMPORT(interface, function)                                                                                    \
    __attribute__((import_module("godwit:migration/" interface "@1.0.0"), import_name(function)))

// ---------------------------------------------------------------------------------------------------------------
// Shapes. `gw_text` and `gw_item` are those of strings and items.

typedef struct list {
    const void *at;
    size_t length;
} list;

typedef struct option_text {
    uint8_t is_some;
    gw_text some;
} option_text;

typedef struct access_error {
    uint8_t kind;
    gw_text reason;
} access_error;

typedef struct reply {
    uint8_t is_error;
    union {
        option_text body; // of `get`
        list items;       // of `scan`
        access_error error;
    };
} reply;

typedef struct context {
    option_text from_version;
    uint64_t started_at;
    uint64_t seed;
} context;

typedef struct dependency {
    gw_text app;
    gw_text versions;
} dependency;

typedef struct step {
    gw_text name;
    uint8_t phase;
    uint8_t mode;
    gw_text collection;
    list reads;
    list writes;
} step;

typedef struct descriptor {
    gw_text app;
    gw_text version;
    option_text requires;
    list depends_on;
    gw_text summary;
    list steps;
} descriptor;

typedef struct outcomes {
    list kinds;
    gw_text payloads;
    list payload_ends;
} outcomes;

_Static_assert(sizeof(gw_item) == 16 && sizeof(reply) == 16 && sizeof(context) == 32, "as the contract has it");
_Static_assert(sizeof(step) == 36 && sizeof(descriptor) == 52 && sizeof(outcomes) == 24, "as the contract has it");

static option_text option_of(gw_text text) { return (option_text){gw_is_present(text), text}; }

static gw_text text_of(option_text option) { return option.is_some ? option.some : GW_NOTHING; }

// ---------------------------------------------------------------------------------------------------------------
// What is imported

IMPORT("log", "log")
void gw_host_log(int level, const char *message, size_t length, int has_id, const char *id, size_t id_length);

IMPORT("documents", "get")
void gw_host_get(const char *collection, size_t collection_length, const char *id, size_t id_length, reply *reply);

IMPORT("documents", "scan")
void gw_host_scan(const char *collection, size_t collection_length, int has_after, const char *after,
                  size_t after_length, uint32_t limit, reply *reply);

IMPORT("documents", "put")
void gw_host_put(const char *collection, size_t collection_length, const char *id, size_t id_length, const char *body,
                 size_t body_length, reply *reply);

IMPORT("documents", "delete")
void gw_host_delete(const char *collection, size_t collection_length, const char *id, size_t id_length, reply *reply);

IMPORT("run", "current")
void gw_host_current(context *context);

void gw_log(gw_level level, gw_text message, gw_text id) {
    gw_host_log((int)level, message.at, message.length, gw_is_present(id), id.at, id.length);
}

_Noreturn void gw_panic(gw_text message) {
    gw_log(GW_ERROR, message, GW_NOTHING);
    __builtin_trap();
}

static gw_result result_of(const reply *reply) {
    static const gw_problem problems[] = {GW_DENIED, GW_LIMIT, GW_INVALID};
    if (!reply->is_error) return (gw_result){GW_FINE, GW_NOTHING};
    gw_problem problem = problems[reply->error.kind];
    return (gw_result){problem, problem == GW_DENIED ? GW_NOTHING : reply->error.reason};
}

gw_result gw_get(gw_text collection, gw_text id, gw_text *body) {
    reply reply;
    gw_host_get(collection.at, collection.length, id.at, id.length, &reply);
    *body = reply.is_error ? GW_NOTHING : text_of(reply.body);
    return result_of(&reply);
}

gw_result gw_put(gw_text collection, gw_text id, gw_text body) {
    reply reply;
    gw_host_put(collection.at, collection.length, id.at, id.length, body.at, body.length, &reply);
    return result_of(&reply);
}

gw_result gw_delete(gw_text collection, gw_text id) {
    reply reply;
    gw_host_delete(collection.at, collection.length, id.at, id.length, &reply);
    return result_of(&reply);
}

static void fetch_page(gw_scan *scan) {
    enum { PAGE = 256 }; // makes crossings rare; the host bounds the bytes
    reply reply;
    gw_host_scan(scan->collection.at, scan->collection.length, gw_is_present(scan->after), scan->after.at,
                 scan->after.length, PAGE, &reply);
    scan->result = result_of(&reply);
    scan->page = reply.is_error ? NULL : reply.items.at;
    scan->left = reply.is_error ? 0 : reply.items.length;
}

bool gw_scan_next(gw_scan *scan) {
    if (scan->left == 0) fetch_page(scan);
    if (scan->left == 0) return false;
    scan->item = *scan->page++;
    scan->after = scan->item.id;
    scan->left--;
    return true;
}

gw_outcome gw_failed_call(gw_result result) {
    switch (result.problem) {
    case GW_LIMIT:
        return gw_failed(GW_JOIN(GW("a limit of the sandbox is reached: "), result.reason));
    case GW_INVALID:
        return gw_failed(GW_JOIN(GW("not valid: "), result.reason));
    default:
        return gw_failed(GW("access to a collection is denied"));
    }
}

gw_run gw_current_run(void) {
    context context;
    gw_host_current(&context);
    return (gw_run){text_of(context.from_version), context.started_at, context.seed};
}

// ---------------------------------------------------------------------------------------------------------------
// Memory that the host writes to

EXPORT("cabi_realloc")
void *gw_export_realloc(void *old, size_t old_size, size_t alignment, size_t new_size) {
    (void)alignment; // every piece has that of the most demanding type
    return arena_resize(old, old_size, new_size);
}

// ---------------------------------------------------------------------------------------------------------------
// describe

static gw_text text_of_name(const char *name) { return (gw_text){name, name ? __builtin_strlen(name) : 0}; }

static list list_of_names(const char *const *names) {
    size_t length = 0;
    while (names && names[length]) length++;
    gw_text *texts = gw_allocate(length * sizeof *texts);
    for (size_t i = 0; i < length; i++) texts[i] = text_of_name(names[i]);
    return (list){texts, length};
}

static list list_of_dependencies(const gw_dependency *dependencies) {
    size_t length = 0;
    while (dependencies && dependencies[length].app) length++;
    dependency *made = gw_allocate(length * sizeof *made);
    for (size_t i = 0; i < length; i++) {
        made[i] = (dependency){text_of_name(dependencies[i].app), text_of_name(dependencies[i].versions)};
    }
    return (list){made, length};
}

static list list_of_steps(const gw_step *steps) {
    size_t length = 0;
    while (steps && steps[length].name) length++;
    step *made = gw_allocate(length * sizeof *made);
    for (size_t i = 0; i < length; i++) {
        made[i] = (step){
            .name = text_of_name(steps[i].name),
            .phase = (uint8_t)steps[i].phase,
            .mode = (uint8_t)steps[i].mode,
            .collection = text_of_name(steps[i].collection),
            .reads = list_of_names(steps[i].reads),
            .writes = list_of_names(steps[i].writes),
        };
    }
    return (list){made, length};
}

EXPORT("godwit:migration/description@1.0.0#describe")
const descriptor *gw_export_describe(void) {
    descriptor *made = gw_allocate(sizeof *made);
    *made = (descriptor){
        .app = text_of_name(migration.app),
        .version = text_of_name(migration.version),
        .requires = option_of(text_of_name(migration.requires)),
        .depends_on = list_of_dependencies(migration.depends_on),
        .summary = text_of_name(migration.summary),
        .steps = list_of_steps(migration.steps),
    };
    return made;
}

EXPORT("cabi_post_godwit:migration/description@1.0.0#describe")
void gw_export_described(const descriptor *made) {
    (void)made;
    arena_empty();
}

// ---------------------------------------------------------------------------------------------------------------
// migrate

enum { UNCHANGED, UPDATED, REMOVED, FAILED };

gw_outcome gw_unchanged(void) { return (gw_outcome){UNCHANGED, GW_NOTHING}; }

gw_outcome gw_updated(gw_json body) { return gw_updated_bytes(body.text); }

gw_outcome gw_updated_bytes(gw_text body) { return (gw_outcome){UPDATED, body}; }

gw_outcome gw_removed(void) { return (gw_outcome){REMOVED, GW_NOTHING}; }

gw_outcome gw_failed(gw_text reason) { return (gw_outcome){FAILED, reason}; }

static const gw_step *step_of(gw_text name) {
    for (const gw_step *step = migration.steps; step && step->name; step++) {
        if (gw_same(text_of_name(step->name), name)) return step;
    }
    gw_panic(GW_JOIN(GW("there is no step "), name));
}

static gw_outcome migrate_one(const gw_step *step, gw_item item) {
    if (step->migrate_bytes) return step->migrate_bytes(item);
    gw_text problem;
    gw_json body = gw_parse(item.body, &problem);
    if (gw_kind_of(body) == GW_ABSENT) return gw_failed(GW_JOIN(GW("the body is not JSON: "), problem));
    return step->migrate(item, body);
}

EXPORT("godwit:migration/transform-columns@1.0.0#migrate")
const outcomes *gw_export_migrate(const char *step_name, size_t step_length, const char *ids, size_t ids_length,
                                  const uint32_t *id_ends, size_t count, const char *bodies, size_t bodies_length,
                                  const uint32_t *body_ends, size_t body_count) {
    (void)ids_length, (void)bodies_length, (void)body_count;
    const gw_step *step = step_of((gw_text){step_name, step_length});
    uint8_t *kinds = gw_allocate(count * sizeof *kinds);
    gw_text *payloads = gw_allocate(count * sizeof *payloads);
    uint32_t *payload_ends = gw_allocate(count * sizeof *payload_ends);

    uint32_t id_start = 0, body_start = 0, payload_end = 0;
    for (size_t i = 0; i < count; i++) {
        gw_item item = {
            .id = {ids + id_start, id_ends[i] - id_start},
            .body = {bodies + body_start, body_ends[i] - body_start},
        };
        gw_outcome outcome = migrate_one(step, item);
        kinds[i] = outcome.kind;
        payloads[i] = outcome.payload;
        payload_ends[i] = payload_end += outcome.payload.length;
        id_start = id_ends[i];
        body_start = body_ends[i];
    }

    outcomes *made = gw_allocate(sizeof *made);
    *made = (outcomes){{kinds, count}, gw_join(payloads, count), {payload_ends, count}};
    return made;
}

EXPORT("cabi_post_godwit:migration/transform-columns@1.0.0#migrate")
void gw_export_migrated(const outcomes *made) {
    (void)made;
    arena_empty();
}
