/* A 64-bit hash for tables in memory: FNV-1a over words with a final mix, seeded once per process. It does not resist
 * deliberate collisions. */
#ifndef KPID_BASE_HASH_H
#define KPID_BASE_HASH_H

#include <stdint.h>

#include "kpid/base/text.h"

uint64_t hash_text(struct text t);
uint64_t hash_mix(uint64_t value);
/* Call once, before the first hash. */
void hash_seed(uint64_t seed);

#endif
