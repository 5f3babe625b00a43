/// @file
/// Write Godwit migrations in C.
///
/// A migration brings the stored documents of an application to its next version. You write one function on one
/// item and say, in `migration`, which collection it is for; the host does the rest.
///
/// Nothing is ever freed: whatever a function of this file gives you lasts until the end of the batch, then all of it
/// is let go at once. Keep nothing in variables that outlive the function: batches run in any sandbox, in any number.

#ifndef GODWIT_H
#define GODWIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// ---------------------------------------------------------------------------------------------------------------
// Text

/// UTF-8 text, not ended by a zero byte. Absent text has no address; empty text has one.
typedef struct gw_text {
    const char *at;
    size_t length;
} gw_text;

/// Text of a literal, and of nothing else: `GW("tags")`.
#define GW(literal) ((gw_text){"" literal, sizeof(literal) - 1})

/// No text at all.
#define GW_NOTHING ((gw_text){NULL, 0})

/// Whether there is text, be it empty.
static inline bool gw_is_present(gw_text text) { return text.at != NULL; }

/// Whether two texts have the same bytes; absent text is the same as no other.
bool gw_same(gw_text one, gw_text other);

/// Several texts as one: `GW_JOIN(GW("no item "), id)`.
#define GW_JOIN(...)                                                                                                   \
    gw_join((const gw_text[]){__VA_ARGS__}, sizeof((const gw_text[]){__VA_ARGS__}) / sizeof(gw_text))

/// What GW_JOIN calls.
gw_text gw_join(const gw_text texts[], size_t count);

/// A whole number in decimal.
gw_text gw_decimal(uint64_t number);

/// Room for `size` bytes, aligned for everything, until the end of the batch.
void *gw_allocate(size_t size);

// ---------------------------------------------------------------------------------------------------------------
// JSON, read in place

/// A JSON value: a stretch of text that is known to be valid. What is not there has no text.
typedef struct gw_json {
    gw_text text;
} gw_json;

/// A JSON value of a literal: `GW_JSON("[]")`, `GW_JSON("null")`.
#define GW_JSON(literal) ((gw_json){GW(literal)})

/// The kinds of JSON values.
typedef enum gw_kind {
    GW_ABSENT, ///< There is no value.
    GW_NULL,
    GW_BOOLEAN,
    GW_NUMBER,
    GW_STRING,
    GW_ARRAY,
    GW_OBJECT,
} gw_kind;

/// How deep values may be nested. It is what the host takes, too.
#define GW_MAX_DEPTH 128

/// Reads text as one JSON value (RFC 8259, nothing else: no comments, no byte order mark, valid UTF-8). Where it is
/// none, the value is absent, and `problem`, unless it is NULL, says why.
gw_json gw_parse(gw_text text, gw_text *problem);

/// What kind of value it is.
gw_kind gw_kind_of(gw_json value);

/// The member of an object, absent if there is none or the value is no object. Of several with this name it is the
/// last, as in most languages.
gw_json gw_member(gw_json object, gw_text name);

/// The element of an array, absent if there is none or the value is no array. It counts from 0, and from the front
/// each time: use `gw_each` to visit all.
gw_json gw_element(gw_json array, size_t index);

/// Visits the members of an object or the elements of an array in their order; any other value has none.
///
///     for (gw_each member = gw_each_of(object); gw_next(&member);) { ... member.name ... member.value ... }
typedef struct gw_each {
    gw_json name;     ///< The member's name, a string; absent in arrays.
    gw_json value;    ///< The member's value, or the element.
    const char *rest; ///< For `gw_next`.
} gw_each;

/// A visit that is about to begin.
gw_each gw_each_of(gw_json container);

/// Goes on to the next one; false when there is none.
bool gw_next(gw_each *each);

/// The text that a string stands for, its escapes undone; absent if the value is no string. Half of a surrogate pair
/// stands for no text: it becomes U+FFFD here, and stays as it is where the string itself is written.
gw_text gw_string(gw_json value);

/// The whole number that a value spells, without fraction and exponent, if it fits into 64 bits; else false.
bool gw_integer(gw_json value, int64_t *integer);

