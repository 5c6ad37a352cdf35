/* Where the parts of a clock's time line are drawn: pure. `clock` is one of report.explain_ticket, times are milliseconds,
 * lengths are pixels. */
import { msOf } from './format.mjs';

const MINUTE = 60000, HOUR = 3600000, DAY = 86400000;
const STEPS = [1000, 5000, 15000, 30000, MINUTE, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR,
	6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 28 * DAY, 364 * DAY];

/* The instants that a clock's picture marks, in the order of time. */
export function marksOf(clock, nowMs) {
	const running = !clock.stopped_at;
	const marks = [
		{ kind: 'start', at: msOf(clock.started_at) },
		{ kind: 'warned', at: msOf(clock.warned_at) },
		{ kind: 'due', at: msOf(clock.due_at) },
		{ kind: 'breached', at: msOf(clock.breached_at) },
		{ kind: clock.verdict === 'none' ? 'ended' : 'stopped', at: msOf(clock.stopped_at) },
		{ kind: 'now', at: running ? nowMs : null },
	].filter((mark) => mark.at !== null);
	// A breach by the deadline is at the due time: one mark for both.
	const breached = marks.find((mark) => mark.kind === 'breached');
	return marks.filter((mark) => !(mark.kind === 'due' && breached && breached.at === mark.at)).sort((a, b) => a.at - b.at);
}

/* The pieces of the line, those that run cut where the clock was breached: {kind: 'runs'|'late'|'rests'|'paused'|'ahead'}. */
export function piecesOf(clock, nowMs) {
	const breached = msOf(clock.breached_at);
	const pieces = [];
	const add = (kind, from, to, reason) => {
		const last = pieces[pieces.length - 1];
		if (last?.kind === kind && last.to === from && last.reason === reason)
			last.to = Math.max(from, to);
		else if (to > from)
			pieces.push({ kind, from, to, reason });
	};
	const run = (from, to) => {
		const cut = breached === null ? to : Math.min(Math.max(breached, from), to);
		add('runs', from, cut);
		add('late', cut, to);
	};
	for (const piece of clock.timeline ?? []) {
		const from = msOf(piece.from), to = msOf(piece.to);
		if (piece.state === 'stands')
			add('paused', from, to, piece.reason ?? '');
		else if (piece.state === 'rests')
			add('rests', from, to);
		else
			run(from, to);
	}
	if (!clock.stopped_at)
		addUntilNow(clock, nowMs, pieces, add, run);
	return pieces;
}

/* A ticket is explained as of its last event. Since then a paused clock has been paused, and one without hours has run; with
 * hours it is not known here when. */
function addUntilNow(clock, nowMs, pieces, add, run) {
	const last = pieces[pieces.length - 1], end = last?.to ?? msOf(clock.started_at);
	const due = msOf(clock.due_at) ?? 0;
	if (clock.paused)
		add('paused', end, nowMs, last?.kind === 'paused' ? last.reason : '');
	else if (!clock.time_zone)
		run(end, nowMs);
	else
		add('ahead', end, Math.max(due, nowMs));
	if (!clock.time_zone)
		add('ahead', Math.max(end, nowMs), due);
}

/* The step of an axis with at most `most` ticks. */
export function stepOf(span, most) {
	return STEPS.find((step) => span / step <= most) ?? STEPS[STEPS.length - 1];
}

/* Ticks at whole steps of the wall clock of a zone that is offsetMs ahead of UTC. */
export function ticksOf(from, to, most, offsetMs) {
	const step = stepOf(to - from, most);
	const ticks = [];
	for (let at = Math.ceil((from + offsetMs) / step) * step - offsetMs; at <= to; at += step)
		ticks.push(at);
	return { step, ticks };
}

/* Gives each label {x, text, …} the first lane in which it does not touch one before it; its left end stays within the width. */
export function withLanes(labels, width, widthOf) {
	const ends = [];
	return labels.map((label) => {
		const long = widthOf(label.text);
		const left = Math.max(0, Math.min(label.x - long / 2, width - long));
		let lane = ends.findIndex((end) => end + 10 <= left);
		if (lane < 0)
			lane = ends.length;
		ends[lane] = left + long;
		return { ...label, left, lane };
	});
}

/* The whole picture: pieces and ticks with x, and marks. */
export function pictureOf(clock, { nowMs, width, offsetMs, mostTicks = 8 }) {
	const marks = marksOf(clock, nowMs), pieces = piecesOf(clock, nowMs);
	const instants = [...marks.map((mark) => mark.at), ...pieces.flatMap((piece) => [piece.from, piece.to])];
	const first = Math.min(...instants), last = Math.max(...instants, first + 1000);
	const from = first - (last - first) * 0.02, to = last + (last - first) * 0.02;
	const x = (at) => Math.round(((at - from) / (to - from)) * width * 10) / 10;
	const { ticks, step } = ticksOf(from, to, mostTicks, offsetMs);
	return {
		from, to, step,
		pieces: pieces.map((piece) => ({ ...piece, x: x(piece.from), width: Math.max(1, x(piece.to) - x(piece.from)) })),
		marks: marks.map((mark) => ({ ...mark, x: x(mark.at) })),
		ticks: ticks.map((at) => ({ at, x: x(at) })),
	};
}
