/* The wall screen: no controls, large type, turns pages when rows do not fit. */
import { breachClass, breachColumns, clockClass, clockColumns, clockOrder } from './columns.mjs';
import { h } from './dom.mjs';
import { compliance, theDay, tiles } from './figures.mjs';
import { brand, clockOfPage, freshLine, staleBanner } from './header.mjs';
import { countsOf } from './overview.mjs';
import { pageOf, pageOfClocks } from './rows.mjs';
import { rowsOf } from './state.mjs';
import { tableSection } from './table.mjs';
import { filterQuery, hasFilters } from './view.mjs';

const TURN_MS = 12000;
const pick = (columns, ids) => ids.map((id) => columns.find((column) => column.id === id));

/* How many rows fit into the table's part of the screen; from what is drawn. */
function rowsThatFit(id, otherwise) {
	const panel = document.getElementById(id);
	const body = panel?.querySelector('tbody'), row = body?.firstElementChild;
	if (!row)
		return otherwise;
	const room = panel.getBoundingClientRect().bottom - body.getBoundingClientRect().top - 4;
	return Math.max(3, Math.floor(room / row.getBoundingClientRect().height));
}

function turning(app, id, rows, otherwise, paged = pageOf) {
	const page = paged(rows, rowsThatFit(id, otherwise), Math.floor(app.local() / TURN_MS));
	const more = page.pages > 1 && h('span', { class: 'pages' }, app.t('tv_page', { page: page.page + 1, pages: page.pages }));
	return { rows: page.rows, more };
}

function listRows(app, name) {
	if (!hasFilters(app.view))
		return rowsOf(app.state[name]);
	const query = filterQuery(app.view);
	query.delete('sort');
	return app.feeds.use(`/api/${name}`, query).rows;
}

export function tvPage(app) {
	const { t } = app;
	const top = h('header', { class: 'top', key: 'top' }, h('div', { class: 'line' }, brand(app), freshLine(app), h('span', { class: 'grow' }), clockOfPage(app)),
		staleBanner(app));
	if (!app.state)
		return [top, h('p', { class: 'empty', key: 'empty' }, t('loading'))];
	const clocks = turning(app, 'clocks', [...listRows(app, 'clocks')].sort(clockOrder), 12, pageOfClocks);
	const breaches = turning(app, 'breaches', listRows(app, 'breaches'), 8);
	return [top, h('main', { id: 'content', key: 'main' }, h('h1', { class: 'unseen' }, t('name')), tiles(app, countsOf(app)),
		h('div', { class: 'tv-columns', key: 'columns' },
			tableSection(app, { id: 'clocks', title: t('deadlines'), ...clocks, empty: t('nothing_running'), classOf: clockClass(app),
				columns: pick(clockColumns(app), ['state', 'left', 'ticket', 'target', 'project', 'owner']) }),
			h('div', { class: 'stack', key: 'side' }, compliance(app), theDay(app),
				tableSection(app, { id: 'breaches', title: t('breaches'), ...breaches, empty: t('nothing_breached'), classOf: breachClass(app),
					columns: pick(breachColumns(app), ['state', 'breached_at', 'ticket', 'target']) }))))];
}

/* Keeps the screen awake where the browser allows it, and hides the pointer while it rests. */
export class WallScreen {
	#lock = null;
	#timer = null;

	constructor(isOn) {
		this.isOn = isOn;
		document.addEventListener('visibilitychange', () => this.keepAwake());
		addEventListener('pointermove', () => this.#moved());
	}

	async keepAwake() {
		if (!this.isOn() || document.visibilityState !== 'visible' || !navigator.wakeLock || (this.#lock && !this.#lock.released))
			return;
		this.#lock = await navigator.wakeLock.request('screen').catch(() => null);
	}

	#moved() {
		const root = document.documentElement;
		root.classList.remove('still');
		clearTimeout(this.#timer);
		if (this.isOn())
			this.#timer = setTimeout(() => root.classList.add('still'), 3000);
	}
}
