// Does what its items say; plugins/conformance/README.md says how.

#include <godwit.hpp>

using namespace godwit;

// ---------------------------------------------------------------------------------------------------------------
// Commands that see something

static Json seen(const documents::Error &error, const std::string &collection) {
    using enum documents::Error::Kind;
    switch (error.kind) {
    case denied:
        return {{"denied", collection}};
    case limit:
        return {{"limit", error.text}};
    case invalid:
        return {{"invalid", error.text}};
    }
}

static Result<Json> get(const std::string &collection, const std::string &id) {
    auto body = documents::get(collection, id);
    if (!body) return seen(body.error(), collection);
    if (!*body) return Json(nullptr);
    return parse(**body);
}

static Result<Json> scan(const std::string &collection, std::optional<std::string> after, std::size_t most) {
    auto list = Json::array();
    if (most == 0) return list;
    for (const auto &document : documents::scan(collection, after)) {
        if (!document) return seen(document.error(), collection);
        auto body = document->json();
        if (!body) return body.error();
        list.push_back(Json::array({document->id, *body}));
        if (list.size() == most) break;
    }
    return list;
}

static Json put(const std::string &collection, const std::string &id, const Json &value) {
    auto done = documents::put(collection, id, value.dump());
    return done ? Json("put") : seen(done.error(), collection);
}

static Json erase(const std::string &collection, const std::string &id) {
    auto done = documents::erase(collection, id);
    return done ? Json("deleted") : seen(done.error(), collection);
}

static Json run() {
    auto run = current_run();
    return {
        {"from", run.from_version ? Json(*run.from_version) : Json(nullptr)},
        {"started", run.started_at},
        {"seed", std::to_string(run.seed)},
    };
}

// ---------------------------------------------------------------------------------------------------------------
// The steps

static Level level_of(const std::string &name) {
    if (name == "debug") return Level::debug;
    if (name == "info") return Level::info;
    if (name == "warn") return Level::warn;
    return Level::error;
}

/// What a command sees, or nothing where it is none of those that see something.
static std::optional<Result<Json>> see(const std::string &name, const Json &command) {
    if (name == "get") return get(command[1], command[2]);
    if (name == "scan") {
        std::optional<std::string> after;
        if (!command[2].is_null()) after = command[2].get<std::string>();
        return scan(command[1], after, command[3]);
    }
    if (name == "put") return put(command[1], command[2], command[3]);
    if (name == "delete") return erase(command[1], command[2]);
    if (name == "run") return run();
    return std::nullopt;
}

/// The outcome that a command is.
static Outcome outcome_of(const std::string &name, const Json &command, const Json &body) {
    if (name == "keep") return unchanged();
    if (name == "remove") return removed();
    if (name == "fail") return failed(command[1]);
    if (name == "throw") panic(command[1].get<std::string>());
    if (name == "replace") return updated(command[1]);
    if (name == "echo") return updated(body);
    if (name == "big") return updated({{"big", std::string(command[1].get<std::size_t>(), 'x')}});
    return failed("no such command: " + name);
}

static Outcome apply(const Item &item) {
    auto body = item.json();
    if (!body) return body.error();
    auto has_commands = body->is_object() && body->contains("do") && (*body)["do"].is_array();
    if (!has_commands) return failed("an item is an object with a list `do`");

    auto saw = Json::array();
    for (const auto &command : (*body)["do"]) {
        std::string name = command[0];
        if (name == "log") {
            bool is_alone = command.size() > 3;
            std::optional<std::string_view> about = item.id;
            log(level_of(command[1]), command[2].get<std::string>(), is_alone ? std::nullopt : about);
        } else if (auto found = see(name, command)) {
            if (!*found) return found->error();
            saw.push_back(**found);
        } else {
            return outcome_of(name, command, *body);
        }
    }
    if (saw.empty()) return unchanged();
    return updated({{"saw", saw}});
}

static Outcome derive(const Item &item) {
    auto done = documents::put("seen", item.id, Json{{"of", item.id}}.dump());
    if (!done) return done.error();
    return unchanged();
}

Migration godwit::migration() {
    return {
        .app = "conformance",
        .version = "2.0.0",
        .requirement = ">=1, <2",
        .depends_on = {{"other", ">=1.2"}},
        .summary = "does what its items say, in C++ – grüezi",
        .steps =
            {
                {
                    .name = "apply",
                    .collection = "items",
                    .reads = {"lookup", "nowhere"},
                    .writes = {"notes"},
                    .migrate = apply,
                },
                {
                    .name = "derive",
                    .phase = Phase::online,
                    .mode = Mode::derive,
                    .collection = "items",
                    .writes = {"seen"},
                    .migrate = derive,
                },
            },
    };
}
