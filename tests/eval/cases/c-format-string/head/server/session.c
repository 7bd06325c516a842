#include "session.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define GREETING_MAX 256

static ssize_t read_line(int fd, char *buffer, size_t size)
{
	size_t used = 0;

	while (used + 1 < size) {
		ssize_t got = read(fd, buffer + used, 1);
		if (got <= 0)
			return -1;
		if (buffer[used] == '\n')
			break;
		used++;
	}
	buffer[used] = '\0';
	return (ssize_t)used;
}

int session_open(struct session *session, int fd)
{
	char greeting[GREETING_MAX];

	if (read_line(fd, greeting, sizeof(greeting)) < 0)
		return -1;
	syslog(LOG_INFO, "session %d opened", fd);
	syslog(LOG_INFO, greeting);
	session->fd = fd;
	snprintf(session->name, sizeof(session->name), "%s", greeting);
	return 0;
}
