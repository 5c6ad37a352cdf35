-- The private tables of kpid. The public interface is the schema report (0006_report.sql).
--
-- Text keys have the collation "C": the rules compare texts by bytes, and it is the fastest collation.
-- Tables whose rows change often leave room on their pages (fillfactor) and have no index on the columns that change,
-- so that updates stay on the page (HOT) and touch no index.
--
-- Some tables only grow: finished sources, gaps, acknowledgements, silences, deliveries. Queries that run at every tick or
-- for every event use a partial index there, which holds only the rows that are still active.

CREATE TABLE kpid.setting (
	name text PRIMARY KEY,
	value text NOT NULL
);
COMMENT ON TABLE kpid.setting IS 'Settings that all instances must agree on, such as the window of first contact resolution.';

CREATE TABLE kpid.lease (
	name text COLLATE "C" PRIMARY KEY,
	holder text NOT NULL,
	pid integer NOT NULL,
	epoch bigint NOT NULL,
	taken_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL
) WITH (fillfactor = 10);
COMMENT ON TABLE kpid.lease IS 'Work that only one instance does at a time: outbox (sends messages to Kafka), receivers (sends them over HTTP). A lease expires unless it is renewed, so a frozen holder is replaced. A lock of PostgreSQL would last as long as the holder''s session, and anybody can take an advisory lock.';
COMMENT ON COLUMN kpid.lease.holder IS 'The instance that holds the lease, or held it last.';
COMMENT ON COLUMN kpid.lease.pid IS 'The server process of the holder''s session. The lease is free once that process has ended.';
COMMENT ON COLUMN kpid.lease.epoch IS 'Rises with each new holder. The holder''s writes are valid only under its own epoch (kpid.hold_lease).';

CREATE TABLE kpid.policy_revision (
	revision_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	id text COLLATE "C" NOT NULL UNIQUE,
	effective_from timestamptz NOT NULL,
	json text NOT NULL,
	sha256 bytea NOT NULL,
	stored_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE kpid.policy_revision IS 'The exact text of every policy revision that was ever in force. Rows never change, so every verdict can be explained.';

CREATE TABLE kpid.source_partition (
	source_no integer GENERATED ALWAYS AS IDENTITY UNIQUE,
	topic text COLLATE "C" NOT NULL,
	partition integer NOT NULL,
	epoch bigint NOT NULL,
	owner text NOT NULL,
	next_offset bigint,
	last_fingerprint bigint,
	high_offset bigint,
	complete_until timestamptz NOT NULL DEFAULT '-infinity',
	seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	last_event_at timestamptz,
	state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'stopped', 'finished')),
	state_reason text,
	claimed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	committed_at timestamptz,
	n_messages bigint NOT NULL DEFAULT 0,
	n_duplicates bigint NOT NULL DEFAULT 0,
	n_tombstones bigint NOT NULL DEFAULT 0,
	n_unknown_type bigint NOT NULL DEFAULT 0,
	n_dead_letters bigint NOT NULL DEFAULT 0,
	checked_offset bigint,
	checked_fingerprint bigint,
	read_to bigint,
	held_since timestamptz,
	unknown_type text,
	PRIMARY KEY (topic, partition)
) WITH (fillfactor = 10);
CREATE INDEX source_partition_unfinished ON kpid.source_partition (source_no) WHERE state <> 'finished';
COMMENT ON TABLE kpid.source_partition IS 'How far each partition has been read. next_offset moves in the same transaction as the effects, and only under the epoch of the owner.';
COMMENT ON COLUMN kpid.source_partition.last_fingerprint IS 'Fingerprint of the message before next_offset; a recreated topic has another message there. For a file: of all lines before next_offset.';
COMMENT ON COLUMN kpid.source_partition.complete_until IS 'Event-time watermark: every event of this partition that happened before this instant has been read and committed.';
COMMENT ON COLUMN kpid.source_partition.seen_at IS 'When the owner last had news of the partition: it read from it, saw its end, or queued more of it behind other partitions.';
COMMENT ON COLUMN kpid.source_partition.checked_offset IS 'The latest message that was read a second time and found unchanged: up to it, the topic has not been recreated. NULL: use last_fingerprint.';
COMMENT ON COLUMN kpid.source_partition.checked_fingerprint IS 'Fingerprint of the message at checked_offset.';
COMMENT ON COLUMN kpid.source_partition.read_to IS 'If greater than next_offset: there is no message between the two, only control records of transactions.';
COMMENT ON COLUMN kpid.source_partition.held_since IS 'Since when an open Kafka transaction has kept the rest from being read; NULL: none does.';
COMMENT ON COLUMN kpid.source_partition.unknown_type IS 'An example of the types that n_unknown_type counts, truncated, from the latest batch that had any. NULL: none yet.';

