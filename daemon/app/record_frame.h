/* Where the records of a file begin and end: lines, rows of CSV, or values of JSON (the elements of one array, or one
 * value after the other). */
#ifndef KPID_APP_RECORD_FRAME_H
#define KPID_APP_RECORD_FRAME_H

#include <stdbool.h>
#include <stddef.h>

#include "adapters/csv/csv_row.h"

enum record_form { RECORD_LINES, RECORD_CSV, RECORD_JSON };

/* Zeroed but for the form: at the start of a file. */
struct record_frame {
	enum record_form form;
	char delimiter; /* of CSV */
	struct csv_end csv;
	/* of JSON */
	bool any, in_array, in_value, in_string, escaped, is_scalar;
	unsigned depth;
};

/* A part of a piece of bytes. */
struct record_part {
	const char *begin; /* the first byte of the record in this piece; the end of the piece: none */
	const char *end;   /* after its last byte; NULL: it goes on in the next piece */
	const char *next;  /* where the next record may begin */
};

/* Looks at the next bytes of the file. begun: the record began in a former piece. */
struct record_part record_frame_find(struct record_frame *frame, const char *bytes, size_t n_bytes, bool begun);

#endif
