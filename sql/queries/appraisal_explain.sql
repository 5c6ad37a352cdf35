-- The cards of an agent in a period, each with its plan, as one JSON document.
-- $1 key, $2 plan_file: NULL: the stored plans, $3 agent
SELECT jsonb_build_object('period', p.document - 'plans', 'cards', (
	SELECT coalesce(jsonb_agg(jsonb_build_object('plan', plan.of -> 'rules', 'card', card.of)), '[]')
	FROM jsonb_array_elements(p.document -> 'plans') AS plan (of)
	CROSS JOIN LATERAL jsonb_array_elements(plan.of -> 'cards') AS card (of)
	WHERE card.of ->> 'level' = 'agent' AND card.of ->> 'subject' = $3::text
))::text AS document
FROM (SELECT appraisal.preview($1::text, $2::jsonb) AS document) p
