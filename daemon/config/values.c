#include "config/config_internal.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/suggest.h"
#include "kpid/base/memory.h"

#define ZONE_FOLDER "/usr/share/zoneinfo"

struct unit {
	const char *name;
	int64_t factor;
};

/* Smallest first. */
static const struct unit duration_units[] = {
        {"ms", 1000}, {"s", 1000000}, {"m", INT64_C(60000000)}, {"h", INT64_C(3600000000)}, {"d", INT64_C(86400000000)},
        {NULL, 0},
};
static const struct unit size_units[] = {
        {"", 1}, {"KiB", 1024}, {"MiB", 1024 * 1024}, {"GiB", 1024 * 1024 * 1024}, {NULL, 0},
};

static const struct unit percent_units[] = {{"%", 1}, {NULL, 0}};

static char **string_at(const struct config_option *option, struct kpid_config *config)
{
	return (char **)(void *)((char *)config + option->offset);
}

static int64_t *integer_at(const struct config_option *option, struct kpid_config *config)
{
	return (int64_t *)(void *)((char *)config + option->offset);
}

static struct config_words *words_at(const struct config_option *option, struct kpid_config *config)
{
	return (struct config_words *)(void *)((char *)config + option->offset);
}

/* Reads the digits at the start of value; *rest_out points behind them. Returns false for no digits or an overflow. */
static bool read_digits(const char *value, int64_t *number_out, const char **rest_out)
{
	if (!isdigit((unsigned char)value[0]))
		return false;
	char *rest;
	errno = 0;
	long long number = strtoll(value, &rest, 10);
	*number_out = number;
	*rest_out = rest;
	return errno == 0;
}

/* Returns NULL for an unknown unit. */
static const struct unit *find_unit(const struct unit *units, const char *text, size_t length)
{
	for (const struct unit *unit = units; unit->name != NULL; unit++)
		if (strlen(unit->name) == length && strncmp(unit->name, text, length) == 0)
			return unit;
	return NULL;
}

/* "10s", "1h30m": returns the sum in the smallest unit. No unit may come twice. */
static bool read_with_units(const char *value, const struct unit *units, int64_t *sum_out)
{
	uint32_t used = 0;
	const char *rest = value;
	*sum_out = 0;
	do {
		int64_t number;
		if (!read_digits(rest, &number, &rest))
			return false;
		rest += strspn(rest, " ");
		size_t length = strcspn(rest, "0123456789");
		const struct unit *unit = find_unit(units, rest, length);
		if (unit == NULL)
			return number == 0 && rest[0] == '\0' && used == 0; /* a plain 0 needs no unit */
		uint32_t bit = UINT32_C(1) << (unit - units);
		if ((used & bit) != 0 || __builtin_mul_overflow(number, unit->factor, &number) ||
		    __builtin_add_overflow(*sum_out, number, sum_out))
			return false;
		used |= bit;
		rest += length;
	} while (rest[0] != '\0');
	return true;
}

/* Uses the largest unit that gives a whole number. */
static void format_with_unit(int64_t number, const struct unit *units, struct buf *out)
{
	const struct unit *best = units;
	for (const struct unit *unit = units; unit->name != NULL; unit++)
		if (number != 0 && number % unit->factor == 0)
			best = unit;
	buf_add_format(out, "%" PRId64 "%s", number / best->factor, best->name);
}

static void format_number(const struct config_option *option, int64_t number, struct buf *out)
{
	if (option->type == CONFIG_DURATION)
		format_with_unit(number, duration_units, out);
	else if (option->type == CONFIG_SIZE)
		format_with_unit(number, size_units, out);
	else if (option->type == CONFIG_PERCENT)
		format_with_unit(number, percent_units, out);
	else
		buf_add_format(out, "%" PRId64, number);
}

void config_option_range(const struct config_option *option, struct buf *out)
{
	switch (option->type) {
	case CONFIG_STRING:
		buf_add_format(out, "text of %" PRId64 " to %" PRId64 " bytes", option->min, option->max);
		break;
	case CONFIG_INTEGER:
	case CONFIG_DURATION:
	case CONFIG_PERCENT:
	case CONFIG_SIZE:
		format_number(option, option->min, out);
		buf_add_str(out, " to ");
		format_number(option, option->max, out);
		break;
	case CONFIG_WORD:
		for (size_t i = 0; option->words[i] != NULL; i++)
			buf_add_format(out, "%s%s",
			               i == 0                         ? ""
			               : option->words[i + 1] == NULL ? " or "
			                                              : ", ",
			               option->words[i]);
		break;
	case CONFIG_LIST:
		buf_add_str(out, "words separated by commas");
		break;
	case CONFIG_PATH:
		buf_add_str(out, "path of a file");
		break;
	case CONFIG_ZONE:
		buf_add_str(out, "name of a time zone");
		break;
	case CONFIG_TOPIC:
		buf_add_str(out, "name of a topic");
		break;
	}
}

