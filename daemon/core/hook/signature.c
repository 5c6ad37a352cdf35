#include "kpid/core/signature.h"

#include <openssl/crypto.h>
#include <strings.h>

#include "../wire/base64.h"
#include "kpid/base/arena.h"
#include "kpid/base/digest.h"
#include "kpid/core/timestamp.h"

enum { MOST_SECONDS_DIGITS = 12 };

static const struct {
	const char *word;
	enum signature_kind kind;
} words_of_kinds[] = {
        {"standard-webhooks", SIGNATURE_STANDARD_WEBHOOKS},
        {"zendesk", SIGNATURE_ZENDESK},
        {"chatwoot", SIGNATURE_CHATWOOT},
        {"hub-sha256", SIGNATURE_HUB_SHA256},
        {"hub-sha1", SIGNATURE_HUB_SHA1},
        {"bearer", SIGNATURE_BEARER},
        {"basic", SIGNATURE_BASIC},
        {"none", SIGNATURE_NONE},
};

struct asking {
	const struct signature_rule *rule;
	const struct wire_header *headers;
	size_t n_headers;
	struct text body;
	int64_t now_us;
};

/* ---- configuration ---- */

static struct text without(struct text t, uint32_t n)
{
	return (struct text){t.ptr + n, t.len - n};
}

static bool begins_with(struct text t, struct text prefix)
{
	return t.len >= prefix.len && strncasecmp(t.ptr, prefix.ptr, prefix.len) == 0;
}

static struct text trimmed(struct text t)
{
	while (t.len > 0 && t.ptr[0] == ' ')
		t = without(t, 1);
	while (t.len > 0 && t.ptr[t.len - 1] == ' ')
		t.len--;
	return t;
}

static bool is_header_name(struct text name)
{
	for (uint32_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
		      c == '_'))
			return false;
	}
	return name.len > 0 && name.len <= 100;
}

bool signature_parse(struct text words, struct signature_rule *out)
{
	*out = (struct signature_rule){.kind = SIGNATURE_NONE};
	for (size_t i = 0; i < sizeof(words_of_kinds) / sizeof(words_of_kinds[0]); i++) {
		out->kind = words_of_kinds[i].kind;
		if (text_equal(words, text_of(words_of_kinds[i].word)))
			return true;
	}
	out->kind = SIGNATURE_HEADER;
	if (words.len < 7 || memcmp(words.ptr, "header ", 7) != 0)
		return false;
	out->header = trimmed(without(words, 7));
	return is_header_name(out->header);
}

const char *signature_words(void)
{
	return "standard-webhooks, zendesk, chatwoot, hub-sha256, hub-sha1, bearer, basic, header NAME, or none";
}

const char *signature_key(enum signature_kind kind, struct text secret, struct buf *key_out)
{
	struct arena arena;
	struct text key = secret;
	const char *why = NULL;
	arena_init(&arena);
	if (kind == SIGNATURE_STANDARD_WEBHOOKS) {
		if (begins_with(secret, TEXT("whsec_")))
			secret = without(secret, 6);
		if (!base64_decode(secret, &arena, &key) || key.len == 0)
			why = "is not a secret of Standard Webhooks: base64, usually after whsec_";
	} else if (kind == SIGNATURE_BASIC && (secret.len == 0 || memchr(secret.ptr, ':', secret.len) == NULL)) {
		why = "must hold NAME:PASSWORD";
	} else if (secret.len == 0) {
		why = "is empty";
	}
	if (why == NULL)
		buf_add_text(key_out, key);
	arena_release(&arena);
	return why;
}

const char *signature_challenge(enum signature_kind kind)
{
	return kind == SIGNATURE_BEARER ? "Bearer" : kind == SIGNATURE_BASIC ? "Basic realm=\"kpid\"" : "Signature";
}

const char *signature_why(enum signature_verdict verdict)
{
	static const char *const words[] = {
	        [SIGNATURE_GOOD] = "the signature is right",
	        [SIGNATURE_MISSING] = "the signature is missing",
	        [SIGNATURE_WRONG] = "the signature is wrong",
	        [SIGNATURE_OLD] = "the signature is from more than 5 minutes before or after now",
	};
	return words[verdict];
}

/* ---- comparisons ---- */

/* Takes as long whatever differs, also the length: digests are compared. */
static bool is_same_secret(struct text a, struct text b)
{
	unsigned char digest_a[SHA256_BYTES], digest_b[SHA256_BYTES];
	sha256_digest(a, digest_a);
	sha256_digest(b, digest_b);
	return CRYPTO_memcmp(digest_a, digest_b, SHA256_BYTES) == 0;
}

static bool is_digest(struct text given, const unsigned char *digest, size_t n_bytes)
{
	return given.len == n_bytes && CRYPTO_memcmp(given.ptr, digest, n_bytes) == 0;
}

static int hex_value(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
	                              : -1;
}