/// Whether it is `true`.
bool gw_is_true(gw_json value);

// ---------------------------------------------------------------------------------------------------------------
// JSON, written

/// Writes JSON from the front to the end; commas are put where they are due. Begin with `gw_writer out = {0};`. It
/// writes what it is told to: the host checks that a body is JSON.
typedef struct gw_writer {
    char *at;
    size_t length;
    size_t room;
} gw_writer;

/// Begins an object, to be filled with names and values.
void gw_begin_object(gw_writer *out);
/// Ends the object that was begun last.
void gw_end_object(gw_writer *out);
/// Begins an array, to be filled with values.
void gw_begin_array(gw_writer *out);
/// Ends the array that was begun last.
void gw_end_array(gw_writer *out);
/// A member's name; its value comes next.
void gw_write_name(gw_writer *out, gw_text name);
/// A value, byte for byte.
void gw_write(gw_writer *out, gw_json value);
/// Text as a string, escaped where JSON asks for it.
void gw_write_string(gw_writer *out, gw_text text);
/// A whole number.
void gw_write_integer(gw_writer *out, int64_t integer);
/// A member with its name, byte for byte.
void gw_write_member(gw_writer *out, gw_each member);
/// What was written, as a value.
gw_json gw_written(const gw_writer *out);

/// The object with a member set: in its place if it is there (the last of several), else as the last one. Everything
/// else stays as it is, byte for byte. Of what is no object nothing is made: the result is absent.
gw_json gw_with(gw_json object, gw_text name, gw_json value);

/// The object without the members of this name. The others stay as they are; spaces between them go. Of
/// what is no object nothing is made: the result is absent.
gw_json gw_without(gw_json object, gw_text name);

/// The value as most programs print it: without spaces, with escapes only where JSON asks for them. Numbers keep their
/// spelling.
gw_json gw_compact(gw_json value);

// ---------------------------------------------------------------------------------------------------------------
// Items

/// A stored document.
typedef struct gw_item {
    gw_text id;   ///< Its name inside the collection.
    gw_text body; ///< Its bytes, exactly as they are stored.
} gw_item;

/// What became of one item; made by one of the four functions below.
typedef struct gw_outcome {
    uint8_t kind;
    gw_text payload;
} gw_outcome;

/// The item already has the shape that this step produces.
gw_outcome gw_unchanged(void);
/// The item gets a new body. One that says the same as the old one counts as unchanged.
gw_outcome gw_updated(gw_json body);
/// The same with bytes that need not be JSON.
gw_outcome gw_updated_bytes(gw_text body);
/// The item is to be deleted.
gw_outcome gw_removed(void);
/// The item can't be migrated. It keeps its old body and goes to the quarantine with the reason.
gw_outcome gw_failed(gw_text reason);

/// Ends the sandbox, for what nobody expected. The host narrows the batch down to the item that was being migrated and
/// puts that one into the quarantine; the message is logged.
_Noreturn void gw_panic(gw_text message);

// ---------------------------------------------------------------------------------------------------------------
// What a migration says about itself

/// When a step runs.
typedef enum gw_phase {
    GW_OFFLINE, ///< Before the new version takes traffic.
    GW_ONLINE,  ///< While the new version is serving.
} gw_phase;

/// What a step may do to the items that it is fed.
typedef enum gw_mode {
    GW_REWRITE, ///< Update and remove them.
    GW_DERIVE,  ///< Only read them; what is made of them goes to other collections.
} gw_mode;

/// One pass over one collection. Phase and mode are offline and rewrite unless they are named.
typedef struct gw_step {
    /// Unique within the migration.
    const char *name;
    gw_phase phase;
    gw_mode mode;
    /// The collection whose items it is fed, in order of their ids.
    const char *collection;
    /// Other collections that it reads: `GW_NAMES("a", "b")`.
    const char *const *reads;
    /// Collections that it writes; it may read them, too.
    const char *const *writes;
    /// Migrates one item that is JSON; what is not JSON fails before it gets here.
    gw_outcome (*migrate)(gw_item item, gw_json body);
    /// Instead of `migrate`: migrates one item, whatever its bytes are.
    gw_outcome (*migrate_bytes)(gw_item item);
} gw_step;