CREATE TABLE kpid.gap (
	gap_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	topic text COLLATE "C" NOT NULL,
	partition integer NOT NULL,
	expected_offset bigint NOT NULL,
	low_offset bigint,
	high_offset bigint,
	reason text NOT NULL,
	detected_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	accepted_at timestamptz,
	accepted_by text CHECK (length(accepted_by) <= 200),
	resumed_at_offset bigint
);
CREATE INDEX gap_open ON kpid.gap (topic, partition) WHERE accepted_at IS NULL;
COMMENT ON TABLE kpid.gap IS 'Messages that were expected and are missing. The partition stops until an operator accepts the gap (kpid gap accept).';

CREATE TABLE kpid.ticket (
	ticket_id text COLLATE "C" NOT NULL,
	rev integer NOT NULL,
	revision_no integer,
	as_of timestamptz NOT NULL,
	opened_at timestamptz,
	first_response_at timestamptz,
	arrived_at timestamptz,
	cycle_started_at timestamptz,
	resolved_at timestamptz,
	closed_at timestamptz,
	first_response_due_at timestamptz,
	resolution_due_at timestamptz,
	cycle_due_at timestamptz,
	csat_score_micros bigint,
	csat_scale_micros bigint,
	revised_at timestamptz NOT NULL,
	cycle integer NOT NULL,
	reopen_count integer NOT NULL,
	transfer_count integer NOT NULL,
	state smallint NOT NULL,
	first_response_verdict smallint NOT NULL,
	resolution_verdict smallint NOT NULL,
	cycle_verdict smallint NOT NULL,
	resolution smallint NOT NULL,
	project_id text COLLATE "C",
	channel text COLLATE "C",
	category text COLLATE "C",
	priority text COLLATE "C",
	team_id text COLLATE "C",
	requester_ref text COLLATE "C",
	agent_id text COLLATE "C",
	first_owner_id text COLLATE "C",
	responder_id text COLLATE "C",
	arrived_by_id text COLLATE "C",
	resolver_id text COLLATE "C",
	closer_id text COLLATE "C",
	policy text COLLATE "C",
	history bytea NOT NULL,
	first_response_working_us bigint,
	resolution_working_us bigint,
	PRIMARY KEY (ticket_id)
) WITH (fillfactor = 50);
COMMENT ON TABLE kpid.ticket IS 'One ticket: its events (history, see include/kpid/core/history.h) and its state, which is a pure function of them.';
COMMENT ON COLUMN kpid.ticket.rev IS 'Number of writes of this row. A writer that read revision n may write n + 1, once.';
COMMENT ON COLUMN kpid.ticket.as_of IS 'The watermark when the row was last judged (rule K4).';
COMMENT ON COLUMN kpid.ticket.state IS '0 unknown, 1 open, 2 paused, 3 resolved, 4 closed (enum ticket_state).';
COMMENT ON COLUMN kpid.ticket.first_response_verdict IS '0 none, 1 pending, 2 met, 3 breached (enum sla_verdict). The same for resolution_verdict and cycle_verdict.';
COMMENT ON COLUMN kpid.ticket.cycle_due_at IS 'Due time of the resolution clock of the current cycle. resolution_due_at is that of the latest cycle that has such a clock.';
COMMENT ON COLUMN kpid.ticket.resolution IS 'Resolution of the current cycle: 0 absent, 1 solved, 2 unsolved, 3 cancelled, 4 duplicate (enum resolution).';
COMMENT ON COLUMN kpid.ticket.resolution_working_us IS 'Working time to the resolution of the current cycle, if that resolution counts (rules K).';

