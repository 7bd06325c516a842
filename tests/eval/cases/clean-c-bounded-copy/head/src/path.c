#include "path.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

/* The joined path, to be freed by the caller; NULL without memory. */
char *path_join(const char *folder, const char *name)
{
	size_t first = strlen(folder);
	size_t second = strlen(name);
	char *joined = malloc(first + 1 + second + 1);

	if (joined == NULL)
		return NULL;
	memcpy(joined, folder, first);
	joined[first] = '/';
	memcpy(joined + first + 1, name, second + 1);
	return joined;
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}
