#ifndef PATH_H
#define PATH_H

#include <stddef.h>

int path_join(char *out, size_t size, const char *folder, const char *name);
const char *path_base(const char *path);

#endif
