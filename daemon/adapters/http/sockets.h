/* The listening sockets of a server: those that systemd passes, or the address of the configuration. */
#ifndef KPID_ADAPTERS_HTTP_SOCKETS_H
#define KPID_ADAPTERS_HTTP_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>

#include "kpid/base/buf.h"

enum { SOCKETS_MAX = 8 };

struct sockets {
	int fds[SOCKETS_MAX];
	size_t n;
	bool are_local; /* only this machine can connect to them */
};

/* Raises the limit of open files if that many connections need more. False after appending the reason to error_out.
 * section: of the configuration, which has max_connections. */
bool sockets_make_room(const char *section, size_t max_connections, struct buf *error_out);
/* Opens the sockets. An address beyond this machine needs allowed hosts. False after appending the reason to error_out,
 * as "section.option: reason". */
bool sockets_open(const char *section, const char *listen, bool has_hosts, struct sockets *out, struct buf *error_out);
void sockets_close(struct sockets *sockets);
/* Logs "serving WHAT on ADDRESS" for each. */
void sockets_log(const struct sockets *sockets, const char *what);

#endif
