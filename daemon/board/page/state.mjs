/* What the server has sent: one snapshot and the deltas since. Pure: each change returns another state. */

export const LISTS = ['clocks', 'breaches', 'agents', 'projects', 'teams'];

function listOf(rows) {
	return { order: rows.map((row) => row.key), rows: new Map(rows.map((row) => [row.key, row])) };
}

export function stateOf(snapshot) {
	const state = { ...snapshot };
	for (const name of LISTS)
		state[name] = listOf(snapshot[name] ?? []);
	return state;
}

/* The snapshot that gives this state. */
export function snapshotOf(state) {
	const snapshot = { ...state };
	for (const name of LISTS)
		snapshot[name] = rowsOf(state[name]);
	return snapshot;
}

export function rowsOf(list) {
	return list.order.map((key) => list.rows.get(key));
}

function changedList(list, change) {
	const rows = new Map(list.rows);
	for (const key of change.del ?? [])
		rows.delete(key);
	const added = [];
	for (const row of change.set ?? []) {
		if (!rows.has(row.key))
			added.push(row.key);
		rows.set(row.key, row);
	}
	const order = change.order ?? [...list.order, ...added];
	return { order: order.filter((key) => rows.has(key)), rows };
}

/* Returns the next state; the same state if the delta is known already; null if something is missing between them. */
export function withDelta(state, delta) {
	if (delta.seq <= state.seq)
		return state;
	if (delta.seq !== state.seq + 1)
		return null;
	const next = { ...state, ...delta };
	for (const name of LISTS)
		next[name] = delta[name] ? changedList(state[name], delta[name]) : state[name];
	return next;
}

export const eventId = (state) => `${state.boot}-${state.seq}`;

/* Whether a row of breaches is a breach that was taken back. */
export const isVoided = (row) => row.state === 'voided';

/* The breaches of `next` that `state` did not have, and those that were taken back between the two. */
export function newsBetween(state, next) {
	const breached = [], voided = [];
	if (state && next.breaches !== state.breaches) {
		for (const row of rowsOf(next.breaches)) {
			const before = state.breaches.rows.get(row.key);
			if (isVoided(row) ? before && !isVoided(before) : !before || isVoided(before))
				(isVoided(row) ? voided : breached).push(row);
		}
	}
	return { breached, voided };
}
