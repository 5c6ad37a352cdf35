/* The configuration. Runs at the top of the source tree, where tests/config and deploy are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config_internal.h"
#include "kpid/base/memory.h"
#include "kpid/config.h"
#include "kpid/core/message.h"

#define SECOND INT64_C(1000000)

static char folder[] = "/tmp/kpid-test-config-XXXXXX";
static char ini_path[sizeof(folder) + 16], secret_path[sizeof(folder) + 16];

static int make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(ini_path, sizeof(ini_path), "%s/kpid.ini", folder);
	snprintf(secret_path, sizeof(secret_path), "%s/secret", folder);
	unsetenv("KPID_CONFIG");
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(ini_path);
	unlink(secret_path);
	return rmdir(folder);
}

static void write_file(const char *path, mode_t mode, const void *bytes, size_t n)
{
	unlink(path);
	FILE *stream = fopen(path, "w");
	assert_non_null(stream);
	assert_int_equal(fwrite(bytes, 1, n, stream), n);
	assert_int_equal(fclose(stream), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void write_ini(mode_t mode, const char *text)
{
	write_file(ini_path, mode, text, strlen(text));
}

static void read_whole(const char *path, struct buf *text_out)
{
	FILE *stream = fopen(path, "r");
	if (stream == NULL)
		fail_msg("%s: run this at the top of the source tree", path);
	int c;
	while ((c = getc(stream)) != EOF)
		buf_add_char(text_out, (char)c);
	fclose(stream);
}

/* The configuration, which must be good. */
static struct kpid_config *good(const char *text)
{
	struct config_faults faults = CONFIG_FAULTS_INIT;
	write_ini(0600, text);
	struct kpid_config *config = kpid_config_load(ini_path, NULL, 0, &faults);
	if (faults.n > 0)
		fail_msg("%d: %s: %s", faults.items[0].line, faults.items[0].key, faults.items[0].message);
	assert_non_null(config);
	return config;
}

