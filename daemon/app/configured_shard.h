/* The shard that a configuration names, as the core takes it. */
#ifndef KPID_APP_CONFIGURED_SHARD_H
#define KPID_APP_CONFIGURED_SHARD_H

#include "kpid/config.h"
#include "kpid/core/shard.h"

static inline struct shard configured_shard(const struct kpid_config *config)
{
	return (struct shard){(enum shard_by)config->shard.by, (int32_t)config->shard.index,
	                      (int32_t)config->shard.count};
}

#endif
