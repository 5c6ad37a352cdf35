/* Viewers acknowledge breaches, and take that back. Off unless the configuration names the authenticating proxy whose
 * user header is believed. */
#ifndef KPID_BOARD_ACKS_H
#define KPID_BOARD_ACKS_H

#include "adapters/http/server.h"
#include "kpid/base/digest.h"
#include "kpid/config.h"

struct acks;
struct event_base;

enum { ACKS_TOKEN_BYTES = SHA256_HEX_BYTES };

/* Returns NULL if it is off. */
struct acks *acks_new(struct event_base *base, const struct kpid_config *config);
void acks_free(struct acks *acks);  /* acks may be NULL */
void acks_start(struct acks *acks); /* acks may be NULL */
/* The token that a request to acknowledge must have, so that no other page can send one. False: this viewer may not.
 * acks may be NULL. */
bool acks_token(const struct acks *acks, const struct http_connection *connection, const struct request *request,
                char token_out[ACKS_TOKEN_BYTES]);
/* Answers POST /api/ack: {"alert_id": …, "why": …, "undo": …}. */
void acks_request(struct acks *acks, struct http_connection *connection, const struct request *request,
                  struct text body);
/* A connection that waits is gone. */
void acks_gone(void *tag);

#endif