/* What is written must have exactly this fault. */
static void bad_with(const char *path, const char *const *sets, size_t n_sets, int line, const char *key,
                     const char *part)
{
	struct config_faults faults = CONFIG_FAULTS_INIT;
	struct kpid_config *config = kpid_config_load(path, sets, n_sets, &faults);
	assert_null(config);
	assert_int_equal(faults.n, 1);
	assert_int_equal(faults.items[0].line, line);
	assert_string_equal(faults.items[0].key, key);
	if (strstr(faults.items[0].message, part) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", faults.items[0].message, part);
	config_faults_release(&faults);
}

static void bad(const char *text, int line, const char *key, const char *part)
{
	write_ini(0600, text);
	bad_with(ini_path, NULL, 0, line, key, part);
}

static void bad_set(const char *set, const char *key, const char *part)
{
	bad_with(NULL, &set, 1, 1, key, part);
}

static void assert_equals_file(const struct buf *text, const char *path)
{
	struct buf expected = BUF_INIT;
	read_whole(path, &expected);
	assert_string_equal(buf_text(text).ptr, buf_text(&expected).ptr);
	buf_release(&expected);
}

static void test_defaults(void **state)
{
	(void)state;
	struct config_faults faults = CONFIG_FAULTS_INIT;
	struct kpid_config *config = kpid_config_load(NULL, NULL, 0, &faults);
	assert_non_null(config);
	assert_int_equal(faults.n, 0);
	assert_null(config->file);
	assert_int_equal(config->run.lanes, 1);
	assert_int_equal(config->run.batch_max_age_us, 20000);
	assert_int_equal(config->run.batch_max_bytes, 6 * 1024 * 1024);
	assert_int_equal(config->run.start, START_EARLIEST);
	assert_int_equal(config->run.log_level, LOG_LEVEL_INFO);
	assert_true(strchr(config->run.instance, ':') != NULL);
	assert_null(config->sla.policy_file);
	assert_int_equal(config->sla.max_silence_us, 30 * SECOND);
	assert_int_equal(config->sla.shadow_projects.n, 0);
	assert_string_equal(config->alert.topic, "kpid-alerts");
	assert_int_equal(config->alert.max_age_us, 24 * 3600 * SECOND);
	assert_int_equal(config->kpi.fcr_window_us, 7 * 24 * 3600 * SECOND);
	assert_string_equal(config->report.time_zone, "UTC");
	assert_int_equal(config->report.language, MESSAGE_EN);
	assert_string_equal(config_pairs_get(&config->kafka, "group.id"), "kpid");
	assert_int_equal(config->postgres.n, 0);
	assert_int_equal(config->topics.n, 4);
	assert_string_equal(config->topics.items[0].name, "ticket-opened");
	assert_int_equal(config->topics.items[0].only, EVENT_OPENED);
	assert_int_equal(config->topics.items[3].only, EVENT_TYPE_NONE);
	assert_int_equal(config->topics.items[3].types, CONFIG_ALL_TYPES);

	assert_false(kpid_config_can_run(config, &faults));
	assert_int_equal(faults.n, 1);
	assert_string_equal(faults.items[0].key, "kafka.bootstrap.servers");
	config_faults_release(&faults);
	kpid_config_free(config);
	kpid_config_free(NULL);
}

/* Each default is a value that the option itself takes, or the empty one where that means something. */
static void test_table(void **state)
{
	(void)state;
	struct kpid_config *config = good("");
	for (size_t i = 0; i < config_n_options; i++) {
		const struct config_option *option = &config_options[i];
		struct buf message = BUF_INIT, range = BUF_INIT;
		assert_non_null(config_section_find(option->section));
		assert_ptr_equal(config_option_find(option->section, option->name), option);
		assert_true(config_option_parse(option, option->default_text, NULL, config, &message));
		assert_int_equal(option->empty_means == NULL, !config_option_parse(option, "", NULL, config, &message));
		config_option_range(option, &range);
		assert_true(range.len_bytes > 0);
		assert_int_equal(option->help[strlen(option->help) - 1], '.');
		buf_release(&message);
		buf_release(&range);
	}
	kpid_config_free(config);
}

static void test_golden(void **state)
{
	(void)state;
	struct config_faults faults = CONFIG_FAULTS_INIT;
	struct buf out = BUF_INIT;
	assert_null(kpid_config_load("tests/config/faults.ini", NULL, 0, &faults));
	config_faults_write(&faults, &out);
	assert_equals_file(&out, "tests/config/faults.expected");
	config_faults_release(&faults);

	struct kpid_config *config = kpid_config_load("tests/config/good.ini", NULL, 0, &faults);
	assert_non_null(config);
	assert_int_equal(faults.n, 0);
	assert_true(kpid_config_can_run(config, &faults));
	buf_clear(&out);
	kpid_config_write(config, &out);
	assert_equals_file(&out, "tests/config/good.expected");
	buf_clear(&out);
	kpid_config_write_json(config, &out);
	buf_add_char(&out, '\n');
	assert_equals_file(&out, "tests/config/good.json.expected");

	/* What is shown says all: read again, it is the same. */
	buf_clear(&out);
	kpid_config_write(config, &out);
	struct kpid_config *again = good(out.data);
	buf_clear(&out);
	kpid_config_write(again, &out);
	assert_equals_file(&out, "tests/config/good.expected");
	kpid_config_free(again);
	kpid_config_free(config);
	buf_release(&out);
}

static void assert_same_options(const struct kpid_config *a, const struct kpid_config *b)
{
	for (size_t i = 0; i < config_n_options; i++) {
		struct buf one = BUF_INIT, other = BUF_INIT;
		config_option_format(&config_options[i], a, &one);
		config_option_format(&config_options[i], b, &other);
		assert_true(text_same(buf_text(&one), buf_text(&other)));
		buf_release(&one);
		buf_release(&other);
	}
	assert_int_equal(a->topics.n, b->topics.n);
	for (size_t i = 0; i < a->topics.n; i++) {
		assert_string_equal(a->topics.items[i].name, b->topics.items[i].name);
		assert_int_equal(a->topics.items[i].types, b->topics.items[i].types);
	}
}

static void test_sample(void **state)
{
	(void)state;
	struct buf sample = BUF_INIT, bare = BUF_INIT;
	kpid_config_write_sample(&sample);
	assert_equals_file(&sample, "deploy/kpid.sample.ini");

	/* As it is, and with every "#name = value" made active, it comes to the defaults. */
	const char *rest = sample.data;
	for (const char *c = rest; *c != '\0'; c++)
		if (*c != '#' || (c > rest && c[-1] != '\n') || c[1] < 'a' || c[1] > 'z')
			buf_add_char(&bare, *c);
	struct kpid_config *defaults = good(""), *as_is = good(sample.data), *active = good(bare.data);
	assert_same_options(defaults, as_is);
	assert_same_options(defaults, active);
	assert_int_equal(as_is->kafka.n, defaults->kafka.n);
	assert_int_equal(as_is->postgres.n, 0);
	assert_string_equal(config_pairs_get(&active->kafka, "bootstrap.servers"), "localhost:9092");
	assert_string_equal(config_pairs_get(&active->postgres, "dbname"), "kpid");
	kpid_config_free(defaults);
	kpid_config_free(as_is);
	kpid_config_free(active);
	buf_release(&sample);
	buf_release(&bare);
}

static void test_man(void **state)
{
	(void)state;
	struct buf man = BUF_INIT;
	kpid_config_write_man(&man);
	for (size_t i = 0; i < config_n_options; i++) {
		struct buf entry = BUF_INIT;
		buf_add_format(&entry, ".B %s\n", config_options[i].name);
		assert_non_null(strstr(man.data, entry.data));
		buf_release(&entry);
	}
	buf_release(&man);
}

static void test_numbers(void **state)
{
	(void)state;
	struct kpid_config *config = good("[run]\nlanes=16\nbatch_max_age = 10s\nbatch_max_bytes=64KiB\n"
	                                  "buffer_max_bytes = 4 GiB\n[sla]\ntick=250ms\nmax_silence=5m\n"
	                                  "[alert]\nmax_age=1h30m\n[kpi]\nfcr_window = 30 d");
	assert_int_equal(config->run.lanes, 16);
	assert_int_equal(config->run.batch_max_age_us, 10 * SECOND);
	assert_int_equal(config->run.batch_max_bytes, 65536);
	assert_int_equal(config->run.buffer_max_bytes, INT64_C(4) << 30);
	assert_int_equal(config->sla.tick_us, 250000);
	assert_int_equal(config->sla.max_silence_us, 300 * SECOND);
	assert_int_equal(config->alert.max_age_us, 5400 * SECOND);
	assert_int_equal(config->kpi.fcr_window_us, 30 * 86400 * SECOND);
	kpid_config_free(config);

	static const char *const not_numbers[] = {"x", "-1", "+1", "1.5", "0x2", "2 ; two", "99999999999999999999"};
	for (size_t i = 0; i < sizeof(not_numbers) / sizeof(not_numbers[0]); i++) {
		struct buf text = BUF_INIT;
		buf_add_format(&text, "[run]\n\nlanes = %s\n", not_numbers[i]);
		bad(text.data, 3, "run.lanes", "is not a whole number");
		buf_release(&text);
	}
	bad("[run]\nlanes = 0", 2, "run.lanes", "0 is out of range: 1 to 16");
	bad("[sla]\ntick = 5", 2, "sla.tick", "250ms, 10s, 5m, 1h30m or 7d");
	bad("[sla]\ntick = 1s1s", 2, "sla.tick", "is not a number with a unit");
	bad("[sla]\ntick = 1s5", 2, "sla.tick", "is not a number with a unit");
	bad("[sla]\ntick = 1s0", 2, "sla.tick", "is not a number with a unit");
	bad("[sla]\ntick = 5 min", 2, "sla.tick", "is not a number with a unit");
	bad("[sla]\ntick = 106751991167301d", 2, "sla.tick", "is not a number with a unit");
	bad("[run]\nbatch_max_bytes = 300MiB", 2, "run.batch_max_bytes", "64KiB to 256MiB");
	bad("[run]\nbatch_max_bytes = 1mib", 2, "run.batch_max_bytes", "such as 8MiB");
}

static void test_texts(void **state)
{
	(void)state;
	struct kpid_config *config = good("[run]\nstart = latest\ninstance = a b;c\n[sla]\n"
	                                  "shadow_projects = one,two , three\npolicy_file = kpid.ini\n"
	                                  "[alert]\ntopic = x.y_z-1\n");
	assert_int_equal(config->run.start, START_LATEST);
	assert_string_equal(config->run.instance, "a b;c");
	assert_int_equal(config->sla.shadow_projects.n, 3);
	assert_string_equal(config->sla.shadow_projects.items[1], "two");
	assert_string_equal(config->sla.policy_file, ini_path); /* found beside the file */
	assert_string_equal(config->alert.topic, "x.y_z-1");
	kpid_config_free(config);

	bad("[run]\nstart = lates", 2, "run.start", "one of earliest or latest; did you mean latest?");
	bad("[run]\nlog_level = chatty", 2, "run.log_level", "one of error, warning, info or debug");
	bad("[run]\ninstance = a\tb", 2, "run.instance", "without control characters");
	bad("[sla]\nshadow_projects = a,a", 2, "sla.shadow_projects", "\"a\" is in the list twice");
	bad("[sla]\npolicy_file = /", 2, "sla.policy_file", "/ is a folder");
	bad("[sla]\npolicy_file = /no/such", 2, "sla.policy_file", "No such file");
	bad("[alert]\ntopic = a/b", 2, "alert.topic", "is not the name of a topic");
}

static void test_language(void **state)
{
	(void)state;
	bad("[report]\nlanguage = de", 2, "report.language", "zh");
	struct kpid_config *config = good("[report]\nlanguage = zh");
	assert_int_equal(config->report.language, MESSAGE_ZH);
	kpid_config_free(config);
}

static void test_zones(void **state)
{
	(void)state;
	bad("[report]\ntime_zone = ../../etc/passwd", 2, "report.time_zone", "an IANA name");
	bad("[report]\ntime_zone = /etc/passwd", 2, "report.time_zone", "an IANA name");
	bad("[report]\ntime_zone =", 2, "report.time_zone", "the value is missing");
	if (access("/usr/share/zoneinfo/Asia/Shanghai", F_OK) != 0)
		skip();
	struct kpid_config *config = good("[report]\ntime_zone = Asia/Shanghai");
	assert_string_equal(config->report.time_zone, "Asia/Shanghai");
	kpid_config_free(config);
	bad("[report]\ntime_zone = Asia/Beijing", 2, "report.time_zone", "\"Asia/Beijing\" is not a time zone");
	bad("[report]\ntime_zone = Asia", 2, "report.time_zone", "\"Asia\" is not a time zone");
}

static void test_topics(void **state)
{
	(void)state;
	struct kpid_config *config = good("[topics]\na = survey.submitted\nb = ticket.opened, ticket.closed\n"
	                                  "c = activity\nd = *\n");
	assert_int_equal(config->topics.n, 4);
	assert_int_equal(config->topics.items[0].only, EVENT_SURVEY);
	assert_int_equal(config->topics.items[1].types, (1u << EVENT_OPENED) | (1u << EVENT_CLOSED));
	assert_int_equal(config->topics.items[1].only, EVENT_TYPE_NONE);
	assert_int_equal(config->topics.items[2].types & (1u << EVENT_OPENED), 0);
	assert_int_not_equal(config->topics.items[2].types & (1u << EVENT_RESPONDED), 0);
	assert_int_equal(config->topics.items[3].types, CONFIG_ALL_TYPES);
	kpid_config_free(config);

	bad("[topics]\na = ticket.closd", 2, "topics.a", "did you mean ticket.closed?");
	bad("[topics]\na =", 2, "topics.a", "an event type is missing");
	bad("[topics]\n.. = *", 2, "topics...", "a topic's name");
	bad("[topics]\na = *\na = *", 3, "topics.a", "is set twice; the first time in line 2");
	bad("[topics]\nkpid-alerts = *", 2, "topics.kpid-alerts", "kpid would hear itself");
	bad("[alert]\ntopic = survey", 2, "alert.topic", "kpid would hear itself");
}

static void test_lines(void **state)
{
	(void)state;
	struct kpid_config *config = good("\xef\xbb\xbf[run]\r\nlanes = 3\r\n; c\n# c\n  \n\t[sla] \n  tick : 2s  ");
	assert_int_equal(config->run.lanes, 3);
	assert_int_equal(config->sla.tick_us, 2 * SECOND);
	kpid_config_free(config);

	bad("[run]\nlanes", 2, "", "neither \"[section]\" nor \"name = value\"");
	bad("[run]\n\n= 3", 3, "", "neither \"[section]\" nor \"name = value\"");
	bad("[run\nlanes = x", 1, "", "a section begins with a line [name]");
	bad("[ru]\nlanes = x\nnonsense", 1, "ru", "did you mean [run]?");
	bad("lanes = 1", 1, "lanes", "it belongs under [run]");
	bad("[run]\nlane = 1", 2, "run.lane", "did you mean lanes?");
	bad("[run]\nfcr_window = 1d", 2, "run.fcr_window", "it belongs under [kpi]");
	bad("[run]\nqwertyuiop = 1", 2, "run.qwertyuiop", "there is no such option");
	bad("[run]\nlanes = 1\n[sla]\n[run]\nlanes = 1", 5, "run.lanes", "is set twice; the first time in line 2");
	bad("[run]\ninstance = \xff", 2, "", "is not UTF-8");
	bad("[\xff]\n", 1, "", "is not UTF-8");

	write_file(ini_path, 0600, "[run]\0\n", 7);
	bad_with(ini_path, NULL, 0, 0, "", "zero byte");
	bad_with("/no/such/kpid.ini", NULL, 0, 0, "", "cannot be read: No such file");
	bad_with(folder, NULL, 0, 0, "", "cannot be read: Is a directory");
}

/* A name or a value longer than any buffer. */
static void test_long_lines(void **state)
{
	(void)state;
	struct buf text = BUF_INIT;
	buf_add_str(&text, "[kafka]\nclient.id = ");
	for (size_t i = 0; i < 10000; i++)
		buf_add_char(&text, 'x');
	buf_add_str(&text, "\n[run]\nlanes = 5\n");
	struct kpid_config *config = good(text.data);
	assert_int_equal(strlen(config_pairs_get(&config->kafka, "client.id")), 10000);
	assert_int_equal(config->run.lanes, 5);
	kpid_config_free(config);

	buf_clear(&text);
	buf_add_char(&text, '[');
	for (size_t i = 0; i < 300; i++)
		buf_add_char(&text, 'k');
	buf_add_str(&text, "]\na = b");
	write_ini(0600, text.data);
	struct config_faults faults = CONFIG_FAULTS_INIT;
	assert_null(kpid_config_load(ini_path, NULL, 0, &faults));
	assert_int_equal(faults.n, 1);
	assert_int_equal(strlen(faults.items[0].key), 300);
	config_faults_release(&faults);

	buf_clear(&text);
	for (size_t i = 0; i < 1024 * 1024; i++)
		buf_add_str(&text, "#\n");
	write_ini(0600, text.data);
	bad_with(ini_path, NULL, 0, 0, "", "larger than 1 MiB");
	buf_release(&text);
}

static void test_kafka(void **state)
{
	(void)state;
	struct kpid_config *config = good("[kafka]\nmetadata.broker.list = a:1\ngroup.id = mine\nacks = all\n"
	                                  "partition.assignment.strategy = cooperative-sticky\n"
	                                  "group.instance.id = i1\n");
	assert_string_equal(config->kafka.items[0].name, "metadata.broker.list"); /* in order */
	assert_int_equal(config->kafka.items[0].line, 2);
	assert_string_equal(config_pairs_get(&config->kafka, "group.id"), "mine");
	assert_null(config_pairs_get(&config->kafka, "nothing"));
	struct config_faults none = CONFIG_FAULTS_INIT;
	assert_true(kpid_config_can_run(config, &none));
	kpid_config_free(config);

	static const char *const own[] = {"enable.auto.commit", "enable.auto.offset.store", "auto.offset.reset",
	                                  "enable.partition.eof", "transactional.id"};
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		struct buf text = BUF_INIT, key = BUF_INIT;
		buf_add_format(&text, "[kafka]\n%s = x\n", own[i]);
		buf_add_format(&key, "kafka.%s", own[i]);
		bad(text.data, 2, key.data, "cannot be set: ");
		buf_release(&text);
		buf_release(&key);
	}
	bad("[kafka]\nfetch.min.byte = 1", 2, "kafka.fetch.min.byte", "did you mean fetch.min.bytes?");
	bad("[kafka]\nfetch.min.bytes = lots", 2, "kafka.fetch.min.bytes", "does not take \"lots\"");
	bad("[kafka]\nsecurity.protocol = tls", 2, "kafka.security.protocol", "does not take \"tls\"");
}

