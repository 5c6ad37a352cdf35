/* The columns of each list. */
import { barsOf } from './charts.mjs';
import { h } from './dom.mjs';
import { msOf, numberText } from './format.mjs';
import { isVoided } from './state.mjs';
import { leftCell, nameLink, numberLink, shareCell, shownState, stateTag, ticketLink, ticketTag, timeCell, unconfirmedTag } from './cells.mjs';
import { linkTo } from './view.mjs';

const targetText = (app, row) => app.t.target(row.target) + (row.n > 1 ? ` ${row.n}` : '');

const attributes = (app) => [
	{ id: 'project', cell: (row) => nameLink(app, 'project', row.project) },
	{ id: 'team', cell: (row) => nameLink(app, 'team', row.team) },
	{ id: 'owner', cell: (row) => nameLink(app, 'agent', row.owner, 'nobody') },
	{ id: 'priority', cell: (row) => nameLink(app, 'priority', row.priority) },
];

export const clockClass = (app) => (row) => `is-${shownState(row, app.now())}`;

export function clockColumns(app) {
	return [
		{ id: 'state', cell: (row) => [stateTag(app, shownState(row, app.now())), row.unconfirmed && unconfirmedTag(app)] },
		{ id: 'left', cell: (row) => leftCell(app, row) },
		{ id: 'due', cell: (row) => (row.state === 'paused' ? h('span', { class: 'faint' }, app.t('state_paused')) : timeCell(app, row.due_at)) },
		{ id: 'ticket', isHead: true, cell: (row) => ticketLink(app, row.ticket_id) },
		{ id: 'target', cell: (row) => targetText(app, row) },
		...attributes(app),
		{ id: 'category', cell: (row) => row.category ?? '\u2013' },
	];
}

export const breachClass = () => (row) => (isVoided(row) ? 'is-voided' : `is-${row.state}`);

export function breachColumns(app) {
	return [
		{ id: 'state', cell: (row) => [stateTag(app, row.state === 'breached' && row.acked ? 'acknowledged' : row.state),
			row.unconfirmed && unconfirmedTag(app)] },
		{ id: 'breached_at', cell: (row) => timeCell(app, row.breached_at ?? row.due_at) },
		{ id: 'ticket', isHead: true, cell: (row) => ticketLink(app, row.ticket_id) },
		{ id: 'target', cell: (row) => targetText(app, row) },
		...attributes(app).filter((column) => column.id !== 'priority'),
		{ id: 'detected', cell: (row) => timeCell(app, row.detected_at) },
		...app.acks.column(),
	];
}

export function ticketColumns(app) {
	const verdict = (name, target) => (name === 'met' || name === 'breached') && h('span', { class: 'verdict' }, h('span', { class: 'faint' }, app.t.target(target), ' '),
		stateTag(app, name));
	return [
		{ id: 'ticket', isHead: true, cell: (row) => ticketLink(app, row.ticket_id) },
		{ id: 'state', cell: (row) => ticketTag(app, row.state) },
		{ id: 'verdicts', cell: (row) => [verdict(row.first_response_verdict, 'first_response'), verdict(row.resolution_verdict, 'resolution')] },
		...attributes(app),
		{ id: 'category', cell: (row) => row.category ?? '\u2013' },
		{ id: 'opened_at', cell: (row) => timeCell(app, row.opened_at) },
		{ id: 'answered_at', cell: (row) => timeCell(app, row.first_response_at) },
		{ id: 'resolved_at', cell: (row) => timeCell(app, row.resolved_at) },
		{ id: 'score', cell: (row) => (row.csat_score === null || row.csat_score === undefined ? h('span', { class: 'faint' }, '\u2013')
			: `${row.csat_score}\u2009/\u2009${row.csat_scale_max}`) },
	];
}

/* What was counted of the last hour for projects and teams. */
export function countedColumns(app) {
	const [ticket, ...others] = ticketColumns(app);
	return [ticket, { id: 'counted_at', cell: (row) => timeCell(app, row.counted_at) }, { id: 'n', cell: (row) => numberText(row.n) },
		...others.filter((column) => column.id !== 'opened_at')];
}

/* The keys of columns whose name differs. */
const KEYS = { agent: 'key', project: 'key', team: 'key', answered: 'responded', breaches: 'breached' };

