/* kpid top: the live view. It reads only views of the schema report, so any reader can run it. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/top.h"

enum { OPTION_ONCE = 256 };

static void print(const struct top_view *view)
{
	struct term term;
	struct buf out = BUF_INIT;
	term_init(&term);
	term.rows = SIZE_MAX;
	top_view_write(view, &term, NULL, &out);
	fwrite(out.data, 1, out.len_bytes, stdout);
	buf_release(&out);
}

static int show_once(struct pg_sync *sync, const struct kpid_config *config)
{
	struct top_view view;
	top_view_init(&view);
	bool ok = top_view_read(&view, sync, config->report.time_zone);
	if (ok && sync->cli->json)
		top_view_write_json(&view);
	else if (ok)
		print(&view);
	top_view_release(&view);
	return ok ? CLI_OK : pg_sync_failed(sync);
}

/* Overwrites the previous page instead of clearing it, so that nothing flickers. */
static void draw(const struct top_view *view, struct term *term, const char *notice)
{
	struct buf page = BUF_INIT, out = BUF_INIT;
	term_measure(term);
	top_view_write(view, term, notice, &page);
	buf_add_str(&out, "\x1b[H");
	for (char *line = page.data, *end; line != NULL && *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		buf_add(&out, line, (size_t)(end - line));
		buf_add_str(&out, end[1] == '\0' ? "\x1b[K" : "\x1b[K\r\n");
	}
	buf_add_str(&out, "\x1b[J");
	fwrite(out.data, 1, out.len_bytes, stdout);
	fflush(stdout);
	buf_release(&page);
	buf_release(&out);
}

static int show_live(struct pg_sync *sync, const struct kpid_config *config, int64_t interval_us)
{
	struct term term;
	struct top_view view;
	struct buf notice = BUF_INIT;
	enum top_key key = TOP_TICK;
	top_view_init(&view);
	/* If the first read fails, report it and end. A later failure is shown on the page and retried. */
	if (!top_view_read(&view, sync, config->report.time_zone)) {
		top_view_release(&view);
		return pg_sync_failed(sync);
	}
	term_init(&term);
	top_screen_enter();
	while (key != TOP_QUIT) {
		draw(&view, &term, notice.len_bytes == 0 ? NULL : notice.data);
		key = top_screen_wait(interval_us);
		if (key != TOP_TICK)
			continue;
		buf_clear(&notice);
		if (!(pg_sync_is_connected(sync) || pg_sync_reconnect(sync)) ||
		    !top_view_read(&view, sync, config->report.time_zone))
			buf_add_format(&notice, "no answer: %s", buf_text(&sync->error).ptr);
	}
	top_screen_leave();
	top_view_release(&view);
	buf_release(&notice);
	return CLI_OK;
}

/* "2s", "500ms", "0.5": seconds without a unit. */
static bool parse_interval(const char *text, int64_t *us_out)
{
	char *end;
	double value = strtod(text, &end);
	if (end == text)
		return false;
	double scale = strcmp(end, "ms") == 0 ? 1e3 : strcmp(end, "m") == 0 ? 60e6 : 1e6;
	if (scale == 1e6 && end[0] != '\0' && strcmp(end, "s") != 0)
		return false;
	value *= scale;
	if (!(value >= 100e3 && value <= 3600e6))
		return false;
	*us_out = (int64_t)value;
	return true;
}

struct call {
	bool once;
	int64_t interval_us;
};

static int run(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	const struct call *call = context;
	struct term term;
	term_init(&term);
	if (!pg_sync_command(sync, "SET statement_timeout = '20s'"))
		return pg_sync_failed(sync);
	if (call->once || sync->cli->json || !term.is_tty)
		return show_once(sync, config);
	return show_live(sync, config, call->interval_us);
}

int cmd_top(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {{"interval", required_argument, NULL, 'i'},
	                                        {"once", no_argument, NULL, OPTION_ONCE},
	                                        {NULL, 0, NULL, 0}};
	int64_t interval_us = 2 * US_PER_SECOND;
	bool once = false;
	int option, status;
	while ((option = cli_option(cli, argc, argv, "i:", options, &status)) >= 0) {
		if (option == OPTION_ONCE)
			once = true;
		else if (!parse_interval(optarg, &interval_us))
			return cli_usage_error(cli, "--interval takes 100ms to 60m, not %s", optarg);
	}
	if (option == CLI_OPTION_DONE)
		return status;
	if (!cli_arguments(cli, argc, 0, 0))
		return CLI_USAGE;
	cli->needed_role = "kpid_reader";
	return pg_sync_run(cli, run, &(struct call){once, interval_us});
}
