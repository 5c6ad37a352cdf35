/* Which source a file is. A source is named by the file's name and first line. How far it has been read is stored with
 * a fingerprint of all lines up to there. So a file that was cut and is whole again, or that has grown, goes on where
 * it was, and one that differs in a line that was read becomes another source. */
#ifndef KPID_APP_FILE_MATCH_H
#define KPID_APP_FILE_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/digest.h"
#include "kpid/base/text.h"

/* All lines up to one, as a digest. Zeroed: of no line. */
struct line_chain {
	unsigned char digest[SHA256_BYTES];
};

void line_chain_add(struct line_chain *chain, struct text line);
int64_t line_chain_fingerprint(const struct line_chain *chain);

/* How far a source with the same name and first line was read. */
struct read_part {
	int number;          /* of the source among those */
	int64_t next_offset; /* OFFSET_NONE: claimed, and nothing committed */
	int64_t fingerprint; /* of the lines before next_offset */
};

struct file_match {
	char *stem; /* what the topics of all such sources begin with */
	struct read_part *parts;
	size_t n_parts, parts_capacity;
	int64_t furthest;      /* greatest next_offset of all parts; 0 */
	struct read_part best; /* the longest part that is the beginning of this file; number 0: none yet */
};

void file_match_release(struct file_match *match);

/* "ingest:NAME@" and 16 digits of the first line's digest. path: its last part is the name, made printable. */
void file_match_name(struct file_match *match, const char *path, struct text first_line);
/* Of a stream, which nothing tells from another but its time. free() it. */
char *file_match_stream_topic(const char *name, int64_t now_us, int process_no);

/* Forgets the parts, to be asked for again. */
void file_match_clear(struct file_match *match);
/* A source whose topic is the stem, or begins with it and a dot. What is no such name is passed over. */
void file_match_add(struct file_match *match, struct text topic, int64_t next_offset, int64_t fingerprint);
/* So many lines of this file have been read. */
void file_match_look(struct file_match *match, int64_t n_lines, const struct line_chain *chain);
/* If no part is a beginning of this file, best becomes a source of its own that is not there yet. Returns the topic of
 * best: free() it. */
char *file_match_choose(struct file_match *match);

#endif
