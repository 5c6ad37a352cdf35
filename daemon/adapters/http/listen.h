/* The address that a server listens on. */
#ifndef KPID_ADAPTERS_HTTP_LISTEN_H
#define KPID_ADAPTERS_HTTP_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "kpid/base/buf.h"

struct listen_address {
	struct sockaddr_storage address;
	socklen_t n_bytes;
	bool is_unix;
	bool is_local; /* loopback or a unix socket: only this machine can connect */
};

/* Parses "127.0.0.1:8420", "[::1]:8420", "8420" (loopback) or an absolute path of a unix socket. False after appending
 * the reason to error_out. */
bool listen_parse(const char *text, struct listen_address *out, struct buf *error_out);
/* Opens a listening, non-blocking socket. Replaces a unix socket that nobody listens on, and gives it the mode 0660.
 * Returns the descriptor, or -1 after appending the reason to error_out. */
int listen_open(const struct listen_address *address, struct buf *error_out);
/* Appends the address that a socket is bound to: http://127.0.0.1:8420/ or the path of a unix socket. The port is the
 * one that the kernel chose if 0 was asked for. */
void listen_describe(int fd, struct buf *out);
/* Takes the sockets that systemd passes, sets them non-blocking, and stores up to most. Returns their number: 0 if
 * there are none. *all_local_out: whether only this machine can connect to them. */
size_t listen_inherited(int *fds_out, size_t most, bool *all_local_out);

#endif
