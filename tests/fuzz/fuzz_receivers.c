/* The file of receivers: errors with a place, or receivers with values in range and one route each. */
#include "core/delivery/kinds.h"
#include "fuzz.h"
#include "kpid/core/receiver.h"

static void check_receiver(const struct receiver *receiver)
{
	CHECK(receiver->kind != NULL && receiver_kind_find(text_of(receiver->kind->name)) == receiver->kind);
	CHECK(receiver->name.len > 0 && receiver->name.ptr[receiver->name.len] == '\0');
	CHECK(text_is_absent(receiver->url) != text_is_absent(receiver->url_file));
	CHECK(receiver->n_secrets <= RECEIVER_MAX_SECRETS && receiver->n_secrets <= receiver->kind->max_secrets);
	CHECK(receiver->kind->secret_use == NULL || receiver->n_secrets > 0);
	CHECK(receiver->kind->grouping != GROUP_NEVER || receiver->group_at_least == 0);
	CHECK(receiver->min_level >= -1 && receiver->group_at_least >= 0);
	CHECK(receiver->timeout_us > 0 && receiver->pause_us >= 0);
	for (size_t i = 0; i < receiver->n_secrets; i++)
		CHECK(receiver->secret_files[i].ptr[receiver->secret_files[i].len] == '\0');
	if (!text_is_absent(receiver->url)) {
		struct text url = receiver->url;
		CHECK(memchr(url.ptr, '\n', url.len) == NULL && memchr(url.ptr, ' ', url.len) == NULL);
		CHECK((url.len > 8 && memcmp(url.ptr, "https://", 8) == 0) ||
		      (url.len > 7 && memcmp(url.ptr, "http://", 7) == 0));
	}
	/* An alert of any project, team and target: a warning goes only to receivers that want warnings. */
	struct alert_route route = {TEXT("p"), TEXT("t"), TEXT("arrival"), true, 0};
	CHECK(receiver->min_level < 0 || !receiver_wants(receiver, &route));
	route.warning = false;
	route.level = 100;
	if (receiver->projects.n + receiver->teams.n + receiver->targets.n == 0)
		CHECK(receiver_wants(receiver, &route));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct text json = fuzz_exact((struct text){(const char *)data, (uint32_t)n_bytes});
	struct file_errors errors;
	struct receiver_set *set = receiver_set_parse(json, &errors);
	CHECK((set == NULL) == (errors.n > 0));
	for (size_t i = 0; i < errors.n; i++)
		CHECK(errors.items[i].message.len > 0 && errors.items[i].line >= 0);
	for (size_t i = 0; set != NULL && i < set->n; i++) {
		check_receiver(&set->items[i]);
		for (size_t j = 0; j < i; j++)
			CHECK(!text_equal(set->items[i].name, set->items[j].name));
	}
	file_errors_release(&errors);
	receiver_set_free(set);
	free((char *)json.ptr);
	return 0;
}
