#include "kpid/core/vouch.h"

#include "kpid/core/timestamp.h"

/* A time that is earlier by more than this shows that PostgreSQL's clock was set back (W4). */
enum { SET_BACK_US = 1000000 };

void vouch_clear(struct vouch *vouch)
{
	*vouch = (struct vouch){.state = VOUCH_NONE, .until_us = TIME_NONE};
}

void vouch_forget(struct vouch *vouch)
{
	vouch->state = VOUCH_NONE;
}

static bool is_same(const struct vouch_place *a, const struct vouch_place *b)
{
	return a->epoch == b->epoch && a->next_offset == b->next_offset && a->high_offset == b->high_offset &&
	       a->read_to == b->read_to;
}

bool vouch_enter(struct vouch *vouch, const struct vouch_place *place)
{
	if (vouch->state == VOUCH_GIVEN && is_same(&vouch->place, place))
		return true;
	vouch->state = VOUCH_ASKED;
	vouch->place = *place;
	return false;
}

bool vouch_leave(struct vouch *vouch)
{
	if (vouch->state == VOUCH_NONE)
		return false;
	vouch->state = VOUCH_ENDING;
	return true;
}

void vouch_extend(struct vouch *vouch, int64_t until_us)
{
	bool is_first = vouch->until_us == TIME_NONE;
	if (is_first || until_us > vouch->until_us || until_us < vouch->until_us - SET_BACK_US)
		vouch->until_us = until_us;
}

void vouch_written(struct vouch *vouch)
{
	if (vouch->state == VOUCH_ASKED)
		vouch->state = VOUCH_WRITTEN;
}

void vouch_confirm(struct vouch *vouch)
{
	if (vouch->state == VOUCH_WRITTEN)
		vouch->state = VOUCH_GIVEN;
}

void vouch_left(struct vouch *vouch)
{
	if (vouch->state == VOUCH_ENDING)
		vouch->state = VOUCH_NONE;
}

void vouch_verify(struct vouch *vouch, bool is_named)
{
	if (!is_named)
		vouch->state = VOUCH_NONE;
	else if (vouch->state == VOUCH_NONE)
		vouch->state = VOUCH_ENDING;
}

bool vouch_is_given(const struct vouch *vouch, int64_t epoch, int64_t next_offset)
{
	return vouch->state == VOUCH_GIVEN && vouch->place.epoch == epoch && vouch->place.next_offset == next_offset;
}
