#include "adapters/http/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool is_ipv4(const struct peer *peer)
{
	return memcmp(peer->address, mapped, sizeof(mapped)) == 0;
}

struct peer peer_of(const struct sockaddr *address)
{
	struct peer peer = {.is_unix = false};
	if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, address, sizeof(in6));
		memcpy(peer.address, &in6.sin6_addr, sizeof(peer.address));
	} else if (address->sa_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, address, sizeof(in));
		memcpy(peer.address, mapped, sizeof(mapped));
		memcpy(peer.address + sizeof(mapped), &in.sin_addr, 4);
	} else {
		peer.is_unix = true;
	}
	return peer;
}

bool peer_is_local(const struct peer *peer)
{
	static const uint8_t loopback6[16] = {[15] = 1};
	return peer->is_unix || (is_ipv4(peer) && peer->address[12] == 127) ||
	       memcmp(peer->address, loopback6, sizeof(loopback6)) == 0;
}

bool peer_shares_limit(const struct peer *a, const struct peer *b)
{
	if (a->is_unix || b->is_unix)
		return false;
	return memcmp(a->address, b->address, is_ipv4(a) || is_ipv4(b) ? 16 : 8) == 0;
}

void peer_format(const struct peer *peer, char out[PEER_TEXT_BYTES])
{
	if (peer->is_unix)
		snprintf(out, PEER_TEXT_BYTES, "unix");
	else if (is_ipv4(peer))
		inet_ntop(AF_INET, peer->address + sizeof(mapped), out, PEER_TEXT_BYTES);
	else
		inet_ntop(AF_INET6, peer->address, out, PEER_TEXT_BYTES);
}
