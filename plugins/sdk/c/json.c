// JSON, as in RFC 8259. `gw_parse` goes over a text once and checks everything; what comes after it walks over text
// that is known to be valid, and so can't fail.

#include "arena.h"
#include "godwit.h"

// ---------------------------------------------------------------------------------------------------------------
// Text

bool gw_same(gw_text one, gw_text other) {
    return one.at && other.at && one.length == other.length && !__builtin_memcmp(one.at, other.at, one.length);
}

gw_text gw_join(const gw_text texts[], size_t count) {
    size_t length = 0;
    for (size_t i = 0; i < count; i++) length += texts[i].length;
    char *joined = gw_allocate(length);
    char *end = joined;
    for (size_t i = 0; i < count; i++) {
        if (texts[i].length) __builtin_memcpy(end, texts[i].at, texts[i].length);
        end += texts[i].length;
    }
    return (gw_text){joined, length};
}

gw_text gw_decimal(uint64_t number) {
    enum { MOST_DIGITS = 20 };
    char *end = (char *)gw_allocate(MOST_DIGITS) + MOST_DIGITS;
    char *at = end;
    do *--at = (char)('0' + number % 10);
    while (number /= 10);
    return (gw_text){at, (size_t)(end - at)};
}

// ---------------------------------------------------------------------------------------------------------------
// Checking

typedef struct reader {
    const char *at;
    const char *end;
    const char *problem; // set where it is not just that something else was expected
} reader;

