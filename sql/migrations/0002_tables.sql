-- The private tables of kpid. What others may read is in the schema report (0006_report.sql).
--
-- Text keys have the collation "C": the rules compare texts by bytes, and it is the fastest collation.
-- Tables whose rows change often leave room on their pages (fillfactor) and have no index on what changes,
-- so that an update stays on its page (HOT) and touches no index.
--
-- Of tables that only grow (sources that are finished, gaps, acknowledgements, silences, deliveries), what is read at every tick
-- or for every event has an index of the rows that still matter, which the others leave.

CREATE TABLE kpid.setting (
	name text PRIMARY KEY,
	value text NOT NULL
);
COMMENT ON TABLE kpid.setting IS 'What every instance must agree on, such as the window of first contact resolution.';

CREATE TABLE kpid.lease (
	name text COLLATE "C" PRIMARY KEY,
	holder text NOT NULL,
	pid integer NOT NULL,
	epoch bigint NOT NULL,
	taken_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL
) WITH (fillfactor = 10);
COMMENT ON TABLE kpid.lease IS 'What one instance at a time does: outbox (sends messages to Kafka), receivers (sends them over HTTP). It ends by itself unless it is renewed, so that a frozen holder is succeeded; locks of PostgreSQL would last as long as its session, and advisory ones anybody can take.';
COMMENT ON COLUMN kpid.lease.holder IS 'The instance that has it, or had it last.';
COMMENT ON COLUMN kpid.lease.pid IS 'The process of the server that serves its session. The lease is free once that has ended.';
COMMENT ON COLUMN kpid.lease.epoch IS 'Rises with each holder: who writes as the holder does so under its epoch (kpid.hold_lease).';