static void test_secrets_in_the_file(void **state)
{
	(void)state;
	static const char text[] = "[kafka]\nsasl.password = hunter2\nssl.key.password = hunter2\n"
	                           "[postgres]\npassword = hunter2\nsslpassword=hunter2\n";
	struct kpid_config *config = good(text);
	assert_string_equal(config_pairs_get(&config->kafka, "sasl.password"), "hunter2");
	assert_string_equal(config_pairs_get(&config->postgres, "password"), "hunter2");
	struct buf out = BUF_INIT;
	kpid_config_write(config, &out);
	kpid_config_write_json(config, &out);
	assert_null(strstr(out.data, "hunter2"));
	assert_non_null(strstr(out.data, "sasl.password = ***\n"));
	assert_non_null(strstr(out.data, "\"sslpassword\": \"***\""));
	kpid_config_free(config);

	static const mode_t too_open[] = {0640, 0604, 0620};
	for (size_t i = 0; i < sizeof(too_open) / sizeof(too_open[0]); i++) {
		struct config_faults faults = CONFIG_FAULTS_INIT;
		write_ini(too_open[i], text);
		assert_null(kpid_config_load(ini_path, NULL, 0, &faults));
		assert_int_equal(faults.n, 4);
		buf_clear(&out);
		config_faults_write(&faults, &out);
		config_faults_write_json(&faults, &out);
		assert_null(strstr(out.data, "hunter2"));
		assert_non_null(strstr(out.data, "write password_file = PATH, or run: chmod 600 "));
		config_faults_release(&faults);
	}
	buf_release(&out);
}

