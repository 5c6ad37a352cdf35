/* The policies that a daemon holds: a replaced one is kept while it is used, and no longer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "adapters/zone/zone.h"
#include "app/judging.h"

enum { N_REVISIONS = 60 };

#define POLICIES                                                                                                       \
	"{\"calendars\":{\"c\":{\"time_zone\":\"UTC\",\"weekly\":{\"mon\":[\"09:00-17:00\"]}}},\"effective_from\":"    \
	"\"20%02d-01-01T00:00:00Z\",\"id\":\"r%d\",\"policies\":[{\"name\":\"p\",\"targets\":{\"arrival\":{"           \
	"\"calendar\":\"c\",\"within\":\"1h\"}}}]}"

/* Revision number no, with id r<no>, as in the file and as stored. */
static void revision_json(char *out, size_t size, int no)
{
	snprintf(out, size, POLICIES, no, no);
}

static struct policy_set *file_of(int first, int last)
{
	struct buf json = BUF_INIT;
	struct file_errors errors;
	buf_add_str(&json, "{\"revisions\":[");
	for (int no = first; no <= last; no++) {
		char one[512];
		revision_json(one, sizeof(one), no);
		buf_add_str(&json, no > first ? "," : "");
		buf_add_str(&json, one);
	}
	buf_add_str(&json, "]}");
	struct policy_set *set = policy_set_parse(buf_text(&json), zone_find, &errors);
	assert_non_null(set);
	file_errors_release(&errors);
	buf_release(&json);
	return set;
}

/* The result of queries/policy_load.sql. */
static PGresult *stored(int first, int last)
{
	PGresAttDesc columns[3] = {{.name = (char[]){"revision_no"}, .format = 1, .typid = 23, .typlen = 4},
	                           {.name = (char[]){"id"}, .format = 1, .typid = 25, .typlen = -1},
	                           {.name = (char[]){"json"}, .format = 1, .typid = 25, .typlen = -1}};
	PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	assert_int_equal(PQsetResultAttrs(result, 3, columns), 1);
	for (int no = first; no <= last; no++) {
		char id[16], json[512];
		uint32_t number = htonl((uint32_t)no);
		snprintf(id, sizeof(id), "r%d", no);
		revision_json(json, sizeof(json), no);
		PQsetvalue(result, no - first, 0, (char *)&number, 4);
		PQsetvalue(result, no - first, 1, id, (int)strlen(id));
		PQsetvalue(result, no - first, 2, json, (int)strlen(json));
	}
	return result;
}

static void load(struct policy_registry *registry, int first, int last)
{
	PGresult *result = stored(first, last);
	assert_true(policy_registry_update(registry, file_of(first, last), result));
	PQclear(result);
}

static void load_missing(struct policy_registry *registry)
{
	while (registry->n_missing > 0) {
		PGresult *result = stored(registry->missing[0], registry->missing[0]);
		assert_true(policy_registry_update(registry, NULL, result));
		PQclear(result);
	}
}

static size_t n_loaded(const struct policy_registry *registry)
{
	size_t n = 0;
	for (size_t i = 0; i < registry->snapshot->n_stored; i++)
		n += registry->snapshot->stored[i] != NULL;
	return n;
}

static void test_reloads_keep_no_old_policies(void **state)
{
	(void)state;
	struct policy_registry registry;
	policy_registry_init(&registry);
	for (int i = 0; i < 50; i++) {
		load(&registry, 1, 2); /* the same file */
		assert_int_equal(n_loaded(&registry), 2);
		assert_int_equal(registry.snapshot->stored[1]->n_snapshots, 1);
		assert_int_equal(registry.snapshot->n_holders, 1);
	}
	for (int i = 3; i < N_REVISIONS; i++) { /* a file that gains a revision and loses one */
		load(&registry, i, i + 1);
		assert_int_equal(n_loaded(&registry), 2);
		assert_int_equal(registry.snapshot->current->n_revisions, 2);
		assert_ptr_equal(registry.snapshot->current->revisions[0].policies,
		                 registry.snapshot->stored[i]->set->revisions[0].policies);
	}
	policy_registry_release(&registry); /* the sanitizers check the rest */
}

