/* Errors and warnings of a JSON file that an operator writes: the policy file, the file of receivers. */
#ifndef KPID_CORE_FILE_ERRORS_H
#define KPID_CORE_FILE_ERRORS_H

#include <stddef.h>

#include "kpid/base/arena.h"
#include "kpid/base/text.h"

struct file_error {
	struct text path;    /* "revisions[0].policies[1].targets.resolution.within"; "(file)" for the file itself */
	int line;            /* 1.. in the file; 0 if unknown */
	struct text message; /* what is wrong and what to write instead */
};

struct file_errors {
	struct file_error *items;
	size_t n, capacity;
	struct file_error *warnings; /* valid, but perhaps not intended; a file without errors may have some */
	size_t n_warnings, warnings_capacity;
	struct arena arena; /* owns the texts of both lists */
};

void file_errors_release(struct file_errors *errors);

#endif
