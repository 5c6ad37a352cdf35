/* Totals, compliance and the lines of the day. */
import { gradeOf } from './cells.mjs';
import { horizonOf, leastPercent, lineOf, roundMost, trailing } from './charts.mjs';
import { h } from './dom.mjs';
import { msOf, numberText, percentOf, percentText, pointsBetween, totalText } from './format.mjs';
import { shape } from './shapes.mjs';
import { rowsOf } from './state.mjs';
import { hasFilters, linkTo } from './view.mjs';

function tile(app, name, number, href, icon, note) {
	if (number === null)
		return null;
	return h('li', { key: name, class: `tile ${name} ${(number.least ?? number) > 0 ? 'some' : 'no'}` },
		h('a', { href }, h('span', { class: 'label' }, icon && shape(icon), app.t(`total_${name}`)),
			h('span', { class: 'figure' }, totalText(number))),
		note);
}

/* counts: exact numbers under the filters; null: not known yet. */
export function tiles(app, counts) {
	const { t, view, state } = app;
	const clocks = (name) => linkTo(view, 'clocks', { ...view.filters, state: name });
	const of = (name) => (counts ? counts[name] ?? null : state?.totals?.[name] ?? null);
	const unconfirmed = hasFilters(view) ? 0 : state?.totals?.unconfirmed ?? 0;
	return h('section', { key: 'totals', class: 'totals', 'aria-label': t('totals') }, h('ul', null,
		tile(app, 'breached', of('breached'), clocks('breached'), 'breached', unconfirmed > 0
			&& h('a', { class: 'note unconfirmed', href: linkTo(view, 'breaches'), title: t('unconfirmed_title') }, t('total_unconfirmed', { n: unconfirmed }))),
		tile(app, 'at_risk', of('at_risk'), clocks('at_risk'), 'at_risk'),
		tile(app, 'pending', of('pending'), clocks('pending'), 'pending'),
		tile(app, 'paused', of('paused'), clocks('paused'), 'paused'),
		tile(app, 'open', counts ? counts.open ?? null : state?.totals?.open ?? null,
			linkTo(view, 'tickets', { ...view.filters, state: undefined, target: undefined }), null)));
}

/* A ticket shows its latest clock of these targets, so the tickets that were judged can be listed. Of others, the breaches. */
const LISTED = ['first_response', 'resolution'];

function judgedLink(app, target, did, last, n) {
	const href = LISTED.includes(target)
		? linkTo(app.view, 'tickets', { target }, { did, last }) : linkTo(app.view, 'breaches', { target }, { last });
	return h('a', { href }, numberText(n));
}

function change(app, row) {
	const points = pointsBetween(row.hour ?? [0, 0], row.week_ago ?? [0, 0]);
	const [within, measured] = row.week_ago ?? [0, 0];
	if (points === null)
		return h('span', { class: 'faint' }, '\u2013');
	const direction = points > 0 ? 'up' : points < 0 ? 'down' : 'same';
	const arrow = { up: '\u25b2', down: '\u25bc', same: '=' }[direction];
	return h('span', { class: `change ${direction}` }, `${arrow} ${Math.abs(points).toFixed(1)}`, h('span', { class: 'parts' },
		` (${percentText(within, measured)}, `, judgedLink(app, row.target, 'within', 'week_ago', within),
		'\u2009/\u2009', judgedLink(app, row.target, 'measured', 'week_ago', measured), ')'));
}

function share(app, row, last) {
	const [within, measured] = row[last === 'hour' ? 'hour' : 'today'] ?? [0, 0];
	const link = (did, n) => judgedLink(app, row.target, did, last, n);
	return h('span', { class: `met ${gradeOf(percentOf(within, measured))}` },
		h('strong', { class: 'percent' }, percentText(within, measured)),
		measured > 0 ? h('span', { class: 'parts' }, link('within', within), '\u2009/\u2009', link('measured', measured))
			: h('span', { class: 'parts' }, '0\u2009/\u20090'));
}

/* A target that no policy has is not shown. */
const isUsed = (row, _, rows) => !rows.some((other) => other.today?.[1] > 0) || [row.hour, row.today, row.week_ago].some((pair) => pair?.[1] > 0);

/* Each number leads to its tickets, or to its breaches. */
export function compliance(app) {
	const { t, state } = app;
	const head = (text, cls) => h('th', { scope: 'col', class: cls }, text);
	const note = hasFilters(app.view) && h('span', { class: 'faint' }, t('unfiltered'));
	return h('section', { key: 'compliance', id: 'compliance', class: 'panel compliance', 'aria-labelledby': 'compliance-title' },
		h('header', { class: 'panel-head' }, h('h2', { id: 'compliance-title' }, t('compliance')), h('span', { class: 'grow' }), note),
		h('table', { class: 'figures', 'aria-labelledby': 'compliance-title' },
			h('thead', null, h('tr', null, head(t('target'), 'target'), head(t('last_hour')), head(t('against_week'), 'week'), head(t('today')))),
			h('tbody', null, (state?.compliance ?? []).filter(isUsed).map((row) => h('tr', { key: row.target },
				h('th', { scope: 'row' }, t.target(row.target)), h('td', null, share(app, row, 'hour')),
				h('td', { class: 'week' }, change(app, row)), h('td', null, share(app, row, 'today')))))));
}

