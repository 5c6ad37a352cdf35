/* SHA-256, and HMAC. Digests are used as identities, so there is no error return: if libcrypto fails for lack of
 * memory, the process exits as when memory runs out (base/memory.h). */
#ifndef KPID_BASE_DIGEST_H
#define KPID_BASE_DIGEST_H

#include "kpid/base/text.h"

#define SHA1_BYTES       20
#define SHA256_BYTES     32
#define SHA256_HEX_BYTES (2 * SHA256_BYTES + 1) /* with the NUL */

void sha256_digest(struct text data, unsigned char out[SHA256_BYTES]);
/* In lower-case hexadecimal. */
void sha256_hex(struct text data, char out[SHA256_HEX_BYTES]);
void sha256_hmac(struct text key, struct text data, unsigned char out[SHA256_BYTES]);
/* Only for senders that have nothing better. */
void sha1_hmac(struct text key, struct text data, unsigned char out[SHA1_BYTES]);

#endif
