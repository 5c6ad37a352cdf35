/* Writes the mapping: comments for the reader, tables of words, and the events of a record. */
#include <inttypes.h>

#include "guess.h"

enum { MOST_NAMES = 50 };

struct writing {
	struct map_guess *guess;
	const struct map_guess_order *order;
	struct buf *out;
	bool is_history; /* a ticket has several records: each is its condition at a time */
};

static const struct guess_column *column_of(const struct writing *w, enum guess_role role)
{
	return w->guess->roles[role];
}

static bool has(const struct writing *w, enum guess_role role)
{
	return column_of(w, role) != NULL;
}

static void add(const struct writing *w, const char *text)
{
	buf_add_str(w->out, text);
}

static void add_name(const struct writing *w, enum guess_role role)
{
	guess_add_name(w->out, column_of(w, role));
}

/* ---- comments ---- */

static bool needs_zone(const struct writing *w)
{
	for (enum guess_role role = ROLE_OPENED; role <= ROLE_DUE; role++)
		if (has(w, role) && guess_time_of(w->guess, column_of(w, role), true).needs_zone)
			return true;
	return false;
}

static void write_head(const struct writing *w)
{
	const struct map_guess *guess = w->guess;
	const char *zone = guess->is_chinese ? "Asia/Shanghai" : guess->is_german ? "Europe/Berlin" : "UTC";
	add(w, "-- A first mapping of ");
	guess_add_string(w->out, w->order->file);
	buf_add_format(w->out, ", as `kpid map guess` made it of %s%" PRId64 " records%s.\n",
	               w->order->is_whole ? "all " : "the first ", guess->n_records + guess->n_same + guess->n_others,
	               w->order->is_whole ? "" : "; it has not read the rest");
	add(w, "-- Decide what \"?\" marks, correct what is wrong, and look at what it gives, without a database:\n"
	       "--   kpid ingest --dry-run --map THIS.lua");
	buf_add_text(w->out, w->order->options);
	if (needs_zone(w))
		buf_add_format(w->out, " --zone %s", zone);
	add(w, " FILE\n");
	if (needs_zone(w))
		buf_add_format(w->out,
		               "-- ? Times name no zone. Name that of their clock with --zone; %s is a guess.\n", zone);
	if (guess->n_same > 0)
		buf_add_format(w->out, "-- %" PRId64 " records are the same as others. They count once.\n",
		               guess->n_same);
	if (guess->n_others > 0)
		buf_add_format(w->out, "-- ? %" PRId64 " records are no objects. They will be rejected.\n",
		               guess->n_others);
	if (guess->n_columns_lost > 0)
		buf_add_format(w->out, "-- ? There are more than %d columns. The others were not looked at.\n",
		               MAP_GUESS_COLUMNS);
}

static void write_kind(const struct writing *w)
{
	if (!w->is_history) {
		add(w, "-- A record per ticket cannot say who had the ticket before, when it waited, or whether it was "
		       "opened again.\n"
		       "-- Attributes are part of its opening. If one of them is corrected in a later export, that "
		       "record becomes an\n"
		       "-- id_conflict: then give them by an event ticket.updated, whose id names the time of the "
		       "change.\n");
		return;
	}
	add(w, "-- Tickets have several records, so each record is taken as the condition of its ticket at a time.\n"
	       "-- ? Check that "
	       "time: ");
	add_name(w, has(w, ROLE_UPDATED) ? ROLE_UPDATED : ROLE_OPENED);
	add(w, ".\n");
	const struct guess_column *other = guess_other_number(w->guess);
	if (other == NULL)
		return;
	add(w, "-- ? If each record is a ticket of its own, ");
	add_name(w, ROLE_TICKET);
	add(w, " is not its number. ");
	guess_add_name(w->out, other);
	add(w, " differs in each record.\n");
}

