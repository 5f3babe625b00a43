// The contract (wit/v1/migration.wit), by hand: the names and the shapes that the canonical ABI of components gives it.
// No code is generated and no custom section is needed; `godwit pack` goes by the names.
//
// Of the three layouts it exports columns: the host then copies two blocks a batch instead of two an item, and ids and
// bodies are used where they lie.

#include <cstdlib>
#include <memory>

#include "godwit.hpp"

#define EXPORT(name) extern "C" __attribute__((export_name(name)))
#define IMPORT(interface, function)                                                                                    \
    extern "C" __attribute__((import_module("godwit:migration/" interface "@1.0.0"), import_name(function)))

namespace godwit {

namespace {

// ---------------------------------------------------------------------------------------------------------------
// Shapes

/// A list or a string: where it is and how many elements it has.
template <class Element> struct List {
    const Element *at;
    std::size_t length;
};

using Text = List<char>;

template <class Container> List<typename Container::value_type> list_of(const Container &container) {
    return {container.data(), container.size()};
}

struct OptionText {
    bool is_some;
    Text some;
};

struct RawItem {
    Text id;
    Text body;
};

struct AccessError {
    std::uint8_t kind;
    Text text;
};

struct Reply {
    bool is_error;
    union {
        OptionText body;     // of `get`
        List<RawItem> items; // of `scan`
        AccessError error;
    };
};

struct Context {
    OptionText from_version;
    std::uint64_t started_at;
    std::uint64_t seed;
};

struct RawDependency {
    Text app;
    Text versions;
};

struct RawStep {
    Text name;
    Phase phase;
    Mode mode;
    Text collection;
    List<Text> reads;
    List<Text> writes;
};

struct Descriptor {
    Text app;
    Text version;
    OptionText requirement;
    List<RawDependency> depends_on;
    Text summary;
    List<RawStep> steps;
};

struct Outcomes {
    List<Outcome::Kind> kinds;
    Text payloads;
    List<std::uint32_t> payload_ends;
};

static_assert(sizeof(RawItem) == 16 && sizeof(Reply) == 16 && sizeof(Context) == 32, "as the contract has it");
static_assert(sizeof(RawStep) == 36 && sizeof(Descriptor) == 52 && sizeof(Outcomes) == 24, "as the contract has it");

Text text_of(std::string_view text) { return {text.data(), text.size()}; }

OptionText option_of(std::optional<std::string_view> text) {
    return text ? OptionText{true, text_of(*text)} : OptionText{};
}

} // namespace

// ---------------------------------------------------------------------------------------------------------------
// Memory that the host writes to: it asks for it here, and what it puts there is ours to free.

EXPORT("cabi_realloc")
void *godwit_realloc(void *old, std::size_t old_size, std::size_t alignment, std::size_t new_size) {
    if (new_size == 0) return reinterpret_cast<void *>(alignment); // an address that nobody uses, and nobody frees
    void *memory = std::realloc(old_size == 0 ? nullptr : old, new_size);
    if (!memory) panic("out of memory");
    return memory;
}

namespace {

/// A list that the host wrote, freed at the end of the scope.
template <class Element> class Owned {
  public:
    explicit Owned(List<Element> list) : list_(list) {}
    Owned(const Owned &) = delete;
    Owned &operator=(const Owned &) = delete;
    ~Owned() {
        if (list_.length != 0) std::free(const_cast<Element *>(list_.at));
    }

    const Element *begin() const { return list_.at; }
    const Element *end() const { return list_.at + list_.length; }

  private:
    List<Element> list_;
};

std::string take(Text text) {
    Owned<char> owned(text);
    return {owned.begin(), owned.end()};
}

std::optional<std::string> take(OptionText text) {
    if (!text.is_some) return std::nullopt;
    return take(text.some);
}

} // namespace

// ---------------------------------------------------------------------------------------------------------------
// What is imported

IMPORT("log", "log")
void godwit_host_log(Level level, const char *message, std::size_t length, bool has_id, const char *id,
                     std::size_t id_length);

IMPORT("documents", "get")
void godwit_host_get(const char *collection, std::size_t collection_length, const char *id, std::size_t id_length,
                     Reply *reply);

IMPORT("documents", "scan")
void godwit_host_scan(const char *collection, std::size_t collection_length, bool has_after, const char *after,
                      std::size_t after_length, std::uint32_t limit, Reply *reply);

IMPORT("documents", "put")
void godwit_host_put(const char *collection, std::size_t collection_length, const char *id, std::size_t id_length,
                     const char *body, std::size_t body_length, Reply *reply);

IMPORT("documents", "delete")
void godwit_host_delete(const char *collection, std::size_t collection_length, const char *id, std::size_t id_length,
                        Reply *reply);

IMPORT("run", "current")
void godwit_host_current(Context *context);

void log(Level level, std::string_view message, std::optional<std::string_view> id) {
    OptionText about = option_of(id);
    godwit_host_log(level, message.data(), message.size(), about.is_some, about.some.at, about.some.length);
}

void panic(std::string_view message) {
    log(Level::error, message);
    __builtin_trap();
}

Run current_run() {
    Context context;
    godwit_host_current(&context);
    return {take(context.from_version), context.started_at, context.seed};
}

namespace documents {

namespace {

Error take_error(std::string_view collection, const AccessError &error) {
    switch (Error::Kind kind{error.kind}) {
    case Error::Kind::limit: {
        auto text = take(error.text);
        return {{"a limit of the sandbox is reached: " + text}, kind, text};
    }
    case Error::Kind::invalid: {
        auto text = take(error.text);
        return {{"not valid: " + text}, kind, text};
    }
    default:
        return {{"access to collection `" + std::string(collection) + "` is denied"}, kind, {}};
    }
}

} // namespace

Result<std::optional<std::string>> get(std::string_view collection, std::string_view id) {
    Reply reply;
    godwit_host_get(collection.data(), collection.size(), id.data(), id.size(), &reply);
    if (reply.is_error) return take_error(collection, reply.error);
    return take(reply.body);
}

Result<Done> put(std::string_view collection, std::string_view id, std::string_view body) {
    Reply reply;
    godwit_host_put(collection.data(), collection.size(), id.data(), id.size(), body.data(), body.size(), &reply);
    if (reply.is_error) return take_error(collection, reply.error);
    return Done{};
}

Result<Done> erase(std::string_view collection, std::string_view id) {
    Reply reply;
    godwit_host_delete(collection.data(), collection.size(), id.data(), id.size(), &reply);
    if (reply.is_error) return take_error(collection, reply.error);
    return Done{};
}

Result<std::vector<Scan::Document>> Scan::fetch() const {
    constexpr std::uint32_t page = 256; // makes crossings rare; the host bounds the bytes
    OptionText after = option_of(after_);
    Reply reply;
    godwit_host_scan(collection_.data(), collection_.size(), after.is_some, after.some.at, after.some.length, page,
                     &reply);
    if (reply.is_error) return take_error(collection_, reply.error);
    std::vector<Document> documents;
    documents.reserve(reply.items.length);
    for (const auto &item : Owned<RawItem>(reply.items)) documents.push_back({take(item.id), take(item.body)});
    return documents;
}

void Scan::advance() {
    if (current_ && !*current_) {
        current_.reset();
        return;
    }
    if (next_ == page_.size()) {
        auto page = fetch();
        if (!page) {
            current_.emplace(page.error());
            return;
        }
        page_ = std::move(*page);
        next_ = 0;
    }
    if (page_.empty()) {
        current_.reset();
        return;
    }
    const Document &document = page_[next_++];
    after_ = document.id;
    current_.emplace(Item{document.id, document.body});
}

} // namespace documents

// ---------------------------------------------------------------------------------------------------------------
// describe

namespace {

/// The migration, described once.
const Migration &described() {
    static const Migration described = migration();
    return described;
}

/// A descriptor and what it points to.
class Description {
  public:
    explicit Description(const Migration &migration) {
        for (const auto &dependency : migration.depends_on) {
            dependencies_.push_back({text_of(dependency.app), text_of(dependency.versions)});
        }
        for (const auto &step : migration.steps) {
            steps_.push_back({
                .name = text_of(step.name),
                .phase = step.phase,
                .mode = step.mode,
                .collection = text_of(step.collection),
                .reads = list_of_names(step.reads),
                .writes = list_of_names(step.writes),
            });
        }
        descriptor = {
            .app = text_of(migration.app),
            .version = text_of(migration.version),
            .requirement = option_of(migration.requirement),
            .depends_on = list_of(dependencies_),
            .summary = text_of(migration.summary),
            .steps = list_of(steps_),
        };
    }

