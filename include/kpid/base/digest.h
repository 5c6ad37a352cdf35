/* SHA-256 that always gives a digest: where libcrypto cannot, for want of memory, the process ends as it does when
 * memory itself is out (base/memory.h). A digest is an identity of something, and must not be another's. */
#ifndef KPID_BASE_DIGEST_H
#define KPID_BASE_DIGEST_H

#include "kpid/base/text.h"

#define SHA256_BYTES 32

void sha256_digest(struct text data, unsigned char out[SHA256_BYTES]);
void sha256_hmac(struct text key, struct text data, unsigned char out[SHA256_BYTES]);

#endif
