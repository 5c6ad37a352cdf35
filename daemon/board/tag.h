/* What a connection that waits or streams belongs to: the first member of each such structure. */
#ifndef KPID_BOARD_TAG_H
#define KPID_BOARD_TAG_H

enum tag_kind { TAG_STREAM, TAG_ANSWER, TAG_ACK, TAG_DOWNLOAD };

struct tag {
	enum tag_kind kind;
};

#endif