static void write_reading(const struct writing *w, enum guess_role role)
{
	const struct guess_column *column = column_of(w, role);
	struct guess_time time = guess_time_of(w->guess, column, true);
	if (time.is_either) {
		add(w, "-- ? ");
		add_name(w, role);
		buf_add_format(w->out, " can be read in two ways, such as ");
		guess_add_string(w->out, column->example);
		buf_add_format(w->out, ". It is read with the %s; %s() reads it the other way.\n",
		               time.reading == READ_DMY ? "day first" : "month first",
		               time.reading == READ_DMY ? "mdy" : "dmy");
	}
	if (column->n_looks[LOOK_EPOCH] > 0 && time.reading == READ_PLAIN) {
		add(w, "-- ");
		add_name(w, role);
		add(w, " is a number, read as the time since 1970. If it is local time as such a number, wall_ms() "
		       "reads it.\n");
	}
}

static void write_doubts(const struct writing *w)
{
	const struct guess_column *ticket = column_of(w, ROLE_TICKET);
	if (ticket->n_filled < w->guess->n_records) {
		add(w, "-- ");
		buf_add_format(w->out, "? %" PRId64 " records have no ", w->guess->n_records - ticket->n_filled);
		add_name(w, ROLE_TICKET);
		add(w, ". They will be rejected; skip(\"no number\") would pass over them.\n");
	}
	if (!w->is_history && ticket->n_repeats > 0) {
		buf_add_format(w->out, "-- ? %" PRId64 " records repeat the ", ticket->n_repeats);
		add_name(w, ROLE_TICKET);
		add(w, " of another one, with other content.\n");
	}
	if (!has(w, ROLE_OPENED))
		add(w, "-- ? No column says when a ticket was opened. Without an opening its clocks never start.\n");
	for (enum guess_role role = ROLE_OPENED; role <= ROLE_DUE; role++)
		if (has(w, role))
			write_reading(w, role);
}

/* A comment with the columns that have no part in an event. */
static void write_unused(const struct writing *w)
{
	const struct map_guess *guess = w->guess;
	size_t n = 0;
	for (size_t i = 0; i < guess->n_columns; i++) {
		enum guess_role role = ROLE_TICKET;
		while (role < ROLE_N && guess->roles[role] != &guess->columns[i])
			role++;
		if (role < ROLE_N || n++ >= MOST_NAMES)
			continue;
		add(w, n == 1 ? "-- Not used:\n--   " : "--   ");
		guess_add_name(w->out, &guess->columns[i]);
		add(w, ", such as ");
		guess_add_string(w->out, guess->columns[i].example);
		add(w, "\n");
	}
	if (n > MOST_NAMES)
		buf_add_format(w->out, "--   and %zu more\n", n - MOST_NAMES);
	add(w, "\n");
}

static void write_array(const struct writing *w)
{
	if (text_is_absent(w->guess->array))
		return;
	add(w, "-- ? If the records are the elements of ");
	guess_add_string(w->out, w->guess->array);
	add(w, ", name it: --each takes its JSON pointer, such as /tickets.\n");
}

/* ---- tables and functions ---- */

/* The most frequent first, then by their bytes. */
static bool is_before(const struct guess_word *a, const struct guess_word *b)
{
	return a->n != b->n ? a->n > b->n : text_compare(a->text, b->text) < 0;
}

static void sort_words(const struct guess_column *column, const struct guess_word *words_out[GUESS_WORDS])
{
	for (size_t i = 0; i < column->n_words; i++) {
		size_t at = i;
		for (; at > 0 && is_before(&column->words[i], words_out[at - 1]); at--)
			words_out[at] = words_out[at - 1];
		words_out[at] = &column->words[i];
	}
}

static void write_word(const struct writing *w, enum guess_role role, const struct guess_word *word)
{
	const char *kind = guess_word_of(role, word->text);
	add(w, "  [");
	guess_add_string(w->out, word->text);
	add(w, "] = ");
	if (role == ROLE_SCORE)
		add(w, kind == NULL ? "false" : kind);
	else if (kind != NULL)
		buf_add_format(w->out, "\"%s\"", kind);
	else if (role == ROLE_STATUS)
		add(w, "\"open\"");
	else
		guess_add_string(w->out, word->text);
	buf_add_format(w->out, ", -- %" PRId64 "%s\n", word->n, kind == NULL ? " ?" : "");
}

