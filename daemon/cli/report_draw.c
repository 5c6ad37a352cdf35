/* Drawings as inline SVG. Each has a text for those who do not see it, and none depends on colour alone. */
#include <math.h>
#include <string.h>

#include "cli/report_page.h"

/* Begins a drawing whose size is that of its coordinates; its text follows. */
static void begin(struct page *page, const char *class, int width, int height)
{
	buf_add_format(&page->out,
	               "<svg class=\"%s\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" aria-label=\"",
	               class, width, height, width, height);
}

static void line(struct page *page, const char *class, double x1, double y1, double x2, double y2)
{
	buf_add_format(&page->out, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>", class, x1,
	               y1, x2, y2);
}

static void rectangle(struct page *page, const char *class, double x, double y, double width, double height)
{
	buf_add_format(&page->out, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>", class,
	               x, y, width, height);
}

static void diamond(struct page *page, double x, double y, double r)
{
	buf_add_format(&page->out, "<path class=\"own\" d=\"M%.1f %.1fl%.1f %.1fl%.1f %.1fl%.1f %.1fz\"/>", x, y - r, r,
	               r, -r, r, -r, -r);
}

static void label(struct page *page, const char *class, double x, double y, const char *text)
{
	buf_add_format(&page->out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", class, x, y);
	page_str(page, text);
	page_markup(page, "</text>");
}

/* ---- the score ---- */

enum { BAR_LEFT = 20, BAR_WIDTH = 600 };

static double bar_x(double score)
{
	return BAR_LEFT + score / 100 * BAR_WIDTH;
}

static void add_grade_names(struct page *page, const json_t *grades, struct buf *out)
{
	size_t i;
	json_t *grade;
	json_array_foreach(grades, i, grade)
	{
		struct figure least = figure_decimal(member(grade, "at_least"));
		buf_add_str(out, i == 0 ? "" : ", ");
		if (member(grade, "at_least") == NULL)
			buf_add_str(out, member(grade, "name"));
		else
			report_format(out, page->language, REPORT_GRADE_FROM,
			              (const char *const[]){member(grade, "name"), least.text});
	}
}

static void draw_grades(struct page *page, const json_t *grades)
{
	double above = 100;
	size_t i;
	json_t *grade;
	json_array_foreach(grades, i, grade)
	{
		double least = fmin(fmax(member_number(grade, "at_least"), 0), 100);
		struct figure number = figure_decimal(member(grade, "at_least"));
		rectangle(page, i % 2 == 0 ? "band" : "band other", bar_x(least), 22, bar_x(above) - bar_x(least), 22);
		label(page, "middle small", (bar_x(least) + bar_x(above)) / 2, 16, member(grade, "name"));
		if (member(grade, "at_least") != NULL)
			label(page, "middle small", bar_x(least), 60, number.text);
		above = least;
	}
}

void draw_score(struct page *page, const json_t *card, const json_t *grades)
{
	struct figure score = figure_decimal(member(card, "score")), low = figure_decimal(member(card, "low")),
	              high = figure_decimal(member(card, "high"));
	struct buf names = BUF_INIT;
	add_grade_names(page, grades, &names);
	begin(page, "score", 640, 66);
	PAGE_SAY(page, REPORT_BAR_ALT, score.text, low.text, high.text, buf_text(&names).ptr);
	page_markup(page, "\">");
	draw_grades(page, grades);
	line(page, "range", bar_x(member_number(card, "low")), 33, bar_x(member_number(card, "high")), 33);
	diamond(page, bar_x(member_number(card, "score")), 33, 8);
	page_markup(page, "</svg>\n");
	buf_release(&names);
}

/* ---- the interval of an indicator ---- */

void draw_interval(struct page *page, const json_t *result, const json_t *rules)
{
	const json_t *linear = json_object_get(json_object_get(rules, "score"), "linear");
	double low = member_number(result, "low"), high = member_number(result, "high"), least = low, most = high;
	struct figure value = figure_percent(member(result, "value")), at_low = figure_percent(member(result, "low")),
	              at_high = figure_percent(member(result, "high"));
	double zero = member_number(linear, "zero"), full = member_number(linear, "full");
	if (linear != NULL) {
		least = fmin(least, fmin(zero, full));
		most = fmax(most, fmax(zero, full));
	}
	double scale = 132 / fmax(most - least, 0.001);
	begin(page, "interval", 140, 18);
	PAGE_SAY(page, REPORT_INTERVAL_ALT, value.text, at_low.text, at_high.text);
	page_markup(page, "\">");
	if (linear != NULL) /* from no points to all points */
		rectangle(page, "band", 4 + (fmin(zero, full) - least) * scale, 3, fabs(full - zero) * scale, 12);
	line(page, "range", 4 + (low - least) * scale, 9, 4 + (high - least) * scale, 9);
	diamond(page, 4 + (member_number(result, "value") - least) * scale, 9, 5);
	page_markup(page, "</svg>");
}

/* ---- twelve periods ---- */

enum { PAST_SLOTS = 12, PAST_LEFT = 34, PAST_STEP = 50, PAST_TOP = 22, PAST_HEIGHT = 120 };

static double past_y(double score)
{
	return PAST_TOP + (100 - score) / 100 * PAST_HEIGHT;
}

static void add_past_text(struct page *page, const json_t *one, const char *key)
{
	struct figure score = figure_decimal(member(one, "score"));
	page_str(page, key);
	page_markup(page, ": ");
	page_str(page, score.text);
	page_markup(page, " ");
	page_str(page, member(one, "grade"));
	page_markup(page, "; ");
}

static void draw_past_one(struct page *page, const json_t *one, const char *key, size_t slot, const json_t *before)
{
	double x = PAST_LEFT + ((double)slot + 0.5) * PAST_STEP, score = member_number(one, "score");
	struct figure number = figure_decimal(member(one, "score"));
	label(page, "middle small", x, PAST_TOP + PAST_HEIGHT + 18, key);
	if (member(one, "score") == NULL) {
		label(page, "middle small", x, past_y(50), number.text);
		return;
	}
	if (before != NULL && member(before, "score") != NULL)
		line(page, "path", x - PAST_STEP, past_y(member_number(before, "score")), x, past_y(score));
	line(page, "range thin", x, past_y(member_number(one, "low")), x, past_y(member_number(one, "high")));
	diamond(page, x, past_y(score), 5);
	label(page, "middle small", x, past_y(fmax(member_number(one, "high"), score)) - 8, number.text);
	label(page, "middle small", x, PAST_TOP + PAST_HEIGHT + 34, member(one, "grade"));
}

void draw_past(struct page *page, const json_t *card, const char *key)
{
	const json_t *past = members(card, "past"), *before = NULL;
	size_t i, slot = PAST_SLOTS - 1 - json_array_size(past);
	json_t *one;
	begin(page, "past", PAST_LEFT + PAST_SLOTS * PAST_STEP + 6, PAST_TOP + PAST_HEIGHT + 42);
	json_array_foreach(past, i, one) add_past_text(page, one, member(one, "key"));
	add_past_text(page, card, key);
	page_markup(page, "\">");
	for (int score = 0; score <= 100; score += 25) {
		char number[16];
		snprintf(number, sizeof(number), "%d", score);
		line(page, "grid", PAST_LEFT, past_y(score), PAST_LEFT + PAST_SLOTS * PAST_STEP, past_y(score));
		label(page, "end small", PAST_LEFT - 6, past_y(score) + 4, number);
	}
	json_array_foreach(past, i, one)
	{
		draw_past_one(page, one, member(one, "key"), slot++, before);
		before = one;
	}
	draw_past_one(page, card, key, slot, before);
	page_markup(page, "</svg>\n");
}

/* ---- the funnel ---- */

enum { FUNNEL_LEFT = 56, FUNNEL_WIDTH = 570, FUNNEL_TOP = 14, FUNNEL_HEIGHT = 200 };

struct funnel {
	struct page *page;
	double most_n, least, most, rate;
};

static double funnel_x(const struct funnel *f, double n)
{
	return FUNNEL_LEFT + n / f->most_n * FUNNEL_WIDTH;
}

static double funnel_y(const struct funnel *f, double value)
{
	return FUNNEL_TOP + (f->most - value) / (f->most - f->least) * FUNNEL_HEIGHT;
}

static void scale_to(struct funnel *f, double n, double value)
{
	f->most_n = fmax(f->most_n, n * 1.05);
	f->least = fmin(f->least, value);
	f->most = fmax(f->most, value);
}

static double point_number(const json_t *point, size_t i)
{
	const char *text = json_string_value(json_array_get(point, i));
	return text == NULL ? 0 : strtod(text, NULL);
}

/* A limit around the rate, z standard errors away from it; it is cut at 0, 1 and the edges. */
static void draw_limit(const struct funnel *f, const char *class, double z)
{
	buf_add_format(&f->page->out, "<path class=\"%s\" d=\"", class);
	for (int i = 1; i <= 100; i++) {
		double n = f->most_n * i / 100, value = f->rate + z * sqrt(f->rate * (1 - f->rate) / n);
		value = fmin(fmax(value, f->least), f->most);
		buf_add_format(&f->page->out, "%c%.1f %.1f", i == 1 ? 'M' : 'L', funnel_x(f, n), funnel_y(f, value));
	}
	page_markup(f->page, "\"/>");
}

static void draw_funnel_axes(const struct funnel *f)
{
	struct page *page = f->page;
	for (int i = 0; i <= 4; i++) {
		double value = f->least + (f->most - f->least) * i / 4, n = f->most_n * i / 4;
		char number[32];
		snprintf(number, sizeof(number), "%.1f %%", value * 100);
		line(page, "grid", FUNNEL_LEFT, funnel_y(f, value), FUNNEL_LEFT + FUNNEL_WIDTH, funnel_y(f, value));
		label(page, "end small", FUNNEL_LEFT - 6, funnel_y(f, value) + 4, number);
		snprintf(number, sizeof(number), "%.0f", n);
		label(page, "middle small", funnel_x(f, n), FUNNEL_TOP + FUNNEL_HEIGHT + 18, number);
	}
	label(page, "middle small", FUNNEL_LEFT + FUNNEL_WIDTH / 2.0, FUNNEL_TOP + FUNNEL_HEIGHT + 36,
	      report_word(page->language, REPORT_CASES));
	line(page, "rate", FUNNEL_LEFT, funnel_y(f, f->rate), FUNNEL_LEFT + FUNNEL_WIDTH, funnel_y(f, f->rate));
	draw_limit(f, "limit", -1.96);
	draw_limit(f, "limit", 1.96);
	draw_limit(f, "limit far", -3.09);
	draw_limit(f, "limit far", 3.09);
}

void draw_funnel(struct page *page, const json_t *funnel, const json_t *result, const char *title)
{
	const json_t *points = members(funnel, "points");
	const char *counted = member(result, "adjusted") != NULL ? "adjusted" : "value";
	struct funnel f = {page, 1, 1, 0, member_number(funnel, "rate")};
	char n_points[24];
	size_t i;
	json_t *point;
	struct figure rate = figure_percent(member(funnel, "rate")), own = figure_percent(member(result, counted)),
	              n = figure_decimal(member(result, "n"));
	scale_to(&f, 0, f.rate);
	json_array_foreach(points, i, point) scale_to(&f, point_number(point, 0), point_number(point, 1));
	if (member_number(result, "n") > 0)
		scale_to(&f, member_number(result, "n"), member_number(result, counted));
	double margin = fmax((f.most - f.least) * 0.15, 0.01);
	f.least = fmax(f.least - margin, 0);
	f.most = fmin(f.most + margin, 1);
	snprintf(n_points, sizeof(n_points), "%zu", json_array_size(points));
	begin(page, "funnel", FUNNEL_LEFT + FUNNEL_WIDTH + 14, FUNNEL_TOP + FUNNEL_HEIGHT + 44);
	PAGE_SAY(page, REPORT_FUNNEL_ALT, title, n_points, rate.text, own.text, n.text);
	page_markup(page, "\">");
	draw_funnel_axes(&f);
	json_array_foreach(points, i, point)
	        buf_add_format(&page->out, "<circle class=\"peer\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/>",
	                       funnel_x(&f, point_number(point, 0)), funnel_y(&f, point_number(point, 1)));
	if (member_number(result, "n") > 0)
		diamond(page, funnel_x(&f, member_number(result, "n")), funnel_y(&f, member_number(result, counted)),
		        7);
	page_markup(page, "</svg>\n");
}
