/* What must hold for every transaction that commits: how rows may change, and how they relate to each other. */
#include "adapters/pg/session.h"
#include "sim.h"

/* No event that is still unread was sent before complete_until, however wrong the clocks of senders are. */
static void check_complete(const struct cell *row, int64_t until_us, int topic, int partition)
{
	const struct sim_partition *log = kafka_partition(topic, partition);
	int64_t next =
	        kafka_next_message(topic, partition, row[SP_NEXT].len < 0 ? log->low : cell_number(row[SP_NEXT]));
	int64_t bound_us = next >= log->low && next < (int64_t)log->n ? log->log[next]->appended_us : sim_now_us();
	if (until_us > bound_us)
		sim_fail("%s/%d claims to be complete %lld us beyond what was read", sim_topics[topic], partition,
		         (long long)(until_us - bound_us));
}

/* By how much the transaction changes a column of kpid.mapping_use for a source. */
static int64_t mapping_change(const struct transaction *transaction, const struct cell *source_no, int column)
{
	int64_t change = 0;
	for (size_t i = 0; i < store[MAPPING_USES].n; i++) {
		const struct slot *slot = store[MAPPING_USES].slots[i];
		const struct cell *row = slot_row(slot, transaction);
		if (row != NULL && cell_same(row[MU_SOURCE], *source_no))
			change += cell_number(row[column]) -
			          (slot->committed == NULL ? 0 : cell_number(slot->committed[column]));
	}
	return change;
}

/* The records of the messages that count are counted by what the mapping must make of them. */
static void check_mapping(const struct transaction *transaction, const struct cell *source_no,
                          const int64_t n_kinds[SIM_RECORD_KINDS])
{
	static const int columns[SIM_RECORD_KINDS] = {[SIM_RECORD_EVENT] = MU_EVENTS,
	                                              [SIM_RECORD_SKIPPED] = MU_SKIPPED,
	                                              [SIM_RECORD_REJECTED] = MU_REJECTED,
	                                              [SIM_RECORD_TOMBSTONE] = MU_TOMBSTONES};
	int64_t n_records = 0;
	for (int kind = 0; kind < SIM_RECORD_KINDS; kind++) {
		int64_t n = mapping_change(transaction, source_no, columns[kind]);
		n_records += n_kinds[kind];
		if (n != n_kinds[kind])
			sim_fail("the mapping counts %lld in column %d, not %lld", (long long)n, columns[kind],
			         (long long)n_kinds[kind]);
	}
	if (mapping_change(transaction, source_no, MU_RECORDS) != n_records)
		sim_fail("the mapping counts other than %lld records", (long long)n_records);
	sim_counts.records += (uint64_t)n_records;
}

/* The messages between the two offsets count from now on; no existing message may be skipped. */
static void count_messages(const struct transaction *transaction, const struct cell *was, const struct cell *is,
                           int topic, int partition)
{
	const struct sim_partition *log = kafka_partition(topic, partition);
	int64_t from = was[SP_NEXT].len < 0 ? kafka_first(connection_instance(transaction), topic, partition)
	                                    : cell_number(was[SP_NEXT]);
	int64_t to = cell_number(is[SP_NEXT]);
	int64_t n = 0, n_kinds[SIM_RECORD_KINDS] = {0};
	for (int64_t offset = from; offset < to; offset++) {
		struct sim_message *message = kafka_given(connection_instance(transaction), topic, partition, offset);
		if (message != NULL) {
			message->counted = true;
			const struct sim_records records = records_of(message);
			/* A message counts as often as its records. */
			n += records.n > 1 ? records.n : 1;
			for (int i = 0; i < records.n; i++)
				n_kinds[records.items[i].kind]++;
		} else if (offset >= log->low && offset < (int64_t)log->n && !sim_message_is_void(log->log[offset])) {
			sim_fail("%s/%d was skipped at offset %lld", sim_topics[topic], partition, (long long)offset);
		}
	}
	if (cell_number(is[SP_MESSAGES]) - cell_number(was[SP_MESSAGES]) != n)
		sim_fail("%s/%d counts %lld messages from %lld to %lld", sim_topics[topic], partition,
		         (long long)(cell_number(is[SP_MESSAGES]) - cell_number(was[SP_MESSAGES])), (long long)from,
		         (long long)to);
	if (sim_maps() && topic == SIM_MAPPED_TOPIC)
		check_mapping(transaction, &was[SP_NO], n_kinds);
}

static void check_source(const struct transaction *transaction, const struct cell *was, const struct cell *is)
{
	int topic = kafka_topic_no(cell_as_text(is[SP_TOPIC])), partition = (int)cell_number(is[SP_PARTITION]);
	if (was == NULL)
		return;
	bool moved = !cell_same(was[SP_NEXT], is[SP_NEXT]);
	if (cell_number(is[SP_EPOCH]) < cell_number(was[SP_EPOCH]))
		sim_fail("the epoch of %s/%d decreased", sim_topics[topic], partition);
	if (transaction->connection == NULL)
		return; /* an accepted gap */
	if (moved && (!cell_same(was[SP_EPOCH], is[SP_EPOCH]) ||
	              !text_equal(cell_as_text(is[SP_OWNER]), text_of(connection_owner(transaction)))))
		sim_fail("%s moved %s/%d, which it does not own", connection_owner(transaction), sim_topics[topic],
		         partition);
	if (moved && cell_number(is[SP_NEXT]) <= cell_number(was[SP_NEXT]))
		sim_fail("the offset of %s/%d decreased", sim_topics[topic], partition);
	if (moved)
		count_messages(transaction, was, is, topic, partition);
}