CREATE TABLE kpid.policy_revision (
	revision_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	id text COLLATE "C" NOT NULL UNIQUE,
	effective_from timestamptz NOT NULL,
	json text NOT NULL,
	sha256 bytea NOT NULL,
	stored_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE kpid.policy_revision IS 'The very text of every policy revision that ever judged: never changed, so that each verdict can be explained.';

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
COMMENT ON TABLE kpid.source_partition IS 'Where each partition has been read to. next_offset moves in the transaction of the effects, only under the epoch of its owner.';
COMMENT ON COLUMN kpid.source_partition.last_fingerprint IS 'Of the message before next_offset: a topic that was deleted and made again has another there. Of a file: of all lines before next_offset.';
COMMENT ON COLUMN kpid.source_partition.complete_until IS 'Every event of this partition that happened before this instant has been read and committed.';
COMMENT ON COLUMN kpid.source_partition.seen_at IS
	'When its owner last knew about it: read from it, saw that it was at its end, or had more of it to read behind others.';
COMMENT ON COLUMN kpid.source_partition.checked_offset IS 'Of the latest message that was found in its place again after more had been read: up to there the log is one. NULL: last_fingerprint''s.';
COMMENT ON COLUMN kpid.source_partition.checked_fingerprint IS 'Of the message at checked_offset.';
COMMENT ON COLUMN kpid.source_partition.read_to IS 'If it is greater than next_offset: between the two there is no message, only what transactions leave in the log.';
COMMENT ON COLUMN kpid.source_partition.held_since IS 'Since when an open transaction keeps the rest from being read; NULL: none does.';
COMMENT ON COLUMN kpid.source_partition.unknown_type IS 'The start of one of the types that n_unknown_type counts, of the latest batch that had any. NULL: none yet.';

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
COMMENT ON TABLE kpid.gap IS 'Messages that were expected and are missing: the partition stops until somebody accepts the gap (kpid gap accept).';

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
COMMENT ON TABLE kpid.ticket IS 'One ticket: its events (history, see include/kpid/core/history.h) and its state, which is a function of them.';
COMMENT ON COLUMN kpid.ticket.rev IS 'Counts the writes of this row: who read revision n may write n + 1, once.';
COMMENT ON COLUMN kpid.ticket.as_of IS 'How far time was known when the row was last judged (RULES K4).';
COMMENT ON COLUMN kpid.ticket.state IS '0 unknown, 1 open, 2 paused, 3 resolved, 4 closed (enum ticket_state).';
COMMENT ON COLUMN kpid.ticket.first_response_verdict IS '0 none, 1 pending, 2 met, 3 breached (enum sla_verdict); so for resolution and cycle.';
COMMENT ON COLUMN kpid.ticket.cycle_due_at IS 'Of the resolution clock of the current cycle; resolution_due_at is of the latest cycle that has such a clock.';
COMMENT ON COLUMN kpid.ticket.resolution IS '0 absent, 1 solved, 2 unsolved, 3 cancelled, 4 duplicate (enum resolution), of the current cycle.';
COMMENT ON COLUMN kpid.ticket.resolution_working_us IS 'Of the current cycle, where its resolution counts (RULES K).';

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
COMMENT ON TABLE kpid.past_cycle IS 'The cycles of a ticket before its current one, which is in kpid.ticket: most tickets have none here.';

CREATE TABLE kpid.agent_kpi_5m (
	"time" timestamptz NOT NULL,
	agent_id text COLLATE "C" NOT NULL,
	opened integer NOT NULL,
	responded integer NOT NULL,
	first_response_measured integer NOT NULL,
	first_response_within_sla integer NOT NULL,
	first_response_us_sum numeric(38, 0) NOT NULL,
	resolved integer NOT NULL,
	resolution_measured integer NOT NULL,
	resolution_within_sla integer NOT NULL,
	resolution_us_sum numeric(38, 0) NOT NULL,
	arrival_measured integer NOT NULL,
	arrival_within_sla integer NOT NULL,
	next_response_measured integer NOT NULL,
	next_response_within_sla integer NOT NULL,
	closed integer NOT NULL,
	reopened integer NOT NULL,
	fcr_eligible integer NOT NULL,
	fcr_resolved integer NOT NULL,
	transferred_out integer NOT NULL,
	csat_responses integer NOT NULL,
	csat_satisfied integer NOT NULL,
	csat_score_micros_sum bigint NOT NULL,
	nps_responses integer NOT NULL,
	nps_promoters integer NOT NULL,
	nps_detractors integer NOT NULL,
	ces_responses integer NOT NULL,
	ces_score_micros_sum bigint NOT NULL,
	first_response_working_us_sum numeric(38, 0) NOT NULL DEFAULT 0,
	resolution_working_us_sum numeric(38, 0) NOT NULL DEFAULT 0,
	PRIMARY KEY ("time", agent_id)
) WITH (fillfactor = 45);
COMMENT ON TABLE kpid.agent_kpi_5m IS 'Sums per agent and 5 minutes of UTC (RULES K), in whole microseconds and millionths. Agent '''' is nobody.';
COMMENT ON COLUMN kpid.agent_kpi_5m.first_response_us_sum IS 'One ticket can add 210 years (RULES E5): 1,400 of those are more than 64 bits hold. So it is in all columns of microseconds.';

CREATE TABLE kpid.agent_backlog (
	agent_id text COLLATE "C" PRIMARY KEY,
	backlog bigint NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE kpid.agent_backlog IS 'Tickets open or paused, by owner (RULES K3). Agent '''' is nobody.';

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
COMMENT ON TABLE kpid.sla_clock IS 'The SLA clocks that run, and those that have ended but of which something is still to fall due once the sources are complete. ONLY its own rows are the queue of deadlines, by the index on fires_at; those of sla_clock_idle are read with them.';
COMMENT ON COLUMN kpid.sla_clock.target IS '0 first_response, 1 next_response, 2 arrival, 3 resolution (enum sla_target).';
COMMENT ON COLUMN kpid.sla_clock.fires_at IS 'The next instant at which time alone makes something due: a warning, the breach, an escalation.';
COMMENT ON COLUMN kpid.sla_clock.zero_at IS 'Seconds left (RULES S9) are zero_at less now; NULL while paused.';
COMMENT ON COLUMN kpid.sla_clock.at_risk_at IS 'From then on the clock is at risk (RULES S9).';
COMMENT ON COLUMN kpid.sla_clock.left_us IS 'While paused: microseconds left to run.';
COMMENT ON COLUMN kpid.sla_clock.calendar IS 'Of the ticket''s revision: seconds left run in its hours; NULL: always.';
COMMENT ON COLUMN kpid.sla_clock.stopped IS 'It does not run, or is not judged any more: only something of it is still to fall due.';

-- The queue of deadlines holds clocks that something is still to fall due of, and no others: a breach or a pause takes a
-- clock out of it, instead of writing a new version of its row into every index (no such update can be HOT).
CREATE TABLE kpid.sla_clock_idle (
	PRIMARY KEY (ticket_id, target, n),
	CONSTRAINT sla_clock_idle_has_no_deadline CHECK (fires_at IS NULL)
) INHERITS (kpid.sla_clock) WITH (fillfactor = 90);
COMMENT ON TABLE kpid.sla_clock_idle IS 'The SLA clocks that run, and of which nothing falls due by time alone: breached already, or standing in a pause.';
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
COMMENT ON TABLE kpid.alert IS 'One row per clock that was breached or warned about (RULES A). A row is never deleted; a breach that late events undo is voided, a warning that they undo is averted.';
COMMENT ON COLUMN kpid.alert.delivery IS 'queued: each change goes to the outbox with a message, and is sent once no message of the alert is there any more. silenced: not before its silences end. The others are never sent.';

CREATE TABLE kpid.outbox (
	seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	alert_id text COLLATE "C" NOT NULL,
	key text NOT NULL,
	payload text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE kpid.outbox IS 'Messages to send, written with what they tell of and deleted once the receiver has them.';

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
COMMENT ON TABLE kpid.dead_letter IS 'Messages that are no event (RULES E5), with their bytes. One row per message; of an id_conflict one per distinct content. Of id_conflict and too_many the bytes are a CloudEvent that says the same as the message.';
COMMENT ON COLUMN kpid.dead_letter.headers IS 'Array of [name, value in base64], as the message had them; NULL: none.';
COMMENT ON COLUMN kpid.dead_letter.letter_no IS 'Names the row. A message that is read again has one row; two messages of one place have two, unless they are the same bytes.';

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
COMMENT ON TABLE kpid.parked_ticket IS 'Tickets that could not be written when events of them were read, so that the rest could go on. Until their events are folded, nothing of them is written or judged.';
COMMENT ON COLUMN kpid.parked_ticket.reason IS 'locked: another session holds rows of it. refused: PostgreSQL refuses its rows. untried: some ticket of its batch could not be written, and it is tried alone next.';
COMMENT ON COLUMN kpid.parked_ticket.n_events IS 'Its rows in kpid.parked_event; 0: a deadline of it has passed.';

CREATE TABLE kpid.parked_event (
	event_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	ticket_id text COLLATE "C" NOT NULL,
	source_no integer NOT NULL,
	event bytea NOT NULL
);
CREATE INDEX parked_event_ticket_id ON kpid.parked_event (ticket_id, event_no);
COMMENT ON TABLE kpid.parked_event IS 'The events of the tickets in kpid.parked_ticket, written in the transaction that moves the offsets over them, deleted in the one that folds them.';
COMMENT ON COLUMN kpid.parked_event.event IS 'A history of one event: include/kpid/core/history.h.';

CREATE TABLE kpid.calendar (
	revision_no integer NOT NULL,
	calendar text COLLATE "C" NOT NULL,
	hours_id uuid NOT NULL,
	PRIMARY KEY (revision_no, calendar)
);
COMMENT ON TABLE kpid.calendar IS 'Which hours the calendars of stored revisions have. Calendars with equal hours share them.';

CREATE TABLE kpid.calendar_hours (
	hours_id uuid NOT NULL,
	period integer NOT NULL,
	spans int8multirange NOT NULL,
	worked_us bigint NOT NULL,
	PRIMARY KEY (hours_id, period)
);
COMMENT ON TABLE kpid.calendar_hours IS 'The hours of calendars of clocks that run, from the oldest of them to a year ahead, for report.sla_live. The daemon works with its own. Rows of the same hours follow each other without a gap.';
COMMENT ON COLUMN kpid.calendar_hours.hours_id IS 'A digest of the time zone and the hours.';
COMMENT ON COLUMN kpid.calendar_hours.period IS '28 days of UTC, counted from 1970.';
COMMENT ON COLUMN kpid.calendar_hours.spans IS 'What is worked in the period, in microseconds since 1970.';
COMMENT ON COLUMN kpid.calendar_hours.worked_us IS 'How much that is.';

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
COMMENT ON TABLE kpid.acknowledgement IS 'Who took an alert on, why, and until when. Rows stay. People write here and nowhere else, so that a transaction they leave open holds no row that the daemon needs.';
COMMENT ON COLUMN kpid.acknowledgement.pending IS 'The row has changed, and the daemon has not written that to the row of the alert yet (queries/alert_attend.sql).';
COMMENT ON COLUMN kpid.acknowledgement.fires_again_at IS 'If the alert is not over by then it is raised again; NULL: never.';

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
COMMENT ON TABLE kpid.silence IS 'Times in which alerts are recorded and not sent. What still lasts when one ends is sent then.';
COMMENT ON COLUMN kpid.silence.is_over IS 'It has ended, and alerts that it kept back were looked at (queries/silence_attend.sql). Past silences stay as a record; what reads them for each alert has an index that holds the others only.';
COMMENT ON COLUMN kpid.silence.project_id IS 'Of this project only; NULL: of all.';
COMMENT ON COLUMN kpid.silence.target IS 'Of this target only; NULL: of all.';

CREATE TABLE kpid.notification (
	alert_id text COLLATE "C" PRIMARY KEY,
	changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	revision integer NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE kpid.notification IS 'Alerts that have changed, and of which no receiver has been thought of yet. Written with the change, deleted with the rows of kpid.delivery.';
COMMENT ON COLUMN kpid.notification.revision IS 'Of the alert, when it changed last.';

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
COMMENT ON TABLE kpid.delivery IS 'What each receiver has taken of each alert, and what is still to be sent. A message shows the alert as it is when it is sent.';
COMMENT ON COLUMN kpid.delivery.revision IS 'Revision of the alert that is to be sent.';
COMMENT ON COLUMN kpid.delivery.sent_revision IS 'Of the alert, that it took last; NULL: none.';
COMMENT ON COLUMN kpid.delivery.attempts IS 'That failed, since it took something last.';

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
COMMENT ON TABLE kpid.recalculation IS 'Each time that tickets were judged again on purpose: what the view of that name shows.';

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
COMMENT ON TABLE kpid.repair IS 'What kpid verify --repair has changed, a row per value, in the transaction that changed it. Never changed or deleted.';