/* -- the day ------------------------------------------------------------------------------------------------------------------ */

const sizeOf = (app) => (app.view.tv ? { W: 210, H: 44 } : { W: 320, H: 64 });

function frame(app, { title, value, label, least, most, unit, day, kids }) {
	const from = msOf(day.from), { W, H } = sizeOf(app);
	const hour = (n) => h('text', { class: 'tick', x: (n / 24) * W, y: H + 13, 'text-anchor': n === 0 ? 'start' : n === 24 ? 'end' : 'middle' },
		n === 24 ? '24' : app.zone.minute(from + n * 3600000).slice(0, 2));
	return h('figure', { class: 'chart', key: title },
		h('figcaption', null, h('span', null, title), h('strong', null, value)),
		h('svg', { viewBox: `-2 -6 ${W + 34} ${H + 22}`, role: 'img', 'aria-label': label },
			h('path', { class: 'grid', d: `M0 0h${W}M0 ${H / 2}h${W}M0 ${H}h${W}` }),
			h('text', { class: 'tick', x: W + 4, y: 4 }, `${most}${unit}`), h('text', { class: 'tick', x: W + 4, y: H + 3 }, `${least}${unit}`),
			[0, 6, 12, 18, 24].map(hour), kids));
}

/* A chart of today; one of a shorter history begins at midnight all the same. */
function dayChart(app, values, { kind, title, value, label, least, most, unit }) {
	const day = app.state.day, { W, H } = sizeOf(app);
	const { line, area, last } = lineOf(values, { width: W, height: H, least, most, steps: 86400 / day.step_s + 1 });
	return frame(app, { title, value, label, least, most, unit, day, kids: [
		h('path', { class: `area ${kind}`, d: area }), h('path', { class: `line ${kind}`, d: line }),
		last && h('circle', { class: `dot ${kind}`, cx: last[0], cy: last[1], r: 3 })] });
}

export function theDay(app) {
	const { t, state } = app, day = state?.day;
	if (!day)
		return null;
	const percents = trailing(day.compliance, Math.max(1, Math.round(3600 / day.step_s))).map(([within, measured]) => percentOf(within, measured));
	const known = percents.filter((percent) => percent !== null);
	const backlog = day.backlog ?? [], openCounts = backlog.filter((n) => n !== null);
	const minutes = Math.round(day.step_s / 60);
	const nowPercent = known.length > 0 ? `${known[known.length - 1].toFixed(1)}\u2009%` : '\u2013';
	const lowest = known.length > 0 ? `${Math.min(...known).toFixed(1)}\u2009%` : '\u2013';
	const nowOpen = numberText(state.totals?.open ?? openCounts[openCounts.length - 1] ?? null);
	return h('section', { key: 'day', id: 'day', class: 'panel day', 'aria-labelledby': 'day-title' },
		h('header', { class: 'panel-head' }, h('h2', { id: 'day-title' }, t('the_day')), h('span', { class: 'grow' }),
			hasFilters(app.view) && h('span', { class: 'faint' }, t('unfiltered'))),
		h('div', { class: 'charts' },
			dayChart(app, percents, { kind: 'good', title: t('day_compliance'), value: nowPercent, least: leastPercent(percents), most: 100, unit: '\u2009%',
				label: t('day_compliance_text', { minutes, now: nowPercent, least: lowest }) }),
			dayChart(app, backlog, { kind: 'calm', title: t('day_backlog'), value: nowOpen, least: 0, most: roundMost(openCounts), unit: '',
				label: t('day_backlog_text', { minutes, now: nowOpen, most: numberText(Math.max(0, ...openCounts)) }) })));
}

/* -- the next hour ----------------------------------------------------------------------------------------------------------- */

/* How many of the nearest clocks are due in each minute of the next hour. */
export function horizon(app) {
	const { t, state } = app;
	const { spans, overdue, later } = horizonOf(rowsOf(state.clocks), app.now(), 60000, 60, msOf);
	const height = 30, most = Math.max(4, ...spans.map((span) => span.pending + span.at_risk));
	const scale = (counts) => counts.map((n) => (n / most) * height);
	const x = (i) => (i / 60) * 900;
	const soon = spans.reduce((sum, span) => sum + span.pending + span.at_risk, 0);
	const bars = spans.flatMap((span, i) => {
		const [risk, calm] = scale([span.at_risk, span.pending]);
		return [risk > 0 && h('path', { key: `r${i}`, class: 'risk', d: `M${x(i) + 1} ${height}v${-risk}h13v${risk}z` }),
			calm > 0 && h('path', { key: `c${i}`, class: 'calm', d: `M${x(i) + 1} ${height - risk}v${-calm}h13v${calm}z` })];
	});
	const tick = (n) => h('text', { class: 'tick', x: x(n), y: height + 13, 'text-anchor': n === 0 ? 'start' : n === 60 ? 'end' : 'middle' },
		n === 0 ? t('mark_now') : t('in_minutes', { n }));
	return h('figure', { class: 'horizon', key: 'horizon' }, h('figcaption', null, t('horizon')),
		h('svg', { viewBox: `0 -2 900 ${height + 18}`, role: 'img', 'aria-label': `${t('horizon')}: ${t('horizon_text', { overdue, soon, later })}` },
			h('path', { class: 'grid', d: `M0 ${height}h900` }), bars, [0, 15, 30, 45, 60].map(tick)));
}

