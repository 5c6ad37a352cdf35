-- Last part of what `kpid federate` writes: the schema report of a coordinator, over the servers kpid_shard_0, kpid_shard_1, …, the
-- cluster kpid_shards, and the functions kpid_shards.count() and kpid_shards.shared_by(), which come before it.

DO $import$
DECLARE
	n_shards integer := (SELECT count(*) FROM pg_foreign_server s WHERE s.srvname ~ '^kpid_shard_[0-9]+$');
BEGIN
	FOR i IN 0 .. n_shards - 1 LOOP
		EXECUTE format('CREATE SCHEMA kpid_shard_%s AUTHORIZATION kpid_owner', i);
		EXECUTE format('GRANT USAGE ON FOREIGN SERVER kpid_shard_%s TO kpid_owner', i);
		SET LOCAL ROLE kpid_owner;
		EXECUTE format('IMPORT FOREIGN SCHEMA report FROM SERVER kpid_shard_%s INTO kpid_shard_%1$s', i);
		RESET ROLE;
	END LOOP;
END
$import$;

SET LOCAL ROLE kpid_owner;
DO $views$
DECLARE
	n_shards integer := (SELECT count(*) FROM pg_foreign_server s WHERE s.srvname ~ '^kpid_shard_[0-9]+$');
	v record;
	all_shards text;
	columns text;
BEGIN
	FOR v IN
		SELECT c.relname AS name, k.form, k.keys, k.body
		FROM pg_class c
		LEFT JOIN (
			VALUES
				-- rows: a row is in one shard; the view has its index as well.
				('ticket', 'rows', NULL::text[], NULL),
				('ticket_cycle', 'rows', NULL, NULL),
				('sla_live', 'rows', NULL, NULL),
				('sla_clock', 'rows', NULL, NULL),
				('alert', 'rows', NULL, NULL),
				('alert_delivery', 'rows', NULL, NULL),
				('acknowledgement', 'rows', NULL, NULL),
				('dead_letter', 'rows', NULL, NULL),
				('parked', 'rows', NULL, NULL),
				('data_freshness', 'rows', NULL, NULL),
				('gap', 'rows', NULL, NULL),
				('recalculation', 'rows', NULL, NULL),
				('repair', 'rows', NULL, NULL),
				('source_drop', 'rows', NULL, NULL),
				('ledger', 'rows', NULL, NULL),
				('ledger_item', 'rows', NULL, NULL),
				('ledger_5m', 'rows', NULL, NULL),
				-- sums: by these keys, all other columns are added up.
				('agent_kpi_5m', 'sums', '{agent_id,time}', NULL),
				('agent_kpi_hourly', 'sums', '{agent_id,time}', NULL),
				('agent_kpi_daily', 'sums', '{agent_id,time}', NULL),
				('agent_kpi_rolling', 'sums', '{agent_id,window}', NULL),
				('agent_backlog', 'sums', '{agent_id}', NULL),
				('group_kpi_5m', 'sums', '{time,project_id,team_id}', NULL),
				('alert_hourly', 'sums', '{time,project_id,target}', NULL),
				-- first: the same in all shards.
				('version', 'first', NULL, NULL),
				('readme', 'first', NULL, 'WHERE object <> ''report.group_card'''),
				('setting', 'first', NULL, 'WHERE name <> ''shard'''),
				('mapping', 'first', NULL, NULL),
				-- query: computed from the rows of all shards.
				('silence', 'query', NULL, 'SELECT min(a.silence_no * 1024 + a.shard) AS silence_no, a.project_id, a.target, a.starts_at, a.ends_at,'
					' min(a.made_at) AS made_at, a.made_by, a.why FROM %s a GROUP BY a.project_id, a.target, a.starts_at, a.ends_at, a.made_by, a.why'),
				('backlog_5m', 'query', NULL, 'SELECT c."time", sum(sum(c.change)) OVER (ORDER BY c."time")::bigint AS backlog FROM (SELECT a."time",'
					' a.backlog - coalesce(lag(a.backlog) OVER (PARTITION BY a.shard ORDER BY a."time"), 0) AS change FROM %s a) c GROUP BY c."time"'),
				('ledger_status', 'query', NULL, 'SELECT CASE WHEN bool_and(a.refreshed_at IS NOT NULL) THEN min(a.refreshed_at) END AS refreshed_at,'
					' CASE WHEN bool_and(a.as_of IS NOT NULL) THEN min(a.as_of) END AS as_of, sum(a.behind)::bigint AS behind FROM %s a'),
				-- none: scores of teams and projects do not add up.
				('group_card', 'none', NULL, NULL)
		) AS k (name, form, keys, body) ON k.name = c.relname
		WHERE c.relnamespace = 'kpid_shard_0'::regnamespace AND c.relkind = 'f'
	LOOP
		IF v.form IS NULL THEN
			RAISE EXCEPTION 'this version of kpid does not know how to read report.% of several shards as one', v.name
				USING HINT = 'Use the kpid of the version of the shards.';
		END IF;
		all_shards := (SELECT '(' || string_agg(format('SELECT s.*, %s AS shard FROM kpid_shard_%1$s.%I s', i, v.name), ' UNION ALL ') || ')'
			FROM generate_series(0, n_shards - 1) AS i (i));
		SELECT string_agg(CASE
				WHEN a.attname = ANY (v.keys) THEN format('a.%I', a.attname)
				WHEN a.atttypid = 'timestamptz'::regtype THEN format('min(a.%I) AS %1$I', a.attname)
				ELSE format('sum(a.%I)::%s AS %1$I', a.attname, format_type(a.atttypid, a.atttypmod))
			END, ', ' ORDER BY a.attnum)
		INTO columns
		FROM pg_attribute a
		WHERE a.attrelid = format('kpid_shard_0.%I', v.name)::regclass AND a.attnum > 0 AND NOT a.attisdropped;
		CASE v.form
			WHEN 'rows' THEN
				EXECUTE format('CREATE VIEW report.%I AS SELECT a.* FROM %s a', v.name, all_shards);
			WHEN 'sums' THEN
				EXECUTE format('CREATE VIEW report.%I AS SELECT %s FROM %s a GROUP BY %s', v.name, columns, all_shards,
					(SELECT string_agg(format('a.%I', k), ', ') FROM unnest(v.keys) AS k (k)));
			WHEN 'first' THEN
				EXECUTE format('CREATE VIEW report.%I AS SELECT * FROM kpid_shard_0.%1$I %s', v.name, v.body);
			WHEN 'query' THEN
				EXECUTE format('CREATE VIEW report.%I AS ' || v.body, v.name, all_shards);
			ELSE
				NULL;
		END CASE;
	END LOOP;
