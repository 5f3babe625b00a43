// JSON as it is stored, into nlohmann's values.

#include <charconv>

#include "godwit.hpp"

namespace godwit {

namespace {

/// The decimal number that a text spells, without its sign: its digits, with no zero at either end, are a whole number
/// to be multiplied by ten to the power of the exponent.
struct Decimal {
    explicit Decimal(std::string_view spelled) {
        bool is_fraction = false;
        for (std::size_t i = 0; i < spelled.size(); i++) {
            char byte = spelled[i];
            if (byte == 'e' || byte == 'E') {
                if (spelled[++i] == '+') i++;
                long given = 0;
                std::from_chars(spelled.data() + i, spelled.data() + spelled.size(), given);
                exponent += given;
                break;
            }
            if (byte == '.') is_fraction = true;
            if (byte < '0' || byte > '9') continue;
            if (is_fraction) exponent--;
            if (byte != '0' || !digits.empty()) digits.push_back(byte);
        }
        for (; digits.ends_with('0'); exponent++) digits.pop_back();
        if (digits.empty()) exponent = 0;
    }

    bool operator==(const Decimal &) const = default;

    std::string digits;
    long exponent = 0;
};

/// Builds a value of what the parser finds. It differs from what `Json::parse` does in three ways: it stops at
/// `max_depth`, since printing and copying call themselves for each level and the stack is small; it stops at numbers
/// that would come out as others, instead of rounding them; and it says what is wrong.
class Builder : public nlohmann::json_sax<Json> {
  public:
    bool null() override { return add(nullptr); }
    bool boolean(bool value) override { return add(value); }
    bool number_integer(number_integer_t value) override { return add(value); }
    bool number_unsigned(number_unsigned_t value) override { return add(value); }
    bool number_float(number_float_t value, const string_t &spelled) override {
        Json number = value;
        if (Decimal(spelled) != Decimal(number.dump())) return stop("the number " + spelled + " would be rounded");
        return add(std::move(number));
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
    if (is_beyond_json(text)) return failed("a zero byte or a byte order mark is no JSON");
    Builder builder;
    if (!Json::sax_parse(text, &builder)) return failed(std::move(builder.problem));
    return std::move(builder.value);
}

Result<Json> Item::json() const {
    auto value = parse(body);
    if (!value) return failed("the body can't be read as JSON: " + value.error().reason);
    return value;
}

} // namespace godwit
