/* The values of indicators (rule I3): SUM, SUM / SUM or manual. */
#include "kpid/core/appraisal.h"

enum { MOST_FACTOR_DIGITS = 9 };

struct value_reader {
	struct text text;
	uint32_t at;
};

static void skip_spaces(struct value_reader *reader)
{
	while (reader->at < reader->text.len && reader->text.ptr[reader->at] == ' ')
		reader->at++;
}

/* The next character that is no space; '\0': none. */
static char peek(struct value_reader *reader)
{
	skip_spaces(reader);
	if (reader->at == reader->text.len)
		return '\0';
	return reader->text.ptr[reader->at];
}

static bool accept(struct value_reader *reader, char c)
{
	if (peek(reader) != c)
		return false;
	reader->at++;
	return true;
}

static bool is_word_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static struct text read_word(struct value_reader *reader)
{
	skip_spaces(reader);
	struct text word = {reader->text.ptr + reader->at, 0};
	while (reader->at < reader->text.len && is_word_byte(reader->text.ptr[reader->at])) {
		reader->at++;
		word.len++;
	}
	return word;
}

static bool is_number(struct text word)
{
	for (uint32_t i = 0; i < word.len; i++)
		if (word.ptr[i] < '0' || word.ptr[i] > '9')
			return false;
	return word.len > 0;
}

/* What is between the parentheses after the name of a SERVQUAL column. */
static const char *read_dimension(struct value_reader *reader, struct text *dimension_out)
{
	struct text rest = {reader->text.ptr + reader->at, reader->text.len - reader->at};
	const char *end = memchr(rest.ptr, ')', rest.len);
	if (end == NULL)
		return "has a parenthesis that is not closed; write it as \"answered(reliability)\"";
	*dimension_out = (struct text){rest.ptr, (uint32_t)(end - rest.ptr)};
	reader->at += dimension_out->len + 1;
	return NULL;
}

static const char *read_term(struct value_reader *reader, int sign, struct appraisal_sum *sum_io)
{
	struct appraisal_term term = {.factor = sign};
	struct text word = read_word(reader);
	if (is_number(word)) {
		if (word.len > MOST_FACTOR_DIGITS)
			return "has a factor of more than 9 digits; write a smaller one";
		term.factor = 0;
		for (uint32_t i = 0; i < word.len; i++)
			term.factor = term.factor * 10 + (word.ptr[i] - '0');
		term.factor *= sign;
		if (!accept(reader, '*'))
			return "has a number without a column; write it as in \"2 * reopened\"";
		word = read_word(reader);
	}
	if (word.len == 0 || is_number(word))
		return "lacks a column; write a sum such as \"resolved - reopened\", or two with a / between them";
	term.column = word;
	if (reader->at < reader->text.len && reader->text.ptr[reader->at] == '(') {
		reader->at++;
		const char *wrong = read_dimension(reader, &term.dimension);
		if (wrong != NULL)
			return wrong;
	}
	if (sum_io->n == APPRAISAL_MAX_TERMS)
		return "has more than 32 terms; write fewer";
	sum_io->terms[sum_io->n++] = term;
	return NULL;
}

/* *open_out: it has several terms and no parentheses. */
static const char *read_sum(struct value_reader *reader, struct appraisal_sum *sum_out, bool *open_out)
{
	bool closed = accept(reader, '(');
	int sign = 1;
	sum_out->n = 0;
	for (;;) {
		const char *wrong = read_term(reader, sign, sum_out);
		if (wrong != NULL)
			return wrong;
		char next = peek(reader);
		if (next != '+' && next != '-')
			break;
		sign = next == '+' ? 1 : -1;
		reader->at++;
	}
	if (closed && !accept(reader, ')'))
		return "has a parenthesis that is not closed; write it as in \"(nps_promoters - nps_detractors) / "
		       "nps_responses\"";
	*open_out = !closed && sum_out->n > 1;
	return NULL;
}

static const char *ends_here(struct value_reader *reader)
{
	return peek(reader) == '\0' && reader->at == reader->text.len
	               ? NULL
	               : "has something after its end; write a sum such as \"resolved - reopened\", or two with a / "
	                 "between them";
}

const char *appraisal_sum_parse(struct text text, struct appraisal_sum *sum_out)
{
	struct value_reader reader = {text, 0};
	bool open;
	const char *wrong = read_sum(&reader, sum_out, &open);
	return wrong != NULL ? wrong : ends_here(&reader);
}

const char *appraisal_value_parse(struct text text, struct appraisal_value *value_out)
{
	struct value_reader reader = {text, 0};
	bool above_open, under_open = false;
	*value_out = (struct appraisal_value){.manual = text_equal(text, TEXT("manual"))};
	if (value_out->manual)
		return NULL;
	const char *wrong = read_sum(&reader, &value_out->above, &above_open);
	if (wrong != NULL)
		return wrong;
	if (accept(&reader, '/')) {
		value_out->has_under = true;
		wrong = read_sum(&reader, &value_out->under, &under_open);
		if (wrong != NULL)
			return wrong;
		if (above_open || under_open)
			return "has a sum of several terms beside a /; put it in parentheses, as in \"(nps_promoters "
			       "- nps_detractors) / nps_responses\"";
	}
	return ends_here(&reader);
}
