/* net/local.c - UNIX sockets; see local.h. */
#include "net/local.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/process.h"
#include "base/text.h"

static int set_path(struct sockaddr_un *address, const char *path)
{
	size_t len = strlen(path);

	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (!len || len >= sizeof(address->sun_path)) {
		errno = len ? ENAMETOOLONG : ENOENT;
		return -1;
	}
	memcpy(address->sun_path, path, len);
	return 0;
}

static int open_socket(int more)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | more, 0);
}

/* A socket whose owner has ended refuses; one that listens takes the connection,
 * or has no room for it. */
static bool is_left_over(const struct sockaddr_un *address)
{
	struct stat st;
	bool refused;
	int fd;

	if (lstat(address->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	fd = open_socket(SOCK_NONBLOCK);
	if (fd < 0)
		return false;
	refused = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
		errno == ECONNREFUSED;
	close(fd);
	return refused;
}

/* With its mode from the beginning: what is named there may be another file a moment
 * later, where the directory is not ours alone. */
static int bind_as(int fd, const struct sockaddr_un *address, mode_t mode)
{
	mode_t before = umask(0777 & ~mode);
	int good = bind(fd, (const struct sockaddr *)address, sizeof(*address));
	int number = errno;

	umask(before);
	errno = number;
	return good;
}

static int bind_to(int fd, const struct sockaddr_un *address, mode_t mode)
{
	if (bind_as(fd, address, mode) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return -1;
	if (!is_left_over(address) || unlink(address->sun_path) < 0) {
		errno = EADDRINUSE;
		return -1;
	}
	return bind_as(fd, address, mode);
}

int local_listen(const char *path, mode_t mode, struct err *e)
{
	struct sockaddr_un address;
	char shown[160];
	int fd = -1, number;

	if (set_path(&address, path) == 0 && (fd = open_socket(SOCK_NONBLOCK)) >= 0 &&
	    bind_to(fd, &address, mode) == 0 && listen(fd, SOMAXCONN) == 0)
		return fd;
	number = errno;
	if (fd >= 0)
		close(fd);
	text_clean_to(shown, sizeof(shown), path, strlen(path));
	return err_sys(e, ERR_SYSTEM, number, "cannot listen on %s", shown);
}

int local_accept(int listener)
{
	int fd;

	do
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	return fd;
}

bool local_peer_of(int fd, struct local_peer *peer)
{
	struct ucred who;
	socklen_t len = sizeof(int);
	int domain = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0 || domain != AF_UNIX)
		return false;
	len = sizeof(who);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0 || who.uid == (uid_t)-1)
		return false;
	*peer = (struct local_peer){ who.uid, who.gid, who.pid };
	return true;
}

/* A blocking connect(2) is the only way to wait for room in a backlog; the time
 * for sending bounds it. */
static int connect_within(int fd, const struct sockaddr_un *address, long ms)
{
	const uint64_t end = clock_ms() + (uint64_t)(ms > 0 ? ms : 0);

	for (;;) {
		uint64_t now = clock_ms(), left = end > now ? end - now : 1;
		struct timeval limit = { .tv_sec = (time_t)(left / 1000),
			.tv_usec = (suseconds_t)(left % 1000 * 1000) };

		if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
			return -1;
		if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
			return 0;
		if (errno != EINTR || process_stopped())
			return -1;
	}
}

int local_connect(const char *path, long ms, struct err *e)
{
	struct sockaddr_un address;
	char shown[160];
	int fd = -1, number;

	if (set_path(&address, path) == 0 && (fd = open_socket(0)) >= 0 &&
	    connect_within(fd, &address, ms) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
		return fd;
	number = errno;
	if (fd >= 0)
		close(fd);
	text_clean_to(shown, sizeof(shown), path, strlen(path));
	err_sys(e, ERR_RUNNER, number, "cannot connect to %s", shown);
	errno = number;
	return -1;
}

int local_pair(int fds[2], struct err *e)
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return err_sys(e, ERR_SYSTEM, errno, "cannot make a pair of sockets");
	return 0;
}
