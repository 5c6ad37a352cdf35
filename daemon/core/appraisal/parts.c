/* What several parts of the plan file have in common. */
#include <stdio.h>

#include "appraisal_reading.h"

#define A_NUMBER "a whole number, or a number in quotes, such as \"0.85\", \"95%\" or \"15m\""

bool appraisal_read_number(struct appraisal_reading *reading, const struct file_node *node, int64_t *number_out)
{
	struct file_check *check = &reading->check;
	struct text text;
	char digits[24];
	if (json_is_integer(node->value)) {
		int len = snprintf(digits, sizeof(digits), "%lld", (long long)json_integer_value(node->value));
		text = (struct text){digits, (uint32_t)len};
	} else if (json_is_real(node->value)) {
		file_error_add(check, node->place,
		               "is a number with a decimal point; write it in quotes, as in \"0.85\"");
		return false;
	} else if (!node_is_string(check, node, A_NUMBER, &text)) {
		return false;
	}
	switch (appraisal_number_parse(text, number_out)) {
	case NUMBER_OK:
		return true;
	case NUMBER_TOO_LONG:
		file_error_add(check, node->place,
		               "%s has too many digits; write at most 9 before the point and 6 after it",
		               file_quote(check, text));
		return false;
	case NUMBER_UNREADABLE:
		break;
	}
	file_error_add(check, node->place, "%s is no number; write %s", file_quote(check, text), A_NUMBER);
	return false;
}

bool appraisal_member_number(struct appraisal_reading *reading, const struct file_node *object, const char *key,
                             int64_t *number_out)
{
	struct file_node node;
	return node_member(object, key, &node) && appraisal_read_number(reading, &node, number_out);
}

bool appraisal_need_number(struct appraisal_reading *reading, const struct file_node *object, const char *key,
                           const char *remedy, int64_t *number_out)
{
	struct file_node node;
	if (node_member(object, key, &node))
		return appraisal_read_number(reading, &node, number_out);
	file_error_missing(&reading->check, object, key, remedy);
	return false;
}

static const char *join(struct appraisal_reading *reading, const char *const known[])
{
	struct buf words = BUF_INIT;
	for (size_t i = 0; known[i] != NULL; i++)
		buf_add_format(&words, "%s\"%s\"", i == 0 ? "" : known[i + 1] == NULL ? " or " : ", ", known[i]);
	buf_add_char(&words, '\0');
	const char *joined = arena_text(&reading->check.scratch, buf_text(&words)).ptr;
	buf_release(&words);
	return joined;
}

int appraisal_read_choice(struct appraisal_reading *reading, const struct file_node *node, const char *const known[])
{
	struct text word;
	const char *instead = join(reading, known);
	if (!node_is_string(&reading->check, node, instead, &word))
		return -1;
	for (int i = 0; known[i] != NULL; i++)
		if (text_equal(word, text_of(known[i])))
			return i;
	file_error_add(&reading->check, node->place, "%s is not known; write %s", file_quote(&reading->check, word),
	               instead);
	return -1;
}

void appraisal_read_choices(struct appraisal_reading *reading, const struct file_node *object, const char *key,
                            const char *const known[], unsigned *set_out)
{
	struct buf instead = BUF_INIT;
	struct file_node list, item;
	buf_add_format(&instead, "a list of words out of %s", join(reading, known));
	*set_out = 0;
	if (node_has_list(&reading->check, object, key, instead.data, 100, &list)) {
		for (bool ok = node_first(&list, &item); ok; ok = node_next(&list, &item)) {
			int choice = appraisal_read_choice(reading, &item, known);
			if (choice >= 0 && *set_out & 1u << choice)
				file_error_add(&reading->check, item.place, "appears twice in its list; remove one");
			*set_out |= choice < 0 ? 0 : 1u << choice;
		}
	}
	buf_release(&instead);
}

const char *const appraisal_attributes[] = {"project_id", "channel", "category", "priority", "team_id", NULL};

/* A pattern may be a whole number, which is read as its decimal text. */
static void read_words_of(struct appraisal_reading *reading, const struct file_node *list, const char *instead,
                          bool empty_ok, bool numbers_ok)
{
	struct file_check *check = &reading->check;
	struct file_node item;
	json_t *seen = json_object();
	for (bool ok = node_first(list, &item); ok; ok = node_next(list, &item)) {
		struct text word;
		if (numbers_ok && json_is_integer(item.value))
			continue;
		if (!(empty_ok ? node_is_word(check, &item, instead, &word)
		               : node_is_name(check, &item, instead, &word)))
			continue;
		if (json_object_getn(seen, word.ptr, word.len) != NULL)
			file_error_add(check, item.place, "appears twice in its list; remove one");
		json_object_setn_new(seen, word.ptr, word.len, json_true());
	}
	json_decref(seen);
}

void appraisal_read_words(struct appraisal_reading *reading, const struct file_node *object, const char *key,
                          const char *instead, bool empty_ok)
{
	struct file_node list;
	struct buf a_list = BUF_INIT;
	buf_add_format(&a_list, "a list, such as [%s]", instead);
	if (node_member(object, key, &list) && node_has_list(&reading->check, object, key, a_list.data, 10000, &list))
		read_words_of(reading, &list, instead, empty_ok, false);
	buf_release(&a_list);
}

