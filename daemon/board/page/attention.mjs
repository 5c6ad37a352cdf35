/* What reaches someone who does not look at the page: the tab's title and icon, and a polite announcement. */

const GATHER_MS = 1500; /* news of this time are one announcement */
const NAMED = 3;

/* The sentence for news; pure. */
export function sentenceOf(t, breached, voided) {
	const name = (row) => `${row.ticket_id} ${t.target(row.target)}`;
	const list = (rows) => {
		const what = rows.slice(0, NAMED).map(name).join(t.language === 'zh' ? '、' : ', ');
		return rows.length > NAMED ? t('say_more', { what, n: rows.length - NAMED }) : what;
	};
	const say = (key, rows) => (rows.length > 0 ? t(key, { n: rows.length, what: list(rows) }) : null);
	return [say('say_breached', breached), say('say_voided', voided)].filter(Boolean).join('. ');
}

export class Announcer {
	#breached = [];
	#voided = [];
	#timer = null;

	constructor(region) {
		this.region = region;
	}

	news(t, { breached, voided }) {
		this.#breached.push(...breached);
		this.#voided.push(...voided);
		if (this.#breached.length + this.#voided.length > 0)
			this.#timer ??= setTimeout(() => {
				this.say(sentenceOf(t, this.#breached, this.#voided));
				this.#breached = [];
				this.#voided = [];
				this.#timer = null;
			}, GATHER_MS);
	}

	say(text) {
		this.region.textContent = text;
	}
}

/* The number of breached clocks in the title and the icon; null: not known, or old. */
export function showCount(n, title) {
	const text = n > 0 ? `(${n}) ${title}` : title;
	if (document.title !== text)
		document.title = text;
	const icon = `/assets/icon-${n > 9 ? '9plus' : n ?? 0}.svg`;
	const link = document.querySelector('link[rel=icon]');
	if (link.getAttribute('href') !== icon)
		link.setAttribute('href', icon);
}
