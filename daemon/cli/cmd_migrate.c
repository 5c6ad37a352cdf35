#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/pg/migrate.h"
#include "cli/cli.h"
#include "cli/json_out.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

/* ---- connection ---- */

static void on_notice(void *context, const char *message)
{
	(void)context;
	log_warning("PostgreSQL: %.*s", (int)strcspn(message, "\n"), message);
}

/* Returns NULL after logging the reason. */
static PGconn *connect_to(const struct config_pairs *pairs)
{
	const char **keywords = mem_zalloc((pairs->n + 2) * sizeof(*keywords));
	const char **values = mem_zalloc((pairs->n + 2) * sizeof(*values));
	keywords[0] = "fallback_application_name";
	values[0] = "kpid migrate";
	for (size_t i = 0; i < pairs->n; i++) {
		keywords[i + 1] = pairs->items[i].name;
		values[i + 1] = pairs->items[i].value;
	}
	PGconn *conn = PQconnectdbParams(keywords, values, 0);
	free(keywords);
	free(values);
	if (PQstatus(conn) == CONNECTION_OK) {
		PQsetNoticeProcessor(conn, on_notice, NULL);
		return conn;
	}
	const char *message = PQerrorMessage(conn);
	log_error("%.*s", (int)strcspn(message, "\n"), message);
	PQfinish(conn);
	return NULL;
}

/* Logs each line of an error. */
static void log_lines(const struct buf *error)
{
	for (const char *line = buf_text(error).ptr; *line != '\0'; line += strspn(line, "\n")) {
		int len = (int)strcspn(line, "\n");
		log_error("%.*s", len, line);
		line += len;
	}
}

static int failed(const PGconn *conn, const struct migrate_error *error)
{
	log_lines(&error->text);
	return PQstatus(conn) == CONNECTION_OK && !error->no_right ? CLI_FAILED : CLI_NO_POSTGRES;
}

/* ---- output ---- */

static void add_member(struct buf *out, const char *name, const char *value)
{
	buf_add_format(out, ", \"%s\": ", name);
	if (value == NULL || value[0] == '\0')
		buf_add_str(out, "null");
	else
		buf_add_json_string(out, text_of(value));
}

static void add_json(struct buf *out, const struct migration *migration)
{
	buf_add_format(out, "{\"version\": %d", migration->version);
	add_member(out, "name", migration->name);
	add_member(out, "state", migration_state_name(migration->state));
	add_member(out, "sha256", migration->sha256);
	add_member(out, "applied_sha256", migration->applied_sha256);
	add_member(out, "applied_at", migration->applied_at);
	add_member(out, "applied_by", migration->applied_by);
	buf_add_char(out, '}');
}

static void add_all_json(struct buf *out, const struct migrations *list)
{
	buf_add_str(out, "\"migrations\": [");
	for (size_t i = 0; i < list->n; i++) {
		if (i > 0)
			buf_add_str(out, ", ");
		add_json(out, &list->items[i]);
	}
	buf_add_char(out, ']');
}

/* ---- status, verify, up --dry-run: read-only ---- */

static void write_status(const struct migrations *list, bool json, struct buf *out)
{
	if (json) {
		buf_add_char(out, '{');
		add_all_json(out, list);
		buf_add_str(out, "}\n");
		return;
	}
	for (size_t i = 0; i < list->n; i++) {
		const struct migration *migration = &list->items[i];
		buf_add_format(out, "%04d_%-24s %s", migration->version, migration->name,
		               migration_state_name(migration->state));
		if (migration->applied_at != NULL)
			buf_add_format(out, " %s by %s", migration->applied_at, migration->applied_by);
		buf_add_char(out, '\n');
	}
}

static int status_of(const struct cli *cli, const struct migrations *list)
{
	struct buf out = BUF_INIT;
	write_status(list, cli->json, &out);
	cli_print_data(cli, &out);
	return CLI_OK;
}

static int verify(const struct cli *cli, const struct migrations *list)
{
	struct buf out = BUF_INIT, why = BUF_INIT;
	bool ok = migrations_verdict(list, &why) == MIGRATE_CURRENT;
	if (cli->json) {
		buf_add_format(&out, "{\"ok\": %s, ", ok ? "true" : "false");
		add_all_json(&out, list);
		buf_add_str(&out, "}\n");
	} else if (ok) {
		buf_add_format(&out, "ok: %zu migrations\n", list->n);
	}
	if (!ok)
		log_lines(&why);
	buf_release(&why);
	cli_print_data(cli, &out);
	return ok ? CLI_OK : CLI_FAILED;
}