/* The bytes of a digest in hex, in out; empty if it is none of n_bytes. */
static struct text from_hex(struct text hex, size_t n_bytes, unsigned char out[SHA256_BYTES])
{
	if (hex.len != 2 * n_bytes)
		return TEXT("");
	for (size_t i = 0; i < n_bytes; i++) {
		int high = hex_value(hex.ptr[2 * i]), low = hex_value(hex.ptr[2 * i + 1]);
		if (high < 0 || low < 0)
			return TEXT("");
		out[i] = (unsigned char)(high << 4 | low);
	}
	return (struct text){(const char *)out, (uint32_t)n_bytes};
}

/* ---- requests ---- */

static struct text header_of(const struct asking *asking, struct text name)
{
	for (size_t i = 0; i < asking->n_headers; i++) {
		struct text given = asking->headers[i].name;
		if (given.len == name.len && strncasecmp(given.ptr, name.ptr, name.len) == 0)
			return asking->headers[i].value;
	}
	return TEXT_ABSENT;
}

/* Whether one of the secrets signs the content with SHA-256 as given. */
static bool is_signed(const struct asking *asking, struct text content, struct text given)
{
	bool is_good = false;
	for (size_t i = 0; i < asking->rule->n_secrets; i++) {
		unsigned char digest[SHA256_BYTES];
		sha256_hmac(asking->rule->secrets[i], content, digest);
		is_good |= is_digest(given, digest, SHA256_BYTES);
	}
	return is_good;
}

/* "id.timestamp." or the like before the body. The caller releases the result. */
static struct buf content_of(const struct asking *asking, struct text before, struct text separator)
{
	struct buf content = BUF_INIT;
	buf_grow(&content, before.len + separator.len + asking->body.len);
	buf_add_text(&content, before);
	buf_add_text(&content, separator);
	buf_add_text(&content, asking->body);
	return content;
}

static bool read_seconds(struct text text, int64_t *us_out)
{
	int64_t seconds = 0;
	for (uint32_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		seconds = seconds * 10 + (text.ptr[i] - '0');
		if (i >= MOST_SECONDS_DIGITS)
			return false;
	}
	*us_out = seconds * US_PER_SECOND;
	return text.len > 0;
}

static enum signature_verdict judge(const struct asking *asking, bool is_good, bool is_time, int64_t at_us)
{
	int64_t away_us = asking->now_us - at_us;
	if (!is_good || !is_time)
		return SIGNATURE_WRONG;
	return away_us > SIGNATURE_MAX_SKEW_S * US_PER_SECOND || away_us < -SIGNATURE_MAX_SKEW_S * US_PER_SECOND
	               ? SIGNATURE_OLD
	               : SIGNATURE_GOOD;
}

/* One signature in base64. */
static bool is_signed_base64(const struct asking *asking, struct text content, struct text given)
{
	struct arena arena;
	struct text bytes;
	arena_init(&arena);
	bool is_good = base64_decode(given, &arena, &bytes) && is_signed(asking, content, bytes);
	arena_release(&arena);
	return is_good;
}

/* A list such as "v1,BASE64 v1,BASE64"; other versions are passed over. */
static bool is_one_signed(const struct asking *asking, struct text content, struct text list)
{
	bool is_good = false;
	while (list.len > 0) {
		const char *space = memchr(list.ptr, ' ', list.len);
		struct text part = {list.ptr, space == NULL ? list.len : (uint32_t)(space - list.ptr)};
		list = without(list, space == NULL ? part.len : part.len + 1);
		if (part.len > 3 && memcmp(part.ptr, "v1,", 3) == 0)
			is_good |= is_signed_base64(asking, content, without(part, 3));
	}
	return is_good;
}

static enum signature_verdict check_standard(const struct asking *asking)
{
	struct text id = header_of(asking, TEXT("webhook-id")), time = header_of(asking, TEXT("webhook-timestamp")),
	            given = header_of(asking, TEXT("webhook-signature"));
	struct buf before = BUF_INIT;
	int64_t at_us = 0;
	if (text_is_empty(id) || text_is_empty(time) || text_is_empty(given))
		return SIGNATURE_MISSING;
	buf_add_text(&before, id);
	buf_add_char(&before, '.');
	buf_add_text(&before, time);
	struct buf content = content_of(asking, buf_text(&before), TEXT("."));
	bool is_good = is_one_signed(asking, buf_text(&content), given);
	buf_release(&before);
	buf_release(&content);
	bool is_time = read_seconds(time, &at_us);
	return judge(asking, is_good, is_time, at_us);
}

static enum signature_verdict check_zendesk(const struct asking *asking)
{
	struct text time = header_of(asking, TEXT("x-zendesk-webhook-signature-timestamp")),
	            given = header_of(asking, TEXT("x-zendesk-webhook-signature"));
	int64_t at_us = 0;
	if (text_is_empty(time) || text_is_empty(given))
		return SIGNATURE_MISSING;
	struct buf content = content_of(asking, time, TEXT(""));
	bool is_good = is_signed_base64(asking, buf_text(&content), given);
	buf_release(&content);
	bool is_time = timestamp_parse(time, &at_us);
	return judge(asking, is_good, is_time, at_us);
}

