/* The top of the page: where one is, what time it is, how fresh the figures are, settings, filters. */
import { h } from './dom.mjs';
import { msOf } from './format.mjs';
import { shape } from './shapes.mjs';
import { rowsOf } from './state.mjs';
import { FILTERS, PAGES, TARGETS, hasFilters, linkTo } from './view.mjs';

export const STALE_MS = 10000;

/* A sum that lacks some sources is not shown as if it were whole. */
function lag(app, fresh) {
	const { t } = app;
	if (fresh?.lag_unknown > 0)
		return `${app.comma()}${t(fresh.lag_messages > 0 ? 'lag_least' : 'lag_unknown', { n: fresh.lag_messages })}`;
	return fresh?.lag_messages > 0 && fresh.state === 'behind' ? `${app.comma()}${t('lag', { n: fresh.lag_messages })}` : '';
}

/* {kind: live|behind|connecting|lost, heard, complete} */
function freshness(app) {
	const { t, state } = app, ago = app.heardAgo();
	const fresh = state?.fresh;
	const heard = ago === null ? t('stale_never') : t('heard', { n: Math.floor(ago / 1000) });
	const until = msOf(fresh?.complete_until);
	let complete = until === null ? t('complete_unknown') : t('complete_until', { time: app.zone.short(until, app.now()) });
	if (fresh?.stopped > 0)
		complete += `${app.comma()}${t('stopped', { n: fresh.stopped })}`;
	complete += lag(app, fresh);
	if (ago > 3000)
		return { kind: 'lost', word: t('lost'), heard, complete };
	// A connection alone is no figure.
	if (ago === null || !fresh)
		return { kind: 'connecting', word: t('connecting'), heard, complete };
	if (fresh?.state === 'away')
		return { kind: 'lost', word: t('away_word'), heard, complete };
	const isBehind = fresh?.state === 'behind' || fresh?.stopped > 0;
	return { kind: isBehind ? 'behind' : 'live', word: isBehind ? t('behind') : t('live'), heard, complete };
}

export function freshLine(app) {
	const { kind, word, heard, complete } = freshness(app);
	return h('p', { class: `fresh ${kind}`, key: 'fresh' },
		h('span', { class: 'pulse', 'aria-hidden': 'true' }), h('strong', null, word),
		h('span', { class: 'heard' }, heard), h('span', { class: 'complete' }, complete));
}

export function staleBanner(app) {
	const ago = app.heardAgo();
	if (!app.isStale())
		return null;
	if (ago !== null && ago < STALE_MS)
		return h('p', { class: 'banner', key: 'banner', id: 'stale' }, shape('at_risk'), app.t('away', { time: app.zone.short(msOf(app.state.as_of) ?? 0, app.now()) }));
	return h('p', { class: 'banner', key: 'banner', id: 'stale' }, shape('at_risk'),
		ago === null ? app.t('stale_never') : app.t('stale', { n: Math.floor(ago / 1000) }));
}

export function clockOfPage(app) {
	const now = app.now();
	return h('p', { class: 'now', key: 'now' }, h('time', { class: 'wall' }, app.zone.time(now)),
		h('span', { class: 'zone', title: app.t('times_in', { zone: app.zone.label(now) }) }, app.zone.label(now)));
}

export function brand(app) {
	return h('a', { class: 'brand', href: linkTo(app.view, 'board'), 'aria-label': `kpid, ${app.t('name')}` },
		h('svg', { class: 'logo', viewBox: '0 0 32 32', 'aria-hidden': 'true' }, h('circle', { cx: 16, cy: 16, r: 14 }),
			h('path', { d: 'M16 7.5V16l5.5 4.5' })),
		h('span', null, 'kpid'));
}

function navigation(app) {
	const item = (page) => h('li', null, h('a', { href: linkTo(app.view, page), 'aria-current': app.view.page === page ? 'page' : null },
		app.t(`page_${page}`)));
	return h('nav', { key: 'nav', 'aria-label': app.t('views') }, h('ul', null, ['board', ...PAGES].map(item)));
}

