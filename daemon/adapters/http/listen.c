#include "adapters/http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "adapters/http/peer.h"

enum { BACKLOG = 512 };

static bool parse_path(const char *path, struct listen_address *out, struct buf *error_out)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(un.sun_path)) {
		buf_add_format(error_out, "the path is longer than %zu bytes", sizeof(un.sun_path) - 1);
		return false;
	}
	memcpy(un.sun_path, path, strlen(path) + 1);
	memcpy(&out->address, &un, sizeof(un));
	out->n_bytes = sizeof(un);
	out->is_unix = out->is_local = true;
	return true;
}

static bool parse_port(const char *text, uint16_t *port_out)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || port > UINT16_MAX)
		return false;
	*port_out = htons((uint16_t)port);
	return true;
}

static bool parse_host(const char *host, uint16_t port, struct listen_address *out)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = port};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = port};
	size_t n_bytes = strlen(host);
	char bare[INET6_ADDRSTRLEN] = "";
	if (n_bytes > 2 && n_bytes < sizeof(bare) && host[0] == '[' && host[n_bytes - 1] == ']') {
		memcpy(bare, host + 1, n_bytes - 2);
		memcpy(&out->address, &in6, sizeof(in6));
		if (inet_pton(AF_INET6, bare, &in6.sin6_addr) != 1)
			return false;
		memcpy(&out->address, &in6, sizeof(in6));
		out->n_bytes = sizeof(in6);
		return true;
	}
	if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &in.sin_addr) != 1)
		return false;
	memcpy(&out->address, &in, sizeof(in));
	out->n_bytes = sizeof(in);
	return true;
}

bool listen_parse(const char *text, struct listen_address *out, struct buf *error_out)
{
	const char *colon = strrchr(text, ':');
	char host[64] = "127.0.0.1";
	uint16_t port;
	*out = (struct listen_address){.n_bytes = 0};
	if (text[0] == '/')
		return parse_path(text, out, error_out);
	if (colon != NULL && (size_t)(colon - text) < sizeof(host)) {
		memcpy(host, text, (size_t)(colon - text));
		host[colon - text] = '\0';
	}
	if (!parse_port(colon == NULL ? text : colon + 1, &port) || !parse_host(host, port, out)) {
		buf_add_str(error_out, "must be an address with a port, such as 127.0.0.1:8420 or [::1]:8420, or the "
		                       "absolute path of a unix socket");
		return false;
	}
	struct peer peer = peer_of((const struct sockaddr *)&out->address);
	out->is_local = peer_is_local(&peer);
	return true;
}

/* Removes the socket of a process that has ended. One that still listens makes bind() fail. */
static void remove_stale(const struct listen_address *address)
{
	struct sockaddr_un un;
	struct stat status;
	memcpy(&un, &address->address, sizeof(un));
	if (lstat(un.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode))
		return;
	int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (probe < 0)
		return;
	if (connect(probe, (const struct sockaddr *)&un, sizeof(un)) != 0 && errno == ECONNREFUSED)
		(void)unlink(un.sun_path);
	close(probe);
}

int listen_open(const struct listen_address *address, struct buf *error_out)
{
	const int on = 1;
	const struct sockaddr *name = (const struct sockaddr *)&address->address;
	int fd = socket(name->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (address->is_unix)
		remove_stale(address);
	if (fd >= 0 && !address->is_unix)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	mode_t mask = umask(0117);
	bool bound = fd >= 0 && bind(fd, name, address->n_bytes) == 0;
	(void)umask(mask);
	if (!bound || listen(fd, BACKLOG) != 0) {
		buf_add_format(error_out, "cannot listen there: %s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

void listen_describe(int fd, struct buf *out)
{
	struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
	socklen_t n_bytes = sizeof(address);
	char host[INET6_ADDRSTRLEN + IF_NAMESIZE], port[sizeof("65535")];
	if (getsockname(fd, (struct sockaddr *)&address, &n_bytes) == 0 && address.ss_family == AF_UNIX) {
		struct sockaddr_un un = {0};
		memcpy(&un, &address, n_bytes < sizeof(un) ? n_bytes : sizeof(un) - 1);
		buf_add_str(out, un.sun_path[0] == '\0' ? "an abstract socket" : un.sun_path);
	} else if (getnameinfo((const struct sockaddr *)&address, n_bytes, host, sizeof(host), port, sizeof(port),
	                       NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
		buf_add_format(out, address.ss_family == AF_INET6 ? "http://[%s]:%s/" : "http://%s:%s/", host, port);
	} else {
		buf_add_str(out, "a socket of an unknown kind");
	}
}

size_t listen_inherited(int *fds_out, size_t most, bool *all_local_out)
{
	int n = sd_listen_fds(1);
	size_t n_out = 0;
	*all_local_out = true;
	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;
		struct sockaddr_storage address = {.ss_family = AF_UNIX};
		socklen_t n_bytes = sizeof(address);
		if (n_out == most || sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0) {
			close(fd);
			continue;
		}
		if (getsockname(fd, (struct sockaddr *)&address, &n_bytes) == 0) {
			struct peer peer = peer_of((const struct sockaddr *)&address);
			*all_local_out = *all_local_out && peer_is_local(&peer);
		}
		(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
		fds_out[n_out++] = fd;
	}
	return n_out;
}
