/* Signatures of webhooks: published examples, what is refused, and what a sender cannot choose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kpid/core/signature.h"
#include "kpid/core/timestamp.h"

#define ZENDESK_BODY     "{\"detail\":{\"id\":\"35436\"},\"type\":\"zen:event-type:ticket.created\"}"
#define SHA256_OF_GITHUB "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

enum { MAX_HEADERS = 4 };

struct asked {
	struct wire_header headers[MAX_HEADERS];
	size_t n;
	const char *body;
	int64_t now_s;
};

static struct signature_rule rule_of(const char *words, const char *secret, struct buf *key)
{
	struct signature_rule rule;
	assert_true(signature_parse(text_of(words), &rule));
	assert_null(signature_key(rule.kind, text_of(secret), key));
	rule.secrets[0] = buf_text(key);
	rule.n_secrets = 1;
	return rule;
}

static enum signature_verdict verdict(const struct signature_rule *rule, const struct asked *asked)
{
	return signature_check(rule, asked->headers, asked->n, text_of(asked->body), asked->now_s * US_PER_SECOND);
}

static struct wire_header header(const char *name, const char *value)
{
	return (struct wire_header){text_of(name), text_of(value)};
}

static enum signature_verdict with(const char *words, const char *secret, const struct asked *asked)
{
	struct buf key = BUF_INIT;
	struct signature_rule rule = rule_of(words, secret, &key);
	enum signature_verdict found = verdict(&rule, asked);
	buf_release(&key);
	return found;
}

/* The example of the specification's own libraries. */
static struct asked standard(void)
{
	return (struct asked){{header("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
	                       header("Webhook-Timestamp", "1614265330"),
	                       header("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")},
	                      3,
	                      "{\"test\": 2432232314}",
	                      1614265330};
}

static void test_standard_webhooks(void **state)
{
	static const char secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
	struct asked asked = standard();
	(void)state;
	assert_int_equal(with("standard-webhooks", secret, &asked), SIGNATURE_GOOD);
	assert_int_equal(with("standard-webhooks", secret + 6, &asked), SIGNATURE_GOOD);
	assert_int_equal(with("standard-webhooks", "whsec_AAAA", &asked), SIGNATURE_WRONG);
	asked.headers[2] = header("webhook-signature", "v1,AAAA v2,x v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
	assert_int_equal(with("standard-webhooks", secret, &asked), SIGNATURE_GOOD);
	asked.headers[2] = header("webhook-signature", "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
	assert_int_equal(with("standard-webhooks", secret, &asked), SIGNATURE_WRONG);
	asked = standard();
	asked.body = "{\"test\": 2432232315}";
	assert_int_equal(with("standard-webhooks", secret, &asked), SIGNATURE_WRONG);
	asked = standard();
	asked.headers[0] = header("webhook-id", "msg_other");
	assert_int_equal(with("standard-webhooks", secret, &asked), SIGNATURE_WRONG);
	for (size_t i = 0; i < 3; i++) {
		asked = standard();
		asked.headers[i].name = TEXT("x");
		assert_int_equal(with("standard-webhooks", secret, &asked), SIGNATURE_MISSING);
	}
}

static void test_times(void **state)
{
	static const char secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
	struct asked asked = standard();
	(void)state;
	static const struct {
		int64_t away_s;
		enum signature_verdict expected;
	} rows[] = {{300, SIGNATURE_GOOD}, {-300, SIGNATURE_GOOD}, {301, SIGNATURE_OLD}, {-301, SIGNATURE_OLD}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		asked.now_s = 1614265330 + rows[i].away_s;
		assert_int_equal(with("standard-webhooks", secret, &asked), rows[i].expected);
	}
	/* Only the holder of the secret learns that the time is the reason. */
	asked.body = "{}";
	assert_int_equal(with("standard-webhooks", secret, &asked), SIGNATURE_WRONG);
}

static void test_zendesk(void **state)
{
	static const char secret[] = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==";
	struct asked asked = {{header("X-Zendesk-Webhook-Signature", "b3gsUCT1E1Qm0p0sNPNvK573Hx2DkXXSInzlClnlEcM="),
	                       header("X-Zendesk-Webhook-Signature-Timestamp", "2026-11-01T08:00:00Z")},
	                      2,
	                      ZENDESK_BODY,
	                      1793520010};
	(void)state;
	assert_int_equal(with("zendesk", secret, &asked), SIGNATURE_GOOD);
	assert_int_equal(with("zendesk", "other", &asked), SIGNATURE_WRONG);
	asked.now_s += 300;
	assert_int_equal(with("zendesk", secret, &asked), SIGNATURE_OLD);
	asked.now_s = 1793520010;
	asked.headers[1].value = TEXT("2026-11-01T08:00:01Z");
	assert_int_equal(with("zendesk", secret, &asked), SIGNATURE_WRONG);
	asked.n = 1;
	assert_int_equal(with("zendesk", secret, &asked), SIGNATURE_MISSING);
}

static void test_chatwoot(void **state)
{
	static const char hex[] = "5e19880e1585c122d329acaa3074da235046fe2af50c2e1cc0439e4f455839ea",
	                  after_word[] = "sha256=5E19880E1585C122D329ACAA3074DA235046FE2AF50C2E1CC0439E4F455839EA";
	struct asked asked = {{header("X-Chatwoot-Signature", hex), header("X-Chatwoot-Timestamp", "1793520000")},
	                      2,
	                      "{\"event\":\"conversation_updated\"}",
	                      1793520000};
	(void)state;
	assert_int_equal(with("chatwoot", "chatwoot-secret", &asked), SIGNATURE_GOOD);
	asked.headers[0].value = text_of(after_word);
	assert_int_equal(with("chatwoot", "chatwoot-secret", &asked), SIGNATURE_GOOD);
	asked.headers[0].value.len--;
	assert_int_equal(with("chatwoot", "chatwoot-secret", &asked), SIGNATURE_WRONG);
	asked.headers[0].value = text_of(hex);
	asked.now_s += 301;
	assert_int_equal(with("chatwoot", "chatwoot-secret", &asked), SIGNATURE_OLD);
	asked.headers[1].value = TEXT("1793520000 ");
	assert_int_equal(with("chatwoot", "chatwoot-secret", &asked), SIGNATURE_WRONG);
}

/* GitHub's documentation has this example. */
static void test_hub_sha256(void **state)
{
	static const char secret[] = "It's a Secret to Everybody";
	struct asked asked = {{header("X-Hub-Signature-256", SHA256_OF_GITHUB)}, 1, "Hello, World!", 0};
	(void)state;
	assert_int_equal(with("hub-sha256", secret, &asked), SIGNATURE_GOOD);
	asked.headers[0].name = TEXT("X-Hub-Signature"); /* as Jira sends it */
	assert_int_equal(with("hub-sha256", secret, &asked), SIGNATURE_GOOD);
	assert_int_equal(with("hub-sha256", "its a secret", &asked), SIGNATURE_WRONG);
	asked.headers[0].value.len--;
	assert_int_equal(with("hub-sha256", secret, &asked), SIGNATURE_WRONG);
	asked.headers[0].value = TEXT("757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
	assert_int_equal(with("hub-sha256", secret, &asked), SIGNATURE_WRONG);
	asked.n = 0;
	assert_int_equal(with("hub-sha256", secret, &asked), SIGNATURE_MISSING);
}

/* RFC 2202 and RFC 4231, test case 2 of each. The header does not choose the algorithm. */
static void test_the_sender_does_not_choose_the_algorithm(void **state)
{
	static const char sha1[] = "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
	                  sha256[] = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
	struct asked asked = {{header("X-Hub-Signature", sha1)}, 1, "what do ya want for nothing?", 0};
	(void)state;
	assert_int_equal(with("hub-sha1", "Jefe", &asked), SIGNATURE_GOOD);
	assert_int_equal(with("hub-sha1", "jefe", &asked), SIGNATURE_WRONG);
	assert_int_equal(with("hub-sha256", "Jefe", &asked), SIGNATURE_WRONG);
	asked.headers[0].value = text_of(sha256);
	assert_int_equal(with("hub-sha256", "Jefe", &asked), SIGNATURE_GOOD);
	assert_int_equal(with("hub-sha1", "Jefe", &asked), SIGNATURE_WRONG);
}

static void test_tokens(void **state)
{
	struct asked asked = {{header("authorization", "Bearer s3cret")}, 1, "", 0};
	(void)state;
	assert_int_equal(with("bearer", "s3cret", &asked), SIGNATURE_GOOD);
	assert_int_equal(with("bearer", "s3cre", &asked), SIGNATURE_WRONG);
	assert_int_equal(with("bearer", "s3crett", &asked), SIGNATURE_WRONG);
	assert_int_equal(with("basic", "a:s3cret", &asked), SIGNATURE_WRONG);
	/* RFC 7617 has this example. */
	asked.headers[0].value = TEXT("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
	assert_int_equal(with("basic", "Aladdin:open sesame", &asked), SIGNATURE_GOOD);
	assert_int_equal(with("basic", "Aladdin:open", &asked), SIGNATURE_WRONG);
	assert_int_equal(with("bearer", "QWxhZGRpbjpvcGVuIHNlc2FtZQ==", &asked), SIGNATURE_WRONG);
	asked.headers[0].value = TEXT("Basic");
	assert_int_equal(with("basic", "Aladdin:open sesame", &asked), SIGNATURE_WRONG);
	asked.headers[0] = header("X-Gitlab-Token", "s3cret");
	assert_int_equal(with("header X-GitLab-Token", "s3cret", &asked), SIGNATURE_GOOD);
	assert_int_equal(with("header X-GitLab-Token", "S3cret", &asked), SIGNATURE_WRONG);
	assert_int_equal(with("header X-Other", "s3cret", &asked), SIGNATURE_MISSING);
	assert_int_equal(with("bearer", "s3cret", &asked), SIGNATURE_MISSING);
	asked.headers[0].value = TEXT("");
	assert_int_equal(with("header X-GitLab-Token", "s3cret", &asked), SIGNATURE_MISSING);
}

static void test_two_secrets(void **state)
{
	struct asked asked = {{header("X-Hub-Signature-256", SHA256_OF_GITHUB)}, 1, "Hello, World!", 0};
	struct signature_rule rule;
	(void)state;
	assert_true(signature_parse(TEXT("hub-sha256"), &rule));
	rule.secrets[0] = TEXT("the next secret");
	rule.secrets[1] = TEXT("It's a Secret to Everybody");
	rule.n_secrets = 1;
	assert_int_equal(verdict(&rule, &asked), SIGNATURE_WRONG);
	rule.n_secrets = 2;
	assert_int_equal(verdict(&rule, &asked), SIGNATURE_GOOD);
	/* Without a secret nothing is right. */
	rule.n_secrets = 0;
	assert_int_equal(verdict(&rule, &asked), SIGNATURE_WRONG);
}

static void test_words(void **state)
{
	static const char *const wrong[] = {"",        "Zendesk",    "sha256",    "header",
	                                    "header ", "header X Y", "header X:", "bearer x"};
	struct signature_rule rule;
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(signature_parse(text_of(wrong[i]), &rule));
	assert_true(signature_parse(TEXT("header  X-Token"), &rule));
	assert_true(text_equal(rule.header, TEXT("X-Token")));
	assert_true(signature_parse(TEXT("none"), &rule));
	assert_int_equal(signature_check(&rule, NULL, 0, TEXT("x"), 0), SIGNATURE_GOOD);
}

static void test_secrets_that_cannot_be(void **state)
{
	struct buf key = BUF_INIT;
	(void)state;
	assert_non_null(signature_key(SIGNATURE_STANDARD_WEBHOOKS, TEXT("whsec_"), &key));
	assert_non_null(signature_key(SIGNATURE_STANDARD_WEBHOOKS, TEXT("whsec_not base64"), &key));
	assert_non_null(signature_key(SIGNATURE_BASIC, TEXT("password"), &key));
	assert_non_null(signature_key(SIGNATURE_BEARER, TEXT(""), &key));
	assert_int_equal(key.len_bytes, 0);
	assert_null(signature_key(SIGNATURE_STANDARD_WEBHOOKS, TEXT("whsec_AAEC"), &key));
	assert_true(text_equal(buf_text(&key), TEXT("\0\1\2")));
	buf_release(&key);
}

/* However the headers are filled, nothing but the whole signature is taken. */
static void test_each_changed_character_is_refused(void **state)
{
	char value[] = SHA256_OF_GITHUB;
	struct asked asked = {{header("X-Hub-Signature-256", value)}, 1, "Hello, World!", 0};
	(void)state;
	for (size_t i = 0; i < sizeof(value) - 1; i++) {
		char before = value[i];
		value[i] = before == '0' ? '1' : '0';
		assert_int_equal(with("hub-sha256", "It's a Secret to Everybody", &asked), SIGNATURE_WRONG);
		value[i] = before;
	}
	assert_int_equal(with("hub-sha256", "It's a Secret to Everybody", &asked), SIGNATURE_GOOD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_standard_webhooks),
	        cmocka_unit_test(test_times),
	        cmocka_unit_test(test_zendesk),
	        cmocka_unit_test(test_chatwoot),
	        cmocka_unit_test(test_hub_sha256),
	        cmocka_unit_test(test_the_sender_does_not_choose_the_algorithm),
	        cmocka_unit_test(test_tokens),
	        cmocka_unit_test(test_two_secrets),
	        cmocka_unit_test(test_words),
	        cmocka_unit_test(test_secrets_that_cannot_be),
	        cmocka_unit_test(test_each_changed_character_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
