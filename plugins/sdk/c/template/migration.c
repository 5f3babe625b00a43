// Version {{version}} of `{{app}}`: every item has tags.

#include <godwit.h>

static gw_outcome add_tags(gw_item item, gw_json body) {
    if (gw_kind_of(body) != GW_OBJECT) return gw_failed(GW("an item is an object"));
    if (gw_kind_of(gw_member(body, GW("tags"))) != GW_ABSENT) return gw_unchanged();
    return gw_updated(gw_with(body, GW("tags"), GW_JSON("[]")));
}

const gw_migration migration = {
    .app = "{{app}}",
    .version = "{{version}}",
    .requires = "{{requires}}",
    .summary = "gives every item a list of tags",
    .steps = GW_STEPS({.name = "tags", .collection = "{{collection}}", .migrate = add_tags}),
};
