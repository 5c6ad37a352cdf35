/* The files of the page, embedded (embed.cmake). */
#ifndef KPID_BOARD_PAGE_FILES_H
#define KPID_BOARD_PAGE_FILES_H

#include <stddef.h>

struct page_file {
	const char *name, *data;
	size_t len_bytes;
};

extern const struct page_file page_files[]; /* ended by a row without a name */

#endif