static void write_table(const struct writing *w, enum guess_role role, const char *name, const char *what)
{
	const struct guess_word *words[GUESS_WORDS];
	const struct guess_column *column = column_of(w, role);
	add(w, "-- The words of ");
	add_name(w, role);
	buf_add_format(w->out, ", %s, and how many records have each.\nlocal %s = {\n", what, name);
	sort_words(column, words);
	for (size_t i = 0; i < column->n_words; i++)
		write_word(w, role, words[i]);
	add(w, "}\n");
}

static bool has_words(const struct writing *w, enum guess_role role)
{
	return has(w, role) && !column_of(w, role)->has_more_words;
}

/* Scores that are numbers need no table. */
static bool has_numbers(const struct writing *w)
{
	const struct guess_column *column = column_of(w, ROLE_SCORE);
	return column != NULL && column->n_numbers == column->n_filled;
}

static void write_tables(const struct writing *w)
{
	if (has(w, ROLE_STATUS))
		write_table(w, ROLE_STATUS, "states",
		            "as \"open\", \"paused\", \"resolved\", \"closed\" or \"cancelled\"");
	if (has_words(w, ROLE_PRIORITY))
		write_table(w, ROLE_PRIORITY, "priorities", "as the policies know them");
	if (has(w, ROLE_SCORE) && !has_numbers(w))
		write_table(w, ROLE_SCORE, "scores", "as 1 to 5, or false for no answer");
}

static void write_days(const struct writing *w, enum guess_reading reading)
{
	static const char *const names[] = {"time", "ymd", "dmy", "mdy"};
	for (enum guess_role role = ROLE_OPENED; role <= ROLE_DUE; role++) {
		if (!has(w, role))
			continue;
		struct guess_time time = guess_time_of(w->guess, column_of(w, role), true);
		if (!time.or_excel || time.reading != reading)
			continue;
		buf_add_format(w->out,
		               "-- Some of the times are numbers of days, as spreadsheets keep them.\n"
		               "local function days_or_%s(text)\n"
		               "  if text and tonumber(text) then return excel(text) end\n"
		               "  return %s\n"
		               "end\n",
		               names[reading],
		               reading == READ_YMD   ? "ymd(text)"
		               : reading == READ_DMY ? "dmy(text)"
		               : reading == READ_MDY ? "mdy(text)"
		                                     : "text");
		return;
	}
}

static void write_functions(const struct writing *w)
{
	if (w->guess->is_json)
		add(w,
		    "-- The text or number of a member of the record; nil if it is missing, empty or something else.\n"
		    "local function field(...)\n"
		    "  local value = record\n"
		    "  for _, name in ipairs({ ... }) do\n"
		    "    if type(value) ~= \"table\" then return nil end\n"
		    "    value = value[name]\n"
		    "  end\n"
		    "  if type(value) == \"string\" or type(value) == \"number\" then return trim(value) end\n"
		    "  return nil\n"
		    "end\n");
	else
		add(w, "local function cell(name) return trim(record[name]) end\n");
	for (enum guess_reading reading = READ_PLAIN; reading < READ_EXCEL; reading++)
		write_days(w, reading);
	add(w, "\n");
}

/* ---- values of the record ---- */

static void write_cell(const struct writing *w, enum guess_role role, const char *local)
{
	if (!has(w, role))
		return;
	buf_add_format(w->out, "local %s = ", local);
	guess_add_cell(w->out, w->guess, column_of(w, role));
	add(w, "\n");
}

static void write_time(const struct writing *w, enum guess_role role, const char *local)
{
	if (!has(w, role))
		return;
	buf_add_format(w->out, "local %s = ", local);
	guess_add_time(w->out, w->guess, role);
	add(w, "\n");
}

static void write_look_up(const struct writing *w, enum guess_role role, const char *local, const char *table)
{
	if (!has(w, role))
		return;
	buf_add_format(w->out, "local %s = word(%s, ", local, table);
	guess_add_cell(w->out, w->guess, column_of(w, role));
	add(w, ", ");
	add_name(w, role);
	add(w, ")\n");
}

