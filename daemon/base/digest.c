#include "kpid/base/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>

#include "kpid/base/memory.h"

static EVP_MD *sha256;
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;

static void fetch_sha256(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
	if (sha256 == NULL)
		mem_exhausted(0);
}

/* With EVP_sha256(), libcrypto would look the algorithm up for each digest. */
void sha256_digest(struct text data, unsigned char out[SHA256_BYTES])
{
	pthread_once(&sha256_once, fetch_sha256);
	if (EVP_Digest(data.ptr, data.len, out, NULL, sha256, NULL) != 1)
		mem_exhausted(0);
}

void sha256_hex(struct text data, char out[SHA256_HEX_BYTES])
{
	unsigned char digest[SHA256_BYTES];
	sha256_digest(data, digest);
	for (size_t i = 0; i < SHA256_BYTES; i++) {
		out[2 * i] = "0123456789abcdef"[digest[i] >> 4];
		out[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
	}
	out[2 * SHA256_BYTES] = '\0';
}

static void hmac(const EVP_MD *md, struct text key, struct text data, unsigned char *out)
{
	unsigned n = 0;
	if (HMAC(md, key.ptr, (int)key.len, (const unsigned char *)data.ptr, data.len, out, &n) == NULL)
		mem_exhausted(0);
}

void sha256_hmac(struct text key, struct text data, unsigned char out[SHA256_BYTES])
{
	hmac(EVP_sha256(), key, data, out);
}

void sha1_hmac(struct text key, struct text data, unsigned char out[SHA1_BYTES])
{
	hmac(EVP_sha1(), key, data, out);
}
