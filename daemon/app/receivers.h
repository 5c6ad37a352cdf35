/* The receivers of the configuration, with what their secret files hold. */
#ifndef KPID_APP_RECEIVERS_H
#define KPID_APP_RECEIVERS_H

#include "kpid/base/buf.h"
#include "kpid/config.h"
#include "kpid/core/receiver.h"

struct loaded_receiver {
	const struct receiver *rule;
	struct buf url, ca_file, secret_bytes[RECEIVER_MAX_SECRETS];
	struct text secrets[RECEIVER_MAX_SECRETS];
};

struct receivers {
	struct receiver_set *set;
	struct loaded_receiver *items;
	size_t n;
	struct buf json; /* the file */
};

/* path NULL: none. NULL with at least one fault more. Paths in the file start in its folder. */
struct receivers *receivers_load(const char *path, struct config_faults *faults);
void receivers_free(struct receivers *receivers); /* NULL is fine */
/* The same file and the same secrets. */
bool receivers_same(const struct receivers *a, const struct receivers *b);

#endif