static void write_values(const struct writing *w)
{
	add(w, "local number = ");
	guess_add_cell(w->out, w->guess, column_of(w, ROLE_TICKET));
	add(w, "\nif not number then error(\"the record has no number of a ticket\") end\n"
	       "local ticket = { ticket_id = number }\n");
	write_cell(w, ROLE_AGENT, "agent");
	write_cell(w, ROLE_RESOLVER, "resolver");
	write_cell(w, ROLE_TEAM, "team");
	write_look_up(w, ROLE_STATUS, "status", "states");
	if (has_words(w, ROLE_PRIORITY))
		write_look_up(w, ROLE_PRIORITY, "priority", "priorities");
	else
		write_cell(w, ROLE_PRIORITY, "priority");
	if (has_numbers(w))
		write_cell(w, ROLE_SCORE, "score");
	else
		write_look_up(w, ROLE_SCORE, "score", "scores");
	write_time(w, ROLE_OPENED, "opened");
	write_time(w, ROLE_ASSIGNED, "assigned");
	write_time(w, ROLE_RESPONDED, "responded");
	write_time(w, ROLE_ARRIVED, "arrived");
	write_time(w, ROLE_RESOLVED, "resolved");
	write_time(w, ROLE_CLOSED, "closed");
	write_time(w, ROLE_UPDATED, "updated");
}

static void write_attribute(const struct writing *w, enum guess_role role, const char *field)
{
	if (!has(w, role))
		return;
	buf_add_format(w->out, " %s = ", field);
	guess_add_cell(w->out, w->guess, column_of(w, role));
	add(w, ",");
}

static void write_attributes(const struct writing *w)
{
	add(w, "local attributes = {");
	write_attribute(w, ROLE_PROJECT, "project_id");
	write_attribute(w, ROLE_CATEGORY, "category");
	write_attribute(w, ROLE_CHANNEL, "channel");
	write_attribute(w, ROLE_REQUESTER, "requester_ref");
	add(w, has(w, ROLE_PRIORITY) ? " priority = priority }\n" : " }\n");
	if (has(w, ROLE_PERSON)) {
		add(w, "-- ? attributes.requester_ref = ");
		guess_add_cell(w->out, w->guess, column_of(w, ROLE_PERSON));
		add(w, " -- kpid would store it: a number is better than a name\n");
	}
	if (has(w, ROLE_DUE)) {
		add(w, "-- ? attributes.resolution_due_at = ");
		guess_add_time(w->out, w->guess, ROLE_DUE);
		add(w, " -- if that was promised: it replaces the policy's target\n");
	}
	add(w, "\n");
}

/* ---- events ---- */

static const char *who(const struct writing *w, bool resolves)
{
	if (resolves && has(w, ROLE_RESOLVER))
		return has(w, ROLE_AGENT) ? "resolver or agent" : "resolver";
	return has(w, ROLE_AGENT) ? "agent" : "nil";
}

/* An event at a time that the record may have. */
static void write_step(const struct writing *w, const char *local, const char *type, const char *more,
                       const char *agent)
{
	buf_add_format(w->out,
	               "if %s then\n"
	               "  event(ticket, { type = \"ticket.%s\", id = \"%s/\" .. %s, time = %s%s, agent_id = %s })\n"
	               "end\n",
	               local, type, type, local, local, more, agent);
}