static bool is_space(char byte) { return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t'; }

static bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

// The value of a hexadecimal digit, or -1.
static int hex(char byte) {
    if (is_digit(byte)) return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

// The next byte; at the end a zero byte, which is valid nowhere.
static char peek(const reader *in) { return in->at < in->end ? *in->at : 0; }

static bool take(reader *in, char byte) {
    if (peek(in) != byte) return false;
    in->at++;
    return true;
}

static void take_space(reader *in) {
    while (in->at < in->end && is_space(*in->at)) in->at++;
}

static bool take_word(reader *in, gw_text word) {
    for (size_t i = 0; i < word.length; i++) {
        if (!take(in, word.at[i])) return false;
    }
    return true;
}

static bool take_digits(reader *in) {
    if (!is_digit(peek(in))) return false;
    while (is_digit(peek(in))) in->at++;
    return true;
}

static bool take_number(reader *in) {
    take(in, '-');
    if (!take(in, '0') && !take_digits(in)) return false;
    if (take(in, '.') && !take_digits(in)) return false;
    if (!take(in, 'e') && !take(in, 'E')) return true;
    if (!take(in, '+')) take(in, '-');
    return take_digits(in);
}

// One character beyond ASCII (Unicode, table 3-7: well-formed UTF-8).
static bool take_wide(reader *in) {
    const unsigned char *bytes = (const unsigned char *)in->at;
    unsigned lead = bytes[0];
    int length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    in->problem = "it is not UTF-8";
    if (lead < 0xC2 || lead > 0xF4 || in->end - in->at < length) return false;
    unsigned lowest = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    unsigned highest = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (bytes[1] < lowest || bytes[1] > highest) return false;
    for (int i = 2; i < length; i++) {
        if ((bytes[i] & 0xC0) != 0x80) return false;
    }
    in->problem = NULL;
    in->at += length;
    return true;
}

static bool take_escape(reader *in) {
    in->at++;
    switch (peek(in)) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        in->at++;
        return true;
    case 'u':
        in->at++;
        for (int i = 0; i < 4; i++, in->at++) {
            if (hex(peek(in)) < 0) return false;
        }
        return true;
    default:
        return false;
    }
}

static bool take_string(reader *in) {
    if (!take(in, '"')) return false;
    while (in->at < in->end) {
        unsigned char byte = (unsigned char)*in->at;
        if (byte == '"') {
            in->at++;
            return true;
        }
        if (byte < 0x20) return false;
        if (byte == '\\') {
            if (!take_escape(in)) return false;
        } else if (byte < 0x80) {
            in->at++;
        } else if (!take_wide(in)) {
            return false;
        }
    }
    return false;
}

static bool take_container(reader *in, char closing, int depth);

// It calls itself, but never deeper than GW_MAX_DEPTH: that is some kilobytes of stack.
static bool take_value(reader *in, int depth) {
    switch (peek(in)) {
    case '{':
        return take_container(in, '}', depth + 1);
    case '[':
        return take_container(in, ']', depth + 1);
    case '"':
        return take_string(in);
    case 't':
        return take_word(in, GW("true"));
    case 'f':
        return take_word(in, GW("false"));
    case 'n':
        return take_word(in, GW("null"));
    default:
        return take_number(in);
    }
}

static bool take_name(reader *in) {
    if (!take_string(in)) return false;
    take_space(in);
    if (!take(in, ':')) return false;
    take_space(in);
    return true;
}

static bool take_container(reader *in, char closing, int depth) {
    if (depth > GW_MAX_DEPTH) {
        in->problem = "it is nested too deep";
        return false;
    }
    in->at++;
    take_space(in);
    if (take(in, closing)) return true;
    do {
        take_space(in);
        if (closing == '}' && !take_name(in)) return false;
        if (!take_value(in, depth)) return false;
        take_space(in);
    } while (take(in, ','));
    return take(in, closing);
}

static gw_text problem_of(const reader *in, gw_text text) {
    const char *problem = in->problem ? in->problem : in->at == in->end ? "it ends too early" : "syntax error";
    gw_text place = gw_decimal((uint64_t)(in->at - text.at));
    return GW_JOIN((gw_text){problem, __builtin_strlen(problem)}, GW(" at byte "), place);
}

gw_json gw_parse(gw_text text, gw_text *problem) {
    reader in = {.at = text.at, .end = text.at + text.length};
    take_space(&in);
    const char *start = in.at;
    bool is_value = take_value(&in, 0);
    const char *end = in.at;
    if (is_value) take_space(&in);
    if (is_value && in.at == in.end) return (gw_json){{start, (size_t)(end - start)}};
    if (problem) *problem = problem_of(&in, text);
    return (gw_json){GW_NOTHING};
}

// ---------------------------------------------------------------------------------------------------------------
// Walking over valid text

static const char *past_space(const char *at) {
    while (is_space(*at)) at++;
    return at;
}

static const char *past_string(const char *at) {
    for (at++; *at != '"'; at++) {
        if (*at == '\\') at++;
    }
    return at + 1;
}

static const char *past_container(const char *at) {
    size_t depth = 0;
    for (;;) {
        switch (*at) {
        case '"':
            at = past_string(at);
            continue;
        case '{':
        case '[':
            depth++;
            break;
        case '}':
        case ']':
            if (--depth == 0) return at + 1;
            break;
        }
        at++;
    }
}

// Only inside a container: its end ends a word or a number, too.
static const char *past_value(const char *at) {
    if (*at == '"') return past_string(at);
    if (*at == '{' || *at == '[') return past_container(at);
    while (!is_space(*at) && *at != ',' && *at != '}' && *at != ']') at++;
    return at;
}

static gw_json between(const char *start, const char *end) { return (gw_json){{start, (size_t)(end - start)}}; }

static const char *end_of(gw_json value) { return value.text.at + value.text.length; }

gw_kind gw_kind_of(gw_json value) {
    if (!gw_is_present(value.text)) return GW_ABSENT;
    switch (value.text.at[0]) {
    case 'n':
        return GW_NULL;
    case 't':
    case 'f':
        return GW_BOOLEAN;
    case '"':
        return GW_STRING;
    case '[':
        return GW_ARRAY;
    case '{':
        return GW_OBJECT;
    default:
        return GW_NUMBER;
    }
}

gw_each gw_each_of(gw_json container) {
    gw_kind kind = gw_kind_of(container);
    bool has_any = kind == GW_OBJECT || kind == GW_ARRAY;
    return (gw_each){.rest = has_any ? container.text.at : NULL};
}

// Between two calls, `rest` is at what comes before the next one: the opening bracket, or the end of the last value.
bool gw_next(gw_each *each) {
    if (!each->rest) return false;
    bool is_in_object = *each->rest == '{' || gw_is_present(each->name.text);
    const char *at = past_space(each->rest);
    if (*at == '{' || *at == '[' || *at == ',') at = past_space(at + 1);
    if (*at == '}' || *at == ']') return false;
    if (is_in_object) {
        const char *name_end = past_string(at);
        each->name = between(at, name_end);
        at = past_space(past_space(name_end) + 1);
    }
    each->rest = past_value(at);
    each->value = between(at, each->rest);
    return true;
}

gw_json gw_member(gw_json object, gw_text name) {
    gw_json found = {GW_NOTHING};
    for (gw_each member = gw_each_of(object); gw_next(&member);) {
        if (gw_same(gw_string(member.name), name)) found = member.value;
    }
    return found;
}

gw_json gw_element(gw_json array, size_t index) {
    if (gw_kind_of(array) != GW_ARRAY) return (gw_json){GW_NOTHING};
    for (gw_each element = gw_each_of(array); gw_next(&element);) {
        if (index-- == 0) return element.value;
    }
    return (gw_json){GW_NOTHING};
}

static uint32_t four_hex(const char *at) {
    uint32_t code = 0;
    for (int i = 0; i < 4; i++) code = code << 4 | (uint32_t)hex(at[i]);
    return code;
}

static char *put_utf8(char *to, uint32_t code) {
    if (code < 0x80) {
        *to++ = (char)code;
        return to;
    }
    if (code < 0x800) {
        *to++ = (char)(0xC0 | code >> 6);
    } else {
        if (code < 0x10000) {
            *to++ = (char)(0xE0 | code >> 12);
        } else {
            *to++ = (char)(0xF0 | code >> 18);
            *to++ = (char)(0x80 | (code >> 12 & 0x3F));
        }
        *to++ = (char)(0x80 | (code >> 6 & 0x3F));
    }
    *to++ = (char)(0x80 | (code & 0x3F));
    return to;
}

// The character of an escape, whose letter `*at` is at; moves it past the escape. Half of a surrogate pair is what it
// stands for if the other half is not there.
static uint32_t unescape(const char **at) {
    char letter = *(*at)++;
    switch (letter) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'u':
        break;
    default:
        return (unsigned char)letter;
    }
    uint32_t code = four_hex(*at);
    *at += 4;
    if (code < 0xD800 || code > 0xDBFF || (*at)[0] != '\\' || (*at)[1] != 'u') return code;
    uint32_t low = four_hex(*at + 2);
    if (low < 0xDC00 || low > 0xDFFF) return code;
    *at += 6;
    return 0x10000 + ((code - 0xD800) << 10 | (low - 0xDC00));
}