/* A secret under a wrong name, in a wrong place or in a broken line is not repeated either. */
static void test_secrets_gone_astray(void **state)
{
	(void)state;
	struct config_faults faults = CONFIG_FAULTS_INIT;
	write_ini(0600, "password = hunter2\n[postgres]\npasword = hunter2\npassword hunter2\n[kafka]\n"
	                "sasl.pasword = hunter2\n[run]\npassword = hunter2\n[\npassword = hunter2\n");
	static const char *const sets[] = {"kafka.pasword=hunter2", "hunter2", "x.password=hunter2"};
	assert_null(kpid_config_load(ini_path, sets, 3, &faults));
	assert_int_equal(faults.n, 9);
	struct buf out = BUF_INIT;
	config_faults_write(&faults, &out);
	assert_null(strstr(out.data, "hunter2"));
	buf_release(&out);
	config_faults_release(&faults);
}

static void test_secrets_from_files(void **state)
{
	(void)state;
	static const char text[] = "[postgres]\npassword_file = secret\n";
	write_file(secret_path, 0640, "hunter2\n", 8);
	write_ini(0644, text);
	struct config_faults faults = CONFIG_FAULTS_INIT;
	struct kpid_config *config = kpid_config_load(ini_path, NULL, 0, &faults);
	assert_non_null(config);
	assert_string_equal(config_pairs_get(&config->postgres, "password"), "hunter2");
	assert_null(config_pairs_get(&config->postgres, "password_file"));
	struct buf out = BUF_INIT;
	kpid_config_write(config, &out);
	assert_null(strstr(out.data, "hunter2"));
	buf_release(&out);
	kpid_config_free(config);

	write_file(secret_path, 0600, " two\nlines \r\n", 13); /* one line end goes, nothing else */
	config = good("[kafka]\nsasl.password_file = secret\n");
	assert_string_equal(config_pairs_get(&config->kafka, "sasl.password"), " two\nlines ");
	kpid_config_free(config);

	bad("[postgres]\npassword_file = nothing-there", 2, "postgres.password_file", "No such file");
	bad("[postgres]\npasswort_file = secret", 2, "postgres.passwort_file", "did you mean password?");
	bad("[postgres]\npassword_file = secret\npassword = x", 3, "postgres.password", "is set twice");
	bad("[postgres]\npassword_file = /tmp", 2, "postgres.password_file", "/tmp is not a file");
	write_file(secret_path, 0604, "hunter2", 7);
	bad(text, 2, "postgres.password_file", "run: chmod o-rwx ");
	write_file(secret_path, 0600, "\n", 1);
	bad(text, 2, "postgres.password_file", "is empty");
	write_file(secret_path, 0600, "a\0b", 3);
	bad(text, 2, "postgres.password_file", "zero byte");
	char *large = mem_zalloc(65537);
	memset(large, 'x', 65537);
	write_file(secret_path, 0600, large, 65537);
	bad(text, 2, "postgres.password_file", "larger than 64 KiB");
	write_file(secret_path, 0600, large, 65536);
	kpid_config_free(good(text));
	free(large);
}

