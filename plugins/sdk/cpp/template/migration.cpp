// Version {{version}} of `{{app}}`: every item has tags.

#include <godwit.hpp>

using namespace godwit;

static Outcome add_tags(const Item &item) {
    auto body = item.json();
    if (!body) return body.error();
    if (!body->is_object()) return failed("an item is an object");
    if (body->contains("tags")) return unchanged();
    (*body)["tags"] = Json::array();
    return updated(*body);
}

Migration godwit::migration() {
    return {
        .app = "{{app}}",
        .version = "{{version}}",
        .requirement = "{{requires}}",
        .summary = "gives every item a list of tags",
        .steps = {{.name = "tags", .collection = "{{collection}}", .migrate = add_tags}},
    };
}
