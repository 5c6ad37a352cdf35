#include "kpid/base/hash.h"

static uint64_t process_seed = UINT64_C(0x9e3779b97f4a7c15);

void hash_seed(uint64_t seed)
{
	process_seed ^= seed;
}

uint64_t hash_mix(uint64_t value)
{
	value ^= value >> 32;
	value *= UINT64_C(0xd6e8feb86659fd93);
	value ^= value >> 32;
	value *= UINT64_C(0xd6e8feb86659fd93);
	return value ^ value >> 32;
}

uint64_t hash_text(struct text t)
{
	uint64_t hash = process_seed ^ t.len;
	uint32_t i = 0;
	for (; i + 8 <= t.len; i += 8) {
		uint64_t word;
		memcpy(&word, t.ptr + i, 8);
		hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
		hash ^= hash >> 29;
	}
	uint64_t rest = 0;
	if (i < t.len)
		memcpy(&rest, t.ptr + i, t.len - i);
	return hash_mix(hash ^ rest);
}
