/* A mistake in the fields of a flat event: an unknown type or field. */
#ifndef KPID_CORE_FLAT_MISTAKE_H
#define KPID_CORE_FLAT_MISTAKE_H

#include "kpid/core/flat.h"

/* Sets the rejection's text; returns FLAT_UNKNOWN. */
__attribute__((format(printf, 2, 3))) enum flat_verdict flat_mistake(struct wire_rejection *rejection,
                                                                     const char *format, ...);

/* The length and the bytes of a short form of the text, for "%.*s". */
#define FLAT_SHOWN(text) (int)text_cut((text), 60).len, text_is_empty(text) ? "" : (text).ptr

#endif
