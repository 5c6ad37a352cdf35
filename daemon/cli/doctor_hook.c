/* kpid doctor: the receiver of webhooks, by its own metrics, because it has no database. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "adapters/http/listen.h"
#include "cli/doctor.h"

enum { TIMEOUT_S = 5, MAX_ANSWER_BYTES = 1024 * 1024, NAME_CHARS = 65 };

static bool read_all(int fd, struct buf *answer_out)
{
	for (;;) {
		char piece[4096];
		ssize_t n = recv(fd, piece, sizeof(piece), 0);
		if (n <= 0 || answer_out->len_bytes > MAX_ANSWER_BYTES)
			return n == 0;
		buf_add(answer_out, piece, (size_t)n);
	}
}

/* Asks for /metrics. False after appending the reason to why_out. */
static bool ask(const struct kpid_config *config, struct buf *answer_out, struct buf *why_out)
{
	const struct timeval timeout = {TIMEOUT_S, 0};
	const struct config_words *hosts = &config->hook.allow_hosts;
	struct listen_address address;
	struct buf request = BUF_INIT;
	if (!listen_parse(config->hook.listen, &address, why_out))
		return false;
	int fd = socket(address.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is_good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0 &&
	               setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) == 0 &&
	               connect(fd, (const struct sockaddr *)&address.address, address.n_bytes) == 0;
	buf_add_format(&request, "GET /metrics HTTP/1.1\r\nHost: %s\r\n\r\n",
	               hosts->n > 0 ? hosts->items[0] : "localhost");
	is_good = is_good && send(fd, request.data, request.len_bytes, MSG_NOSIGNAL) == (ssize_t)request.len_bytes &&
	          read_all(fd, answer_out);
	if (!is_good)
		buf_add_str(why_out, strerror(errno));
	else if (answer_out->len_bytes < 12 || memcmp(answer_out->data + 9, "200", 3) != 0)
		buf_add_str(why_out, "it answers with an error");
	if (fd >= 0)
		close(fd);
	buf_release(&request);
	return why_out->len_bytes == 0;
}

/* Passes over words at the start. */
static bool take(const char **at, const char *words)
{
	if (strncmp(*at, words, strlen(words)) != 0)
		return false;
	*at += strlen(words);
	return true;
}

/* The value of a label, up to its quote. */
static bool take_value(const char **at, char out[NAME_CHARS])
{
	size_t n = strcspn(*at, "\"");
	if (n >= NAME_CHARS || (*at)[n] == '\0')
		return false;
	memcpy(out, *at, n);
	out[n] = '\0';
	*at += n + 1;
	return true;
}

/* One line of the metrics. Returns how many requests it says were taken. */
static unsigned long long look_at(struct doctor *doctor, const char *line, bool *is_good)
{
	char name[NAME_CHARS], outcome[NAME_CHARS];
	if (take(&line, "kpid_hook_ready 0")) {
		doctor_format(doctor, "webhooks", DOCTOR_FAIL,
		              "look at the log of kpid hook: it names the broker or the topic that is missing",
		              "kpid hook cannot write to Kafka, and answers with 503");
		*is_good = false;
	}
	if (!take(&line, "kpid_hook_requests_total{hook=\"") || !take_value(&line, name) ||
	    !take(&line, ",outcome=\"") || !take_value(&line, outcome) || !take(&line, "} "))
		return 0;
	unsigned long long n = strtoull(line, NULL, 10);
	if (strcmp(outcome, "not_signed") == 0 && n > 0) {
		doctor_format(
		        doctor, "webhooks", DOCTOR_WARN,
		        "compare the secret of [hook NAME] with that of the help desk, and the clocks; senders do not "
		        "repeat a 401, so read an export to get what was lost",
		        "[hook %s] refused %llu requests since its start, because their signatures were missing "
		        "or wrong (401)",
		        name, n);
		*is_good = false;
	}
	return strcmp(outcome, "taken") == 0 ? n : 0;
}

void doctor_check_hook(struct doctor *doctor)
{
	const struct kpid_config *config = doctor->config;
	struct buf answer = BUF_INIT, why = BUF_INIT;
	bool is_good = true;
	unsigned long long n_taken = 0;
	if (config->hooks.n == 0 && !kpid_config_names(config, "hook.listen"))
		return;
	if (!ask(config, &answer, &why)) {
		doctor_format(doctor, "webhooks", DOCTOR_FAIL,
		              "start it (systemctl start kpid-hook), or correct [hook] listen",
		              "kpid hook does not answer at %s: %s", config->hook.listen, why.data);
		is_good = false;
	}
	char *rest = answer.data, *line;
	while ((line = strsep(&rest, "\n")) != NULL)
		n_taken += look_at(doctor, line, &is_good);
	if (is_good)
		doctor_format(doctor, "webhooks", DOCTOR_OK, "",
		              "kpid hook has taken %llu requests since its start, and refused none for its signature",
		              n_taken);
	buf_release(&answer);
	buf_release(&why);
}