/* By its own row and by the heartbeat that it names. */
static void check_completeness(const struct transaction *transaction)
{
	for (size_t i = 0; i < store[SOURCES].n; i++) {
		const struct slot *slot = store[SOURCES].slots[i];
		const struct cell *is = slot_row(slot, transaction);
		if (is == NULL || slot->committed == NULL)
			continue;
		int topic = kafka_topic_no(cell_as_text(is[SP_TOPIC])), partition = (int)cell_number(is[SP_PARTITION]);
		int64_t was_us = cell_us(source_complete(slot->committed, NULL));
		int64_t is_us = cell_us(source_complete(is, transaction));
		if (is_us < was_us)
			sim_fail("complete_until of %s/%d decreased", sim_topics[topic], partition);
		if (is_us > was_us && transaction->connection != NULL)
			check_complete(is, is_us, topic, partition);
	}
}

static int64_t least_complete(const struct transaction *transaction)
{
	int64_t least_us = INT64_MAX;
	for (size_t i = 0; i < store[SOURCES].n; i++) {
		const struct cell *row = slot_row(store[SOURCES].slots[i], transaction);
		int64_t until_us = row == NULL ? INT64_MAX : cell_us(source_complete(row, transaction));
		least_us = until_us < least_us ? until_us : least_us;
	}
	return least_us;
}

static void check_ticket(const struct transaction *transaction, const struct cell *was, const struct cell *is)
{
	int64_t as_of_us = cell_us(is[3]);
	if (cell_number(is[1]) != (was == NULL ? 0 : cell_number(was[1])) + 1)
		sim_fail("ticket %.*s skips a revision", is[0].len, is[0].data);
	if (was != NULL && as_of_us < cell_us(was[3]))
		sim_fail("as_of of ticket %.*s decreased", is[0].len, is[0].data);
	if (as_of_us != TIME_NONE && as_of_us > least_complete(transaction))
		sim_fail("ticket %.*s is judged as of %lld us beyond the watermark", is[0].len, is[0].data,
		         (long long)(as_of_us - least_complete(transaction)));
}

static void check_alert(const struct transaction *transaction, const struct cell *is)
{
	const struct slot *slot = table_find(TICKETS, &is[1]);
	const struct cell *ticket = slot == NULL ? NULL : slot_row(slot, transaction);
	if (ticket == NULL)
		sim_fail("there is an alert of a ticket %.*s, which does not exist", is[1].len, is[1].data);
	else if (is[8].len >= 0 && !cell_is(is[5], "voided") && cell_us(is[8]) >= cell_us(ticket[3]))
		sim_fail("an alert of ticket %.*s came before its deadline", is[1].len, is[1].data);
	if (cell_number(is[16]) != 0)
		sim_fail("an alert of ticket %.*s is unconfirmed", is[1].len, is[1].data);
}

/* Each change that is to be sent has exactly one message. */
static void check_messages(const struct transaction *transaction, const struct cell *alert)
{
	int n = 0;
	for (size_t i = 0; i < store[OUTBOX].n; i++) {
		const struct cell *row = slot_row(store[OUTBOX].slots[i], transaction);
		n += row != NULL && cell_same(row[1], alert[0]) && cell_same(row[2], alert[4]);
	}
	if (n != (cell_is(alert[17], "queued") ? 1 : 0))
		sim_fail("revision %lld of alert %.*s is sent %d times", (long long)cell_number(alert[4]), alert[0].len,
		         alert[0].data, n);
}

/* Counts and sums are never negative. */
static void check_sums(const struct cell *is, enum store_table table)
{
	for (int column = store[table].n_keys; column < store[table].n_columns; column++)
		if (is[column].len >= 0 && cell_number(is[column]) < 0)
			sim_fail("column %d of %s is negative", column, store[table].name);
}

static bool belongs(const struct slot *slot, enum store_table table)
{
	for (size_t i = 0; i < store[table].n; i++)
		if (store[table].slots[i] == slot)
			return true;
	return false;
}

static enum store_table table_of(const struct slot *slot)
{
	enum store_table table = SETTINGS;
	while (table < N_TABLES - 1 && !belongs(slot, table))
		table++;
	return table;
}

void check_commit_invariants(struct transaction *transaction)
{
	if (transaction->has_sources)
		check_completeness(transaction);
	for (size_t i = 0; i < transaction->n; i++) {
		const struct slot *slot = transaction->locked[i];
		enum store_table table = slot->written ? table_of(slot) : N_TABLES;
		if (table == OUTBOX && slot->pending == NULL && slot->committed != NULL)
			outbox_check_delete(transaction, slot->committed);
		if (!slot->written || slot->pending == NULL)
			continue;
		switch (table) {
		case LEASES:
			outbox_check_lease(transaction, slot->committed, slot->pending);
			break;
		case SOURCES:
			check_source(transaction, slot->committed, slot->pending);
			break;
		case TICKETS:
			check_ticket(transaction, slot->committed, slot->pending);
			break;
		case ALERTS:
			check_alert(transaction, slot->pending);
			check_messages(transaction, slot->pending);
			break;
		case KPIS:
			check_sums(slot->pending, KPIS);
			break;
		case BACKLOG:
			check_sums(slot->pending, BACKLOG);
			break;
		default:
			break;
		}
	}
}
