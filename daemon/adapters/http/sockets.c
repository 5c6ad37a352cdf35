#include "adapters/http/sockets.h"

#include <sys/resource.h>
#include <unistd.h>

#include "adapters/http/listen.h"
#include "kpid/base/log.h"

enum { OTHER_FILES = 64 }; /* descriptors that are no connections */

bool sockets_make_room(const char *section, size_t max_connections, struct buf *error_out)
{
	struct rlimit limit;
	rlim_t wanted = (rlim_t)max_connections + OTHER_FILES;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return true;
	limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
	if (wanted <= limit.rlim_max && setrlimit(RLIMIT_NOFILE, &limit) == 0)
		return true;
	buf_add_format(error_out,
	               "%s.max_connections: this many need %llu open files, and the limit is %llu; raise the "
	               "limit (LimitNOFILE=) or lower the number",
	               section, (unsigned long long)wanted, (unsigned long long)limit.rlim_max);
	return false;
}

bool sockets_open(const char *section, const char *listen, bool has_hosts, struct sockets *out, struct buf *error_out)
{
	struct listen_address address = {.is_local = true};
	struct buf why = BUF_INIT;
	bool all_local;
	*out = (struct sockets){.n = 0};
	out->n = listen_inherited(out->fds, SOCKETS_MAX, &all_local);
	if (out->n > 0 || listen_parse(listen, &address, &why)) {
		out->are_local = all_local && address.is_local;
		if (!out->are_local && !has_hosts) {
			sockets_close(out);
			buf_add_format(error_out,
			               "%s.allow_hosts: is missing; others than this machine can connect to the "
			               "address, so name the hosts under which they may ask",
			               section);
			return false;
		}
		if (out->n == 0) {
			out->fds[0] = listen_open(&address, &why);
			out->n = out->fds[0] < 0 ? 0 : 1;
		}
	}
	if (out->n == 0)
		buf_add_format(error_out, "%s.listen: %s", section, buf_text(&why).ptr);
	buf_release(&why);
	return out->n > 0;
}

void sockets_close(struct sockets *sockets)
{
	while (sockets->n > 0)
		close(sockets->fds[--sockets->n]);
}

void sockets_log(const struct sockets *sockets, const char *what)
{
	for (size_t i = 0; i < sockets->n; i++) {
		struct buf where = BUF_INIT;
		listen_describe(sockets->fds[i], &where);
		log_info("serving %s on %s", what, where.data);
		buf_release(&where);
	}
}
