// JSON as it is stored, into nlohmann's values.

#include "godwit.hpp"

namespace godwit {

namespace {

/// Builds a value of what the parser finds. It differs from what `Json::parse` does in three ways: it stops at
/// `max_depth`, since printing and copying call themselves for each level and the stack is small; it stops at integers
/// that don't fit, instead of rounding them; and it says what is wrong.
class Builder : public nlohmann::json_sax<Json> {
  public:
    bool null() override { return add(nullptr); }
    bool boolean(bool value) override { return add(value); }
    bool number_integer(number_integer_t value) override { return add(value); }
    bool number_unsigned(number_unsigned_t value) override { return add(value); }
    bool number_float(number_float_t value, const string_t &spelled) override {
        if (spelled.find_first_not_of("-0123456789") == string_t::npos) {
            return stop("the integer " + spelled + " does not fit into 64 bits");
        }
        return add(value);
    }
    bool string(string_t &value) override { return add(std::move(value)); }
    bool binary(binary_t &) override { return stop("JSON has no binary values"); }

    bool start_object(std::size_t) override { return open(Json::object()); }
    bool key(string_t &name) override {
        member_ = &(*containers_.back())[std::move(name)];
        return true;
    }
    bool end_object() override { return close(); }
    bool start_array(std::size_t) override { return open(Json::array()); }
    bool end_array() override { return close(); }

    bool parse_error(std::size_t, const std::string &, const nlohmann::detail::exception &error) override {
        return stop(error.what());
    }

    Json value;
    std::string problem;

  private:
    bool stop(std::string why) {
        problem = std::move(why);
        return false;
    }

    /// Puts a value where it belongs: into the array or the member that is open, if any.
    Json &place(Json &&placed) {
        if (containers_.empty()) return value = std::move(placed);
        if (!containers_.back()->is_array()) return *member_ = std::move(placed);
        containers_.back()->push_back(std::move(placed));
        return containers_.back()->back();
    }

    bool add(Json &&added) {
        place(std::move(added));
        return true;
    }

    bool open(Json &&container) {
        if (containers_.size() == max_depth) return stop("it is nested too deep");
        containers_.push_back(&place(std::move(container)));
        return true;
    }

    bool close() {
        containers_.pop_back();
        return true;
    }

    std::vector<Json *> containers_; // that are open, the innermost last
    Json *member_ = nullptr;         // whose name came last
};

/// What nlohmann's parser would let pass: a zero byte ends its input, and a byte order mark is skipped.
bool is_beyond_json(std::string_view text) {
    return text.find('\0') != std::string_view::npos || text.starts_with("\xEF\xBB\xBF");
}

} // namespace

Result<Json> parse(std::string_view text) {
    if (is_beyond_json(text)) return failed("not JSON: it has a zero byte or a byte order mark");
    Builder builder;
    if (!Json::sax_parse(text, &builder)) return failed("not JSON: " + builder.problem);
    return std::move(builder.value);
}

Result<Json> Item::json() const {
    auto value = parse(body);
    if (!value) return failed("the body is " + value.error().reason);
    return value;
}

} // namespace godwit
