/* A ticket: why its clocks ended as they did, as a picture and as text. */
import { stateTag, ticketTag, timeCell } from './cells.mjs';
import { h } from './dom.mjs';
import { leftText, lengthText, msOf } from './format.mjs';
import { failure } from './lists.mjs';
import { mark, shape } from './shapes.mjs';
import { pictureOf, withLanes } from './timeline.mjs';
import { deskLink } from './view.mjs';

const LANE = 17, BAR = 16;
const MARK_SHAPES = { breached: 'breached', warned: 'warned', due: 'due', stopped: 'stopped', ended: 'ended', start: 'start', now: 'now' };

/* The width of a text in the picture's 12 px; a Chinese character is as wide as high. */
const widthOf = (text) => [...text].reduce((sum, letter) => sum + (letter.codePointAt(0) > 0x2e7f ? 12 : 6.6), 0) + 16;

/* So wide that a pixel of the picture is one of the screen. */
const widthNow = () => Math.max(640, Math.min(1800, document.documentElement.clientWidth - 72));

/* Labels above the bar, in as many lanes as they need; the line of time below. */
function picture(app, clock, nowMs) {
	const { t } = app, width = widthNow();
	const { pieces, marks, ticks, step } = pictureOf(clock, { nowMs, width, offsetMs: app.zone.offset(msOf(clock.started_at)) });
	const labels = withLanes(marks.map((item) => ({ ...item, text: `${t(`mark_${item.kind}`)} ${app.zone.short(item.at, nowMs)}` })), width, widthOf);
	const lanes = Math.max(...labels.map((label) => label.lane)) + 1;
	const top = lanes * LANE + 4, height = top + BAR + 24;
	const tickText = (at) => (step >= 86400000 ? app.zone.date(at).slice(5) : step >= 60000 ? app.zone.minute(at) : app.zone.time(at));
	return h('svg', { class: 'time-line', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `${t.target(clock.target)} ${clock.n}: ${verdictText(app, clock, nowMs)} ${
		labels.map((label) => label.text).join(app.comma())}` },
	h('defs', null, h('pattern', { id: 'paused', width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
		h('path', { class: 'stripe', d: 'M0 0h3v6H0z' }))),
	ticks.map(({ at, x }) => [h('path', { class: 'grid', d: `M${x} ${top - 3}v${BAR + 8}` }),
		h('text', { class: 'tick', x, y: top + BAR + 17, 'text-anchor': 'middle' }, tickText(at))]),
	pieces.map((piece) => pieceOf(app, piece, top)),
	labels.map((label) => [h('path', { class: `stem ${label.kind}`, d: `M${label.x} ${label.lane === 0 ? top - 4 : (lanes - label.lane) * LANE - 2}V${top + BAR}` })]),
	labels.map((label) => labelOf(label, (lanes - 1 - label.lane) * LANE)));
}

function pieceOf(app, piece, top) {
	const text = piece.kind === 'paused' ? piece.reason || app.t('piece_paused') : '';
	const thin = piece.kind === 'rests' || piece.kind === 'ahead';
	const fits = widthOf(text) < piece.width;
	return h('g', { class: `piece ${piece.kind}` },
		h('title', null, app.t(`piece_${piece.kind}`), piece.reason ? `: ${piece.reason}` : '',
			` ${app.zone.full(piece.from)} \u2013 ${app.zone.full(piece.to)}`),
		h('rect', { x: piece.x, y: thin ? top + BAR / 2 - 2 : top, width: piece.width, height: thin ? 4 : BAR, rx: thin ? 2 : 3 }),
		piece.kind === 'paused' && h('rect', { class: 'over', x: piece.x, y: top, width: piece.width, height: BAR, rx: 3 }),
		text && fits && h('text', { class: 'inside', x: piece.x + piece.width / 2, y: top + BAR - 4, 'text-anchor': 'middle' }, text));
}

function labelOf(label, y) {
	return h('g', { class: `label ${label.kind}` }, mark(MARK_SHAPES[label.kind], label.left + 7, y + 1, label.kind),
		h('text', { x: label.left + 17, y: y + 12 }, label.text));
}

/* How a clock ended, or how it is, as a sentence. */
function verdictText(app, clock, nowMs) {
	const { t } = app;
	const due = msOf(clock.due_at), stopped = msOf(clock.stopped_at), breached = msOf(clock.breached_at);
	const length = (ms) => lengthText(ms * 1000, t.units);
	if (breached !== null && stopped !== null)
		return t('verdict_breached_stopped', { late: length(stopped - breached) });
	if (breached !== null)
		return t('verdict_breached_running', { late: length(nowMs - breached) });
	if (clock.paused)
		return t('verdict_paused', { left: clock.left_us === null ? '\u2013' : leftText(clock.left_us / 1000, t.units) });
	if (clock.verdict === 'met')
		return t('verdict_met', { left: due === null || stopped === null ? '\u2013' : length(due - stopped) });
	if (clock.verdict === 'pending')
		return t('verdict_pending', { left: due === null ? '\u2013' : leftText(due - nowMs, t.units) });
	return t('verdict_none');
}

/* Why a breach was taken back. The server's own sentence has times in UTC. */
function voidText(app, clock, voided) {
	if (clock.verdict === 'met' && clock.stopped_at)
		return app.t('void_met', { time: app.zone.full(msOf(clock.stopped_at)) });
	return app.t('verdict_void', { why: voided.voided_because ?? '' });
}

function clockState(clock) {
	if (clock.verdict === 'breached' && clock.stopped_at)
		return 'resolved';
	return clock.paused ? 'paused' : clock.verdict;
}

function clockCard(app, clock, alerts, nowMs) {
	const { t } = app;
	const voided = alerts.find((alert) => alert.state === 'voided' && alert.target === clock.target && alert.n === clock.n);
	const ran = clock.timeline?.length > 0 ? clock.timeline[clock.timeline.length - 1].ran_us : null;
	const facts = [
		clock.promised ? t('promised') : clock.within_us !== null && t('allowed', { within: lengthText(clock.within_us, t.units), policy: clock.policy ?? '\u2013' }),
		clock.calendar && t('on_calendar', { calendar: clock.calendar }) + (clock.time_zone ? ` (${clock.time_zone})` : ''),
		ran !== null && t('working_used', { ran: lengthText(ran, t.units) }),
		clock.agent && t('counts_for', { agent: clock.agent }),
	].filter(Boolean);
	const key = `${clock.target} ${clock.n}`;
	return h('article', { class: 'panel clock', key, 'aria-label': `${t.target(clock.target)} ${clock.n}` },
		h('header', { class: 'panel-head' }, h('h3', null, t.target(clock.target), clock.n > 1 ? ` ${clock.n}` : ''),
			stateTag(app, clockState(clock)), voided && stateTag(app, 'voided')),
		h('p', { class: 'sentence' }, verdictText(app, clock, nowMs), ' ',
			voided && h('strong', { class: 'voided' }, voidText(app, clock, voided))),
		h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': t('clocks') }, picture(app, clock, nowMs)),
		h('p', { class: 'facts' }, facts.join(' \u00b7 ')));
}

function legend(app) {
	const item = (kind) => h('li', null, h('span', { class: `key ${kind}`, 'aria-hidden': 'true' }), app.t(`piece_${kind}`));
	return h('ul', { class: 'legend', key: 'legend' }, ['runs', 'late', 'rests', 'paused', 'ahead'].map(item));
}

/* -- text ---------------------------------------------------------------------------------------------------------------------- */

function plainTable(app, id, title, names, rows) {
	if (!rows || rows.length === 0)
		return null;
	return h('section', { class: 'panel', key: id, id, 'aria-labelledby': `${id}-title` },
		h('header', { class: 'panel-head' }, h('h2', { id: `${id}-title` }, title)),
		h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-labelledby': `${id}-title` }, h('table', { class: `plain ${id}` },
			h('thead', null, h('tr', null, names.map((name) => h('th', { scope: 'col' }, app.t(name))))),
			h('tbody', null, rows.map((cells) => h('tr', null, cells.map((cell) => h('td', null, cell ?? '\u2013'))))))));
}

