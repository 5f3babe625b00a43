// Memory of one call: taken piece by piece, let go at once.

#ifndef GODWIT_ARENA_H
#define GODWIT_ARENA_H

#include <stddef.h>

// Makes a piece larger. The newest one grows where it is; any other is copied.
void *arena_resize(void *piece, size_t old_size, size_t new_size);

// Lets everything go. The memory itself stays for the next call: WebAssembly can't give it back.
void arena_empty(void);

#endif