static void write_opening(const struct writing *w)
{
	if (!has(w, ROLE_OPENED))
		return;
	bool is_alone = w->is_history && !has(w, ROLE_UPDATED);
	if (is_alone)
		add(w, "-- The first of these opens the ticket; later ones only state its attributes.\n");
	buf_add_format(w->out, "event(ticket, { type = \"ticket.opened\", id = \"opened\"%s, time = opened }%s)\n",
	               is_alone ? " .. \"/\" .. (opened or \"\")" : "",
	               w->is_history && !is_alone ? "" : ", attributes");
	if (w->is_history || (!has(w, ROLE_AGENT) && !has(w, ROLE_TEAM)) || has(w, ROLE_ASSIGNED))
		return;
	add(w, "-- ? The record does not say since when: here they have the ticket from its opening.\n");
	if (has(w, ROLE_AGENT))
		add(w, "if agent then event(ticket, { type = \"ticket.assigned\", id = \"agent/\" .. agent, time = "
		       "opened, agent_id = "
		       "agent }) end\n");
	if (has(w, ROLE_TEAM))
		add(w, "if team then event(ticket, { type = \"ticket.assigned\", id = \"team/\" .. team, time = "
		       "opened, team_id = team "
		       "}) end\n");
}

static void write_steps(const struct writing *w)
{
	/* In a history, the status of a later record would give the same id other content. */
	const char *resolution = has(w, ROLE_STATUS) && !w->is_history
	                                 ? ", resolution = status == \"cancelled\" and \"cancelled\" or nil"
	                                 : "";
	if (has(w, ROLE_ASSIGNED)) {
		write_step(w, "assigned", "assigned", has(w, ROLE_TEAM) ? ", team_id = team" : "", who(w, false));
		if (!has(w, ROLE_RESPONDED))
			buf_add_format(
			        w->out,
			        "-- ? if assigned then event(ticket, { type = \"ticket.responded\", id = "
			        "\"responded/\" .. "
			        "assigned, time = assigned, agent_id = %s }) end -- if that is the first answer\n",
			        who(w, false));
	}
	if (has(w, ROLE_RESPONDED))
		write_step(w, "responded", "responded", "", who(w, false));
	if (has(w, ROLE_ARRIVED))
		write_step(w, "arrived", "arrived", "", who(w, false));
	if (has(w, ROLE_RESOLVED))
		write_step(w, "resolved", "resolved", resolution, who(w, true));
	if (has(w, ROLE_CLOSED))
		write_step(w, "closed", "closed", resolution, who(w, true));
}

/* The condition that the status says, at a time of its own. */
static void write_state(const struct writing *w, const char *time, const char *indent)
{
	buf_add_format(w->out, "%slocal now = { id = \"at/\" .. %s .. \"/\" .. status, time = %s }\n", indent, time,
	               time);
	buf_add_format(w->out, "%sstate(ticket, now, { kind = status == \"cancelled\" and \"closed\" or status },\n",
	               indent);
	buf_add_format(w->out, "%s  status == \"paused\" and { reason = ", indent);
	guess_add_cell(w->out, w->guess, column_of(w, ROLE_STATUS));
	buf_add_format(w->out, " }, status == \"resolved\" and { agent_id = %s },\n", who(w, true));
	buf_add_format(w->out,
	               "%s  status == \"closed\" and { agent_id = %s }, status == \"cancelled\" and { resolution = "
	               "\"cancelled\" })\n",
	               indent, who(w, true));
}

static void write_history(const struct writing *w)
{
	const char *time = has(w, ROLE_UPDATED) ? "updated" : "opened";
	buf_add_format(w->out, "if %s then\n", time);
	if (has(w, ROLE_UPDATED))
		buf_add_format(
		        w->out,
		        "  event(ticket, { type = \"ticket.updated\", id = \"at/\" .. %s%s, time = %s }, attributes)\n",
		        time, has(w, ROLE_PRIORITY) ? " .. \"/\" .. (priority or \"\")" : "", time);
	if (has(w, ROLE_AGENT))
		buf_add_format(w->out,
		               "  event(ticket, { type = \"ticket.assigned\", id = \"agent/\" .. %s .. \"/\" .. (agent "
		               "or \"\"), time = "
		               "%s, agent_id = or_null(agent) })\n",
		               time, time);
	if (has(w, ROLE_TEAM))
		buf_add_format(w->out,
		               "  if team then event(ticket, { type = \"ticket.assigned\", id = \"team/\" .. %s .. "
		               "\"/\" .. team, time = "
		               "%s, team_id = team }) end\n",
		               time, time);
	if (has(w, ROLE_STATUS)) {
		add(w, "  if status then\n");
		write_state(w, time, "    ");
		add(w, "  end\n");
	}
	add(w, "end\n");
}

