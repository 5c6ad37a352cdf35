-- The record of kpid source drop, and what it may delete (rule M11).

CREATE TABLE kpid.source_drop (
	drop_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	source text COLLATE "C" NOT NULL,
	began_at timestamptz NOT NULL DEFAULT statement_timestamp(),
	ended_at timestamptz,
	dropped_by text NOT NULL CHECK (length(dropped_by) <= 200),
	role text NOT NULL DEFAULT session_user,
	why text NOT NULL CHECK (length(why) <= 2000),
	reread boolean NOT NULL,
	n_tickets bigint NOT NULL DEFAULT 0,
	n_emptied bigint NOT NULL DEFAULT 0,
	n_events bigint NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX source_drop_open ON kpid.source_drop (source) WHERE ended_at IS NULL;
COMMENT ON TABLE kpid.source_drop IS 'Each run of kpid source drop; shown as report.source_drop. A run that was interrupted goes on with its row. The counts change in the transactions that remove the events.';

CREATE TABLE kpid.source_drop_place (
	drop_no bigint NOT NULL REFERENCES kpid.source_drop (drop_no),
	source_no integer NOT NULL,
	n_events bigint NOT NULL,
	PRIMARY KEY (drop_no, source_no)
);
COMMENT ON TABLE kpid.source_drop_place IS 'From which partitions and files (kpid.source_partition) the removed events came.';

GRANT SELECT, INSERT, UPDATE ON kpid.source_drop, kpid.source_drop_place TO kpid_writer;
GRANT DELETE ON kpid.mapping_use, kpid.mapping_skip TO kpid_writer;

CREATE FUNCTION kpid.delete_emptied_tickets(ticket_ids text[]) RETURNS bigint
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
	WITH emptied AS MATERIALIZED (
		SELECT t.ticket_id
		FROM kpid.ticket t
		WHERE t.ticket_id = ANY ($1)
			AND t.history = '\x01'
			AND t.rev >= 1073741824
			AND NOT EXISTS (SELECT FROM kpid.ledger_ticket l WHERE l.ticket_id = t.ticket_id AND l.rev < t.rev)
		ORDER BY t.ticket_id
		FOR UPDATE
	), known AS (
		DELETE FROM kpid.ledger_ticket l
		USING emptied e
		WHERE l.ticket_id = e.ticket_id
	), gone AS (
		DELETE FROM kpid.ticket t
		USING emptied e
		WHERE t.ticket_id = e.ticket_id
		RETURNING t.ticket_id
	)
	SELECT count(*) FROM gone
$body$;
COMMENT ON FUNCTION kpid.delete_emptied_tickets(text[]) IS 'Deletes tickets that have lost all their events, if the ledger has no rows for them. Lock kpid.ledger_state first. Returns how many there were.';
REVOKE ALL ON FUNCTION kpid.delete_emptied_tickets(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kpid.delete_emptied_tickets(text[]) TO kpid_writer;

CREATE VIEW report.source_drop AS
SELECT
	d.drop_no,
	d.source,
	d.began_at,
	d.ended_at,
	d.dropped_by,
	d.role,
	d.why,
	d.reread,
	d.n_events AS events,
	d.n_tickets AS tickets,
	d.n_emptied AS emptied_tickets
FROM kpid.source_drop d;
COMMENT ON VIEW report.source_drop IS 'One row per run of kpid source drop, which removes all events of a source.';
COMMENT ON COLUMN report.source_drop.drop_no IS 'Number of the run.';
COMMENT ON COLUMN report.source_drop.source IS 'The source; sources that begin with it and a slash were removed too.';
COMMENT ON COLUMN report.source_drop.began_at IS 'When it began.';
COMMENT ON COLUMN report.source_drop.ended_at IS 'When it ended; NULL: it runs, or was interrupted and has to be run again.';
COMMENT ON COLUMN report.source_drop.dropped_by IS 'Who ran it, by the name they gave.';
COMMENT ON COLUMN report.source_drop.role IS 'Database role that they had logged in as.';
COMMENT ON COLUMN report.source_drop.why IS 'Reason given.';
COMMENT ON COLUMN report.source_drop.reread IS 'The topics that are mapped to the source were set back to their oldest message.';
COMMENT ON COLUMN report.source_drop.events IS 'Number of events that were removed.';
COMMENT ON COLUMN report.source_drop.tickets IS 'Number of tickets from which they were removed.';
COMMENT ON COLUMN report.source_drop.emptied_tickets IS 'Of those, the tickets that had no other events, and are gone.';

INSERT INTO kpid.readme (object, grain, time_column, example)
VALUES ('report.source_drop', 'removal of the events of a source', 'began_at', 'SELECT source, began_at, ended_at, dropped_by, why, events, tickets FROM report.source_drop ORDER BY began_at DESC');