static bool is_half_pair(uint32_t code) { return code >= 0xD800 && code <= 0xDFFF; }

gw_text gw_string(gw_json value) {
    if (gw_kind_of(value) != GW_STRING) return GW_NOTHING;
    const char *at = value.text.at + 1;
    const char *end = end_of(value) - 1;
    const char *escape = at;
    while (escape < end && *escape != '\\') escape++;
    if (escape == end) return (gw_text){at, (size_t)(end - at)};

    char *text = gw_allocate((size_t)(end - at)); // no escape is shorter than what it stands for
    char *to = text;
    while (at < end) {
        if (*at != '\\') {
            *to++ = *at++;
            continue;
        }
        at++;
        uint32_t code = unescape(&at);
        to = put_utf8(to, is_half_pair(code) ? 0xFFFD : code);
    }
    return (gw_text){text, (size_t)(to - text)};
}

bool gw_integer(gw_json value, int64_t *integer) {
    if (gw_kind_of(value) != GW_NUMBER) return false;
    const char *at = value.text.at;
    bool is_negative = *at == '-';
    int64_t sum = 0; // of negative digits: they reach one further
    for (at += is_negative; at < end_of(value); at++) {
        if (!is_digit(*at)) return false;
        int digit = *at - '0';
        if (sum < (INT64_MIN + digit) / 10) return false;
        sum = sum * 10 - digit;
    }
    if (!is_negative && sum == INT64_MIN) return false;
    *integer = is_negative ? sum : -sum;
    return true;
}

bool gw_is_true(gw_json value) { return gw_is_present(value.text) && value.text.at[0] == 't'; }

// ---------------------------------------------------------------------------------------------------------------
// Writing

static void append(gw_writer *out, const char *bytes, size_t length) {
    if (length > out->room - out->length) {
        size_t room = 2 * (out->length + length) + 256;
        out->at = arena_resize(out->at, out->room, room);
        out->room = room;
    }
    if (length) __builtin_memcpy(out->at + out->length, bytes, length);
    out->length += length;
}

static void append_text(gw_writer *out, gw_text text) { append(out, text.at, text.length); }

// A comma is due unless the last byte opens something or ends a name. No value ends in such a byte.
static void separate(gw_writer *out) {
    if (out->length == 0) return;
    char last = out->at[out->length - 1];
    if (last != '{' && last != '[' && last != ':') append(out, ",", 1);
}

void gw_begin_object(gw_writer *out) {
    separate(out);
    append(out, "{", 1);
}

void gw_end_object(gw_writer *out) { append(out, "}", 1); }

void gw_begin_array(gw_writer *out) {
    separate(out);
    append(out, "[", 1);
}

void gw_end_array(gw_writer *out) { append(out, "]", 1); }