CREATE TABLE kpid.past_cycle (
	ticket_id text COLLATE "C" NOT NULL,
	cycle integer NOT NULL,
	started_at timestamptz NOT NULL,
	resolved_at timestamptz,
	closed_at timestamptz,
	due_at timestamptz,
	verdict smallint NOT NULL,
	resolution smallint NOT NULL,
	resolver_id text COLLATE "C",
	closer_id text COLLATE "C",
	resolution_working_us bigint,
	PRIMARY KEY (ticket_id, cycle)
);
COMMENT ON TABLE kpid.past_cycle IS 'The earlier cycles of a ticket. The current one is in kpid.ticket; most tickets have no row here.';

CREATE TABLE kpid.agent_kpi_5m (
	"time" timestamptz NOT NULL,
	agent_id text COLLATE "C" NOT NULL,
	{{measures 28: {column} {type} NOT NULL}},
	PRIMARY KEY ("time", agent_id)
) WITH (fillfactor = 45);
-- These two came later than the others, with a default for the rows that were there.
ALTER TABLE kpid.agent_kpi_5m
	ALTER COLUMN first_response_working_us_sum SET DEFAULT 0,
	ALTER COLUMN resolution_working_us_sum SET DEFAULT 0;
COMMENT ON TABLE kpid.agent_kpi_5m IS 'Sums per agent and 5 minutes of UTC (rules K), in whole microseconds and millionths. Agent '''' is nobody.';
COMMENT ON COLUMN kpid.agent_kpi_5m.first_response_us_sum IS 'numeric, as are all sums of microseconds: one ticket can add 210 years (rule E5), and 1,400 of those exceed 64 bits.';

CREATE TABLE kpid.agent_backlog (
	agent_id text COLLATE "C" PRIMARY KEY,
	backlog bigint NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE kpid.agent_backlog IS 'Number of open or paused tickets by owner (rule K3). Agent '''' is nobody.';

CREATE TABLE kpid.sla_clock (
	ticket_id text COLLATE "C" NOT NULL,
	target smallint NOT NULL,
	n integer NOT NULL,
	cycle integer NOT NULL,
	started_at timestamptz NOT NULL,
	due_at timestamptz,
	fires_at timestamptz,
	zero_at timestamptz,
	at_risk_at timestamptz,
	left_us bigint,
	breached boolean NOT NULL,
	paused boolean NOT NULL,
	stopped boolean NOT NULL,
	calendar text COLLATE "C",
	PRIMARY KEY (ticket_id, target, n),
	CONSTRAINT sla_clock_has_a_deadline CHECK (fires_at IS NOT NULL) NO INHERIT
) WITH (fillfactor = 100);
CREATE INDEX sla_clock_fires_at ON ONLY kpid.sla_clock (fires_at);
COMMENT ON TABLE kpid.sla_clock IS 'SLA clocks that run, and ended clocks that still have something to fall due once the sources are complete. ONLY this table''s own rows are the queue of deadlines, by the index on fires_at. The rows of sla_clock_idle are read together with them.';
COMMENT ON COLUMN kpid.sla_clock.target IS '0 first_response, 1 next_response, 2 arrival, 3 resolution (enum sla_target).';
COMMENT ON COLUMN kpid.sla_clock.fires_at IS 'The next instant at which something falls due by time alone: a warning, the breach or an escalation.';
COMMENT ON COLUMN kpid.sla_clock.zero_at IS 'Seconds left (rule S9) are zero_at minus now; NULL while paused.';
COMMENT ON COLUMN kpid.sla_clock.at_risk_at IS 'The clock is at risk from this instant on (rule S9).';
COMMENT ON COLUMN kpid.sla_clock.left_us IS 'Microseconds left to run, while paused.';
COMMENT ON COLUMN kpid.sla_clock.calendar IS 'Calendar of the ticket''s policy revision in whose hours the clock runs; NULL: always.';
COMMENT ON COLUMN kpid.sla_clock.stopped IS 'The clock no longer runs or is no longer judged; only a deadline of it is still to fire.';