static void test_policies_stay_while_they_are_used(void **state)
{
	(void)state;
	struct policy_registry registry;
	policy_registry_init(&registry);
	load(&registry, 1, 1);
	struct policy_snapshot *held = policy_registry_hold(&registry);
	const struct policy_revision *revision = policy_snapshot_by_no(held, 1);
	load(&registry, 2, 2);
	assert_null(policy_registry_by_no(&registry, 1));
	assert_ptr_equal(policy_snapshot_by_no(held, 1), revision);
	assert_true(text_equal(revision->policies[0].name, TEXT("p")));
	assert_int_equal(held->current->n_revisions, 1);
	struct calendar *hours = target_hours(&revision->policies[0].targets[TARGET_ARRIVAL]);
	assert_int_equal(calendar_after_us(hours, 0, US_PER_SECOND),
	                 INT64_C(378001000000)); /* Monday 1970-01-05 09:00:01 */
	policy_snapshot_drop(held);
	policy_registry_release(&registry);
}

static void test_an_old_revision_of_a_ticket_is_loaded_again(void **state)
{
	(void)state;
	struct policy_registry registry;
	policy_registry_init(&registry);
	load(&registry, 1, 3);
	load(&registry, 3, 3);
	struct policy_snapshot *held = policy_registry_hold(&registry);
	assert_null(policy_snapshot_by_no(held, 2));
	assert_null(policy_snapshot_by_no(held, 1));
	assert_null(policy_snapshot_by_no(held, 1));
	assert_int_equal(registry.n_missing, 2);
	policy_snapshot_drop(held);
	load_missing(&registry);
	assert_non_null(policy_registry_by_no(&registry, 2));
	assert_null(policy_registry_by_no(&registry, 1)); /* loaded again, as the first load was dropped */
	load_missing(&registry);
	assert_non_null(policy_registry_by_no(&registry, 1));
	assert_int_equal(registry.snapshot->current->n_revisions, 1);
	assert_int_equal(registry.snapshot->current->revisions[0].revision_no, 3);
	load(&registry, 3, 3);
	assert_int_equal(n_loaded(&registry), 1);
	policy_registry_release(&registry);
}

static void test_a_refused_update_changes_nothing(void **state)
{
	(void)state;
	struct policy_registry registry;
	policy_registry_init(&registry);
	load(&registry, 1, 1);
	struct policy_snapshot *view = registry.snapshot;
	struct policy_set *next = file_of(2, 3);
	PGresult *result = stored(2, 2); /* the third was not stored */
	assert_false(policy_registry_update(&registry, next, result));
	PQclear(result);
	result = stored(2, 3);
	PQsetvalue(result, 1, 2, (char[]){"{}"}, 2); /* the third is stored with other content */
	assert_false(policy_registry_update(&registry, next, result));
	PQclear(result);
	policy_set_free(next);
	assert_ptr_equal(registry.snapshot, view);
	assert_int_equal(n_loaded(&registry), 1);
	policy_registry_release(&registry);
}

static void test_a_configuration_stays_while_it_is_used(void **state)
{
	(void)state;
	struct config_errors errors = CONFIG_ERRORS_INIT;
	struct policy_registry registry;
	struct judging judging = {NULL, NULL};
	policy_registry_init(&registry);
	for (int i = 0; i < 50; i++) {
		struct kpid_config *config = kpid_config_load(NULL, NULL, 0, &errors);
		assert_non_null(config);
		judging_hold(&judging, &registry, config);
		assert_int_equal(config->n_holds, 1);
		assert_int_equal(registry.snapshot->n_holders, 2);
		kpid_config_free(config); /* it was replaced */
		assert_int_equal(judging_rules(&judging, 1).fold.fcr_window_us, judging.config->kpi.fcr_window_us);
	}
	judging_drop(&judging);
	assert_int_equal(registry.snapshot->n_holders, 1);
	policy_registry_release(&registry);
	config_errors_release(&errors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_reloads_keep_no_old_policies),
	        cmocka_unit_test(test_policies_stay_while_they_are_used),
	        cmocka_unit_test(test_an_old_revision_of_a_ticket_is_loaded_again),
	        cmocka_unit_test(test_a_refused_update_changes_nothing),
	        cmocka_unit_test(test_a_configuration_stays_while_it_is_used),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
