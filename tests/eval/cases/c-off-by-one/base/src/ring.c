#include "ring.h"

#include <stdio.h>
#include <string.h>

void ring_init(struct ring *ring)
{
	memset(ring, 0, sizeof(*ring));
}

void ring_add(struct ring *ring, const char *line)
{
	(void)ring;
	fputs(line, stderr);
}

void ring_dump(const struct ring *ring, FILE *out)
{
	for (size_t i = 0; i < ring->count; i++)
		fprintf(out, "%s\n", ring->lines[i]);
}