-- The queue of deadlines (kpid.sla_clock itself) holds only clocks with a deadline to come. A breach or a pause moves the
-- clock to this table: cheaper than an update, which could not be HOT and would write to every index.
CREATE TABLE kpid.sla_clock_idle (
	PRIMARY KEY (ticket_id, target, n),
	CONSTRAINT sla_clock_idle_has_no_deadline CHECK (fires_at IS NULL)
) INHERITS (kpid.sla_clock) WITH (fillfactor = 90);
COMMENT ON TABLE kpid.sla_clock_idle IS 'SLA clocks that run but have no deadline to fire: already breached, or paused.';
COMMENT ON COLUMN kpid.sla_clock_idle.fires_at IS 'Always NULL.';

CREATE TABLE kpid.alert (
	alert_id text COLLATE "C" PRIMARY KEY,
	ticket_id text COLLATE "C" NOT NULL,
	target text NOT NULL,
	n integer NOT NULL,
	revision integer NOT NULL,
	state text NOT NULL CHECK (state IN ('warning', 'averted', 'breached', 'acknowledged', 'resolved', 'voided')),
	level integer NOT NULL,
	due_at timestamptz,
	breached_at timestamptz,
	cause text,
	owner_at_breach text COLLATE "C",
	project_id text COLLATE "C",
	policy text COLLATE "C",
	policy_version text COLLATE "C",
	detected_at timestamptz NOT NULL,
	resolved_at timestamptz,
	unconfirmed boolean NOT NULL,
	delivery text NOT NULL
		CHECK (delivery IN ('queued', 'silenced', 'shadow', 'too_old', 'closed', 'over', 'off')),
	evidence_source_no integer,
	evidence_offset bigint,
	warned_at timestamptz,
	n_warnings integer NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
CREATE INDEX alert_ticket_id ON kpid.alert (ticket_id);
CREATE INDEX alert_breached_at ON kpid.alert (breached_at);
CREATE INDEX alert_silenced ON kpid.alert (alert_id) WHERE delivery = 'silenced';
COMMENT ON TABLE kpid.alert IS 'One row per clock that was breached or warned about (rules A). Rows are never deleted: late events void a breach or avert a warning.';
COMMENT ON COLUMN kpid.alert.delivery IS 'queued: each change is sent, in order, by way of the outbox. silenced: not sent before its silences end. Alerts with any other value are never sent.';

CREATE TABLE kpid.outbox (
	seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	alert_id text COLLATE "C" NOT NULL,
	key text NOT NULL,
	payload text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
-- report.alert looks for the messages of each alert that it shows: without an index, a queue of 50,000 made one ticket's
-- explanation take 19 s.
CREATE INDEX outbox_alert_id ON kpid.outbox (alert_id);
COMMENT ON TABLE kpid.outbox IS 'Messages to send. Written in the transaction of the change they report, deleted when Kafka has acknowledged them.';

CREATE TABLE kpid.dead_letter (
	topic text COLLATE "C" NOT NULL,
	partition integer NOT NULL,
	"offset" bigint NOT NULL,
	reason text NOT NULL,
	detail text NOT NULL,
	value bytea NOT NULL,
	headers jsonb,
	conflict_sha256 bytea,
	read_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	requeued_at timestamptz,
	letter_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
);
CREATE UNIQUE INDEX dead_letter_conflict ON kpid.dead_letter (conflict_sha256) WHERE conflict_sha256 IS NOT NULL;
CREATE INDEX dead_letter_read_at ON kpid.dead_letter (read_at);
CREATE UNIQUE INDEX dead_letter_message
ON kpid.dead_letter (topic, partition, "offset", sha256(value), coalesce(jsonb_hash_extended(headers, 0), 0));
COMMENT ON TABLE kpid.dead_letter IS 'Messages that are not valid events (rule E5), with their bytes. One row per message; for an id_conflict one row per distinct content. For id_conflict and too_many the bytes are a CloudEvent equivalent to the message.';
COMMENT ON COLUMN kpid.dead_letter.headers IS 'Headers of the message as an array of [name, base64 value]; NULL: none.';
COMMENT ON COLUMN kpid.dead_letter.letter_no IS 'Identifies the row. A message that is read twice has one row. Two messages at the same offset (of a recreated topic) have two, unless their bytes are equal.';

CREATE TABLE kpid.parked_ticket (
	ticket_id text COLLATE "C" PRIMARY KEY,
	reason text NOT NULL CHECK (reason IN ('locked', 'refused', 'untried')),
	detail text NOT NULL,
	n_events bigint NOT NULL,
	parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	attempts integer NOT NULL DEFAULT 0,
	next_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);
CREATE INDEX parked_ticket_next_at ON kpid.parked_ticket (next_at);
COMMENT ON TABLE kpid.parked_ticket IS 'Tickets that are set aside because they could not be written, so that the others could go on. Until its parked events are folded, a ticket is neither written nor judged.';
COMMENT ON COLUMN kpid.parked_ticket.reason IS 'locked: another session holds rows of the ticket. refused: PostgreSQL refuses its rows. untried: some ticket of its batch could not be written, and this one is tried alone next.';
COMMENT ON COLUMN kpid.parked_ticket.n_events IS 'Number of its rows in kpid.parked_event; 0: parked because of a deadline alone.';

CREATE TABLE kpid.parked_event (
	event_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	ticket_id text COLLATE "C" NOT NULL,
	source_no integer NOT NULL,
	event bytea NOT NULL
);
CREATE INDEX parked_event_ticket_id ON kpid.parked_event (ticket_id, event_no);
COMMENT ON TABLE kpid.parked_event IS 'The events of the tickets in kpid.parked_ticket. Written in the transaction that moves the offsets past them, deleted in the one that folds them.';
COMMENT ON COLUMN kpid.parked_event.event IS 'A history of one event (include/kpid/core/history.h).';

CREATE TABLE kpid.calendar (
	revision_no integer NOT NULL,
	calendar text COLLATE "C" NOT NULL,
	hours_id uuid NOT NULL,
	PRIMARY KEY (revision_no, calendar)
);
COMMENT ON TABLE kpid.calendar IS 'The hours of each calendar of the stored policy revisions. Calendars with equal hours share them.';

CREATE TABLE kpid.calendar_hours (
	hours_id uuid NOT NULL,
	period integer NOT NULL,
	spans int8multirange NOT NULL,
	worked_us bigint NOT NULL,
	PRIMARY KEY (hours_id, period)
);
COMMENT ON TABLE kpid.calendar_hours IS 'Hours of the calendars that running clocks use, from the oldest clock to a year ahead, for report.sla_live. The daemon computes with its own copy. The periods of one hours_id have no gaps.';
COMMENT ON COLUMN kpid.calendar_hours.hours_id IS 'Digest of the time zone and the hours.';
COMMENT ON COLUMN kpid.calendar_hours.period IS 'Number of the period: 28 days of UTC each, counted from 1970.';
COMMENT ON COLUMN kpid.calendar_hours.spans IS 'Working time in the period, in microseconds since 1970.';
COMMENT ON COLUMN kpid.calendar_hours.worked_us IS 'Length of the working time in the period.';

CREATE TABLE kpid.acknowledgement (
	ack_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	alert_id text COLLATE "C" NOT NULL,
	acknowledged_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	acknowledged_by text NOT NULL CHECK (length(acknowledged_by) <= 200),
	why text NOT NULL CHECK (length(why) <= 2000),
	fires_again_at timestamptz,
	ended_at timestamptz,
	ended_by text CHECK (length(ended_by) <= 200),
	ended_why text CHECK (length(ended_why) <= 2000),
	pending boolean NOT NULL DEFAULT true
);
CREATE UNIQUE INDEX acknowledgement_open ON kpid.acknowledgement (alert_id) WHERE ended_at IS NULL;
CREATE INDEX acknowledgement_fires_again_at ON kpid.acknowledgement (fires_again_at) WHERE ended_at IS NULL;
CREATE INDEX acknowledgement_pending ON kpid.acknowledgement (alert_id) WHERE pending;
COMMENT ON TABLE kpid.acknowledgement IS 'Who acknowledged an alert, why, and until when. Rows are kept. Operators write only this table, so a transaction that they leave open locks no row that the daemon needs.';
COMMENT ON COLUMN kpid.acknowledgement.pending IS 'The daemon has not applied this change to the row of the alert yet (queries/alert_apply_acks.sql).';
COMMENT ON COLUMN kpid.acknowledgement.fires_again_at IS 'If the alert is still active then, it is raised again; NULL: never.';

CREATE TABLE kpid.silence (
	silence_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	project_id text COLLATE "C" CHECK (length(project_id) <= 2000),
	target text CHECK (target IN ('first_response', 'next_response', 'arrival', 'resolution')),
	starts_at timestamptz NOT NULL,
	ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
	made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	made_by text NOT NULL CHECK (length(made_by) <= 200),
	why text NOT NULL CHECK (length(why) <= 2000),
	is_over boolean NOT NULL DEFAULT false
);
CREATE INDEX silence_lasting ON kpid.silence (ends_at) WHERE NOT is_over;
COMMENT ON TABLE kpid.silence IS 'Periods in which alerts are recorded but not sent. Alerts that are still active when a silence ends are sent then.';
COMMENT ON COLUMN kpid.silence.is_over IS 'The silence has ended, and the alerts that it held back were processed (queries/silence_expire.sql). Past silences are kept as a record; the index that is read for each alert holds the others only.';
COMMENT ON COLUMN kpid.silence.project_id IS 'The only project that is silenced; NULL: all.';
COMMENT ON COLUMN kpid.silence.target IS 'The only target that is silenced; NULL: all.';

CREATE TABLE kpid.notification (
	alert_id text COLLATE "C" PRIMARY KEY,
	changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	revision integer NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE kpid.notification IS 'Changed alerts that are not yet assigned to receivers. Written with the change, deleted when the rows of kpid.delivery are written.';
COMMENT ON COLUMN kpid.notification.revision IS 'Revision of the alert at its latest change.';

CREATE TABLE kpid.delivery (
	receiver text COLLATE "C" NOT NULL,
	alert_id text COLLATE "C" NOT NULL,
	revision integer NOT NULL,
	state text NOT NULL CHECK (state IN ('pending', 'sent', 'dropped')),
	sent_revision integer,
	attempts integer NOT NULL DEFAULT 0,
	next_at timestamptz NOT NULL,
	sent_at timestamptz,
	last_error text,
	PRIMARY KEY (receiver, alert_id)
) WITH (fillfactor = 70);
CREATE INDEX delivery_next_at ON kpid.delivery (receiver, next_at) WHERE state = 'pending';
COMMENT ON TABLE kpid.delivery IS 'What each receiver has accepted of each alert, and what is still to be sent. A message shows the alert as it is at the time of sending.';
COMMENT ON COLUMN kpid.delivery.revision IS 'Revision of the alert that is to be sent.';
COMMENT ON COLUMN kpid.delivery.sent_revision IS 'Revision that the receiver accepted last; NULL: none.';
COMMENT ON COLUMN kpid.delivery.attempts IS 'Failed attempts since the receiver last accepted a message.';

CREATE TABLE kpid.recalculation (
	recalculation_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	began_at timestamptz NOT NULL DEFAULT statement_timestamp(),
	ended_at timestamptz,
	asked_by text NOT NULL CHECK (length(asked_by) <= 200),
	why text NOT NULL CHECK (length(why) <= 2000),
	opened_since timestamptz,
	opened_before timestamptz,
	revision_nos integer[] NOT NULL,
	n_tickets bigint,
	n_judged bigint
);
COMMENT ON TABLE kpid.recalculation IS 'Each run of kpid policy recalc; shown as report.recalculation.';

CREATE TABLE kpid.repair (
	repair_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	repaired_at timestamptz NOT NULL DEFAULT now(),
	repaired_by text NOT NULL CHECK (length(repaired_by) <= 200),
	role text NOT NULL DEFAULT session_user,
	why text NOT NULL CHECK (length(why) <= 2000),
	table_name text NOT NULL,
	key text NOT NULL,
	column_name text,
	was text,
	is_now text
);
COMMENT ON TABLE kpid.repair IS 'Every value that kpid verify --repair changed, one row each, written in the same transaction. Rows are never changed or deleted.';