static void test_sets(void **state)
{
	(void)state;
	static const char *const sets[] = {"run.lanes=9", "kafka.client.id=a=b", "run.lanes=7", "topics.mine=*",
	                                   "alert.topic="};
	struct config_faults faults = CONFIG_FAULTS_INIT;
	write_ini(0600, "[run]\nlanes = 3\nstart = latest\n");
	struct kpid_config *config = kpid_config_load(ini_path, sets, 5, &faults);
	assert_non_null(config);
	assert_int_equal(config->run.lanes, 7); /* the last one counts */
	assert_int_equal(config->run.start, START_LATEST);
	assert_string_equal(config_pairs_get(&config->kafka, "client.id"), "a=b");
	assert_int_equal(config->topics.n, 1);
	assert_null(config->alert.topic);
	kpid_config_free(config);

	bad_set("lanes=3", "", "must be section.name=value");
	bad_set("run.lanes", "", "must be section.name=value");
	bad_set("run.=3", "", "must be section.name=value");
	bad_set("run.inst\xff=3", "", "is not UTF-8");
	bad_set("rum.lanes=3", "rum.lanes", "did you mean run?");
	bad_set("run.lanes=30", "run.lanes", "out of range");
	bad_set("run.lane=3", "run.lane", "did you mean lanes?");
	bad_set("postgres.password=x", "postgres.password", "use password_file=PATH");
	bad_set("kafka.sasl.password=x", "kafka.sasl.password", "use sasl.password_file=PATH");

	write_ini(0600, "[run]\nbatch_max_events = 0\nlanes = 0\n");
	bad_with(ini_path, sets, 1, 2, "run.batch_max_events", "out of range"); /* lanes is overridden */
}