    Descriptor descriptor;

  private:
    List<Text> list_of_names(const std::vector<std::string> &names) {
        auto &texts = names_.emplace_back();
        for (const auto &name : names) texts.push_back(text_of(name));
        return list_of(texts);
    }

    std::vector<RawDependency> dependencies_;
    std::vector<RawStep> steps_;
    std::vector<std::vector<Text>> names_;
};

} // namespace

EXPORT("godwit:migration/description@1.0.0#describe")
const Descriptor *godwit_describe() {
    static const Description description(described());
    return &description.descriptor;
}

// ---------------------------------------------------------------------------------------------------------------
// migrate

namespace {

/// What became of the batch under way, kept until the host has read it.
struct Columns {
    std::vector<Outcome::Kind> kinds;
    std::string payloads;
    std::vector<std::uint32_t> payload_ends;
    Outcomes outcomes;
};

Columns columns;

const Step &step_of(const std::string &name) {
    for (const auto &step : described().steps) {
        if (step.name == name) return step;
    }
    panic("there is no step " + name);
}

} // namespace

EXPORT("godwit:migration/transform-columns@1.0.0#migrate")
const Outcomes *godwit_migrate(const char *step_name, std::size_t step_length, const char *ids_at,
                               std::size_t ids_length, const std::uint32_t *id_ends_at, std::size_t id_count,
                               const char *bodies_at, std::size_t bodies_length, const std::uint32_t *body_ends_at,
                               std::size_t body_count) {
    const Step &step = step_of(take(Text{step_name, step_length}));
    Owned<char> ids({ids_at, ids_length});
    Owned<std::uint32_t> id_ends({id_ends_at, id_count});
    Owned<char> bodies({bodies_at, bodies_length});
    Owned<std::uint32_t> body_ends({body_ends_at, body_count});

    columns.kinds.reserve(id_count);
    columns.payloads.reserve(bodies_length);
    columns.payload_ends.reserve(id_count);
    std::uint32_t id_start = 0, body_start = 0;
    for (std::size_t i = 0; i < id_count; i++) {
        Item item = {
            .id = {ids.begin() + id_start, ids.begin() + id_ends.begin()[i]},
            .body = {bodies.begin() + body_start, bodies.begin() + body_ends.begin()[i]},
        };
        Outcome outcome = step.migrate(item);
        columns.kinds.push_back(outcome.kind);
        columns.payloads += outcome.payload;
        columns.payload_ends.push_back(columns.payloads.size());
        id_start = id_ends.begin()[i];
        body_start = body_ends.begin()[i];
    }
    columns.outcomes = {list_of(columns.kinds), text_of(columns.payloads), list_of(columns.payload_ends)};
    return &columns.outcomes;
}

EXPORT("cabi_post_godwit:migration/transform-columns@1.0.0#migrate")
void godwit_migrated(const Outcomes *) { columns = {}; }

} // namespace godwit