END
$views$;

-- Whether each shard can be read, and is what it should be.
CREATE FUNCTION kpid_shards.status() RETURNS TABLE (shard integer, server text, state text, detail text, complete_until timestamptz, lag_messages bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
	s record;
	is_shard text;
	should_be text;
BEGIN
	FOR s IN
		SELECT substring(f.srvname FROM '[0-9]+$')::integer AS no, f.srvname,
			(SELECT string_agg(o.option_name || '=' || o.option_value, ' ') FROM pg_options_to_table(f.srvoptions) o
			WHERE o.option_name IN ('host', 'hostaddr', 'port', 'dbname')) AS place
		FROM pg_foreign_server f
		WHERE f.srvname ~ '^kpid_shard_[0-9]+$'
		ORDER BY 1
	LOOP
		shard := s.no;
		server := s.place;
		detail := NULL;
		complete_until := NULL;
		lag_messages := NULL;
		BEGIN
			EXECUTE format('SELECT value FROM %I.setting WHERE name = ''shard''', s.srvname) INTO is_shard;
			should_be := format('%s of %s by %s', s.no, kpid_shards.count(), kpid_shards.shared_by());
			IF is_shard IS DISTINCT FROM should_be THEN
				state := 'wrong';
				detail := format('it is shard %s, and should be %s', coalesce(is_shard, 'of nothing'), should_be);
			ELSE
				EXECUTE format('SELECT CASE WHEN bool_and(complete_until IS NOT NULL) THEN min(complete_until) END, sum(lag_messages)::bigint'
					' FROM %I.data_freshness WHERE state <> ''finished''', s.srvname) INTO complete_until, lag_messages;
				state := 'ok';
			END IF;
		EXCEPTION WHEN OTHERS THEN
			state := 'unreachable';
			detail := replace(SQLERRM, E'\n', ' ');
		END;
		RETURN NEXT;
	END LOOP;
END
$body$;
CREATE VIEW report.shard_status AS SELECT * FROM kpid_shards.status();
COMMENT ON VIEW report.shard_status IS 'One row per shard: whether it can be read. All other views fail while one cannot.';
COMMENT ON COLUMN report.shard_status.shard IS 'Index of the shard.';
COMMENT ON COLUMN report.shard_status.server IS 'Where its database is.';
COMMENT ON COLUMN report.shard_status.state IS 'ok, unreachable, or wrong: it is another shard, or one of another number of shards.';
COMMENT ON COLUMN report.shard_status.detail IS 'What is wrong; NULL: nothing.';
COMMENT ON COLUMN report.shard_status.complete_until IS 'How far all of its sources are known; NULL: not known.';
COMMENT ON COLUMN report.shard_status.lag_messages IS 'Messages that it still has to read, at least.';

-- Where a ticket is, by the hash if that decides. An unknown ticket is asked for in shard 0, which says that it does not have it.
CREATE FUNCTION kpid_shards.of_ticket(ticket_id text) RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $body$
	SELECT CASE
		WHEN kpid_shards.shared_by() = 'ticket'
		THEN ((hashtextextended($1 COLLATE "C", 0) % kpid_shards.count() + kpid_shards.count()) % kpid_shards.count())::integer
		ELSE coalesce((SELECT min(t.shard) FROM report.ticket t WHERE t.ticket_id = $1), 0)
	END
$body$;
CREATE FUNCTION kpid_shards.of_alert(alert_id text) RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $body$
	SELECT coalesce((SELECT min(a.shard) FROM report.alert a WHERE a.alert_id = $1), 0)
$body$;

-- Only a superuser creates functions in plproxy. They run with the rights of kpid_owner, who has the user mapping.
RESET ROLE;
CREATE FUNCTION report.explain_ticket(ticket_id text) RETURNS jsonb
LANGUAGE plproxy SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $body$
	CLUSTER 'kpid_shards';
	RUN ON kpid_shards.of_ticket(ticket_id);
$body$;
CREATE FUNCTION report.ack_alert(alert_id text, who text, why text, fires_again_after interval DEFAULT NULL) RETURNS text
LANGUAGE plproxy SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $body$
	CLUSTER 'kpid_shards';
	RUN ON kpid_shards.of_alert(alert_id);
$body$;
CREATE FUNCTION report.unack_alert(alert_id text, who text, why text) RETURNS text
LANGUAGE plproxy SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $body$
	CLUSTER 'kpid_shards';
	RUN ON kpid_shards.of_alert(alert_id);
$body$;
CREATE FUNCTION kpid_shards.silence_all(until timestamptz, who text, why text, project_id text, target text, since timestamptz) RETURNS SETOF bigint
LANGUAGE plproxy SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $body$
	CLUSTER 'kpid_shards';
	RUN ON ALL;
	SELECT s FROM report.silence_alerts(until, who, why, project_id, target, since) s;
$body$;
CREATE FUNCTION kpid_shards.end_silence_in(shard integer, silence_no bigint) RETURNS boolean
LANGUAGE plproxy SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $body$
	CLUSTER 'kpid_shards';
	RUN ON shard;
	SELECT s FROM report.end_silence(silence_no) s;
$body$;
ALTER FUNCTION report.explain_ticket(text) OWNER TO kpid_owner;
ALTER FUNCTION report.ack_alert(text, text, text, interval) OWNER TO kpid_owner;
ALTER FUNCTION report.unack_alert(text, text, text) OWNER TO kpid_owner;
ALTER FUNCTION kpid_shards.silence_all(timestamptz, text, text, text, text, timestamptz) OWNER TO kpid_owner;
ALTER FUNCTION kpid_shards.end_silence_in(integer, bigint) OWNER TO kpid_owner;

SET LOCAL ROLE kpid_owner;
CREATE FUNCTION report.silence_alerts(
	until timestamptz, who text, why text, project_id text DEFAULT NULL, target text DEFAULT NULL, since timestamptz DEFAULT NULL
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
	starts timestamptz := coalesce(silence_alerts.since, clock_timestamp()); -- the same in all shards
BEGIN
	PERFORM kpid_shards.silence_all(silence_alerts.until, silence_alerts.who, silence_alerts.why, silence_alerts.project_id,
		silence_alerts.target, starts);
	RETURN (SELECT max(s.silence_no) FROM report.silence s
		WHERE s.starts_at = starts AND s.ends_at = silence_alerts.until AND s.made_by = silence_alerts.who AND s.why = silence_alerts.why
			AND s.project_id IS NOT DISTINCT FROM silence_alerts.project_id AND s.target IS NOT DISTINCT FROM silence_alerts.target);
END
$body$;
CREATE FUNCTION report.end_silence(silence_no bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
	s record;
	row_of_shard record;
	ended boolean := false;
BEGIN
	SELECT * INTO s FROM report.silence k WHERE k.silence_no = end_silence.silence_no;
	FOR row_of_shard IN EXECUTE (
		SELECT string_agg(format('SELECT %s AS shard, k.silence_no FROM kpid_shard_%1$s.silence k WHERE k.starts_at = $1 AND k.ends_at = $2'
			' AND k.made_by = $3 AND k.why = $4 AND k.project_id IS NOT DISTINCT FROM $5 AND k.target IS NOT DISTINCT FROM $6', i), ' UNION ALL ')
		FROM generate_series(0, kpid_shards.count() - 1) AS i (i)
	) USING s.starts_at, s.ends_at, s.made_by, s.why, s.project_id, s.target LOOP
		ended := kpid_shards.end_silence_in(row_of_shard.shard, row_of_shard.silence_no) OR ended;
	END LOOP;
	RETURN ended;
END
$body$;
RESET ROLE;

REVOKE ALL ON ALL TABLES IN SCHEMA report FROM PUBLIC;
REVOKE ALL ON ALL ROUTINES IN SCHEMA report, kpid_shards FROM PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA report TO kpid_reader, kpid_board, kpid_operator;
GRANT EXECUTE ON FUNCTION kpid_shards.status(), kpid_shards.count(), kpid_shards.shared_by(), kpid_shards.of_ticket(text)
	TO kpid_reader, kpid_board, kpid_operator;
GRANT EXECUTE ON FUNCTION report.explain_ticket(text) TO kpid_reader, kpid_board, kpid_operator;
GRANT EXECUTE ON FUNCTION
	kpid_shards.of_alert(text), report.ack_alert(text, text, text, interval), report.unack_alert(text, text, text),
	report.silence_alerts(timestamptz, text, text, text, text, timestamptz), report.end_silence(bigint)
	TO kpid_operator;
