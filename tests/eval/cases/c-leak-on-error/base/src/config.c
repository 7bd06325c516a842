#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_LENGTH 512

static void read_pair(struct config *config, char *line)
{
	char *value = strchr(line, '=');

	if (value == NULL)
		return;
	*value++ = '\0';
	value[strcspn(value, "\r\n")] = '\0';
	if (strcmp(line, "port") == 0)
		config->port = (int)strtol(value, NULL, 10);
	else if (strcmp(line, "version") == 0)
		config->version = (int)strtol(value, NULL, 10);
}

struct config *config_load(const char *path)
{
	char line[LINE_MAX_LENGTH];
	struct config *config;
	FILE *file = fopen(path, "r");

	if (file == NULL)
		return NULL;
	config = calloc(1, sizeof(*config));
	if (config == NULL) {
		fclose(file);
		return NULL;
	}
	while (fgets(line, sizeof(line), file) != NULL)
		read_pair(config, line);
	fclose(file);
	return config;
}
