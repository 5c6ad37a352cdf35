#include "chat.h"

enum { MAX_REASON_BYTES = 200 };

static void explain_refusal(const struct chat_answer *form, const json_t *json, json_int_t code, struct buf *why_out)
{
	const char *reason = json_string_value(json_object_get(json, form->reason));
	bool rate_limited = false;
	for (size_t i = 0; i < form->n_rate_limit_codes; i++)
		rate_limited |= code == form->rate_limit_codes[i];
	buf_add_format(why_out, "%s: %s %lld", rate_limited ? "too many messages" : "refused", form->code,
	               (long long)code);
	if (reason == NULL)
		return;
	struct text all = {reason, (uint32_t)strnlen(reason, MAX_REASON_BYTES + 1)};
	buf_add_str(why_out, ", ");
	buf_add_text(why_out, text_cut(all, MAX_REASON_BYTES));
}

enum answer chat_read_answer(const struct chat_answer *form, struct text body, struct buf *why_out)
{
	json_t *json = json_loadb(body.ptr == NULL ? "" : body.ptr, body.len, 0, NULL);
	const json_t *code = json_object_get(json, form->code);
	if (code == NULL && form->old_code != NULL)
		code = json_object_get(json, form->old_code);
	enum answer answer = ANSWER_RETRY;
	if (!json_is_integer(code))
		buf_add_format(why_out, "the response has no %s", form->code);
	else if (json_integer_value(code) != 0)
		explain_refusal(form, json, json_integer_value(code), why_out);
	else
		answer = ANSWER_ACCEPTED;
	json_decref(json);
	return answer;
}