const placeOf = (event) => (event.topic ? `${event.topic}/${event.partition} @${event.offset}` : event.derived ? '' : `@${event.offset ?? ''}`);

function eventRows(app, events) {
	return events.map((event) => [timeFull(app, event.at), h('code', null, event.type), event.effect || '\u2013',
		ticketTag(app, event.state), event.owner, h('span', { class: 'faint' }, placeOf(event))]);
}

const clockOf = (ticket, alert) => (ticket.clocks ?? []).find((clock) => clock.target === alert.target && clock.n === alert.n) ?? {};

function timeFull(app, text) {
	const ms = msOf(text);
	return ms === null ? '\u2013' : h('time', { datetime: text }, app.zone.full(ms));
}

function measuresText(measures) {
	return Object.entries(measures ?? {}).map(([name, value]) => `${name}=${value}`).join(' ');
}

function textParts(app, ticket) {
	const { t } = app;
	return [
		plainTable(app, 'events', t('events'), ['at', 'event', 'effect', 'state', 'owner', 'source'], ticket.events && eventRows(app, ticket.events)),
		plainTable(app, 'alerts', t('alerts'), ['target', 'state', 'breached_at', 'detected', 'level', 'delivery', 'why_void'],
			(ticket.alerts ?? []).map((alert) => [app.t.target(alert.target) + (alert.n > 1 ? ` ${alert.n}` : ''),
				[stateTag(app, alert.state), alert.unconfirmed && h('span', { class: 'unconfirmed' }, t('unconfirmed'))],
				timeFull(app, alert.breached_at), timeFull(app, alert.detected_at), String(alert.level ?? 0), alert.delivery, alert.state === 'voided' ? voidText(app, clockOf(ticket, alert), alert) : null])),
		plainTable(app, 'kpis', t('kpis'), ['when', 'who', 'measure'],
			(ticket.kpis ?? []).map((kpi) => [timeFull(app, kpi.time), kpi.agent || t('nobody'), h('code', null, measuresText(kpi.measures))])),
		plainTable(app, 'passed', t('passed_over'), ['policy', 'attribute', 'value'],
			(ticket.passed_over ?? []).map((policy) => [policy.policy, policy.attribute, policy.value])),
		plainTable(app, 'conflicts', t('conflicts'), ['at', 'event', 'source'],
			(ticket.conflicts ?? []).map((event) => [timeFull(app, event.time), h('code', null, event.type), placeOf(event)])),
	];
}

