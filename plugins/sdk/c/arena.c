#include "arena.h"

#include <stdint.h>

#include "godwit.h"

enum {
    ALIGNMENT = 16, // that of the most demanding type
    PAGE = 65536,   // WebAssembly's
    LEAST_PAGES = 16,
};

// A stretch of linear memory. There is one, which grows at its end, unless somebody else (a libc) takes memory, too.
typedef struct block {
    struct block *next;
    char *end;
    _Alignas(ALIGNMENT) char start[];
} block;

static block *first;
static block *current;
static char *top; // what is free of the current block begins here

// Gets at least so many bytes more: at the end of the current block, which is the last, or as a block of its own.
static void grow(size_t size) {
    size_t pages = size / PAGE + 2;
    if (pages < LEAST_PAGES) pages = LEAST_PAGES;
    size_t old_pages = __builtin_wasm_memory_grow(0, pages);
    if (old_pages == SIZE_MAX) gw_panic(GW("out of memory"));
    char *start = (char *)(old_pages * PAGE);
    char *end = start + pages * PAGE;

    if (current && current->end == start) {
        current->end = end;
        return;
    }
    block *fresh = (block *)start;
    *fresh = (block){.end = end};
    *(current ? &current->next : &first) = fresh;
    current = fresh;
    top = fresh->start;
}

void *gw_allocate(size_t size) {
    size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (rounded < size) gw_panic(GW("out of memory"));
    while (!current || rounded > (size_t)(current->end - top)) {
        if (current && current->next) {
            current = current->next;
            top = current->start;
        } else {
            grow(rounded);
        }
    }
    void *piece = top;
    top += rounded;
    return piece;
}

void *arena_resize(void *piece, size_t old_size, size_t new_size) {
    size_t old_rounded = (old_size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (piece && (char *)piece + old_rounded == top) top = piece;
    void *larger = gw_allocate(new_size);
    if (piece && larger != piece) __builtin_memcpy(larger, piece, old_size);
    return larger;
}

void arena_empty(void) {
    current = first;
    if (current) top = current->start;
}

// What compilers call on their own account, and there is no libc. With bulk memory the first three are one instruction
// each.

void *memcpy(void *restrict to, const void *restrict from, size_t size) { return __builtin_memcpy(to, from, size); }

void *memmove(void *to, const void *from, size_t size) { return __builtin_memmove(to, from, size); }

void *memset(void *to, int byte, size_t size) { return __builtin_memset(to, byte, size); }

__attribute__((no_builtin)) int memcmp(const void *one, const void *other, size_t size) {
    const unsigned char *a = one, *b = other;
    for (; size; size--, a++, b++) {
        if (*a != *b) return *a - *b;
    }
    return 0;
}

__attribute__((no_builtin)) size_t strlen(const char *text) {
    const char *end = text;
    while (*end) end++;
    return (size_t)(end - text);
}
