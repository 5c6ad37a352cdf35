/* kpid appraisal report: pages of cards, one file for each agent, team and project, and lists for spreadsheets. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/report_page.h"
#include "sql/queries.h"

struct report {
	struct pg_sync *sync;
	const struct appraisal_request *request;
	const json_t *document;
	const char *folder;
	size_t n_pages;
};

/* ---- files ---- */

static bool write_all(int fd, struct text text)
{
	while (text.len > 0) {
		ssize_t n = write(fd, text.ptr, text.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		text.ptr += n;
		text.len -= (uint32_t)n;
	}
	return true;
}

/* Results of persons: only the user who wrote them may read them. A file that is there is replaced, not written
 * through. */
static bool write_file(const struct report *report, const char *name, const struct buf *bytes)
{
	struct buf path = BUF_INIT;
	buf_add_format(&path, "%s/%s", report->folder, name);
	bool ok = unlink(path.data) == 0 || errno == ENOENT;
	int fd = ok ? open(path.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
	ok = fd >= 0 && write_all(fd, buf_text(bytes));
	int error = errno;
	if (fd >= 0 && close(fd) != 0 && ok) {
		error = errno;
		ok = false;
	}
	if (!ok)
		pg_sync_print_error(report->sync, "cannot write %s: %s", path.data, strerror(error));
	buf_release(&path);
	return ok;
}

static bool make_folder(const struct report *report)
{
	if (mkdir(report->folder, 0700) == 0 || errno == EEXIST)
		return true;
	pg_sync_print_error(report->sync, "cannot make the folder %s: %s", report->folder, strerror(errno));
	return false;
}

/* ---- pages ---- */

static void add_state(struct page *page, const json_t *document)
{
	const char *state = member(document, "state"), *as_of = member(document, "as_of");
	if (strcmp(state, "closed") == 0)
		PAGE_SAY(page, REPORT_CLOSED, member(document, "closed_at"), member(document, "closed_by"),
		         member(document, "version"));
	else
		PAGE_SAY(page, strcmp(state, "open") == 0 ? REPORT_OPEN : REPORT_SETTLING, as_of);
	if (json_is_true(json_object_get(document, "announced_late"))) {
		page_markup(page, " ");
		PAGE_WORD(page, REPORT_ANNOUNCED_LATE);
	}
}

/* level: of the subject, a word of the table; REPORT_N_WORDS: none. */
static void begin_page(struct page *page, const json_t *document, const char *heading, enum report_word level)
{
	page_markup(page, "<header>\n");
	if (level != REPORT_N_WORDS) {
		page_markup(page, "<p class=\"level\">");
		PAGE_WORD(page, level);
		page_markup(page, "</p>\n");
	}
	page_markup(page, "<h1>");
	page_str(page, heading);
	page_markup(page, "</h1>\n<p><strong>");
	page_str(page, member(document, "key"));
	page_markup(page, "</strong> ");
	PAGE_SAY(page, REPORT_DATES, member(document, "first"), member(document, "last"),
	         member(document, "time_zone"));
	page_markup(page, "</p>\n<p class=\"state\">");
	add_state(page, document);
	page_markup(page, "</p>\n</header>\n<main>\n");
}

static void end_page(struct page *page, const json_t *document)
{
	page_markup(page, "</main>\n<footer>\n");
	if (member(document, "sha256") != NULL)
		PAGE_LINE(page, "p", REPORT_FOOT, member(document, "revision"), member(document, "sha256"));
	else
		PAGE_LINE(page, "p", REPORT_FOOT_TRIED, member(document, "revision"));
	if (member(document, "digest") != NULL)
		PAGE_LINE(page, "p", REPORT_DIGEST, member(document, "digest"));
	page_markup(page, "</footer>\n");
}

static bool write_page(struct report *report, const struct page *page, const char *title, const char *name)
{
	struct buf bytes = page_document(page, title);
	bool ok = write_file(report, name, &bytes);
	report->n_pages += ok;
	buf_release(&bytes);
	return ok;
}

static enum report_word level_word(const char *level)
{
	if (strcmp(level, "agent") == 0)
		return REPORT_AGENT;
	return strcmp(level, "team") == 0 ? REPORT_TEAM : REPORT_PROJECT;
}

/* Appends the cards of a subject, one per plan that has it. */
static void add_cards(struct page *page, const struct report *report, const char *level, const char *subject)
{
	size_t i, c;
	json_t *plan, *card;
	json_array_foreach(members(report->document, "plans"), i, plan)
	        json_array_foreach(members(plan, "cards"), c, card) if (strcmp(member(card, "level"), level) == 0 &&
	                                                                strcmp(member(card, "subject"), subject) == 0)
	                report_card(page, report->document, plan, card);
}

static bool write_subject(struct report *report, const char *level, const char *subject)
{
	struct page page = {BUF_INIT, report->request->language};
	struct buf title = BUF_INIT;
	char *name = report_file_name(level, subject);
	buf_add_format(&title, "%s, %s", subject, member(report->document, "key"));
	begin_page(&page, report->document, subject, level_word(level));
	add_cards(&page, report, level, subject);
	end_page(&page, report->document);
	bool ok = write_page(report, &page, buf_text(&title).ptr, name);
	buf_release(&title);
	buf_release(&page.out);
	free(name);
	return ok;
}

static bool is_wanted(const struct report *report, const json_t *card)
{
	const char *level = report->request->values[APPRAISAL_LEVEL], *subject = report->request->arguments[2];
	return (level == NULL || strcmp(level, member(card, "level")) == 0) &&
	       (subject == NULL || strcmp(subject, member(card, "subject")) == 0);
}

/* Whether an earlier plan has a card of the same subject, which wrote its page. */
static bool is_written(const struct report *report, size_t plan_no, const json_t *card)
{
	for (size_t i = 0; i < plan_no; i++) {
		size_t c;
		json_t *other;
		json_array_foreach(members(json_array_get(members(report->document, "plans"), i), "cards"), c,
		                   other) if (strcmp(member(other, "level"), member(card, "level")) == 0 &&
		                              strcmp(member(other, "subject"), member(card, "subject")) ==
		                                      0) return true;
	}
	return false;
}

static bool write_subjects(struct report *report)
{
	bool ok = true;
	size_t i, c;
	json_t *plan, *card;
	json_array_foreach(members(report->document, "plans"), i, plan) json_array_foreach(
	        members(plan, "cards"), c, card) if (ok && is_wanted(report, card) && !is_written(report, i, card)) ok =
	        write_subject(report, member(card, "level"), member(card, "subject"));
	return ok;
}

/* ---- what is about all cards ---- */

static bool write_index(struct report *report)
{
	struct page page = {BUF_INIT, report->request->language};
	struct buf title = BUF_INIT;
	report_format(&title, page.language, REPORT_LIST_TITLE, (const char *const[]){member(report->document, "key")});
	begin_page(&page, report->document, buf_text(&title).ptr, REPORT_N_WORDS);
	report_index(&page, report->document);
	end_page(&page, report->document);
	bool ok = write_page(report, &page, buf_text(&title).ptr, "index.html");
	buf_release(&title);
	buf_release(&page.out);
	return ok;
}

static bool write_lists(const struct report *report)
{
	static const struct {
		const char *name;
		void (*add)(struct buf *, const json_t *);
	} lists[] = {{"pay.csv", report_pay}, {"training.csv", report_training}, {"ranking.csv", report_ranking}};
	bool ok = true;
	for (size_t i = 0; ok && i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct buf bytes = BUF_INIT;
		lists[i].add(&bytes, report->document);
		ok = write_file(report, lists[i].name, &bytes);
		buf_release(&bytes);
	}
	return ok;
}

static int write_report(struct report *report)
{
	bool is_whole = report->request->arguments[2] == NULL && report->request->values[APPRAISAL_LEVEL] == NULL;
	if (!make_folder(report))
		return CLI_FAILED;
	if (!write_subjects(report) || (is_whole && !(write_index(report) && write_lists(report))))
		return CLI_FAILED;
	if (report->n_pages == 0) {
		pg_sync_print_error(report->sync, "no such card in %s", report->request->arguments[0]);
		return CLI_FAILED;
	}
	printf("%zu page%s%s in %s\n", report->n_pages, report->n_pages == 1 ? "" : "s", is_whole ? " and 3 lists" : "",
	       report->folder);
	return CLI_OK;
}

static int report_by(struct pg_sync *sync, const struct appraisal_request *request, const char *plan_file)
{
	const struct pg_param params[APPRAISAL_REPORT_N_PARAMS] = {
	        [APPRAISAL_REPORT_PARAM_KEY] = pg_param_c_string(request->arguments[0]),
	        [APPRAISAL_REPORT_PARAM_PLAN_FILE] = pg_param_c_string(plan_file),
	        [APPRAISAL_REPORT_PARAM_SUBJECT] = pg_param_c_string(request->arguments[2]),
	        [APPRAISAL_REPORT_PARAM_WHY] = pg_param_c_string(request->values[APPRAISAL_WHY]),
	};
	PGresult *row = pg_sync_query(sync, "queries/appraisal_report.sql", params, APPRAISAL_REPORT_N_PARAMS);
	if (row == NULL)
		return pg_sync_failed(sync);
	json_t *document = appraisal_document(pg_get_text(row, 0, APPRAISAL_REPORT_DOCUMENT));
	struct report report = {sync, request, document, request->arguments[1], 0};
	int status = write_report(&report);
	json_decref(document);
	PQclear(row);
	return status;
}

static int report(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	(void)config;
	const struct appraisal_request *request = context;
	int status;
	char *plan_file = appraisal_plan_file(sync, request->values[APPRAISAL_PLAN_FILE], &status);
	if (status == CLI_OK)
		status = report_by(sync, request, plan_file);
	free(plan_file);
	return status;
}

int appraisal_report(struct cli *cli, const struct appraisal_request *request)
{
	return pg_sync_run(cli, report, request);
}
