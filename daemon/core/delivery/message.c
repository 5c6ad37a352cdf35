#include "kpid/core/message.h"

#include "body.h"
#include "kinds.h"

bool alert_view_is_over(const struct alert_view *alert)
{
	return text_equal(alert->state, TEXT("resolved")) || text_equal(alert->state, TEXT("voided")) ||
	       text_equal(alert->state, TEXT("averted"));
}

void message_init(struct message *message)
{
	*message = (struct message){.url = BUF_INIT, .body = BUF_INIT};
}

void message_release(struct message *message)
{
	buf_release(&message->url);
	buf_release(&message->body);
}

void message_write(const struct notification *notification, struct message *message_out)
{
	const struct receiver_kind *kind = notification->receiver->kind;
	buf_clear(&message_out->url);
	buf_clear(&message_out->body);
	message_out->n_headers = 0;
	buf_add_text(&message_out->url, notification->url);
	body_add_header(message_out, "content-type", text_of(kind->content_type));
	kind->write(notification, message_out);
}

enum answer message_answer(const struct receiver *receiver, long status, struct text body, struct buf *why_out)
{
	if (status >= 200 && status < 300)
		return receiver->kind->read_answer == NULL ? ANSWER_ACCEPTED
		                                           : receiver->kind->read_answer(body, why_out);
	if (status == 0)
		buf_add_str(why_out, "no response");
	else
		buf_add_format(why_out, "HTTP status %ld", status);
	/* 410 Gone: nobody will listen at this address again (Standard Webhooks). */
	return status == 410 ? ANSWER_GONE : ANSWER_RETRY;
}
