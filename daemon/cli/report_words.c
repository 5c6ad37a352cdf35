#include "cli/report_page.h"

static const char *const words[REPORT_N_WORDS][2] = {
#define X(name, en, zh) [REPORT_##name] = {[APPRAISAL_EN] = (en), [APPRAISAL_ZH] = (zh)},
        REPORT_TEXTS(X)
#undef X
};

const char *report_word(enum appraisal_language language, enum report_word word)
{
	return words[word][language];
}

void report_format(struct buf *out, enum appraisal_language language, enum report_word word, const char *const *args)
{
	for (const char *c = words[word][language]; *c != '\0'; c++) {
		if (c[0] != '%' || c[1] < '1' || c[1] > '9') {
			buf_add_char(out, *c);
			continue;
		}
		const char *arg = args[*++c - '1'];
		buf_add_str(out, arg == NULL ? "–" : arg);
	}
}
