/* What will be sent, and when: a heap of messages. */
#ifndef DEMO_SCHEDULE_H
#define DEMO_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

/* The kind of a message, as its sender knows it. */
enum fate {
	FATE_EVENT,
	FATE_DUPLICATE,
	FATE_TOMBSTONE,
	FATE_UNKNOWN_TYPE,
	FATE_DEAD /* `reason` says why */
};

enum form { FORM_STRUCTURED, FORM_BINARY, FORM_BARE };

/* A step of a ticket's life. Texts are literals or owned by the desk. */
struct step {
	char ticket_id[32];
	const char *type; /* "ticket.opened" */
	const char *agent_id;
	const char *reason, *resolution, *kind, *project_id, *channel, *category, *priority;
	int score;     /* of a survey; -1 */
	int scale_max; /* 0: absent */
	int automatic;
	int64_t at_us;
};

struct letter {
	int64_t send_us;
	uint64_t order; /* among letters of one instant */
	enum fate fate;
	enum form form;
	const char *topic, *source;
	const char *reason; /* of a dead letter; else NULL */
	char id[24];
	struct step step;
	char *value; /* malloc'ed; NULL: a tombstone */
	size_t value_len;
};

struct schedule {
	struct letter *items;
	size_t n, capacity;
	uint64_t n_ever;
};

/* Takes ownership of the letter and its value. Exits if memory runs out. */
void schedule_put(struct schedule *schedule, const struct letter *letter);
/* The letter to send first, or NULL. Valid until the next change. */
const struct letter *schedule_first(const struct schedule *schedule);
/* Removes it; the caller owns the value. */
struct letter schedule_take(struct schedule *schedule);

#endif