/* The value by which a group is sorted. */
export function groupValue(row, name) {
	if (name === 'within')
		return row.measured > 0 ? row.within / row.measured : null;
	if (name === 'satisfaction')
		return row.csat_n > 0 ? row.csat_micros / row.csat_n : null;
	return row[KEYS[name] ?? name];
}

/* The names of the columns as the server sorts. */
export const SERVER_SORT = { ...KEYS, within: 'sla', satisfaction: 'csat' };

function satisfactionCell(row, href) {
	if (row.csat_n === 0)
		return h('span', { class: 'faint' }, '\u2013');
	return h('span', null, `${(row.csat_micros / row.csat_n / 10000).toFixed(0)}\u2009%`, ' ', h('a', { class: 'parts', href }, `(${row.csat_n})`));
}

function spark(app, row) {
	const counts = row.spark ?? [], total = counts.reduce((sum, n) => sum + n, 0);
	return h('svg', { class: 'spark', viewBox: '0 0 72 18', role: 'img', 'aria-label': app.t('spark_text', { n: total }) },
		h('path', { class: 'base', d: 'M0 17.5h72' }), h('path', { class: 'bars', d: barsOf(counts, { width: 72, height: 17 }) }));
}

const numberColumn = (id, href, kind, label = id) => ({ id, label, sortable: true, cell: (row) => numberLink(groupValue(row, id), href(row), kind) });

/* What agents did in the last hour. */
export function agentColumns(app) {
	const did = (row, what) => linkTo(app.view, 'tickets', { agent: row.key }, { did: what, last: 'hour' });
	const number = (id, what) => numberColumn(id, (row) => did(row, what));
	const breaches = (row) => linkTo(app.view, 'breaches', { agent: row.key }, { last: 'hour' });
	return [
		{ id: 'agent', isHead: true, sortable: true, isText: true, cell: (row) => nameLink(app, 'agent', row.key, 'nobody') },
		number('opened', 'opened'), number('answered', 'responded'), number('resolved', 'resolved'),
		{ id: 'within', sortable: true, cell: (row) => shareCell([row.within, row.measured], breaches(row)) },
		numberColumn('breaches', breaches, 'bad', 'breaches_n'),
		numberColumn('backlog', (row) => linkTo(app.view, 'tickets', { agent: row.key })),
		{ id: 'satisfaction', sortable: true, cell: (row) => satisfactionCell(row, did(row, 'resolved')) },
		{ id: 'spark', cell: (row) => spark(app, row) },
	];
}

/* The running clocks of projects or teams, and what was done in the last hour as far as the ledger knows: kind is project or team. */
export function groupColumns(app, kind) {
	const clocks = (state) => (row) => linkTo(app.view, 'clocks', { [kind]: row.key, state });
	const counted = (row, did) => linkTo(app.view, 'counted', { [kind]: row.key }, { did });
	const nothing = () => h('span', { class: 'faint' }, '\u2013');
	const ofHour = (column) => (app.state?.read?.ledger ? column : { ...column, cell: nothing });
	const done = (id, did) => ofHour(numberColumn(id, (row) => counted(row, did)));
	return [
		{ id: kind, isHead: true, sortable: true, isText: true, cell: (row) => nameLink(app, kind, row.key) },
		numberColumn('open', (row) => linkTo(app.view, 'tickets', { [kind]: row.key })),
		numberColumn('breached', clocks('breached'), 'bad'), numberColumn('at_risk', clocks('at_risk'), 'risk'),
		numberColumn('pending', clocks('pending')), numberColumn('paused', clocks('paused')),
		done('opened', 'opened'), done('answered', 'responded'), done('resolved', 'resolved'),
		ofHour({ id: 'within', sortable: true, cell: (row) => shareCell([row.within, row.measured], counted(row, 'within'), counted(row, 'measured')) }),
		ofHour(numberColumn('missed', (row) => counted(row, 'missed'), 'bad', 'breaches_n')),
		ofHour({ id: 'satisfaction', sortable: true, cell: (row) => satisfactionCell(row, counted(row, 'rated')) }),
		ofHour({ id: 'spark', cell: (row) => spark(app, row) }),
	];
}

/* The order of clocks as the server has it: breached first, then by deadline; paused ones last. */
export function clockOrder(a, b) {
	const rank = (row) => (row.state === 'breached' ? 0 : row.state === 'paused' ? 2 : 1);
	return rank(a) - rank(b) || (msOf(a.due_at) ?? 0) - (msOf(b.due_at) ?? 0);
}
