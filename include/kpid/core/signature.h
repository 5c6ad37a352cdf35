/* Whether a webhook comes from its sender: signatures and tokens over a request, compared in constant time. The
 * configuration chooses the method; nothing that the sender writes does. Pure. */
#ifndef KPID_CORE_SIGNATURE_H
#define KPID_CORE_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/buf.h"
#include "kpid/base/text.h"
#include "kpid/core/wire.h"

enum signature_kind {
	SIGNATURE_NONE,              /* every request is taken */
	SIGNATURE_STANDARD_WEBHOOKS, /* base64 over "id.timestamp.body" */
	SIGNATURE_ZENDESK,           /* base64 over timestamp and body */
	SIGNATURE_CHATWOOT,          /* hex over "timestamp.body" */
	SIGNATURE_HUB_SHA256,        /* hex over the body */
	SIGNATURE_HUB_SHA1,
	SIGNATURE_BEARER, /* Authorization: Bearer TOKEN */
	SIGNATURE_BASIC,  /* Authorization: Basic, the name and the password */
	SIGNATURE_HEADER  /* a header that holds the secret itself */
};

/* SIGNATURE_MAX_SECRETS: two at once while they are changed. SIGNATURE_MAX_SKEW_S: of a timestamp, either way. */
enum { SIGNATURE_MAX_SECRETS = 2, SIGNATURE_MAX_SKEW_S = 300 };

struct signature_rule {
	enum signature_kind kind;
	struct text header; /* the name, for SIGNATURE_HEADER */
	struct text secrets[SIGNATURE_MAX_SECRETS];
	size_t n_secrets;
};

enum signature_verdict {
	SIGNATURE_GOOD,
	SIGNATURE_MISSING, /* a header that the method needs is not there */
	SIGNATURE_WRONG,
	SIGNATURE_OLD /* signed, but at another time */
};

/* Reads the words of the configuration, such as "zendesk" or "header X-Gitlab-Token", into kind and header (a slice of
 * the words). False if they name no method. */
bool signature_parse(struct text words, struct signature_rule *out);
/* The words that signature_parse() takes, for messages. */
const char *signature_words(void);
/* Makes the key of a secret as it is in its file. Returns NULL, or why it cannot be one (static text). */
const char *signature_key(enum signature_kind kind, struct text secret, struct buf *key_out);
/* The value of WWW-Authenticate for a request that is refused. */
const char *signature_challenge(enum signature_kind kind);
/* For the log, as a clause: "the signature is wrong". */
const char *signature_why(enum signature_verdict verdict);

/* Decides on a request. Names of headers in any case, each once. now_us: the wall clock. Every secret of the rule, as
 * signature_key() made it, is tried. */
enum signature_verdict signature_check(const struct signature_rule *rule, const struct wire_header *headers,
                                       size_t n_headers, struct text body, int64_t now_us);

#endif
