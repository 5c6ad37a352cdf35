#include "kpid/core/agent_key.h"

#include "kpid/base/digest.h"

void agent_key_compute(struct text key, struct text agent, char out[AGENT_KEY_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char digest[SHA256_BYTES];
	sha256_hmac(key, agent, digest);
	for (int i = 0; i < AGENT_KEY_BYTES - 1; i++)
		out[i] = digits[i % 2 == 0 ? digest[i / 2] >> 4 : digest[i / 2] & 15];
	out[AGENT_KEY_BYTES - 1] = '\0';
}

const char *agent_key_file_fault(bool is_regular, bool for_others, size_t n_bytes)
{
	if (!is_regular)
		return "is no regular file";
	if (for_others)
		return "others than its owner may read or change it; chmod 600";
	if (n_bytes < AGENT_KEY_FILE_MIN_BYTES)
		return "is shorter than 32 bytes; a random key is written by: openssl rand -out FILE 32";
	if (n_bytes > AGENT_KEY_FILE_MAX_BYTES)
		return "is longer than 4,096 bytes";
	return NULL;
}