function attributes(app, ticket) {
	const { t } = app;
	const pairs = [['project', ticket.project_id], ['team', ticket.team_id], ['owner', ticket.owner ?? t('nobody')], ['priority', ticket.priority],
		['category', ticket.category], ['channel', ticket.channel], ['policy', ticket.policy && `${ticket.policy}${ticket.policy_version ? ` (${ticket.policy_version})` : ''}`],
		['cycle', ticket.cycle], ['opened_at', ticket.opened_at && timeCell(app, ticket.opened_at)]];
	return h('dl', { class: 'attributes', key: 'attributes' }, pairs.filter(([, value]) => value !== null && value !== undefined && value !== '')
		.map(([name, value]) => h('div', { key: name }, h('dt', null, t(name)), h('dd', null, value))));
}

function notes(app, ticket) {
	const { t } = app;
	const note = (key, text) => h('p', { class: 'banner', key }, shape('at_risk'), text);
	return [
		ticket.set_aside && note('aside', t('set_aside_text', { n: ticket.set_aside.events ?? '?', reason: ticket.set_aside.reason })),
		ticket.cut && note('cut', t('cut_text')),
		ticket.agrees_with_record === false && note('agrees', t('agrees_not')),
	];
}

export function ticketPage(app) {
	const { t, view } = app;
	const feed = app.feeds.use(`/api/ticket/${encodeURIComponent(view.id)}`);
	const ticket = feed.body?.explanation ?? null;
	const desk = deskLink(app.config?.ticket_url, view.id);
	const title = h('div', { class: 'title', key: 'title' }, h('h1', null, view.id), ticket?.state && ticketTag(app, ticket.state),
		h('span', { class: 'grow' }), desk && h('a', { class: 'button', id: 'desk', href: desk, rel: 'noreferrer' }, t('desk'), shape('away')));
	if (feed.status === 404)
		return [title, h('p', { class: 'empty', key: 'unknown' }, t('no_ticket', { id: view.id }))];
	if (!ticket)
		return [title, failure(app, feed), feed.loading && h('p', { class: 'empty', key: 'loading' }, t('loading'))];
	const clocks = ticket.clocks ?? [], nowMs = app.now();
	return [title, failure(app, feed), ...notes(app, ticket), attributes(app, ticket),
		h('section', { class: 'clocks-of-ticket', key: 'clocks', 'aria-labelledby': 'clocks-title' },
			h('header', { class: 'section-head' }, h('h2', { id: 'clocks-title' }, t('clocks')), legend(app)),
			clocks.length === 0 && !ticket.cut && h('p', { class: 'empty' }, t('no_clocks')),
			clocks.map((clock) => clockCard(app, clock, ticket.alerts ?? [], nowMs))),
		...textParts(app, ticket)];
}