static void test_diff(void **state)
{
	(void)state;
	struct kpid_config *before = good("[kafka]\nbootstrap.servers=a\nacks=1\n[postgres]\nhost=a\n");
	struct kpid_config *same = good("[run]\nlanes = 1\nbatch_max_age = 1s\nlog_level=debug\n[sla]\ntick=1s\n"
	                                "[kafka]\nacks=1\nbootstrap.servers=a\n[postgres]\nhost=a\n");
	struct kpid_config *after = good("[run]\nlanes=3\n[kafka]\nbootstrap.servers=b\n[postgres]\nport=1\n"
	                                 "[topics]\nsurvey=*\nx=*\nticket-opened=ticket.opened\n");
	struct config_words names = {NULL, 0, 0};
	assert_int_equal(kpid_config_diff_not_reloadable(before, same, &names), 0);
	static const char *const expected[] = {"kafka.bootstrap.servers",
	                                       "kafka.acks",
	                                       "postgres.port",
	                                       "postgres.host",
	                                       "topics.survey",
	                                       "topics.x",
	                                       "topics.ticket-closed",
	                                       "topics.ticket-activity",
	                                       "run.lanes"};
	assert_int_equal(kpid_config_diff_not_reloadable(before, after, &names), 9);
	for (size_t i = 0; i < names.n; i++)
		assert_string_equal(names.items[i], expected[i]);
	config_words_release(&names);
	kpid_config_free(before);
	kpid_config_free(same);
	kpid_config_free(after);
}