// How a character is escaped where JSON asks for it, else nothing.
static gw_text escape_of(uint32_t code, char room[6]) {
    switch (code) {
    case '"':
        return GW("\\\"");
    case '\\':
        return GW("\\\\");
    case '\b':
        return GW("\\b");
    case '\f':
        return GW("\\f");
    case '\n':
        return GW("\\n");
    case '\r':
        return GW("\\r");
    case '\t':
        return GW("\\t");
    }
    if (code >= 0x20) return GW_NOTHING;
    __builtin_memcpy(room, code < 0x10 ? "\\u000" : "\\u001", 5);
    room[5] = "0123456789abcdef"[code & 0xF];
    return (gw_text){room, 6};
}

void gw_write_string(gw_writer *out, gw_text text) {
    separate(out);
    append(out, "\"", 1);
    const char *end = text.at + text.length;
    const char *plain = text.at; // what was not appended yet
    for (const char *at = text.at; at < end; at++) {
        char room[6];
        gw_text escape = escape_of((unsigned char)*at, room);
        if (!gw_is_present(escape)) continue;
        append(out, plain, (size_t)(at - plain));
        append_text(out, escape);
        plain = at + 1;
    }
    append(out, plain, (size_t)(end - plain));
    append(out, "\"", 1);
}

void gw_write_name(gw_writer *out, gw_text name) {
    gw_write_string(out, name);
    append(out, ":", 1);
}

void gw_write(gw_writer *out, gw_json value) {
    separate(out);
    append_text(out, value.text);
}

void gw_write_integer(gw_writer *out, int64_t integer) {
    separate(out);
    if (integer < 0) append(out, "-", 1);
    append_text(out, gw_decimal(integer < 0 ? -(uint64_t)integer : (uint64_t)integer));
}

void gw_write_member(gw_writer *out, gw_each member) {
    gw_write(out, member.name);
    append(out, ":", 1);
    append_text(out, member.value.text);
}

gw_json gw_written(const gw_writer *out) { return (gw_json){{out->at, out->length}}; }

gw_json gw_with(gw_json object, gw_text name, gw_json value) {
    if (gw_kind_of(object) != GW_OBJECT) return (gw_json){GW_NOTHING};
    const char *insertion = object.text.at + 1; // the end of the last member
    gw_json old = {GW_NOTHING};
    for (gw_each member = gw_each_of(object); gw_next(&member);) {
        if (gw_same(gw_string(member.name), name)) old = member.value;
        insertion = end_of(member.value);
    }
    gw_writer out = {0};
    const char *rest = insertion;
    if (gw_is_present(old.text)) {
        append_text(&out, between(object.text.at, old.text.at).text);
        rest = end_of(old);
    } else {
        append_text(&out, between(object.text.at, insertion).text);
        gw_write_name(&out, name);
    }
    append_text(&out, value.text);
    append_text(&out, between(rest, end_of(object)).text);
    return gw_written(&out);
}

gw_json gw_without(gw_json object, gw_text name) {
    if (gw_kind_of(object) != GW_OBJECT) return (gw_json){GW_NOTHING};
    gw_writer out = {0};
    gw_begin_object(&out);
    for (gw_each member = gw_each_of(object); gw_next(&member);) {
        if (!gw_same(gw_string(member.name), name)) gw_write_member(&out, member);
    }
    gw_end_object(&out);
    return gw_written(&out);
}

static char *put(char *to, const char *bytes, size_t length) {
    __builtin_memcpy(to, bytes, length);
    return to + length;
}

// Copies a character of a string, or an escape as the character that it stands for, if JSON lets it and there is one.
static char *put_character(char *to, const char **at) {
    if (**at != '\\') {
        *to++ = *(*at)++;
        return to;
    }
    const char *spelled = (*at)++;
    uint32_t code = unescape(at);
    if (is_half_pair(code)) return put(to, spelled, (size_t)(*at - spelled));
    char room[6];
    gw_text escape = escape_of(code, room);
    return gw_is_present(escape) ? put(to, escape.at, escape.length) : put_utf8(to, code);
}

gw_json gw_compact(gw_json value) {
    if (!gw_is_present(value.text)) return value;
    char *text = gw_allocate(value.text.length); // it never gets longer
    char *to = text;
    const char *at = value.text.at;
    while (at < end_of(value)) {
        if (is_space(*at)) {
            at++;
        } else if (*at == '"') {
            const char *closing = past_string(at) - 1;
            *to++ = *at++;
            while (at < closing) to = put_character(to, &at);
            *to++ = *at++;
        } else {
            *to++ = *at++;
        }
    }
    return between(text, to);
}
