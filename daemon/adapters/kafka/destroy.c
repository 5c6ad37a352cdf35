#include "adapters/kafka/destroy.h"

#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "kpid/base/memory.h"

enum { DESTROY_MS = 800 };

struct ending {
	rd_kafka_t *rk;
	int ended_fd; /* an eventfd */
};

static void *destroy(void *context)
{
	static const uint64_t one = 1;
	const struct ending *ending = context;
	rd_kafka_destroy_flags(ending->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	if (write(ending->ended_fd, &one, sizeof(one)) < 0)
		return NULL; /* the caller then waits for the whole of DESTROY_MS */
	return NULL;
}

/* librdkafka before 2.6.1 (its issue 4724) waits forever if a partition that it read was deleted: messages in the
 * partition's queue keep the partition, which keeps its broker's thread. */
void kafka_destroy_consumer(rd_kafka_t *rk)
{
	struct ending *ending = mem_alloc(sizeof(*ending));
	pthread_t thread;
	*ending = (struct ending){rk, eventfd(0, EFD_CLOEXEC)};
	if (pthread_create(&thread, NULL, destroy, ending) != 0)
		abort(); /* each client got its threads at the start */
	if (poll(&(struct pollfd){ending->ended_fd, POLLIN, 0}, 1, DESTROY_MS) != 1) {
		pthread_detach(thread); /* it still uses `ending`, which is never freed then */
		return;
	}
	pthread_join(thread, NULL);
	close(ending->ended_fd);
	free(ending);
}
