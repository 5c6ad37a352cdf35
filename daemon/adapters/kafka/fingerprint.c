#include "adapters/kafka/fingerprint.h"

int64_t kafka_fingerprint(const rd_kafka_message_t *message)
{
	enum { SAMPLE_BYTES = 64 };
	rd_kafka_timestamp_type_t type;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	hash = (hash ^ (uint64_t)rd_kafka_message_timestamp(message, &type)) * UINT64_C(0x100000001b3);
	hash = (hash ^ message->len) * UINT64_C(0x100000001b3);
	const unsigned char *bytes = message->payload;
	size_t n = bytes == NULL ? 0 : message->len < SAMPLE_BYTES ? message->len : SAMPLE_BYTES;
	for (size_t i = 0; i < n; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	return (int64_t)hash;
}