static bool parse_number(const struct config_option *option, const char *value, int64_t *number_out,
                         struct buf *message_out)
{
	static const char *const wants[] = {
	        [CONFIG_INTEGER] = "a whole number",
	        [CONFIG_DURATION] = "a number with a unit, such as 250ms, 10s, 5m, 1h30m or 7d",
	        [CONFIG_PERCENT] = "a whole percentage, such as 80%",
	        [CONFIG_SIZE] = "a size, such as 512, 64KiB, 8MiB or 1GiB",
	};
	int64_t number = 0;
	const char *rest = "";
	bool read = option->type == CONFIG_INTEGER    ? read_digits(value, &number, &rest) && rest[0] == '\0'
	            : option->type == CONFIG_DURATION ? read_with_units(value, duration_units, &number)
	            : option->type == CONFIG_PERCENT  ? read_with_units(value, percent_units, &number)
	                                              : read_with_units(value, size_units, &number);
	if (!read) {
		buf_add_format(message_out, "\"%s\" is not %s", value, wants[option->type]);
		return false;
	}
	if (number < option->min || number > option->max) {
		buf_add_format(message_out, "%s is out of range: ", value);
		config_option_range(option, message_out);
		return false;
	}
	*number_out = number;
	return true;
}

static bool parse_word(const struct config_option *option, const char *value, int64_t *number_out,
                       struct buf *message_out)
{
	struct suggestion suggestion;
	suggestion_init(&suggestion, value);
	for (size_t i = 0; option->words[i] != NULL; i++) {
		if (strcmp(option->words[i], value) == 0) {
			*number_out = (int64_t)i;
			return true;
		}
		suggestion_offer(&suggestion, option->words[i]);
	}
	buf_add_format(message_out, "\"%s\" is not one of ", value);
	config_option_range(option, message_out);
	if (suggestion.nearest != NULL)
		buf_add_format(message_out, "; did you mean %s?", suggestion.nearest);
	return false;
}

bool config_list_next(const char **rest_io, char **word_out)
{
	const char *start = *rest_io;
	if (start == NULL)
		return false;
	const char *comma = strchr(start, ',');
	const char *end = comma == NULL ? start + strlen(start) : comma;
	*rest_io = comma == NULL ? NULL : comma + 1;
	while (start < end && isspace((unsigned char)*start))
		start++;
	while (start < end && isspace((unsigned char)end[-1]))
		end--;
	*word_out = mem_zalloc((size_t)(end - start) + 1);
	memcpy(*word_out, start, (size_t)(end - start));
	return true;
}

void config_words_add(struct config_words *words, char *word)
{
	words->items = mem_grow(words->items, &words->capacity, words->n + 1, sizeof(*words->items));
	words->items[words->n++] = word;
}

void config_words_release(struct config_words *words)
{
	for (size_t i = 0; i < words->n; i++)
		free(words->items[i]);
	free(words->items);
	*words = (struct config_words){NULL, 0, 0};
}

static bool has_word(const struct config_words *words, const char *word)
{
	for (size_t i = 0; i < words->n; i++)
		if (strcmp(words->items[i], word) == 0)
			return true;
	return false;
}

static bool parse_list(const char *value, struct config_words *words_out, struct buf *message_out)
{
	const char *rest = value;
	char *word;
	while (config_list_next(&rest, &word)) {
		if (word[0] == '\0')
			buf_add_str(message_out, "the list has an empty item; remove the extra comma");
		else if (has_word(words_out, word))
			buf_add_format(message_out, "\"%s\" is in the list twice", word);
		config_words_add(words_out, word);
		if (message_out->len_bytes > 0)
			return false;
	}
	return true;
}

char *config_path_from(const char *folder, const char *path)
{
	if (folder == NULL || path[0] == '/')
		return mem_strdup(path);
	struct buf joined = BUF_INIT;
	buf_add_format(&joined, "%s/%s", folder, path);
	return joined.data;
}

static bool check_path(const char *path, struct buf *message_out)
{
	struct stat status;
	if (stat(path, &status) != 0 || access(path, R_OK) != 0) {
		buf_add_format(message_out, "cannot read %s: %s", path, strerror(errno));
		return false;
	}
	if (S_ISDIR(status.st_mode)) {
		buf_add_format(message_out, "%s is a folder, not a file", path);
		return false;
	}
	return true;
}

