/* Sends signed requests to `kpid hook` at a steady rate, each over a connection of its own, as nginx does. Prints how
 * they were answered, and how long that took from when each was due, as JSON.
 *
 *     bench_hook PORT PATH SECRET BODY_BYTES RATE SECONDS */
#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { N_SENDERS = 128, MOST_REQUEST_BYTES = 1 << 20 };

static struct {
	uint16_t port;
	char *request;
	size_t n_bytes;
	double rate;
	int64_t n, began_ns;
	int64_t *took_us; /* of each request; negative: not answered with 200 */
} plan;
static atomic_long next;

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* True if it is answered with 200. */
static int ask(void)
{
	struct sockaddr_in to = {
	        .sin_family = AF_INET, .sin_port = htons(plan.port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
	char answer[2048];
	size_t n_read = 0;
	ssize_t n = -1;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0)
		return 0;
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0 &&
	    send(fd, plan.request, plan.n_bytes, MSG_NOSIGNAL) == (ssize_t)plan.n_bytes)
		while ((n = recv(fd, answer + n_read, sizeof(answer) - n_read, 0)) > 0)
			n_read += (size_t)n;
	close(fd);
	return n == 0 && n_read > 12 && memcmp(answer + 9, "200", 3) == 0;
}

static void *send_all(void *unused)
{
	(void)unused;
	for (long i; (i = atomic_fetch_add(&next, 1)) < plan.n;) {
		int64_t due_ns = plan.began_ns + (int64_t)((double)i / plan.rate * 1e9);
		struct timespec due = {due_ns / 1000000000, due_ns % 1000000000};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
		plan.took_us[i] = ask() ? (now_ns() - due_ns) / 1000 : -1;
	}
	return NULL;
}

static void make_request(const char *path, const char *secret, int body_bytes)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n_digest = 0;
	char *body = calloc(1, (size_t)body_bytes + 1);
	plan.request = malloc(MOST_REQUEST_BYTES);
	if (body == NULL || plan.request == NULL)
		exit(1);
	int n = snprintf(body, (size_t)body_bytes + 1, "{\"ticket\":{\"id\":\"5001\"},\"text\":\"");
	memset(body + n, 'x', (size_t)(body_bytes - n - 2));
	memcpy(body + body_bytes - 2, "\"}", 2);
	HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)body, (size_t)body_bytes, digest,
	     &n_digest);
	n = sprintf(plan.request,
	            "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\nX-Hub-Signature: sha256=", path,
	            body_bytes);
	for (unsigned i = 0; i < n_digest; i++)
		n += sprintf(plan.request + n, "%02x", digest[i]);
	n += sprintf(plan.request + n, "\r\n\r\n");
	memcpy(plan.request + n, body, (size_t)body_bytes);
	plan.n_bytes = (size_t)(n + body_bytes);
	free(body);
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static void report(int64_t took_ns)
{
	int64_t n_good = 0;
	for (int64_t i = 0; i < plan.n; i++)
		n_good += plan.took_us[i] >= 0;
	qsort(plan.took_us, (size_t)plan.n, sizeof(*plan.took_us), compare);
	const int64_t *good = plan.took_us + (plan.n - n_good);
	printf("{\"sent\": %ld, \"taken\": %ld, \"per_s\": %.0f", (long)plan.n, (long)n_good,
	       (double)plan.n * 1e9 / (double)took_ns);
	static const struct {
		const char *name;
		double part;
	} parts[] = {{"p50_ms", 0.5}, {"p99_ms", 0.99}, {"max_ms", 1}};
	for (size_t i = 0; n_good > 0 && i < sizeof(parts) / sizeof(parts[0]); i++)
		printf(", \"%s\": %.1f", parts[i].name,
		       (double)good[(int64_t)((double)(n_good - 1) * parts[i].part)] / 1000);
	printf("}\n");
}

int main(int argc, char **argv)
{
	pthread_t threads[N_SENDERS];
	if (argc != 7 || atoi(argv[4]) < 100 || atoi(argv[4]) > 1000000) {
		fprintf(stderr, "usage: bench_hook PORT PATH SECRET BODY_BYTES RATE SECONDS\n");
		return 2;
	}
	plan.port = (uint16_t)atoi(argv[1]);
	plan.rate = atof(argv[5]);
	plan.n = (int64_t)(plan.rate * atof(argv[6]));
	plan.took_us = calloc((size_t)plan.n, sizeof(*plan.took_us));
	make_request(argv[2], argv[3], atoi(argv[4]));
	plan.began_ns = now_ns() + 100000000;
	for (int i = 0; i < N_SENDERS; i++)
		if (pthread_create(&threads[i], NULL, send_all, NULL) != 0)
			return 1;
	for (int i = 0; i < N_SENDERS; i++)
		pthread_join(threads[i], NULL);
	report(now_ns() - plan.began_ns);
	return 0;
}
