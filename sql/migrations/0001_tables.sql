-- The private tables of kpid. What others may read is in the schema report (0002).
--
-- Texts that are keys have the collation "C": the rules compare by bytes, and it is the fastest.
-- Tables whose rows change often leave room on their pages, and have no index on what changes, so that
-- an update stays on its page (HOT) and touches no index.

CREATE SCHEMA IF NOT EXISTS kpid;
COMMENT ON SCHEMA kpid IS 'Private to kpid: may change with any version. Read from the schema report instead.';

CREATE FUNCTION kpid.rfc3339(at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
COMMENT ON FUNCTION kpid.rfc3339(timestamptz) IS 'The instant in UTC as RFC 3339 has it, with microseconds.';

CREATE TABLE kpid.setting (
	name text PRIMARY KEY,
	value text NOT NULL
);
COMMENT ON TABLE kpid.setting IS 'What every instance must agree on, such as the window of first contact resolution.';

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
	PRIMARY KEY (topic, partition)
) WITH (fillfactor = 10);
COMMENT ON TABLE kpid.source_partition IS 'Where each partition has been read to. next_offset moves in the transaction of the effects, only under the epoch of its owner.';
COMMENT ON COLUMN kpid.source_partition.last_fingerprint IS 'Of the message before next_offset: a topic that was deleted and made again has another there.';
COMMENT ON COLUMN kpid.source_partition.complete_until IS 'Every event of this partition that happened before this instant has been read and committed.';
COMMENT ON COLUMN kpid.source_partition.seen_at IS 'When its owner last knew about it: read from it, or saw that it was at its end.';

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
	accepted_by text,
	resumed_at_offset bigint
);
COMMENT ON TABLE kpid.gap IS 'Messages that were due and were not there: the partition stands until somebody accepts the gap (kpid gap accept).';

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
	PRIMARY KEY (ticket_id)
) WITH (fillfactor = 50);
COMMENT ON TABLE kpid.ticket IS 'One ticket: its events (history, see include/kpid/core/history.h) and its state, which is a function of them.';
COMMENT ON COLUMN kpid.ticket.rev IS 'Counts the writes of this row: who read revision n may write n + 1, once.';
COMMENT ON COLUMN kpid.ticket.as_of IS 'How far time was known when the row was last judged (RULES K4).';
COMMENT ON COLUMN kpid.ticket.state IS '0 unknown, 1 open, 2 paused, 3 resolved, 4 closed (enum ticket_state).';
COMMENT ON COLUMN kpid.ticket.first_response_verdict IS '0 none, 1 pending, 2 met, 3 breached (enum sla_verdict); so for resolution and cycle.';
COMMENT ON COLUMN kpid.ticket.cycle_due_at IS 'Of the resolution clock of the current cycle; resolution_due_at is of the latest cycle that has such a clock.';
COMMENT ON COLUMN kpid.ticket.resolution IS '0 absent, 1 solved, 2 unsolved, 3 cancelled, 4 duplicate (enum resolution), of the current cycle.';

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
	first_response_us_sum bigint NOT NULL,
	resolved integer NOT NULL,
	resolution_measured integer NOT NULL,
	resolution_within_sla integer NOT NULL,
	resolution_us_sum bigint NOT NULL,
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
	PRIMARY KEY ("time", agent_id)
) WITH (fillfactor = 70);
COMMENT ON TABLE kpid.agent_kpi_5m IS 'Sums per agent and 5 minutes of UTC (RULES K), in whole microseconds and millionths. Agent '''' is nobody.';

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
	PRIMARY KEY (ticket_id, target, n)
) WITH (fillfactor = 70);
CREATE INDEX sla_clock_fires_at ON kpid.sla_clock (fires_at) WHERE fires_at IS NOT NULL;
COMMENT ON TABLE kpid.sla_clock IS 'The SLA clocks that have not stopped, and those that stopped too late but whose alert waits until the sources are complete. The index on fires_at is the queue of deadlines.';
COMMENT ON COLUMN kpid.sla_clock.target IS '0 first_response, 1 next_response, 2 arrival, 3 resolution (enum sla_target).';
COMMENT ON COLUMN kpid.sla_clock.fires_at IS 'The deadline that is still to come; NULL when breached already or standing in a pause.';
COMMENT ON COLUMN kpid.sla_clock.zero_at IS 'Seconds left (RULES S9) are zero_at less now; NULL while paused.';
COMMENT ON COLUMN kpid.sla_clock.at_risk_at IS 'From then on the clock is at risk (RULES S9).';
COMMENT ON COLUMN kpid.sla_clock.left_us IS 'While paused: microseconds left to run.';

CREATE TABLE kpid.alert (
	alert_id text COLLATE "C" PRIMARY KEY,
	ticket_id text COLLATE "C" NOT NULL,
	target text NOT NULL,
	n integer NOT NULL,
	revision integer NOT NULL,
	state text NOT NULL CHECK (state IN ('warning', 'averted', 'breached', 'acknowledged', 'resolved', 'voided')),
	level integer NOT NULL,
	due_at timestamptz NOT NULL,
	breached_at timestamptz NOT NULL,
	cause text NOT NULL,
	owner_at_breach text COLLATE "C",
	project_id text COLLATE "C",
	policy text COLLATE "C",
	policy_version text COLLATE "C",
	detected_at timestamptz NOT NULL,
	resolved_at timestamptz,
	unconfirmed boolean NOT NULL,
	delivery text NOT NULL CHECK (delivery IN ('queued', 'shadow', 'too_old', 'closed', 'off')),
	evidence_source_no integer,
	evidence_offset bigint
) WITH (fillfactor = 70);
CREATE INDEX alert_ticket_id ON kpid.alert (ticket_id);
CREATE INDEX alert_breached_at ON kpid.alert (breached_at);
COMMENT ON TABLE kpid.alert IS 'One row per clock that was breached (RULES A). A row is never deleted; a breach that late events undo is voided.';

CREATE FUNCTION kpid.alert_message(a kpid.alert) RETURNS text
LANGUAGE sql STABLE
RETURN json_build_object(
		'specversion', '1.0',
		'source', '/kpid',
		'type', 'kpid.alert.' || a.state,
		'subject', a.ticket_id || '/' || a.target || '/' || a.n,
		'id', a.alert_id || '/' || a.revision,
		'time', kpid.rfc3339(clock_timestamp()),
		'datacontenttype', 'application/json',
		'data', json_build_object(
			'alert_id', a.alert_id, 'revision', a.revision, 'ticket_id', a.ticket_id, 'target', a.target, 'n', a.n,
			'state', a.state, 'level', a.level, 'due_at', kpid.rfc3339(a.due_at),
			'breached_at', kpid.rfc3339(a.breached_at), 'detected_at', kpid.rfc3339(a.detected_at),
			'resolved_at', kpid.rfc3339(a.resolved_at), 'cause', a.cause, 'owner_at_breach', a.owner_at_breach,
			'project_id', a.project_id, 'policy', a.policy, 'policy_version', a.policy_version,
			'unconfirmed', a.unconfirmed))::text;
COMMENT ON FUNCTION kpid.alert_message(kpid.alert) IS 'What is sent about an alert: a CloudEvent (deploy/asyncapi/schemas/alert.json).';

CREATE TABLE kpid.outbox (
	seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	alert_id text COLLATE "C" NOT NULL,
	key text NOT NULL,
	payload text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON COLUMN kpid.alert.delivery IS 'queued: each change goes to the outbox with a message, and is sent once no message of the alert is there any more. The others are never sent.';
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
	PRIMARY KEY (topic, partition, "offset")
);
CREATE UNIQUE INDEX dead_letter_conflict ON kpid.dead_letter (conflict_sha256) WHERE conflict_sha256 IS NOT NULL;
CREATE INDEX dead_letter_read_at ON kpid.dead_letter (read_at);
COMMENT ON TABLE kpid.dead_letter IS 'Messages that are no event (RULES E5), with their bytes. One row per message; of an id_conflict one per distinct content.';
COMMENT ON COLUMN kpid.dead_letter.headers IS 'Array of [name, value in base64], as the message had them; NULL: none.';
