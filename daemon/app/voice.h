/* The language and time zone of messages for people, from the configuration. */
#ifndef KPID_APP_VOICE_H
#define KPID_APP_VOICE_H

#include "kpid/config.h"
#include "kpid/core/message.h"

struct voice {
	struct message_voice words;
	struct zone zone;
	char *zone_name; /* NULL: UTC */
};

/* If this machine does not know the zone, messages show times in UTC and a warning is logged. The struct must not be
 * moved afterwards. */
void voice_init(struct voice *voice, const struct kpid_config *config);
void voice_release(struct voice *voice);

#endif