/// Another application that must have reached one of these versions first.
typedef struct gw_dependency {
    const char *app;
    const char *versions;
} gw_dependency;

/// What a migration is.
typedef struct gw_migration {
    /// The application whose versions are counted.
    const char *app;
    /// The version (semver) that its items have afterwards.
    const char *version;
    /// The versions that it can start from, as in `>=1, <2`; any earlier one if this is left out.
    const char *requires;
    /// Other applications that it needs: `GW_DEPENDENCIES({"billing", ">=1.4"})`.
    const gw_dependency *depends_on;
    /// One line for people.
    const char *summary;
    /// Carried out in this order, the offline ones first: `GW_STEPS({.name = "tags", ...})`.
    const gw_step *steps;
} gw_migration;

/// Names, as a list that ends itself.
#define GW_NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})
/// Dependencies, as a list that ends itself.
#define GW_DEPENDENCIES(...) ((const gw_dependency[]){__VA_ARGS__, {0}})
/// Steps, as a list that ends itself.
#define GW_STEPS(...) ((const gw_step[]){__VA_ARGS__, {0}})

/// You define it.
extern const gw_migration migration;

// ---------------------------------------------------------------------------------------------------------------
// Other items. Writes are held back and committed together with the batch, or not at all; reads see them.

/// What can be wrong with a call.
typedef enum gw_problem {
    GW_FINE,
    GW_DENIED,  ///< The step did not ask for the collection, or the operator did not grant it.
    GW_LIMIT,   ///< A limit of the sandbox was reached; the reason names it.
    GW_INVALID, ///< The id, the collection's name or the body is not valid; the reason says why.
} gw_problem;

/// Whether a call succeeded, and if not, why.
typedef struct gw_result {
    gw_problem problem;
    gw_text reason; ///< Absent where access is denied.
} gw_result;

/// The body of one item; it is absent where there is none.
gw_result gw_get(gw_text collection, gw_text id, gw_text *body);
/// Creates or replaces one item. The one that is being migrated is changed by its outcome only.
gw_result gw_put(gw_text collection, gw_text id, gw_text body);
/// Deletes one item; deleting what is not there is no error.
gw_result gw_delete(gw_text collection, gw_text id);

/// Visits the items of a collection in order of their ids; they are fetched page by page.
///
///     gw_scan scan = {.collection = GW("notes")};
///     while (gw_scan_next(&scan)) { ... scan.item.id ... scan.item.body ... }
///     if (scan.result.problem) return gw_failed_call(scan.result);
typedef struct gw_scan {
    gw_text collection;
    gw_text after;       ///< Begins with the first id after this one; absent: with the first.
    gw_item item;        ///< The item that was come to last.
    gw_result result;    ///< Why it ended, where that was a failure.
    const gw_item *page; ///< For `gw_scan_next`.
    size_t left;         ///< For `gw_scan_next`.
} gw_scan;

/// Goes on to the next item; false at the end and after a failure.
bool gw_scan_next(gw_scan *scan);

/// The outcome of an item that fails because a call did.
gw_outcome gw_failed_call(gw_result result);

// ---------------------------------------------------------------------------------------------------------------
// The run and its log

/// How much a line matters.
typedef enum gw_level {
    GW_DEBUG, ///< For those who look for a fault.
    GW_INFO,  ///< Worth knowing.
    GW_WARN,  ///< Somebody should look at it.
    GW_ERROR, ///< Something went wrong.
} gw_level;

/// Writes a line for the operator about the item with this id, or about none: `GW_NOTHING`. The host limits their
/// rate and length.
void gw_log(gw_level level, gw_text message, gw_text id);

/// Facts about a run, the same for every batch of it and for every retry.
typedef struct gw_run {
    gw_text from_version; ///< The version before this migration; absent on a fresh store.
    uint64_t started_at;  ///< Milliseconds since 1970-01-01T00:00:00Z when the run was first started.
    uint64_t seed;        ///< Differs from run to run.
} gw_run;

/// The run that is under way.
gw_run gw_current_run(void);

#endif