static void test_path(void **state)
{
	(void)state;
	unsetenv("KPID_CONFIG");
	assert_string_equal(kpid_config_path("x.ini"), "x.ini");
	const char *standard = access(KPID_CONFIG_DEFAULT_PATH, F_OK) == 0 ? KPID_CONFIG_DEFAULT_PATH : NULL;
	assert_true(kpid_config_path(NULL) == standard || strcmp(kpid_config_path(NULL), standard) == 0);
	setenv("KPID_CONFIG", "y.ini", 1);
	assert_string_equal(kpid_config_path(NULL), "y.ini");
	assert_string_equal(kpid_config_path(""), "y.ini");
	assert_string_equal(kpid_config_path("x.ini"), "x.ini");
	unsetenv("KPID_CONFIG");
}

static const char *nearest(const char *written)
{
	struct suggestion suggestion;
	suggestion_init(&suggestion, written);
	suggestion_offer(&suggestion, "time_zone");
	suggestion_offer(&suggestion, "lanes");
	suggestion_offer(&suggestion, "batch_max_age");
	return suggestion.nearest == NULL ? "" : suggestion.nearest;
}

static void test_suggestions(void **state)
{
	(void)state;
	assert_string_equal(nearest("timezone"), "time_zone");
	assert_string_equal(nearest("time-zone"), "time_zone");
	assert_string_equal(nearest("TIME.ZONE"), "time_zone");
	assert_string_equal(nearest("lnaes"), "lanes");
	assert_string_equal(nearest("lane"), "lanes");
	assert_string_equal(nearest("batch_max"), "batch_max_age");
	assert_string_equal(nearest("weather"), "");
	assert_string_equal(nearest(""), "");
	assert_string_equal(nearest("a-word-that-is-longer-than-anything-that-was-ever-the-name-of-an-option-here"),
	                    "");
}

