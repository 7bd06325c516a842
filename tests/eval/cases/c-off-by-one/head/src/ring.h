#ifndef RING_H
#define RING_H

#include <stddef.h>
#include <stdio.h>

#define RING_CAPACITY 128
#define RING_LENGTH 256

struct ring {
	char lines[RING_CAPACITY][RING_LENGTH];
	size_t next;
	size_t count;
};

void ring_init(struct ring *ring);
void ring_add(struct ring *ring, const char *line);
void ring_dump(const struct ring *ring, FILE *out);

#endif
