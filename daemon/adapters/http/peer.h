/* The address at the other end of a connection. */
#ifndef KPID_ADAPTERS_HTTP_PEER_H
#define KPID_ADAPTERS_HTTP_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;

enum { PEER_TEXT_BYTES = 64 };

struct peer {
	bool is_unix;
	uint8_t address[16]; /* IPv6, or IPv4 mapped to it */
};

struct peer peer_of(const struct sockaddr *address);
/* True for loopback and unix sockets. */
bool peer_is_local(const struct peer *peer);
/* Whether two peers share the limit of connections per address: the same IPv4 address, or the same /64 of IPv6. Unix
 * sockets share none. */
bool peer_shares_limit(const struct peer *a, const struct peer *b);
/* As 192.0.2.1, 2001:db8::1 or unix. */
void peer_format(const struct peer *peer, char out[PEER_TEXT_BYTES]);

#endif