function settings(app) {
	const { t } = app;
	const { sound } = app;
	return h('div', { class: 'settings', role: 'group', 'aria-label': t('controls'), key: 'settings' },
		h('button', { type: 'button', id: 'sound', 'aria-pressed': String(sound.on), onclick: () => sound.toggle(), key: 'sound',
			title: t(sound.on ? 'sound_on' : 'sound_off') }, shape(sound.on ? 'sound' : 'mute'),
		h('span', { class: 'long' }, t(sound.on ? 'sound_on' : 'sound_off'))),
		sound.on && h('button', { type: 'button', id: 'sound-test', onclick: () => sound.test(), key: 'test' }, t('sound_test')),
		h('button', { type: 'button', id: 'theme', onclick: () => app.nextTheme(), title: t(`theme_${app.theme}`), key: 'theme',
			'aria-label': t(`theme_${app.theme}`) }, shape('theme')),
		h('button', { type: 'button', id: 'language', lang: t.language === 'zh' ? 'en' : 'zh-CN', title: t('language_title'), key: 'language',
			onclick: () => app.otherLanguage() }, t('language')),
		h('a', { class: 'button tv-link', href: linkTo(app.view, 'board', app.view.filters, { tv: true }), title: t('tv'), 'aria-label': t('tv'), key: 'tv' },
			shape('screen')));
}

export function header(app) {
	return h('header', { class: 'top', key: 'top' },
		h('a', { class: 'skip', href: '#content', key: 'skip' }, app.t('skip')),
		h('div', { class: 'line' }, brand(app), navigation(app), h('span', { class: 'grow' }), clockOfPage(app), settings(app)),
		freshLine(app),
		app.sound.blocked && h('p', { class: 'banner sound', key: 'blocked' },
			h('button', { type: 'button', id: 'sound-blocked', onclick: () => app.sound.unblock() }, shape('mute'), app.t('sound_blocked'))),
		staleBanner(app));
}

/* -- filters --------------------------------------------------------------------------------------------------------------- */

const STATES = {
	board: ['breached', 'at_risk', 'pending', 'paused'], clocks: ['breached', 'at_risk', 'pending', 'paused'],
	breaches: ['breached', 'acknowledged', 'resolved', 'voided'], tickets: ['open', 'paused', 'resolved', 'closed'],
};

/* The values to offer: those of the configuration, and those that the page has seen. */
function known(app, filter) {
	const { state, config } = app;
	const values = new Set(config?.[{ priority: 'priorities' }[filter] ?? `${filter}s`] ?? []);
	if (state) {
		const group = { project: state.projects, team: state.teams, agent: state.agents }[filter];
		for (const key of group?.order ?? [])
			values.add(key);
		for (const row of rowsOf(state.clocks))
			values.add(filter === 'agent' ? row.owner : row[filter]);
	}
	values.delete(null);
	values.delete(undefined);
	values.delete('');
	return [...values].sort((a, b) => String(a).localeCompare(String(b))).slice(0, 1000);
}

function choice(app, name, values, label) {
	const now = app.view.filters[name];
	const offered = now && !values.includes(now) ? [now, ...values] : values;
	const option = (value, text) => h('option', { value, key: `=${value}` }, text);
	return h('label', { key: name }, h('span', null, app.t(name)),
		h('select', { id: `filter-${name}`, value: now === undefined ? '*' : `=${now}`, class: now === undefined ? null : 'set',
			onchange: (event) => app.filter({ [name]: event.target.value === '*' ? undefined : event.target.value.slice(1) }) },
		option('*', app.t('all')), offered.map((value) => option(`=${value}`, label ? label(value) : value)),
		now === '' && option('=', app.t(name === 'agent' ? 'nobody' : 'none_set'))));
}

function search(app) {
	return h('label', { key: 'q', class: 'search' }, h('span', null, app.t('search')),
		h('input', { id: 'filter-q', type: 'search', value: app.view.filters.q ?? '', autocomplete: 'off', spellcheck: 'false',
			oninput: (event) => app.filterSoon({ q: event.target.value.trim() || undefined }) }));
}

const USED = { counted: ['project', 'team', 'agent', 'priority', 'q'], agents: ['project', 'team', 'agent'], projects: ['project'], teams: ['team'] };

export function filterBar(app) {
	const { view, t } = app;
	const used = USED[view.page] ?? FILTERS;
	const labels = { target: t.target, state: view.page === 'tickets' ? (state) => t(`ticket_${state}`) : t.state };
	const values = (name) => (name === 'target' ? TARGETS : name === 'state' ? STATES[view.page] ?? STATES.board : known(app, name));
	return h('form', { class: 'filters', role: 'search', 'aria-label': t('filters'), key: 'filters', onsubmit: (event) => event.preventDefault() },
		used.map((name) => (name === 'q' ? search(app) : choice(app, name, values(name), labels[name]))),
		hasFilters(view) && h('button', { type: 'button', id: 'clear', key: 'clear', onclick: () => app.go({ ...view, filters: {} }) }, t('clear')));
}
