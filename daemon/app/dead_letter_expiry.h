/* Deletes dead letters of mapped records once they are older than run.dead_letter_days (M7). */
#ifndef KPID_APP_DEAD_LETTER_EXPIRY_H
#define KPID_APP_DEAD_LETTER_EXPIRY_H

struct app;
struct event;

struct dead_letter_expiry {
	struct app *app;
	struct event *timer;
};

/* Looks now and then from then on, on the control session. */
void dead_letter_expiry_start(struct dead_letter_expiry *expiry, struct app *app);
void dead_letter_expiry_release(struct dead_letter_expiry *expiry);

#endif