static bool check_zone(const char *value, struct buf *message_out)
{
	bool plain = isalpha((unsigned char)value[0]) && strlen(value) < 100 && strstr(value, "//") == NULL;
	for (const char *c = value; *c != '\0'; c++)
		plain = plain && (isalnum((unsigned char)*c) || strchr("_+-/", *c) != NULL);
	struct stat status;
	struct buf path = BUF_INIT;
	buf_add_format(&path, ZONE_FOLDER "/%s", value);
	/* Without zone files on this machine, PostgreSQL checks the name later, with its own. */
	bool known = plain &&
	             (stat(ZONE_FOLDER, &status) != 0 || (stat(path.data, &status) == 0 && S_ISREG(status.st_mode)));
	buf_release(&path);
	if (!known)
		buf_add_format(message_out, "\"%s\" is not a time zone; use an IANA name such as Asia/Shanghai", value);
	return known;
}

bool config_topic_name_is_legal(const char *name)
{
	size_t length = strlen(name);
	if (length == 0 || length > 249 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (const char *c = name; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && strchr("._-", *c) == NULL)
			return false;
	return true;
}

static bool check_string(const struct config_option *option, const char *value, struct buf *message_out)
{
	size_t length = strlen(value);
	bool plain = (int64_t)length >= option->min && (int64_t)length <= option->max;
	for (const char *c = value; *c != '\0'; c++)
		plain = plain && !iscntrl((unsigned char)*c);
	if (!plain) {
		buf_add_str(message_out, "must be ");
		config_option_range(option, message_out);
		buf_add_str(message_out, ", without control characters");
	}
	return plain;
}

static bool check_topic(const char *value, struct buf *message_out)
{
	bool legal = config_topic_name_is_legal(value);
	if (!legal)
		buf_add_format(message_out,
		               "\"%s\" is not a topic name: use up to 249 letters, digits, '.', '_' and '-'", value);
	return legal;
}

bool config_text_parse(const struct config_option *option, const char *value, const char *folder, char **string_out,
                       struct buf *message_out)
{
	char *string = option->type == CONFIG_PATH ? config_path_from(folder, value) : mem_strdup(value);
	bool good = option->type == CONFIG_PATH    ? check_path(string, message_out)
	            : option->type == CONFIG_ZONE  ? check_zone(string, message_out)
	            : option->type == CONFIG_TOPIC ? check_topic(string, message_out)
	                                           : check_string(option, string, message_out);
	if (!good) {
		free(string);
		return false;
	}
	free(*string_out);
	*string_out = string;
	return true;
}

bool config_option_parse(const struct config_option *option, const char *value, const char *folder,
                         struct kpid_config *config, struct buf *message_out)
{
	if (value[0] == '\0') {
		if (option->empty_means == NULL) {
			buf_add_str(message_out, "the value is missing");
			return false;
		}
		config_option_release(option, config);
		return true;
	}
	switch (option->type) {
	case CONFIG_INTEGER:
	case CONFIG_DURATION:
	case CONFIG_PERCENT:
	case CONFIG_SIZE:
		return parse_number(option, value, integer_at(option, config), message_out);
	case CONFIG_WORD:
		return parse_word(option, value, integer_at(option, config), message_out);
	case CONFIG_LIST:
		config_words_release(words_at(option, config));
		return parse_list(value, words_at(option, config), message_out);
	case CONFIG_STRING:
	case CONFIG_PATH:
	case CONFIG_ZONE:
	case CONFIG_TOPIC:
		return config_text_parse(option, value, folder, string_at(option, config), message_out);
	}
	return false;
}

void config_option_format(const struct config_option *option, const struct kpid_config *config, struct buf *out)
{
	const void *field = (const char *)config + option->offset;
	switch (option->type) {
	case CONFIG_INTEGER:
	case CONFIG_DURATION:
	case CONFIG_PERCENT:
	case CONFIG_SIZE:
		format_number(option, *(const int64_t *)field, out);
		break;
	case CONFIG_WORD:
		buf_add_str(out, option->words[*(const int64_t *)field]);
		break;
	case CONFIG_LIST: {
		const struct config_words *words = field;
		for (size_t i = 0; i < words->n; i++)
			buf_add_format(out, "%s%s", i > 0 ? ", " : "", words->items[i]);
		break;
	}
	case CONFIG_STRING:
	case CONFIG_PATH:
	case CONFIG_ZONE:
	case CONFIG_TOPIC: {
		const char *string = *(char *const *)field;
		buf_add_str(out, string == NULL ? "" : string);
		break;
	}
	}
}

void config_option_release(const struct config_option *option, struct kpid_config *config)
{
	switch (option->type) {
	case CONFIG_LIST:
		config_words_release(words_at(option, config));
		break;
	case CONFIG_STRING:
	case CONFIG_PATH:
	case CONFIG_ZONE:
	case CONFIG_TOPIC:
		free(*string_at(option, config));
		*string_at(option, config) = NULL;
		break;
	case CONFIG_INTEGER:
	case CONFIG_DURATION:
	case CONFIG_PERCENT:
	case CONFIG_SIZE:
	case CONFIG_WORD:
		break;
	}
}
