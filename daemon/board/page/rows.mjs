/* The order of rows on the page: pure. */

/* Sorts by a column; a leading '-' means descending. Equal rows keep their order; missing values come last. */
export function sorted(rows, sort, valueOf) {
	if (!sort)
		return rows;
	const descending = sort.startsWith('-');
	const name = descending ? sort.slice(1) : sort;
	const of = (row) => (valueOf ? valueOf(row, name) : row[name]);
	const compare = (a, b) => (typeof a === 'string' ? a.localeCompare(b) : a - b);
	return [...rows].sort((left, right) => {
		const a = of(left) ?? null, b = of(right) ?? null;
		if (a === null || b === null)
			return (a === null) - (b === null);
		return descending ? compare(b, a) : compare(a, b);
	});
}

/* The sort after a click on a column's head: descending first, because the greatest number matters most; names ascending. */
export function nextSort(sort, name, isText) {
	const first = isText ? name : `-${name}`;
	const second = isText ? `-${name}` : name;
	if (sort === first)
		return second;
	return sort === second ? null : first;
}

/* While someone points at a row or has focus in one, the rows that are shown keep their places: `shown` is what the page shows
 * (rows with a key), `next` what it would show. Returns the rows to show, those that are gone marked so, and how many of
 * `next` wait. */
export function held(shown, next) {
	const byKey = new Map(next.map((row) => [row.key, row]));
	const known = new Set(shown.map((row) => row.key));
	return {
		rows: shown.map((row) => byKey.get(row.key) ?? (row.gone ? row : { ...row, gone: true })),
		waiting: next.filter((row) => !known.has(row.key)).length,
	};
}

/* Clocks for a table of `fit` rows: those past their deadline come first, but with many of them the next deadlines keep half of
 * the rows. Each part turns its own pages. */
export function pageOfClocks(clocks, fit, turn) {
	const late = clocks.filter((clock) => clock.state === 'breached'), ahead = clocks.filter((clock) => clock.state !== 'breached');
	const nLate = Math.min(late.length, Math.max(Math.floor(fit / 2), fit - ahead.length));
	const first = pageOf(late, nLate, turn), second = pageOf(ahead, fit - nLate, turn);
	const pages = Math.max(nLate > 0 ? first.pages : 1, second.pages);
	return { rows: [...first.rows, ...second.rows], page: turn % pages, pages };
}

/* Page number `turn` (counted on and on) of rows that do not fit. */
export function pageOf(rows, fit, turn) {
	const pages = Math.max(1, Math.ceil(rows.length / Math.max(1, fit)));
	const page = turn % pages;
	return { rows: rows.slice(page * fit, (page + 1) * fit), page, pages };
}
