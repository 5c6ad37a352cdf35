#include "kpid/base/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "kpid/base/memory.h"

void sha256_digest(struct text data, unsigned char out[SHA256_BYTES])
{
	if (EVP_Digest(data.ptr, data.len, out, NULL, EVP_sha256(), NULL) != 1)
		mem_exhausted(0);
}

void sha256_hmac(struct text key, struct text data, unsigned char out[SHA256_BYTES])
{
	unsigned n = SHA256_BYTES;
	if (HMAC(EVP_sha256(), key.ptr, (int)key.len, (const unsigned char *)data.ptr, data.len, out, &n) == NULL)
		mem_exhausted(0);
}
