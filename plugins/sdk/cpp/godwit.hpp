/// @file
/// Write Godwit migrations in C++20.
///
/// A migration brings the stored documents of an application to its next version. You write one function on one item
/// and say, in `godwit::migration`, which collection it is for; the host does the rest.
///
/// There are no exceptions in a component. What may go wrong returns a `godwit::Result`; what nobody expected ends the
/// sandbox, and the host puts the item that it was about into the quarantine.

#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace godwit {

/// Ends the sandbox, for what nobody expected. The host narrows the batch down to the item that was being migrated and
/// puts that one into the quarantine; the message is logged.
[[noreturn]] void panic(std::string_view message);

} // namespace godwit

// What nlohmann's JSON would throw, such as `at` for a member that is not there, is a panic with its text.
#ifndef JSON_THROW_USER
#define JSON_THROW_USER(exception) godwit::panic((exception).what())
#endif
#include <nlohmann/json.hpp>

namespace godwit {

/// A JSON value whose members keep their order.
using Json = nlohmann::ordered_json;

/// Why an item can't be migrated, for the operator who reads the quarantine.
struct Failure {
    std::string reason;
};

/// A failure with this reason; it is a result and an outcome, whichever a function returns.
inline Failure failed(std::string reason) { return {std::move(reason)}; }

/// A value, or why there is none.
///
///     auto note = item.json();
///     if (!note) return note.error();
///     ... note->is_object() ... *note ...
template <class Value, class Error = Failure> class [[nodiscard]] Result {
  public:
    Result(Value value) : either_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : either_(std::in_place_index<1>, std::move(error)) {}

    /// Whether there is a value.
    explicit operator bool() const { return either_.index() == 0; }

    /// The value, which must be there.
    Value &operator*() { return *std::get_if<0>(&either_); }
    const Value &operator*() const { return *std::get_if<0>(&either_); }
    Value *operator->() { return std::get_if<0>(&either_); }
    const Value *operator->() const { return std::get_if<0>(&either_); }

    /// Why there is none, where there is none.
    const Error &error() const { return *std::get_if<1>(&either_); }

  private:
    std::variant<Value, Error> either_;
};

/// Reads text as one JSON value (RFC 8259, nothing else: no comments, no byte order mark, valid UTF-8).
///
/// Integers of up to 64 bits stay integers; every other number becomes a `double`. One that would come out as another
/// number is not rounded: the text can't be read then.
Result<Json> parse(std::string_view text);

/// How deep values may be nested. It is what the host takes, too.
inline constexpr std::size_t max_depth = 128;

// ---------------------------------------------------------------------------------------------------------------
// Items

/// A stored document.
struct Item {
    /// Its name inside the collection.
    std::string_view id;
    /// Its bytes, exactly as they are stored.
    std::string_view body;

    /// The body as JSON.
    Result<Json> json() const;
};

/// What became of one item: a failure, or made by one of the four functions below.
class Outcome {
  public:
    enum class Kind : std::uint8_t { unchanged, updated, removed, failed };

    Outcome(Failure failure) : Outcome(Kind::failed, std::move(failure.reason)) {}
    Outcome(Kind kind, std::string payload) : kind(kind), payload(std::move(payload)) {}

