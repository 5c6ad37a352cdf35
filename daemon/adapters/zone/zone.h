/* Time zones of this machine's tzdata. */
#ifndef KPID_ADAPTERS_ZONE_H
#define KPID_ADAPTERS_ZONE_H

#include "kpid/port/zone.h"

zone_find_fn zone_find;

#endif
