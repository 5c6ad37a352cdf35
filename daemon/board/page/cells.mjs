/* The pieces that several pages show. `app` is the page's context (main.mjs). */
import { h } from './dom.mjs';
import { msOf, leftText, numberText, percentOf, percentText } from './format.mjs';
import { shape } from './shapes.mjs';
import { linkTo } from './view.mjs';

export function stateTag(app, state, more) {
	const title = state === 'due' ? app.t('due_title') : null;
	return h('span', { class: `state ${state}`, title }, shape(state), h('span', { class: 'word' }, app.t.state(state)), more);
}

/* The state of a ticket, whose words differ from those of a clock. */
export function ticketTag(app, state) {
	const icon = state === 'resolved' || state === 'closed' ? 'met' : state;
	return h('span', { class: `state ticket-${state}` }, shape(icon), h('span', { class: 'word' }, app.t(`ticket_${state}`)));
}

export function unconfirmedTag(app) {
	return h('span', { class: 'unconfirmed', title: app.t('unconfirmed_title') }, app.t('unconfirmed'));
}

export function ticketLink(app, id) {
	return h('a', { class: 'ticket', href: linkTo(app.view, 'ticket', {}, { id }) }, id);
}

/* A name that filters the same page. Without a name it shows a dash, or `whenEmpty`. */
export function nameLink(app, filter, value, whenEmpty = 'none_set') {
	const empty = value === null || value === undefined || value === '';
	const text = empty ? h('span', { class: 'faint' }, whenEmpty === 'none_set' ? '\u2013' : app.t(whenEmpty)) : value;
	return h('a', { class: 'quiet', href: app.linkHere({ [filter]: empty ? '' : value }) }, text);
}

export function numberLink(number, href, kind) {
	return h('a', { class: `number ${number === 0 ? 'zero' : kind ?? ''}`, href }, numberText(number));
}

/* "92.3 %  24 / 26", with a bar. all: where the second number leads; without it, both lead to the same. */
export function shareCell([within, measured], href, all) {
	const link = (to, text) => h('a', { class: 'parts', href: to }, text);
	const percent = percentOf(within, measured);
	const bar = h('span', { class: `bar ${gradeOf(percent)}`, 'aria-hidden': 'true' },
		h('span', { class: 'fill', style: { width: `${percent ?? 0}%` } }));
	return h('span', { class: 'share' }, h('span', { class: 'percent' }, percentText(within, measured)), bar,
		measured === 0 ? h('span', { class: 'parts faint' }, '0\u2009/\u20090')
			: all ? h('span', { class: 'parts' }, link(href, numberText(within)), '\u2009/\u2009', link(all, numberText(measured)))
				: link(href, `${numberText(within)}\u2009/\u2009${numberText(measured)}`));
}

export function gradeOf(percent) {
	return percent === null ? 'empty' : percent >= 95 ? 'good' : percent >= 80 ? 'fair' : 'poor';
}

/* The state as the page shows it: a clock past its deadline that kpid has not judged yet is "due". */
export function shownState(row, nowMs) {
	if ((row.state === 'pending' || row.state === 'at_risk') && row.due_at && msOf(row.due_at) <= nowMs)
		return 'due';
	return row.state;
}

/* What is left: ticks by itself (main.mjs), unless the clock is paused. */
export function leftCell(app, row) {
	const due = msOf(row.due_at);
	if (row.state === 'paused' || due === null) {
		const text = row.left_us === null || row.left_us === undefined ? '\u2013' : leftText(row.left_us / 1000, app.t.units);
		return h('span', { class: 'left still' }, text);
	}
	return h('time', { class: 'left', 'data-due': due, datetime: row.due_at }, leftText(due - app.now(), app.t.units));
}

export function timeCell(app, text) {
	const ms = msOf(text);
	if (ms === null)
		return h('span', { class: 'faint' }, '\u2013');
	return h('time', { datetime: text, title: app.zone.full(ms) }, app.zone.short(ms, app.now()));
}
