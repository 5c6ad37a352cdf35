-- The queue of deadlines holds clocks that something is still to fall due of, and no others: a breach or a pause takes a
-- clock out of it, instead of writing a new version of its row into every index (no such update can be HOT).
CREATE TABLE kpid.sla_clock_idle (
	PRIMARY KEY (ticket_id, target, n),
	CONSTRAINT sla_clock_idle_has_no_deadline CHECK (fires_at IS NULL)
) INHERITS (kpid.sla_clock) WITH (fillfactor = 90);

WITH moved AS (
	DELETE FROM ONLY kpid.sla_clock WHERE fires_at IS NULL RETURNING *
)
INSERT INTO kpid.sla_clock_idle SELECT * FROM moved;

DROP INDEX kpid.sla_clock_fires_at;
CREATE INDEX sla_clock_fires_at ON ONLY kpid.sla_clock (fires_at);
ALTER TABLE kpid.sla_clock
	ADD CONSTRAINT sla_clock_has_a_deadline CHECK (fires_at IS NOT NULL) NO INHERIT,
	SET (fillfactor = 100);

COMMENT ON TABLE kpid.sla_clock IS 'The SLA clocks that run, and those that have ended but of which something is still to fall due once the sources are complete. ONLY its own rows are the queue of deadlines, by the index on fires_at; those of sla_clock_idle are read with them.';
COMMENT ON COLUMN kpid.sla_clock.fires_at IS 'The next instant at which time alone makes something due: a warning, the breach, an escalation.';
COMMENT ON TABLE kpid.sla_clock_idle IS 'The SLA clocks that run, and of which nothing falls due by time alone: breached already, or standing in a pause.';
COMMENT ON COLUMN kpid.sla_clock_idle.fires_at IS 'Always NULL.';

GRANT SELECT, INSERT, UPDATE, DELETE ON kpid.sla_clock_idle TO kpid_writer;
