/* runner/notify.c - datagrams to the service manager; see notify.h. */
#include "runner/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/process.h"

static struct sockaddr_un manager;
static socklen_t manager_len;   /* 0: there is none */

static uint64_t number_of(const char *text)
{
	char *end;
	unsigned long long number = text && *text >= '0' && *text <= '9' ?
		strtoull(text, &end, 10) : 0;

	return number && !*end ? number : 0;
}

static void find_manager(const char *name)
{
	size_t len = name ? strlen(name) : 0;

	manager_len = 0;
	if (len < 2 || len >= sizeof(manager.sun_path) || (name[0] != '/' && name[0] != '@'))
		return;
	memset(&manager, 0, sizeof(manager));
	manager.sun_family = AF_UNIX;
	memcpy(manager.sun_path, name, len);
	if (name[0] == '@')
		manager.sun_path[0] = '\0';
	manager_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

uint64_t notify_begin(void)
{
	const char *pid = process_env("WATCHDOG_PID");
	uint64_t usec = number_of(process_env("WATCHDOG_USEC"));

	if (pid && number_of(pid) != (uint64_t)getpid())
		usec = 0;
	find_manager(process_env("NOTIFY_SOCKET"));
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return manager_len && usec ? usec / 2000 + 1 : 0;
}

/* A manager that does not listen is no reason to wait. */
static void tell(const char *text)
{
	int fd;

	if (!manager_len)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL,
		(const struct sockaddr *)&manager, manager_len);
	close(fd);
}

void notify_ready(void)
{
	tell("READY=1");
}

void notify_reloading(void)
{
	struct timespec now;
	char text[80];

	/* The moment tells the manager which reload is meant. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu",
		(unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000);
	tell(text);
}

void notify_stopping(void)
{
	tell("STOPPING=1");
}

void notify_alive(void)
{
	tell("WATCHDOG=1");
}
