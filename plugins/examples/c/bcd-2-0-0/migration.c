// Browser-compat features, version 2.0.0: every entry of `support` is a list of statements.
//
// Before, a browser with one statement had it bare, and one with several had a list of them.

#include <godwit.h>

static bool has_bare_entry(gw_json support) {
    for (gw_each entry = gw_each_of(support); gw_next(&entry);) {
        if (gw_kind_of(entry.value) == GW_OBJECT) return true;
    }
    return false;
}

static gw_json with_lists(gw_json support) {
    gw_writer out = {0};
    gw_begin_object(&out);
    for (gw_each entry = gw_each_of(support); gw_next(&entry);) {
        if (gw_kind_of(entry.value) != GW_OBJECT) {
            gw_write_member(&out, entry);
            continue;
        }
        gw_write_name(&out, gw_string(entry.name));
        gw_begin_array(&out);
        gw_write(&out, entry.value);
        gw_end_array(&out);
    }
    gw_end_object(&out);
    return gw_written(&out);
}

static gw_outcome make_lists(gw_item item, gw_json feature) {
    gw_json support = gw_member(feature, GW("support"));
    if (gw_kind_of(support) != GW_OBJECT) return gw_failed(GW("the feature has no `support` object"));
    if (!has_bare_entry(support)) return gw_unchanged();
    return gw_updated(gw_compact(gw_with(feature, GW("support"), with_lists(support))));
}

const gw_migration migration = {
    .app = "bcd",
    .version = "2.0.0",
    .requires = ">=1, <2",
    .summary = "makes every entry of `support` a list of statements",
    .steps = GW_STEPS({.name = "lists", .collection = "features", .migrate = make_lists}),
};
