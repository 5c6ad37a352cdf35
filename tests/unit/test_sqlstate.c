/* What each error of PostgreSQL requires: retry, another server, or an operator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kpid/base/sqlstate.h"

static void expect(const char *sqlstate, enum sql_error fault)
{
	if (sql_error_of(sqlstate) != fault)
		fail_msg("%s is %s, not %s", sqlstate == NULL ? "NULL" : sqlstate,
		         sql_error_name(sql_error_of(sqlstate)), sql_error_name(fault));
}

static void expect_all(const char *const *states, enum sql_error fault)
{
	for (; *states != NULL; states++)
		expect(*states, fault);
}

static void what_passes_by_itself_is_transient(void **state)
{
	static const char *const states[] = {"08006", "25P02", "25P03", "40001", "40P01", "55P03", "55006", "57014",
	                                     "57P01", "57P02", "57P03", "57P05", "58030", "XX000", NULL};
	(void)state;
	expect_all(states, SQL_TRANSIENT);
}

static void no_sqlstate_is_transient(void **state)
{
	(void)state;
	expect(NULL, SQL_TRANSIENT);
	expect("", SQL_TRANSIENT);
	expect("25", SQL_TRANSIENT);
	expect("250061", SQL_TRANSIENT);
	assert_null(sql_remedy_of(NULL));
}

static void a_server_that_only_reads_is_left(void **state)
{
	(void)state;
	expect("25006", SQL_READ_ONLY);
	assert_non_null(strstr(sql_remedy_of("25006"), "target_session_attrs"));
	assert_false(sql_error_lasts(SQL_READ_ONLY)); /* the next connection may reach the primary */
}

static void full_disk_and_too_many_connections_are_resources(void **state)
{
	static const char *const states[] = {"53000", "53100", "53200", "53300", NULL};
	(void)state;
	expect_all(states, SQL_NO_RESOURCES);
	assert_non_null(strstr(sql_remedy_of("53100"), "space"));
	assert_non_null(strstr(sql_remedy_of("53300"), "max_connections"));
}

static void a_missing_right_needs_a_grant(void **state)
{
	static const char *const states[] = {"42501", "28000", "28P01", NULL};
	(void)state;
	expect_all(states, SQL_NO_RIGHT);
	assert_non_null(strstr(sql_remedy_of("42501"), "kpid_writer"));
	assert_non_null(strstr(sql_remedy_of("28P01"), "password_file"));
	assert_true(sql_error_lasts(SQL_NO_RIGHT));
}

static void an_absent_database_or_schema_is_a_fault_of_the_set_up(void **state)
{
	static const char *const states[] = {"3D000", "3F000", "42P01", "42703", "42883",
	                                     "42704", "42601", "57P04", NULL};
	(void)state;
	expect_all(states, SQL_SET_UP);
	assert_non_null(strstr(sql_remedy_of("3D000"), "dbname"));
	assert_non_null(strstr(sql_remedy_of("42P01"), "kpid migrate up"));
	assert_true(sql_error_lasts(SQL_SET_UP));
}

static void a_statement_of_somebody_else_means_a_pooler(void **state)
{
	static const char *const states[] = {"26000", "42P05", NULL};
	(void)state;
	expect_all(states, SQL_SET_UP);
	assert_non_null(strstr(sql_remedy_of("26000"), "pool_mode = session"));
	assert_non_null(strstr(sql_remedy_of("42P05"), "pool_mode = session"));
}

static void what_depends_on_the_rows_is_data(void **state)
{
	static const char *const states[] = {"21000", "22003", "22021", "22P05", "23502", "23505",
	                                     "23514", "44000", "54000", "P0001", NULL};
	(void)state;
	expect_all(states, SQL_DATA);
	assert_false(sql_error_lasts(SQL_DATA)); /* it ends with the row that causes it */
}

static void the_state_is_found_in_what_libpq_says(void **state)
{
	char found[SQLSTATE_BYTES];
	(void)state;
	assert_true(
	        sqlstate_in_message("connection to server at \"127.0.0.1\", port 5432 failed: FATAL:  3D000: database "
	                            "\"x\" does not exist\nLOCATION:  InitPostgres, postinit.c:1012\n",
	                            found));
	assert_string_equal(found, "3D000");
	assert_true(sqlstate_in_message("致命错误:  28P01: 用户 \"kpid\" Password 认证失败", found));
	assert_string_equal(found, "28P01");
	assert_false(sqlstate_in_message("connection to server failed: Connection refused\n\tIs the server running?",
	                                 found));
	assert_false(sqlstate_in_message("FATAL:  database \"AAAAA: 1\" is gone", found));
	assert_false(sqlstate_in_message("FATAL:  3D0", found));
	assert_false(sqlstate_in_message("", found));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_passes_by_itself_is_transient),
	        cmocka_unit_test(no_sqlstate_is_transient),
	        cmocka_unit_test(a_server_that_only_reads_is_left),
	        cmocka_unit_test(full_disk_and_too_many_connections_are_resources),
	        cmocka_unit_test(a_missing_right_needs_a_grant),
	        cmocka_unit_test(an_absent_database_or_schema_is_a_fault_of_the_set_up),
	        cmocka_unit_test(a_statement_of_somebody_else_means_a_pooler),
	        cmocka_unit_test(what_depends_on_the_rows_is_data),
	        cmocka_unit_test(the_state_is_found_in_what_libpq_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
