/* A page with a whole list: exact number, states as tabs, pages by keyset, downloads. */
import { agentColumns, breachClass, breachColumns, clockClass, clockColumns, countedColumns, groupColumns, SERVER_SORT, ticketColumns } from './columns.mjs';
import { h } from './dom.mjs';
import { numberText, totalText } from './format.mjs';
import { shape } from './shapes.mjs';
import { asOf } from './overview.mjs';
import { tableSection } from './table.mjs';
import { filterQuery, linkTo } from './view.mjs';

const KINDS = { agents: 'agent', projects: 'project', teams: 'team' };
const TABS = { clocks: ['breached', 'at_risk', 'pending', 'paused'], breaches: ['breached', 'acknowledged', 'resolved', 'voided'],
	tickets: ['open', 'paused', 'resolved', 'closed'] };

/* The parameters of the server's list: as the address, with the names by which the server sorts. */
function queryOf(view) {
	const query = filterQuery(view);
	if (view.sort) {
		const name = view.sort.replace(/^-/, '');
		query.set('sort', (view.sort.startsWith('-') ? '-' : '') + (SERVER_SORT[name] ?? name));
	}
	return query;
}

function tabs(app, query) {
	const { view } = app;
	const names = TABS[view.page];
	if (!names || view.did)
		return null;
	const countOf = (name) => {
		const one = new URLSearchParams(query);
		one.set('state', name);
		return app.feeds.count(`/api/${view.page}`, one);
	};
	const tab = (name, text, n) => h('li', { key: name ?? 'all' },
		h('a', { href: linkTo(view, view.page, { ...view.filters, state: name }, { did: view.did, last: view.last }),
			'aria-current': view.filters.state === name ? 'true' : null }, name && shape(view.page === 'tickets' && name !== 'paused' && name !== 'open' ? 'met' : name), text,
		n !== undefined && n !== null && h('span', { class: 'count' }, totalText(n))));
	return h('ul', { class: 'tabs', key: 'tabs' }, tab(undefined, app.t('all')),
		names.map((name) => tab(name, view.page === 'tickets' ? app.t(`ticket_${name}`) : app.t.state(name), countOf(name))));
}

function columnsOf(app) {
	const { page } = app.view;
	if (page === 'agents')
		return { columns: agentColumns(app) };
	if (KINDS[page])
		return { columns: groupColumns(app, KINDS[page]) };
	if (page === 'clocks')
		return { columns: clockColumns(app), classOf: clockClass(app), empty: app.t('nothing_running') };
	if (page === 'breaches')
		return { columns: breachColumns(app), classOf: breachClass(app), empty: app.t('nothing_breached') };
	return { columns: page === 'counted' ? countedColumns(app) : ticketColumns(app) };
}

/* What the list is about, if the address asks for a period or an action. */
function subtitle(app) {
	const { did, last, filters } = app.view;
	const words = [did && app.t(`did_${did}`), app.view.page === 'counted' && app.t('last_hour'), filters.target && app.t.target(filters.target),
		last && app.t({ hour: 'last_hour', today: 'today', week_ago: 'week_ago' }[last] ?? last)].filter(Boolean);
	return words.length > 0 && (did || last || app.view.page === 'counted') ? h('p', { class: 'subtitle', key: 'subtitle' }, words.join(' \u00b7 ')) : null;
}

function downloads(app, query) {
	const file = (kind) => h('a', { key: kind, href: `/api/${app.view.page}.${kind}${query.size > 0 ? `?${query}` : ''}`, download: `${app.view.page}.${kind}` },
		kind.toUpperCase());
	return h('p', { class: 'downloads', key: 'downloads' }, h('span', { class: 'faint' }, app.t('download')), file('csv'), file('json'));
}

function foot(app, feed) {
	return h('footer', { class: 'panel-foot' },
		feed.total !== null && h('span', { key: 'n' }, app.t('shown_rows', { shown: numberText(feed.rows.length), n: totalText(feed.total) })),
		feed.next !== null && h('button', { type: 'button', id: 'more', key: 'more', onclick: () => app.feeds.more(feed) }, app.t('more')),
		feed.pages > 1 && h('span', { class: 'faint', key: 'why' }, app.t('not_refreshed')),
		feed.pages > 1 && h('button', { type: 'button', id: 'refresh', key: 'refresh', onclick: () => app.feeds.again(feed) }, app.t('refresh')));
}

export function failure(app, feed) {
	return feed.error && h('p', { class: 'banner', key: 'failed' }, shape('at_risk'), app.t('failed', { why: feed.error }),
		h('button', { type: 'button', onclick: () => app.feeds.again(feed) }, app.t('try_again')));
}

export function listPage(app) {
	const { view, t } = app;
	const query = queryOf(view);
	const feed = app.feeds.use(`/api/${view.page}`, query);
	const { columns, classOf, empty } = columnsOf(app);
	return [
		h('div', { class: 'title', key: 'title' }, h('h1', null, t(`page_${view.page}`)), subtitle(app), asOf(app, view.page)),
		tabs(app, query),
		failure(app, feed),
		tableSection(app, {
			id: view.page, title: feed.total === null ? t(`page_${view.page}`) : h('span', { id: 'total' }, t('total_rows', { n: totalText(feed.total) })), more: downloads(app, query), rows: feed.rows, columns, classOf,
			empty: feed.loading ? t('loading') : empty, foot: foot(app, feed), sort: view.sort, scope: `${feed.address} ${feed.wanted}`,
			onSort: KINDS[view.page] ? (sort) => app.go({ ...view, sort: sort ?? undefined }) : null,
		}),
	];
}
