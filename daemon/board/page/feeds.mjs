/* Lists that the page asks the server for, by their address. They refresh while they are shown. */
import { MOST_COUNTED } from './format.mjs';

const REFRESH_MS = 2000;
const COUNT_REFRESH_MS = 5000;

export class Feeds {
	#feeds = new Map();
	#drawing = 0;
	#changed;

	/* changed(): called when an answer has arrived. */
	constructor(changed) {
		this.#changed = changed;
	}

	/* The list behind an address: {rows, total, next, error, loading, body, wanted}, where `wanted` counts the answers that someone
	 * asked for. A new address begins with the rows of the one before it on the same path. */
	use(path, query = new URLSearchParams()) {
		return this.#of(path, query.toString(), () => {
			const { rows, total, body } = [...this.#feeds.values()].find((other) => other.path === path && !other.isCount) ?? {};
			return { rows: rows ?? [], total: total ?? null, body: body ?? null };
		});
	}

	/* How many rows a list has; null: not known yet. */
	count(path, query) {
		const one = new URLSearchParams(query);
		one.set('limit', '1');
		return this.#of(path, one.toString(), () => ({ rows: [], total: null, body: null, isCount: true })).total;
	}

	#of(path, query, begin) {
		const address = query ? `${path}?${query}` : path;
		let feed = this.#feeds.get(address);
		if (!feed) {
			feed = { address, path, query, next: null, error: null, loading: true, askedAt: 0, pages: 1, wanted: 0, busy: false, ...begin() };
			this.#feeds.set(address, feed);
			this.#ask(feed);
		}
		feed.used = this.#drawing;
		return feed;
	}

	begin() {
		this.#drawing++;
	}

	/* Forgets what the drawing that ends did not use. */
	end() {
		for (const [address, feed] of this.#feeds)
			if (feed.used !== this.#drawing)
				this.#feeds.delete(address);
	}

	/* Asks again for lists that are old, or of any age; call it each second while the page is visible. */
	refresh(oldMs = REFRESH_MS) {
		for (const feed of this.#feeds.values())
			if (!feed.busy && feed.pages === 1 && performance.now() - feed.askedAt >= (feed.isCount && oldMs > 0 ? COUNT_REFRESH_MS : oldMs))
				this.#ask(feed);
	}

	/* Adds the next page, after the answer that is on its way. */
	more(feed) {
		feed.wantsMore = feed.busy;
		if (!feed.busy && feed.next !== null)
			this.#ask(feed, feed.next);
	}

	again(feed) {
		feed.pages = 1;
		feed.asked = true;
		this.#ask(feed);
	}

	async #ask(feed, after = null) {
		feed.busy = true;
		feed.askedAt = performance.now();
		try {
			const query = new URLSearchParams(feed.query);
			if (after !== null)
				query.set('after', after);
			const text = query.toString();
			const answer = await fetch(text ? `${feed.path}?${text}` : feed.path, { signal: AbortSignal.timeout(15000) });
			const body = await answer.json().catch(() => null);
			if (!answer.ok || body === null)
				throw Object.assign(new Error(body?.error ?? answer.status), { status: answer.status });
			this.#take(feed, body, after);
		} catch (error) {
			feed.error = error.status ? error.message : error.name;
			feed.status = error.status ?? 0;
			feed.loading = false;
		}
		feed.busy = false;
		if (feed.wantsMore && this.#feeds.get(feed.address) === feed)
			this.more(feed);
		this.#changed();
	}

	#take(feed, body, after) {
		feed.error = null;
		feed.status = 200;
		feed.body = body;
		feed.loading = false;
		if (!Array.isArray(body.rows))
			return;
		feed.rows = after === null ? sameRows(feed.rows, body.rows) : [...feed.rows, ...body.rows];
		feed.pages += after === null ? 0 : 1;
		feed.next = body.next ?? null;
		if (after !== null || feed.asked)
			feed.wanted++;
		feed.asked = false;
		// The first page has the number of rows, or how many of them the server has counted before it took too long.
		feed.total = body.total ?? (after === null ? { least: body.at_least ?? MOST_COUNTED } : feed.total);
		// The server looks for a second: rows that are rare may come later.
		feed.loading = feed.rows.length === 0 && feed.next !== null && !feed.isCount;
		feed.wantsMore ||= feed.loading;
	}
}

/* The rows of an answer; those that are as before are the same objects, so they are not drawn again. */
function sameRows(before, rows) {
	const known = new Map(before.map((row) => [row.key, row]));
	return rows.map((row) => {
		const old = known.get(row.key);
		return old && JSON.stringify(old) === JSON.stringify(row) ? old : row;
	});
}
