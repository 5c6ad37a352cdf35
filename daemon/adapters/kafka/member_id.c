#include "adapters/kafka/member_id.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "kpid/base/buf.h"
#include "kpid/base/digest.h"
#include "kpid/base/memory.h"

enum { MOST_ON_ONE_MACHINE = 99, DIGITS = 32 };

/* An abstract address: the kernel frees it when the process ends. It has the same length for every group and name. */
static socklen_t address_of(const char *cluster, const char *group, const char *name, struct sockaddr_un *address_out)
{
	char hex[SHA256_HEX_BYTES];
	struct buf text = BUF_INIT;
	buf_add_format(&text, "%s\n%s\n%s", cluster, group, name);
	sha256_hex(buf_text(&text), hex);
	buf_release(&text);
	*address_out = (struct sockaddr_un){.sun_family = AF_UNIX};
	/* A first byte of 0 makes the address abstract. */
	int n = snprintf(address_out->sun_path + 1, sizeof(address_out->sun_path) - 1, "kpid-member-%.*s", DIGITS, hex);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

/* Whether the process that listens there is this user's: a stranger must not be able to keep kpid from starting. The
 * holder never accepts, so each question stays in its queue; with a full queue the answer is no. */
static bool is_held_by_us(const struct sockaddr_un *address, socklen_t length)
{
	struct ucred owner = {.uid = (uid_t)-1};
	socklen_t size = sizeof(owner);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	bool known = connect(fd, (const struct sockaddr *)address, length) == 0 &&
	             getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &owner, &size) == 0;
	close(fd);
	return known && owner.uid == geteuid();
}

enum member_id_status member_id_claim(const char *cluster, const char *group, const char *name)
{
	struct sockaddr_un address;
	socklen_t length = address_of(cluster, group, name, &address);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return MEMBER_ID_UNGUARDED;
	if (bind(fd, (const struct sockaddr *)&address, length) == 0 && listen(fd, SOMAXCONN) == 0)
		return MEMBER_ID_CLAIMED; /* the socket stays open until the process ends */
	bool is_taken = errno == EADDRINUSE && is_held_by_us(&address, length);
	close(fd);
	return is_taken ? MEMBER_ID_TAKEN : MEMBER_ID_UNGUARDED;
}

char *member_id_claim_numbered(const char *cluster, const char *group, const char *base)
{
	if (member_id_claim(cluster, group, base) == MEMBER_ID_CLAIMED)
		return mem_strdup(base);
	for (int i = 2; i <= MOST_ON_ONE_MACHINE; i++) {
		struct buf name = BUF_INIT;
		buf_add_format(&name, "%s-%d", base, i);
		if (member_id_claim(cluster, group, name.data) == MEMBER_ID_CLAIMED)
			return name.data;
		buf_release(&name);
	}
	return NULL;
}
