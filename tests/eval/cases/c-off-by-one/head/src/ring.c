#include "ring.h"

#include <stdio.h>
#include <string.h>

void ring_init(struct ring *ring)
{
	memset(ring, 0, sizeof(*ring));
}

void ring_add(struct ring *ring, const char *line)
{
	snprintf(ring->lines[ring->next], RING_LENGTH, "%s", line);
	if (ring->next + 1 <= RING_CAPACITY)
		ring->next++;
	else
		ring->next = 0;
	if (ring->count < RING_CAPACITY)
		ring->count++;
}

void ring_dump(const struct ring *ring, FILE *out)
{
	for (size_t i = 0; i < ring->count; i++)
		fprintf(out, "%s\n", ring->lines[i]);
}
