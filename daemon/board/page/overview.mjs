/* The board itself: totals, compliance, the day, the next deadlines, the newest breaches, agents, projects and teams. */
import { agentColumns, breachClass, breachColumns, clockClass, clockColumns, clockOrder, groupColumns, groupValue } from './columns.mjs';
import { h } from './dom.mjs';
import { compliance, horizon, theDay, tiles } from './figures.mjs';
import { msOf, totalText } from './format.mjs';
import { pageOfClocks, sorted } from './rows.mjs';
import { rowsOf } from './state.mjs';
import { tableSection } from './table.mjs';
import { filterQuery, hasFilters, linkTo } from './view.mjs';

const OLD_MS = 10000;
/* Of projects and teams, beside their name: what fits next to the agents. */
const GROUP_COLUMNS = ['open', 'breached', 'at_risk', 'answered', 'resolved', 'within', 'satisfaction', 'spark'];

const pick = (columns, ids) => ids.map((id) => columns.find((column) => column.id === id)).filter(Boolean);

/* Without filters the stream has the rows; with filters the server is asked for the list. */
function filteredList(app, name, leave = []) {
	if (!hasFilters(app.view))
		return { rows: rowsOf(app.state[name]), total: null };
	return app.feeds.use(`/api/${name}`, queryWithout(app, leave));
}

function queryWithout(app, names) {
	const query = filterQuery(app.view);
	for (const name of ['sort', 'did', 'last', ...names])
		query.delete(name);
	return query;
}

/* Exact numbers under the filters; null: the totals of the stream are right. */
export function countsOf(app) {
	if (!hasFilters(app.view))
		return null;
	const query = queryWithout(app, ['state']);
	const counts = { open: app.feeds.count('/api/tickets', queryWithout(app, ['state', 'target'])) };
	for (const state of ['breached', 'at_risk', 'paused']) {
		query.set('state', state);
		counts[state] = app.feeds.count('/api/clocks', query);
	}
	return counts;
}

const allLink = (app, page, n) => h('a', { class: 'all', href: linkTo(app.view, page, app.view.filters) },
	n === null || n === undefined ? app.t('see_all') : app.t('all_n', { n: totalText(n) }));

function deadlines(app, limit, columns) {
	const list = filteredList(app, 'clocks');
	const totals = app.state.totals ?? {};
	const all = list.total ?? (totals.pending === undefined ? null : ['breached', 'at_risk', 'pending', 'paused'].reduce((sum, name) => sum + (totals[name] ?? 0), 0));
	return tableSection(app, {
		id: 'clocks', title: app.t('deadlines'), rows: pageOfClocks([...list.rows].sort(clockOrder), limit, 0).rows, empty: app.t('nothing_running'),
		columns: pick(clockColumns(app), columns), classOf: clockClass(app), more: allLink(app, 'clocks', all),
		before: hasFilters(app.view) ? null : horizon(app),
		scope: filterQuery(app.view).toString(),
	});
}

function newestBreaches(app, limit, columns) {
	const list = filteredList(app, 'breaches', ['state']);
	return tableSection(app, {
		id: 'breaches', title: app.t('breaches'), rows: list.rows, limit, empty: app.t('nothing_breached'),
		columns: pick(breachColumns(app), columns), classOf: breachClass(app), more: allLink(app, 'breaches', list.total),
		scope: filterQuery(app.view).toString(),
	});
}

/* Since when a list is as it is, if that is not just now. */
export function asOf(app, name) {
	const { read, now } = app.state ?? {}, isGroup = name === 'projects' || name === 'teams';
	const words = [];
	const say = (at, key) => at && msOf(now) - msOf(at) > OLD_MS && words.push(app.t(key, { time: app.zone.short(msOf(at), app.now()) }));
	if (isGroup || name === 'agents')
		say(read?.[isGroup ? 'groups' : name], isGroup ? 'clocks_of' : 'figures_of');
	if (isGroup || name === 'counted')
		read?.ledger === null ? words.push(app.t('no_ledger')) : say(read?.ledger, isGroup ? 'hour_of' : 'figures_of');
	return words.length > 0 && h('span', { class: 'faint as-of', key: 'as-of' }, words.join(app.comma()));
}

/* kind: agent, project or team. */
function groups(app, kind, limit) {
	const name = `${kind}s`, chosen = app.view.filters[kind];
	const rows = rowsOf(app.state[name]).filter((row) => chosen === undefined || row.key === chosen);
	const all = kind === 'agent' ? app.state.n_agents ?? rows.length : rows.length;
	return tableSection(app, {
		id: name, title: app.t(`${name}_now`), rows: sorted(rows, app.view.sort, groupValue), limit,
		columns: kind === 'agent' ? agentColumns(app) : pick(groupColumns(app, kind), [kind, ...GROUP_COLUMNS]), sort: app.view.sort,
		onSort: (sort) => app.go({ ...app.view, sort: sort ?? undefined }), more: [asOf(app, name), allLink(app, name, all)],
	});
}

/* How many rows of the deadlines fit beside everything else. */
function rowsThatFit() {
	return Math.max(10, Math.min(30, Math.floor((innerHeight - 430) / 30)));
}

export function overview(app) {
	if (!app.state)
		return h('p', { class: 'empty' }, app.t('loading'));
	const n = rowsThatFit();
	return [
		h('h1', { class: 'unseen', key: 'h1' }, app.t('name')),
		h('div', { class: 'first', key: 'first' }, tiles(app, countsOf(app)), compliance(app), theDay(app)),
		h('div', { class: 'second', key: 'second' },
			deadlines(app, n, ['state', 'left', 'due', 'ticket', 'target', 'project', 'team', 'owner', 'priority']),
			newestBreaches(app, n + 2, ['state', 'breached_at', 'ticket', 'target', 'owner'])),
		h('div', { class: 'third', key: 'third' },
			groups(app, 'agent', 12),
			h('div', { class: 'stack', key: 'groups' },
				groups(app, 'project', 6),
				groups(app, 'team', 6))),
	];
}

