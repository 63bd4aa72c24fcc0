/* t/unit/net_local.c - UNIX sockets: left over, in use, full, foreign. */
#include "t/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/local.h"

static char directory[] = "/tmp/sendoff-local-XXXXXX";
static char path[64];

static void test_listen(void)
{
	struct err e = { 0 };
	struct stat st;
	int first = local_listen(path, 0666, &e), second;

	check(first >= 0, "a socket is made: %s", e.text);
	check(stat(path, &st) == 0 && S_ISSOCK(st.st_mode) && (st.st_mode & 0777) == 0666,
		"with its mode, whatever the umask");
	check(fcntl(first, F_GETFL) & O_NONBLOCK && fcntl(first, F_GETFD) & FD_CLOEXEC,
		"non-blocking and close-on-exec");
	second = local_listen(path, 0666, &e);
	check(second == -1 && e.kind == ERR_SYSTEM && e.sys_errno == EADDRINUSE &&
		strstr(e.text, path), "one that somebody listens on stays his: %s", e.text);
	close(first);
	check(stat(path, &st) == 0, "a process that ends leaves it behind");
	second = local_listen(path, 0600, &e);
	check(second >= 0 && stat(path, &st) == 0 && (st.st_mode & 0777) == 0600,
		"and the next one replaces it");
	close(second);
	unlink(path);
}

static void test_not_ours(void)
{
	struct err e = { 0 };
	struct stat st;
	char link_to[80], longest[200];
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	close(fd);
	check(local_listen(path, 0666, &e) == -1 && stat(path, &st) == 0 && S_ISREG(st.st_mode),
		"F7: a file in its place is left alone");
	unlink(path);
	snprintf(link_to, sizeof(link_to), "%s/other", directory);
	check(symlink(link_to, path) == 0, "a link");
	check(local_listen(path, 0666, &e) == -1 && stat(link_to, &st) < 0,
		"F7: a link in its place is not followed");
	unlink(path);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	check(local_listen(longest, 0666, &e) == -1 && e.sys_errno == ENAMETOOLONG,
		"a path too long for a socket");
	check(local_connect(longest, 10, &e) == -1 && errno == ENAMETOOLONG, "also to connect to");
	check(local_listen("/nonexistent/socket", 0666, &e) == -1 && e.sys_errno == ENOENT,
		"directories are not made");
}

static void test_connect(void)
{
	struct local_peer peer = { 0 };
	struct err e = { 0 };
	char octet = 0;
	int listener, here, there;

	errno = 0;
	check(local_connect(path, 10, &e) == -1 && errno == ENOENT && e.kind == ERR_RUNNER,
		"nobody there: %s", e.text);
	listener = local_listen(path, 0666, &e);
	check(local_accept(listener) == -1 && errno == EAGAIN, "no connection yet");
	here = local_connect(path, 10, &e);
	there = local_accept(listener);
	check(here >= 0 && there >= 0, "a connection");
	check(fcntl(here, F_GETFL) & O_NONBLOCK && fcntl(here, F_GETFD) & FD_CLOEXEC &&
		fcntl(there, F_GETFL) & O_NONBLOCK && fcntl(there, F_GETFD) & FD_CLOEXEC,
		"non-blocking and close-on-exec on both sides");
	check(local_peer_of(there, &peer) && peer.uid == getuid() && peer.gid == getgid() &&
		peer.pid == getpid(), "F4: the kernel says who");
	check(write(here, "x", 1) == 1 && read(there, &octet, 1) == 1 && octet == 'x', "it works");
	close(here);
	close(there);
	close(listener);
	check(local_connect(path, 10, &e) == -1 && errno == ECONNREFUSED, "nobody listens");
	unlink(path);
}

static void test_full(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct err e = { 0 };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fds[3];
	uint64_t start, took;

	memcpy(address.sun_path, path, strlen(path) + 1);
	check(!bind(listener, (struct sockaddr *)&address, sizeof(address)) && !listen(listener, 0),
		"a listener with room for one");
	fds[0] = local_connect(path, 10, &e);
	start = clock_ms();
	fds[1] = local_connect(path, 60, &e);
	took = clock_ms() - start;
	check(fds[0] >= 0 && fds[1] == -1 && errno == EAGAIN, "no room: %s", e.text);
	check(took >= 50 && took < 5000, "after the time given (%llu ms)", (unsigned long long)took);
	fds[2] = accept(listener, NULL, NULL);
	fds[1] = local_connect(path, 60, &e);
	check(fds[1] >= 0, "room again");
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	close(listener);
	unlink(path);
}

static void test_peers(void)
{
	struct local_peer peer;
	struct err e = { 0 };
	int fds[2] = { -1, -1 }, inet = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	check(!local_peer_of(inet, &peer), "no UNIX socket, no peer");
	check(!local_peer_of(0, &peer), "nor behind no socket at all");
	check(local_pair(fds, &e) == 0 && local_peer_of(fds[0], &peer) && peer.uid == getuid(),
		"a pair of our own");
	check(fcntl(fds[0], F_GETFD) & FD_CLOEXEC && fcntl(fds[1], F_GETFD) & FD_CLOEXEC,
		"which no command inherits");
	close(fds[0]);
	close(fds[1]);
	close(inet);
}

int main(void)
{
	umask(077);
	if (!mkdtemp(directory))
		return 1;
	snprintf(path, sizeof(path), "%s/socket", directory);
	test_listen();
	test_not_ours();
	test_connect();
	test_full();
	test_peers();
	rmdir(directory);
	return tap_done();
}