void appraisal_read_match(struct appraisal_reading *reading, const struct file_node *object, const char *key)
{
	struct file_check *check = &reading->check;
	struct file_node match, member;
	if (!node_member(object, key, &match) ||
	    !node_is_object(check, &match, "an object, such as {\"category\": [\"repair/*\"]}"))
		return;
	if (match.place->first == NULL)
		file_error_add(check, match.place, "names no attribute; remove `%s`, which then always holds", key);
	node_check_keys(check, &match, "attribute to match", appraisal_attributes);
	for (bool ok = node_first(&match, &member); ok; ok = node_next(&match, &member)) {
		if (!node_is(check, &member, JSON_ARRAY, "a list of patterns, such as [\"repair/*\"]"))
			continue;
		if (json_array_size(member.value) == 0)
			file_error_add(check, member.place,
			               "is an empty list, which matches nothing; write a pattern, or remove it");
		read_words_of(reading, &member, "a pattern in quotes, such as \"repair/*\"", true, true);
	}
}

void appraisal_read_name(struct appraisal_reading *reading, const struct file_node *list, const struct file_node *item,
                         const char *example)
{
	struct file_check *check = &reading->check;
	struct file_node node, other, others;
	struct text name, word;
	struct buf words = BUF_INIT;
	buf_add_format(&words, "give it a name, such as \"name\": \"%s\"", example);
	if (!node_member(item, "name", &node)) {
		file_error_missing(check, item, "name", words.data);
	} else if (node_is_name(check, &node, "a name in quotes", &name)) {
		for (bool ok = node_first(list, &other); ok && other.place != item->place;
		     ok = node_next(list, &other)) {
			if (!json_is_object(other.value) || !node_member(&other, "name", &others) ||
			    !json_is_string(others.value))
				continue;
			word = (struct text){json_string_value(others.value),
			                     (uint32_t)json_string_length(others.value)};
			if (!text_equal(word, name))
				continue;
			file_error_add(check, node.place,
			               "is already the name of item %zu of this list; give each its own",
			               other.place->index);
			break;
		}
	}
	buf_release(&words);
}

static bool is_column(struct text word)
{
	char name[APPRAISAL_COLUMN_BYTES];
	for (size_t i = 0; appraisal_column(i, name); i++)
		if (text_equal(word, text_of(name)))
			return true;
	return false;
}

static bool is_servqual_column(struct text word)
{
	for (size_t i = 0; appraisal_servqual_columns[i] != NULL; i++)
		if (text_equal(word, text_of(appraisal_servqual_columns[i])))
			return true;
	return false;
}

static void error_column(struct file_check *check, const struct file_node *node, struct text column)
{
	char name[APPRAISAL_COLUMN_BYTES];
	struct key_hint hint;
	key_hint_init(&hint, column);
	for (size_t i = 0; appraisal_column(i, name); i++)
		key_hint_consider(&hint, arena_text(&check->scratch, text_of(name)));
	for (size_t i = 0; appraisal_servqual_columns[i] != NULL; i++)
		key_hint_consider(&hint, text_of(appraisal_servqual_columns[i]));
	if (text_is_absent(hint.best))
		file_error_add(check, node->place,
		               "uses %s, which is no column of the ledger; write one of its measures, such as resolved",
		               file_quote(check, column));
	else
		file_error_add(check, node->place, "uses %s, which is no column of the ledger; did you mean %s?",
		               file_quote(check, column), file_quote(check, hint.best));
}

static bool has_dimension(const struct appraisal_reading *reading, struct text name)
{
	struct file_node member;
	for (bool ok = reading->has_servqual && node_first(&reading->servqual, &member); ok;
	     ok = node_next(&reading->servqual, &member))
		if (text_equal(member.place->key, name))
			return true;
	return false;
}

void appraisal_check_sum(struct appraisal_reading *reading, const struct file_node *node,
                         const struct appraisal_sum *sum)
{
	struct file_check *check = &reading->check;
	for (size_t i = 0; i < sum->n; i++) {
		const struct appraisal_term *term = &sum->terms[i];
		if (text_is_absent(term->dimension)) {
			if (is_servqual_column(term->column))
				file_error_add(check, node->place,
				               "uses %s without a dimension; write one of `servqual` after it, as in "
				               "\"answered(reliability)\"",
				               file_quote(check, term->column));
			else if (!is_column(term->column))
				error_column(check, node, term->column);
		} else if (!is_servqual_column(term->column)) {
			file_error_add(
			        check, node->place,
			        "uses %s with a dimension; only answered, perceived_sum, paired and gap_sum take one",
			        file_quote(check, term->column));
		} else if (!has_dimension(reading, term->dimension)) {
			file_error_add(
			        check, node->place,
			        "uses the dimension %s, which `servqual` of the revision does not have; add it there",
			        file_quote(check, term->dimension));
		}
	}
}
