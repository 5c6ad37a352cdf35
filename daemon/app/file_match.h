/* Finds the source of a file. A source is named after the file's name and first line, and its offset is stored with a
 * fingerprint of all lines before. So a file that has grown, or was truncated and restored, continues where it was; a
 * file that differs in a line already read becomes another source. */
#ifndef KPID_APP_FILE_MATCH_H
#define KPID_APP_FILE_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/digest.h"
#include "kpid/base/text.h"

/* A digest of the lines so far. Zeroed: no lines. */
struct line_chain {
	unsigned char digest[SHA256_BYTES];
};

void line_chain_add(struct line_chain *chain, struct text line);
int64_t line_chain_fingerprint(const struct line_chain *chain);

/* The progress of a source with the same name and first line. */
struct ingested_part {
	int number;          /* of the source among them */
	int64_t next_offset; /* OFFSET_NONE: claimed, but nothing was committed */
	int64_t fingerprint; /* of the lines before next_offset */
};

struct file_match {
	char *stem; /* the prefix of the topics of all such sources */
	struct ingested_part *parts;
	size_t n_parts, parts_capacity;
	int64_t furthest;          /* the maximum next_offset of all parts; 0: none */
	struct ingested_part best; /* the longest part that this file starts with; number 0: none yet */
};

void file_match_release(struct file_match *match);

/* Sets the stem: "ingest:NAME@" and 16 digits of the first line's digest. NAME: the last part of the path, printable.
 */
void file_match_name(struct file_match *match, const char *path, struct text first_line);
/* The topic of a stream, unique by its time and process. The caller frees it. */
char *file_match_stream_topic(const char *name, int64_t now_us, int process_no);

/* Drops all parts. */
void file_match_clear(struct file_match *match);
/* Adds a source whose topic is the stem, or the stem with a dot and a number. Ignores other names. */
void file_match_add(struct file_match *match, struct text topic, int64_t next_offset, int64_t fingerprint);
/* Compares the parts with the first n_lines of this file. */
void file_match_compare(struct file_match *match, int64_t n_lines, const struct line_chain *chain);
/* If this file starts with none of the parts, best becomes a new source. Returns the topic of best, which the caller
 * frees. */
char *file_match_choose(struct file_match *match);

#endif