/* Begins the JSON object of a migration, or its line. */
static void add_step(const struct cli *cli, struct buf *out, const struct migration *migration)
{
	if (cli->json) {
		buf_add_str(out, out->len_bytes == 0 ? "" : ", ");
		buf_add_format(out, "{\"version\": %d", migration->version);
		add_member(out, "name", migration->name);
	} else {
		buf_add_format(out, "%04d_%s", migration->version, migration->name);
	}
}

static int print_steps(const struct cli *cli, struct buf *steps, const char *member, int status)
{
	if (cli->json)
		printf("{\"%s\": [%s]}\n", member, buf_text(steps).ptr);
	else if (steps->len_bytes == 0 && status == CLI_OK)
		puts("nothing to do");
	else
		fputs(buf_text(steps).ptr, stdout);
	buf_release(steps);
	return status;
}

static int dry_run(const struct cli *cli, const struct migrations *list)
{
	struct buf steps = BUF_INIT, why = BUF_INIT;
	bool refuses = migrations_verdict(list, &why) > MIGRATE_BEHIND;
	if (refuses)
		log_lines(&why);
	buf_release(&why);
	for (size_t i = 0; i < list->n && !refuses; i++) {
		if (list->items[i].state != MIGRATION_PENDING)
			continue;
		add_step(cli, &steps, &list->items[i]);
		buf_add_str(&steps, cli->json ? "}" : " would be applied\n");
	}
	return print_steps(cli, &steps, "would_apply", refuses ? CLI_FAILED : CLI_OK);
}

static int read_only(const struct cli *cli, PGconn *conn,
                     int (*print_result)(const struct cli *cli, const struct migrations *list))
{
	struct migrations list = MIGRATIONS_INIT;
	struct migrate_error error = MIGRATE_ERROR_INIT;
	int status =
	        migrations_read(conn, sql_files, &list, &error) == 0 ? print_result(cli, &list) : failed(conn, &error);
	migrate_error_release(&error);
	migrations_release(&list);
	return status;
}

/* ---- up ---- */

struct progress {
	const struct cli *cli;
	struct buf steps;
};

static void on_waiting(void *context, const char *who)
{
	(void)context;
	log_info("another session is migrating this database; waiting for %s", who);
}

static void on_applied(void *context, const struct migration *migration, double seconds)
{
	struct progress *progress = context;
	add_step(progress->cli, &progress->steps, migration);
	buf_add_format(&progress->steps, progress->cli->json ? ", \"seconds\": %.3f}" : " applied in %.3f s\n",
	               seconds);
}

/* Prints the migrations that were committed even if a later one failed. */
static int up(const struct cli *cli, PGconn *conn)
{
	struct progress progress = {cli, BUF_INIT};
	const struct migrate_observer observer = {on_waiting, on_applied, &progress};
	struct migrate_error error = MIGRATE_ERROR_INIT;
	int status = migrate_up(conn, sql_files, &observer, &error) == 0 ? CLI_OK : failed(conn, &error);
	migrate_error_release(&error);
	return print_steps(cli, &progress.steps, "applied", status);
}

/* ---- the command ---- */

static int run_verb(const struct cli *cli, PGconn *conn, const char *verb, bool dry)
{
	if (strcmp(verb, "status") == 0)
		return read_only(cli, conn, status_of);
	if (strcmp(verb, "verify") == 0)
		return read_only(cli, conn, verify);
	return dry ? read_only(cli, conn, dry_run) : up(cli, conn);
}

int cmd_migrate(struct cli *cli, int argc, char **argv)
{
	enum { DRY_RUN = 256 };
	static const struct option options[] = {{"dry-run", no_argument, NULL, DRY_RUN}, {NULL, 0, NULL, 0}};
	bool dry = false;
	int option, status;
	while ((option = cli_option(cli, argc, argv, "", options, &status)) >= 0)
		dry = dry || option == DRY_RUN;
	if (option == CLI_OPTION_DONE)
		return status;
	if (!cli_arguments(cli, argc, 1, 1))
		return CLI_USAGE;
	const char *verb = argv[optind];
	if (strcmp(verb, "up") != 0 && strcmp(verb, "status") != 0 && strcmp(verb, "verify") != 0)
		return cli_usage_error(cli, "unknown action %s; use up, status or verify", verb);
	if (dry && strcmp(verb, "up") != 0)
		return cli_usage_error(cli, "only up takes --dry-run");

	struct kpid_config *config;
	status = cli_load_config(cli, &config);
	if (status != CLI_OK)
		return status;
	PGconn *conn = connect_to(&config->postgres);
	status = conn == NULL ? CLI_NO_POSTGRES : run_verb(cli, conn, verb, dry);
	PQfinish(conn);
	kpid_config_free(config);
	return status;
}