    Kind kind;
    /// The new body or the reason.
    std::string payload;
};

/// The item already has the shape that this step produces.
inline Outcome unchanged() { return {Outcome::Kind::unchanged, {}}; }
/// The item gets a new body. One that says the same as the old one counts as unchanged.
inline Outcome updated(const Json &body) { return {Outcome::Kind::updated, body.dump()}; }
/// The same with finished bytes.
inline Outcome updated_bytes(std::string body) { return {Outcome::Kind::updated, std::move(body)}; }
/// The item is to be deleted.
inline Outcome removed() { return {Outcome::Kind::removed, {}}; }

// ---------------------------------------------------------------------------------------------------------------
// What a migration says about itself

/// When a step runs.
enum class Phase : std::uint8_t {
    offline, ///< Before the new version takes traffic.
    online,  ///< While the new version is serving.
};

/// What a step may do to the items that it is fed.
enum class Mode : std::uint8_t {
    rewrite, ///< Update and remove them.
    derive,  ///< Only read them; what is made of them goes to other collections.
};

/// One pass over one collection.
struct Step {
    /// Unique within the migration.
    std::string name;
    Phase phase = Phase::offline;
    Mode mode = Mode::rewrite;
    /// The collection whose items it is fed, in order of their ids.
    std::string collection;
    /// Other collections that it reads.
    std::vector<std::string> reads = {};
    /// Collections that it writes; it may read them, too.
    std::vector<std::string> writes = {};
    /// Migrates one item.
    Outcome (*migrate)(const Item &item);
};

/// Another application that must have reached one of these versions first.
struct Dependency {
    std::string app;
    std::string versions;
};

/// What a migration is.
struct Migration {
    /// The application whose versions are counted.
    std::string app;
    /// The version (semver) that its items have afterwards.
    std::string version;
    /// The versions that it can start from (`requires` is a keyword), as in `>=1, <2`; any earlier one if left out.
    std::optional<std::string> requirement = {};
    /// Other applications that it needs.
    std::vector<Dependency> depends_on = {};
    /// One line for people.
    std::string summary;
    /// Carried out in this order, the offline ones first.
    std::vector<Step> steps = {};
};

/// You define it. It must say the same each time.
Migration migration();

// ---------------------------------------------------------------------------------------------------------------
// The run and its log

/// How much a line matters.
enum class Level : std::uint8_t {
    debug, ///< For those who look for a fault.
    info,  ///< Worth knowing.
    warn,  ///< Somebody should look at it.
    error, ///< Something went wrong.
};

/// Writes a line for the operator about the item with this id, or about none. The host limits their rate and length.
void log(Level level, std::string_view message, std::optional<std::string_view> id = std::nullopt);

/// Facts about a run, the same for every batch of it and for every retry.
struct Run {
    /// The version before this migration; absent on a fresh store.
    std::optional<std::string> from_version;
    /// Milliseconds since 1970-01-01T00:00:00Z when the run was first started.
    std::uint64_t started_at;
    /// Differs from run to run.
    std::uint64_t seed;
};

/// The run that is under way.
Run current_run();

// ---------------------------------------------------------------------------------------------------------------
// Other items

/// Reads and writes items beside the one that is being migrated. Writes are held back and committed together with the
/// batch, or not at all; reads see them.
namespace documents {

/// Why another item can't be read or written. Returned as it is, it fails the item that is being migrated.
struct Error : Failure {
    enum class Kind : std::uint8_t {
        denied,  ///< The step did not ask for the collection, or the operator did not grant it.
        limit,   ///< A limit of the sandbox was reached; the text names it.
        invalid, ///< The id, the collection's name or the body is not valid; the text says why.
    };
    Kind kind;
    std::string text;
};

template <class Value> using Result = godwit::Result<Value, Error>;

/// What a call returns that returns nothing else.
struct Done {};

/// The body of one item, or nothing where there is none.
Result<std::optional<std::string>> get(std::string_view collection, std::string_view id);
/// Creates or replaces one item. The one that is being migrated is changed by its outcome only.
Result<Done> put(std::string_view collection, std::string_view id, std::string_view body);
/// Deletes one item (`delete` is a keyword); deleting what is not there is no error.
Result<Done> erase(std::string_view collection, std::string_view id);

/// The items of a collection in order of their ids, fetched page by page. It ends after the first error.
///
///     for (const auto &note : documents::scan("notes")) {
///         if (!note) return note.error();
///         ... note->id ... note->body ...
///     }
///
/// An item of it lasts until the next one is come to.
class Scan {
  public:
    class Iterator {
      public:
        using difference_type = std::ptrdiff_t;
        using value_type = Result<Item>;

        const value_type &operator*() const { return *scan_->current_; }
        const value_type *operator->() const { return &*scan_->current_; }
        Iterator &operator++() {
            scan_->advance();
            return *this;
        }
        void operator++(int) { scan_->advance(); }
        bool operator==(std::default_sentinel_t) const { return !scan_->current_; }

      private:
        friend Scan;
        explicit Iterator(Scan *scan) : scan_(scan) {}
        Scan *scan_;
    };

    Scan(std::string_view collection, std::optional<std::string_view> after) : collection_(collection), after_(after) {}

    Iterator begin() {
        advance();
        return Iterator(this);
    }
    std::default_sentinel_t end() const { return {}; }

  private:
    struct Document {
        std::string id;
        std::string body;
    };

    void advance();
    Result<std::vector<Document>> fetch() const;

    std::string collection_;
    std::optional<std::string> after_;
    std::vector<Document> page_;
    std::size_t next_ = 0; // of the page
    std::optional<Result<Item>> current_;
};

/// Visits a collection, from the first item or from the first one after an id.
inline Scan scan(std::string_view collection, std::optional<std::string_view> after = std::nullopt) {
    return {collection, after};
}

} // namespace documents

} // namespace godwit
