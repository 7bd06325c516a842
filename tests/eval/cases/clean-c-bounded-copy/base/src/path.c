#include "path.h"

#include <stdio.h>
#include <string.h>

int path_join(char *out, size_t size, const char *folder, const char *name)
{
	int written = snprintf(out, size, "%s/%s", folder, name);

	return written < 0 || (size_t)written >= size ? -1 : 0;
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}
