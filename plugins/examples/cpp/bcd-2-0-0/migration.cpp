// Browser-compat features, version 2.0.0: every entry of `support` is a list of statements.
//
// Before, a browser with one statement had it bare, and one with several had a list of them.

#include <algorithm>

#include <godwit.hpp>

using namespace godwit;

static void wrap(Json &entry) {
    auto list = Json::array();
    list.push_back(std::move(entry));
    entry = std::move(list);
}

static Outcome make_lists(const Item &item) {
    auto feature = item.json();
    if (!feature) return feature.error();
    if (!feature->is_object()) return failed("the feature has no `support` object");
    auto support = feature->find("support");
    if (support == feature->end() || !support->is_object()) return failed("the feature has no `support` object");

    auto is_bare = [](const Json &entry) { return entry.is_object(); };
    if (std::none_of(support->begin(), support->end(), is_bare)) return unchanged();
    for (auto &entry : *support) {
        if (is_bare(entry)) wrap(entry);
    }
    return updated(*feature);
}

Migration godwit::migration() {
    return {
        .app = "bcd",
        .version = "2.0.0",
        .requirement = ">=1, <2",
        .summary = "makes every entry of `support` a list of statements",
        .steps = {{.name = "lists", .collection = "features", .migrate = make_lists}},
    };
}