static enum signature_verdict check_chatwoot(const struct asking *asking)
{
	unsigned char bytes[SHA256_BYTES];
	struct text time = header_of(asking, TEXT("x-chatwoot-timestamp")),
	            given = header_of(asking, TEXT("x-chatwoot-signature"));
	int64_t at_us = 0;
	if (text_is_empty(time) || text_is_empty(given))
		return SIGNATURE_MISSING;
	if (begins_with(given, TEXT("sha256=")))
		given = without(given, 7);
	struct buf content = content_of(asking, time, TEXT("."));
	bool is_good = is_signed(asking, buf_text(&content), from_hex(given, SHA256_BYTES, bytes));
	buf_release(&content);
	bool is_time = read_seconds(time, &at_us);
	return judge(asking, is_good, is_time, at_us);
}

/* The header's name does not choose the algorithm: Jira sends SHA-256 as X-Hub-Signature. */
static enum signature_verdict check_hub_sha256(const struct asking *asking)
{
	unsigned char bytes[SHA256_BYTES];
	struct text given = header_of(asking, TEXT("x-hub-signature-256"));
	if (text_is_empty(given))
		given = header_of(asking, TEXT("x-hub-signature"));
	if (text_is_empty(given))
		return SIGNATURE_MISSING;
	if (!begins_with(given, TEXT("sha256=")))
		return SIGNATURE_WRONG;
	return is_signed(asking, asking->body, from_hex(without(given, 7), SHA256_BYTES, bytes)) ? SIGNATURE_GOOD
	                                                                                         : SIGNATURE_WRONG;
}

static enum signature_verdict check_hub_sha1(const struct asking *asking)
{
	unsigned char bytes[SHA256_BYTES], digest[SHA1_BYTES];
	struct text given = header_of(asking, TEXT("x-hub-signature"));
	bool is_good = false;
	if (text_is_empty(given))
		return SIGNATURE_MISSING;
	if (!begins_with(given, TEXT("sha1=")))
		return SIGNATURE_WRONG;
	given = from_hex(without(given, 5), SHA1_BYTES, bytes);
	for (size_t i = 0; i < asking->rule->n_secrets; i++) {
		sha1_hmac(asking->rule->secrets[i], asking->body, digest);
		is_good |= is_digest(given, digest, SHA1_BYTES);
	}
	return is_good ? SIGNATURE_GOOD : SIGNATURE_WRONG;
}

static enum signature_verdict check_token(const struct asking *asking, struct text given)
{
	bool is_good = false;
	for (size_t i = 0; i < asking->rule->n_secrets; i++)
		is_good |= is_same_secret(given, asking->rule->secrets[i]);
	return is_good ? SIGNATURE_GOOD : SIGNATURE_WRONG;
}

static enum signature_verdict check_basic(const struct asking *asking, struct text given)
{
	struct arena arena;
	struct text bytes;
	arena_init(&arena);
	enum signature_verdict verdict =
	        base64_decode(given, &arena, &bytes) ? check_token(asking, bytes) : SIGNATURE_WRONG;
	arena_release(&arena);
	return verdict;
}

static enum signature_verdict check_authorization(const struct asking *asking, struct text scheme)
{
	struct text given = header_of(asking, TEXT("authorization"));
	if (text_is_empty(given))
		return SIGNATURE_MISSING;
	if (!begins_with(given, scheme))
		return SIGNATURE_WRONG;
	given = trimmed(without(given, scheme.len));
	return asking->rule->kind == SIGNATURE_BASIC ? check_basic(asking, given) : check_token(asking, given);
}

enum signature_verdict signature_check(const struct signature_rule *rule, const struct wire_header *headers,
                                       size_t n_headers, struct text body, int64_t now_us)
{
	const struct asking asking = {rule, headers, n_headers, body, now_us};
	switch (rule->kind) {
	case SIGNATURE_NONE:
		return SIGNATURE_GOOD;
	case SIGNATURE_STANDARD_WEBHOOKS:
		return check_standard(&asking);
	case SIGNATURE_ZENDESK:
		return check_zendesk(&asking);
	case SIGNATURE_CHATWOOT:
		return check_chatwoot(&asking);
	case SIGNATURE_HUB_SHA256:
		return check_hub_sha256(&asking);
	case SIGNATURE_HUB_SHA1:
		return check_hub_sha1(&asking);
	case SIGNATURE_BEARER:
		return check_authorization(&asking, TEXT("Bearer "));
	case SIGNATURE_BASIC:
		return check_authorization(&asking, TEXT("Basic "));
	case SIGNATURE_HEADER:
		break;
	}
	struct text given = header_of(&asking, rule->header);
	return text_is_empty(given) ? SIGNATURE_MISSING : check_token(&asking, given);
}
