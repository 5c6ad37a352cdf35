/* The pseudonyms of agents (rule V4): from an agent and a secret key, which never enters the database. */
#ifndef KPID_CORE_AGENT_KEY_H
#define KPID_CORE_AGENT_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "kpid/base/text.h"

#define AGENT_KEY_BYTES 17 /* 16 hexadecimal digits and the NUL */

enum { AGENT_KEY_FILE_MIN_BYTES = 32, AGENT_KEY_FILE_MAX_BYTES = 4096 };

/* The first 16 hexadecimal digits of HMAC-SHA256(key, agent). */
void agent_key_compute(struct text key, struct text agent, char out[AGENT_KEY_BYTES]);
/* What is wrong with the file of the key; NULL: nothing. for_others: its mode lets others than the owner do something.
 */
const char *agent_key_file_fault(bool is_regular, bool for_others, size_t n_bytes);

#endif
