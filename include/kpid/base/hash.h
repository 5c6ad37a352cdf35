/* A 64-bit hash of bytes for tables in memory: FNV-1a over words with a final mix. Not for what an
 * adversary may aim at: it is seeded once per process. */
#ifndef KPID_BASE_HASH_H
#define KPID_BASE_HASH_H

#include <stdint.h>

#include "kpid/base/text.h"

uint64_t hash_text(struct text t);
uint64_t hash_mix(uint64_t value);
/* Once, before the first hash. */
void hash_seed(uint64_t seed);

#endif
