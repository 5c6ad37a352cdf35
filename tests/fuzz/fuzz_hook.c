/* Requests to the receiver of webhooks: the first bytes choose a method and a secret, a line has the pointers of the
 * key, and the rest is a request. No request is taken that is not signed, and one that is signed is taken; a key is
 * within its limits. */
#include "adapters/http/request.h"
#include "fuzz.h"
#include "kpid/base/digest.h"
#include "kpid/core/hook_key.h"
#include "kpid/core/signature.h"
#include "kpid/core/timestamp.h"

enum { MAX_POINTERS = 4, MAX_BODY_BYTES = 1000000 };

static const char *const methods[] = {"standard-webhooks", "zendesk", "chatwoot", "hub-sha256",
                                      "hub-sha1",          "bearer",  "basic",    "header X-Token"};
#define N_METHODS (sizeof(methods) / sizeof(methods[0]))
#define NOW_US    (INT64_C(1793520000) * US_PER_SECOND)

/* A secret that no input can hold: it depends on the whole input. */
static struct text secret_of(struct text input, char out[SHA256_HEX_BYTES + 2])
{
	sha256_hex(input, out + 2);
	memcpy(out, "a:", 2);
	return (struct text){out, SHA256_HEX_BYTES + 1};
}

static void check_signed(struct text body, struct text secret, bool is_sha1)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char digest[SHA256_BYTES];
	char value[7 + 2 * SHA256_BYTES];
	size_t n_prefix = is_sha1 ? 5 : 7, n_digest = is_sha1 ? SHA1_BYTES : SHA256_BYTES;
	const struct signature_rule rule = {
	        is_sha1 ? SIGNATURE_HUB_SHA1 : SIGNATURE_HUB_SHA256, TEXT_ABSENT, {secret}, 1};
	memcpy(value, is_sha1 ? "sha1=" : "sha256=", n_prefix);
	if (is_sha1)
		sha1_hmac(secret, body, digest);
	else
		sha256_hmac(secret, body, digest);
	for (size_t i = 0; i < n_digest; i++) {
		value[n_prefix + 2 * i] = digits[digest[i] >> 4];
		value[n_prefix + 2 * i + 1] = digits[digest[i] & 15];
	}
	struct wire_header header = {TEXT("x-hub-signature"), {value, (uint32_t)(n_prefix + 2 * n_digest)}};
	CHECK(signature_check(&rule, &header, 1, body, NOW_US) == SIGNATURE_GOOD);
	value[n_prefix] = value[n_prefix] == '0' ? '1' : '0';
	CHECK(signature_check(&rule, &header, 1, body, NOW_US) == SIGNATURE_WRONG);
	header.value.len--;
	CHECK(signature_check(&rule, &header, 1, body, NOW_US) == SIGNATURE_WRONG);
}

static void check_key(struct text body, char *pointers)
{
	const char *items[MAX_POINTERS];
	size_t n = 0;
	struct arena arena;
	for (char *word; n < MAX_POINTERS && (word = strsep(&pointers, ",")) != NULL;)
		if (word[0] == '/')
			items[n++] = word;
	arena_init(&arena);
	struct text key = hook_key(body, items, n, &arena);
	CHECK(text_is_absent(key) || (key.len > 0 && key.len <= HOOK_KEY_MAX_BYTES));
	CHECK(n > 0 || text_is_absent(key));
	arena_release(&arena);
}

static void check_request(const struct request *request, struct text body, const char *method, struct text input)
{
	char secret[SHA256_HEX_BYTES + 2];
	struct signature_rule rule;
	struct buf key = BUF_INIT;
	CHECK(signature_parse(text_of(method), &rule));
	struct text bytes = secret_of(input, secret);
	if (rule.kind == SIGNATURE_STANDARD_WEBHOOKS)
		bytes = (struct text){secret + 2, SHA256_HEX_BYTES - 1}; /* hex is base64, too */
	CHECK(signature_key(rule.kind, bytes, &key) == NULL);
	rule.secrets[0] = buf_text(&key);
	rule.n_secrets = 1;
	CHECK(signature_check(&rule, request->headers, request->n_headers, body, NOW_US) != SIGNATURE_GOOD);
	buf_release(&key);
	check_signed(body, bytes, false);
	check_signed(body, bytes, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct fuzz_input input = {data, data + n_bytes};
	struct text whole = {(const char *)data, (uint32_t)n_bytes};
	const char *method = methods[fuzz_byte(&input) % N_METHODS];
	struct text words = fuzz_text(&input);
	struct text bytes = fuzz_exact((struct text){(const char *)input.at, (uint32_t)(input.end - input.at)});
	char *pointers = calloc(1, words.len + 1);
	size_t head_bytes = request_head_bytes(bytes);
	struct request request;
	CHECK(head_bytes <= bytes.len && pointers != NULL);
	if (words.len > 0)
		memcpy(pointers, words.ptr, words.len);
	if (head_bytes > 0 &&
	    request_parse((struct text){bytes.ptr, (uint32_t)head_bytes}, MAX_BODY_BYTES, &request) == 0) {
		struct text body = {bytes.ptr + head_bytes, bytes.len - (uint32_t)head_bytes};
		CHECK(request.path.len > 0 && request.path.ptr[0] == '/' && request.body_bytes <= MAX_BODY_BYTES);
		check_request(&request, body, method, whole);
		check_key(body, pointers);
	}
	free(pointers);
	free((char *)bytes.ptr);
	return 0;
}