static void test_faults_json(void **state)
{
	(void)state;
	struct config_faults faults = CONFIG_FAULTS_INIT;
	struct buf out = BUF_INIT;
	config_fault_add(&faults, "a \"b\"", 3, "run.lanes", "is %s", "bad");
	config_fault_add(&faults, "c", 0, "", "gone");
	config_faults_write_json(&faults, &out);
	assert_string_equal(
	        out.data,
	        "[{\"file\": \"a \\\"b\\\"\", \"line\": 3, \"key\": \"run.lanes\", \"message\": "
	        "\"is bad\", \"level\": \"error\"}, {\"file\": \"c\", \"line\": null, \"key\": \"\", \"message\": "
	        "\"gone\", \"level\": \"error\"}]");
	buf_clear(&out);
	config_faults_write(&faults, &out);
	assert_string_equal(out.data, "a \"b\":3: run.lanes: is bad\nc: gone\n");
	buf_release(&out);
	config_faults_release(&faults);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_defaults),
	        cmocka_unit_test(test_table),
	        cmocka_unit_test(test_golden),
	        cmocka_unit_test(test_sample),
	        cmocka_unit_test(test_man),
	        cmocka_unit_test(test_numbers),
	        cmocka_unit_test(test_texts),
	        cmocka_unit_test(test_zones),
	        cmocka_unit_test(test_language),
	        cmocka_unit_test(test_topics),
	        cmocka_unit_test(test_lines),
	        cmocka_unit_test(test_long_lines),
	        cmocka_unit_test(test_kafka),
	        cmocka_unit_test(test_secrets_in_the_file),
	        cmocka_unit_test(test_secrets_gone_astray),
	        cmocka_unit_test(test_secrets_from_files),
	        cmocka_unit_test(test_sets),
	        cmocka_unit_test(test_diff),
	        cmocka_unit_test(test_path),
	        cmocka_unit_test(test_suggestions),
	        cmocka_unit_test(test_faults_json),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
