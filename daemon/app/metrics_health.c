#include "app/metrics_health.h"

static const struct {
	const char *name, *holds, *fails;
} conditions[] = {
        [CONDITION_STARTED] = {"started", "policies are loaded", "waiting for the first load of the policies"},
        [CONDITION_POSTGRES] = {"postgres", "every part has its connection and may write",
                                "a part has no connection or may not write: see the log"},
        [CONDITION_DEADLINES] = {"deadlines", "they are checked", "no check was answered lately"},
        [CONDITION_KAFKA] = {"kafka", "the brokers answer", "no broker answers"},
        [CONDITION_GROUP] = {"group", "the consumer group has assigned partitions",
                             "the partitions are being assigned or given up"},
};

const char *condition_name(enum condition condition)
{
	return conditions[condition].name;
}

bool health_is_ready(const struct health *health)
{
	for (int i = 0; i < CONDITION_N; i++)
		if (!health->holds[i])
			return false;
	return !health->stopping;
}

static void add_conditions(const struct health *health, struct buf *out)
{
	for (int i = 0; i < CONDITION_N; i++)
		buf_add_format(out, "[%c]%s: %s\n", health->holds[i] ? '+' : '-', conditions[i].name,
		               health->holds[i] ? conditions[i].holds : conditions[i].fails);
	buf_add_format(out, "[%c]running: %s\n", health->stopping ? '-' : '+',
	               health->stopping ? "the instance is stopping" : "the instance is not stopping");
	buf_add_format(out, "[+]partitions: %zu are read, %zu are stopped at a gap\n", health->n_reading,
	               health->n_stopped);
}

void health_write(const struct health *health, bool verbose, struct buf *out)
{
	if (verbose)
		add_conditions(health, out);
	if (health_is_ready(health)) {
		buf_add_str(out, "ok\n");
		return;
	}
	buf_add_str(out, "not ready:");
	for (int i = 0; i < CONDITION_N; i++)
		if (!health->holds[i])
			buf_add_format(out, " %s", conditions[i].name);
	buf_add_str(out, health->stopping ? " running\n" : "\n");
}
