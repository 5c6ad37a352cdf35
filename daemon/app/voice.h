/* How alerts are put into words: the language and the time zone of the configuration. */
#ifndef KPID_APP_VOICE_H
#define KPID_APP_VOICE_H

#include "kpid/config.h"
#include "kpid/core/message.h"

struct voice {
	struct message_voice words;
	struct zone zone;
	char *zone_name; /* NULL: UTC */
};

/* Times are in UTC, and say so, on a machine that does not know the zone. The voice must stay where it is. */
void voice_init(struct voice *voice, const struct kpid_config *config);
void voice_release(struct voice *voice);

#endif
