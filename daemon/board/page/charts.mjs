/* Lines and bars as the paths of SVG: pure. */

const round = (number) => Math.round(number * 10) / 10;

/* A line through values at equal steps; null breaks it. Returns {line, area, points: [[x, y]…], last}. */
export function lineOf(values, { width, height, least, most, steps }) {
	const dx = width / Math.max(1, (steps ?? values.length) - 1);
	const span = most - least || 1;
	const points = values.map((value, i) => (value === null ? null
		: [round(i * dx), round(height - ((Math.min(most, Math.max(least, value)) - least) / span) * height)]));
	let line = '', area = '', begun = null, last = null;
	const close = () => {
		if (begun !== null)
			area += `L${last[0]} ${height}L${begun} ${height}Z`;
		begun = null;
	};
	for (const point of points) {
		if (point === null) {
			close();
			continue;
		}
		const move = `${begun === null ? 'M' : 'L'}${point[0]} ${point[1]}`;
		line += move;
		area += move;
		begun ??= point[0];
		last = point;
	}
	close();
	return { line, area, points: points.filter(Boolean), last };
}

/* Shares [within, measured] summed over each value and the n - 1 before it: single steps of a quiet hour would jump. */
export function trailing(shares, n) {
	return shares.map((_, i) => shares.slice(Math.max(0, i - n + 1), i + 1).reduce(([a, b], pair) => [a + (pair?.[0] ?? 0), b + (pair?.[1] ?? 0)], [0, 0]));
}

/* Bars of counts, as one path. */
export function barsOf(counts, { width, height, gap = 1 }) {
	const most = Math.max(1, ...counts), step = width / Math.max(1, counts.length);
	let path = '';
	counts.forEach((count, i) => {
		const h = count > 0 ? Math.max(1.5, round((count / most) * height)) : 0;
		if (h > 0)
			path += `M${round(i * step)} ${height}v${-h}h${round(step - gap)}v${h}z`;
	});
	return path;
}

/* The lower end of an axis of percentages: a whole ten below the least, at most 90, so that a good day is not a flat line. */
export function leastPercent(values) {
	const known = values.filter((value) => value !== null);
	return Math.max(0, Math.min(90, Math.floor((Math.min(100, ...known) - 0.001) / 10) * 10));
}

/* A round number at or above the greatest value. */
export function roundMost(values) {
	const most = Math.max(4, ...values);
	const unit = 10 ** Math.floor(Math.log10(most));
	return Math.ceil(most / (unit / 2)) * (unit / 2);
}

/* How many clocks are due in each of n spans from now on; those past due are counted apart. Paused clocks are not due. */
export function horizonOf(clocks, nowMs, spanMs, n, msOf) {
	const spans = Array.from({ length: n }, () => ({ pending: 0, at_risk: 0 }));
	let overdue = 0, later = 0;
	for (const clock of clocks) {
		const due = msOf(clock.due_at);
		if (due === null || clock.state === 'paused')
			continue;
		const i = Math.floor((due - nowMs) / spanMs);
		if (clock.state === 'breached' || i < 0)
			overdue++;
		else if (i >= n)
			later++;
		else
			spans[i][clock.state === 'at_risk' ? 'at_risk' : 'pending']++;
	}
	return { spans, overdue, later };
}
