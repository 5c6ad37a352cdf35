/* How long turns of the event loop take. While a callback runs nothing else does: no deadline is seen, no watchdog
 * hears of the daemon. Who may take long says after each callback how long it took. */
#ifndef KPID_BASE_TURNS_H
#define KPID_BASE_TURNS_H

#include <stdbool.h>
#include <stdint.h>

enum { TURN_MOST_MS = 200 };

/* Zeroed: none yet. */
struct turns {
	unsigned n;         /* over TURN_MOST_MS since the last that was logged */
	int64_t longest_us; /* of them */
	int64_t worked_us;  /* of it: processor time; the rest it waited, or others had the processor */
	char what[96];      /* what the longest one did */
	bool logged;        /* any so far */
	int64_t logged_us;
};

/* A turn has ended. True: log *summary_out. The first over TURN_MOST_MS is logged at once, later ones once a minute.
 * what, of_whom: "answers to", "lane 0"; what does not fit is cut. Pure. */
bool turns_add(struct turns *turns, const char *what, const char *of_whom, int64_t took_us, int64_t worked_us,
               int64_t now_us, struct turns *summary_out);

struct turn_start {
	int64_t now_us, worked_us;
};

/* For the one loop of this program, whose thread calls. now_us: of one clock that does not go back. */
struct turn_start turn_begin(int64_t now_us);
/* Logs what turns_add() says as a warning. */
void turn_end(struct turn_start start, const char *what, const char *of_whom, int64_t now_us);

#endif