/* A status says more than the times of a record per ticket: that it waits now, or that it is done without a time. */
static void write_status(const struct writing *w)
{
	bool has_end = has(w, ROLE_RESOLVED) || has(w, ROLE_CLOSED);
	if (!has(w, ROLE_STATUS))
		return;
	if (!has(w, ROLE_UPDATED)) {
		if (!has_end)
			add(w, "-- ? The status says what a ticket is now, but no column says since when. With --seen "
			       "TIME, the time of\n"
			       "-- the export, state() could give it: time = param.seen.\n");
		return;
	}
	buf_add_format(w->out, "if updated and status and status ~= \"open\"%s%s then\n",
	               has(w, ROLE_RESOLVED) ? " and not resolved" : "", has(w, ROLE_CLOSED) ? " and not closed" : "");
	add(w, "  -- ? The status may be older than this time, which is that of the last change of any kind.\n");
	write_state(w, "updated", "  ");
	add(w, "end\n");
}

static void write_survey(const struct writing *w)
{
	static const struct {
		enum guess_role role;
		const char *local;
	} times[] = {{ROLE_CLOSED, "closed"},
	             {ROLE_RESOLVED, "resolved"},
	             {ROLE_UPDATED, "updated"},
	             {ROLE_OPENED, "opened"}};
	const struct guess_column *column = column_of(w, ROLE_SCORE);
	bool any = false;
	if (column == NULL)
		return;
	add(w, "local rated = ");
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		if (!has(w, times[i].role))
			continue;
		buf_add_format(w->out, "%s%s", any ? " or " : "", times[i].local);
		any = true;
	}
	add(w, any ? " -- ? no column says when\n" : "nil -- ? no column says when\n");
	double greatest = has_numbers(w) ? column->greatest : 5;
	buf_add_format(w->out, "if score and rated then\n"
	                       "  event(ticket, { type = \"survey.submitted\", id = \"csat/\" .. rated, time = rated, "
	                       "kind = \"csat\", "
	                       "score = tonumber(score)");
	if (greatest > 5)
		buf_add_format(w->out, ", scale_max = %d", greatest <= 10 ? 10 : greatest <= 100 ? 100 : 1000000);
	add(w, " })\nend\n");
}

static void write_events(const struct writing *w)
{
	write_opening(w);
	if (w->is_history)
		write_history(w);
	write_steps(w);
	if (!w->is_history)
		write_status(w);
	write_survey(w);
	if (!has(w, ROLE_OPENED))
		add(w, "skip(\"no time\") -- counts only where no event was given\n");
}

const char *map_guess_write(struct map_guess *guess, const struct map_guess_order *order, struct buf *out)
{
	struct writing w = {guess, order, out, false};
	bool any_time = false;
	guess_roles_assign(guess);
	for (enum guess_role role = ROLE_OPENED; role < ROLE_DUE; role++)
		any_time |= guess->roles[role] != NULL;
	const char *error = guess->n_columns == 0               ? "there are no records with values"
	                    : guess->roles[ROLE_TICKET] == NULL ? "no column identifies the ticket of each record"
	                    : !any_time                         ? "no column looks like a time"
	                                                        : NULL;
	write_head(&w);
	if (error != NULL) {
		write_unused(&w);
		write_array(&w);
		buf_add_format(out, "-- ? It skips every record, because %s.\nskip(\"%s\")\n", error, error);
		return error;
	}
	const struct guess_column *ticket = guess->roles[ROLE_TICKET];
	w.is_history = ticket->n_repeats * 20 > ticket->n_filled &&
	               (guess->roles[ROLE_UPDATED] != NULL || guess->roles[ROLE_OPENED] != NULL);
	write_kind(&w);
	write_doubts(&w);
	write_unused(&w);
	write_tables(&w);
	write_functions(&w);
	write_values(&w);
	write_attributes(&w);
	write_events(&w);
	return NULL;
}
