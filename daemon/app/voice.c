#include "app/voice.h"

#include <stdlib.h>

#include "adapters/zone/zone.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

void voice_init(struct voice *voice, const struct kpid_config *config)
{
	*voice = (struct voice){
	        .words = {(enum message_language)config->report.language, TEXT("UTC"), NULL},
	};
	if (zone_find(config->report.time_zone, &voice->zone)) {
		voice->words.zone = &voice->zone;
		voice->zone_name = mem_strdup(config->report.time_zone);
		voice->words.zone_name = text_of(voice->zone_name);
	} else {
		log_warning("this machine does not know the time zone %s: messages to people show times in UTC; "
		            "install tzdata",
		            config->report.time_zone);
	}
}

void voice_release(struct voice *voice)
{
	if (voice->words.zone != NULL && voice->zone.release != NULL)
		voice->zone.release(voice->zone.context);
	free(voice->zone_name);
	*voice = (struct voice){.words = {MESSAGE_EN, TEXT("UTC"), NULL}};
}
