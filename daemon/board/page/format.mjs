/* Durations, shares and instants as text: pure. Times come as ISO 8601 with up to 6 decimals; here they are milliseconds. */

export function msOf(text) {
	if (!text)
		return null;
	const ms = Date.parse(text.replace(/(\.\d{3})\d+/, '$1'));
	return Number.isNaN(ms) ? null : ms;
}

const two = (number) => String(number).padStart(2, '0');

/* What is left of a clock: 24:58, 1:39:05, 2 d 04 h; past due with a minus sign. A second is shown until it is over. */
export function leftText(ms, words) {
	const seconds = Math.ceil(ms / 1000);
	const s = Math.abs(seconds);
	const sign = seconds < 0 ? '\u2212' : '';
	if (s >= 86400)
		return `${sign}${Math.floor(s / 86400)}${words.day} ${two(Math.floor(s / 3600) % 24)}${words.hour}`;
	const minutes = Math.floor(s / 60) % 60;
	if (s >= 3600)
		return `${sign}${Math.floor(s / 3600)}:${two(minutes)}:${two(s % 60)}`;
	return `${sign}${minutes}:${two(s % 60)}`;
}

/* A length of time in words of one or two units: 4m20s, 1h39m, 2d4h. */
export function lengthText(us, words) {
	const s = Math.round(Math.abs(us) / 1e6);
	const units = [[86400, words.day], [3600, words.hour], [60, words.minute], [1, words.second]];
	const first = units.findIndex(([size]) => s >= size);
	if (first < 0)
		return `0${words.second}`;
	const [size, name] = units[first];
	const next = units[first + 1];
	const rest = next ? Math.floor((s % size) / next[0]) : 0;
	return `${Math.floor(s / size)}${name}` + (rest > 0 ? `${rest}${next[1]}` : '');
}

/* 100.0 only if all were within. */
export function percentOf(within, measured) {
	return measured > 0 ? Math.floor((within * 1000) / measured) / 10 : null;
}

export function percentText(within, measured) {
	const percent = percentOf(within, measured);
	return percent === null ? '\u2013' : `${percent.toFixed(1)}\u2009%`;
}

/* A total is a number, or {least} if the server did not count to the end. */
export const MOST_COUNTED = 100000;
export const totalText = (n) => (n?.least === undefined ? numberText(n) : `${numberText(n.least)}+`);

/* Points of percent between two shares, or null. */
export function pointsBetween([within, measured], [withinThen, measuredThen]) {
	if (!(measured > 0) || !(measuredThen > 0))
		return null;
	return Math.round(((within / measured) - (withinThen / measuredThen)) * 1000) / 10;
}

export function numberText(number) {
	return number === null || number === undefined ? '\u2013' : String(number).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/* Instants in a time zone; one that the browser does not know becomes UTC, and so does the name. */
export class Zone {
	constructor(name) {
		try {
			this.parts = formatOf(name);
			this.name = name;
		} catch {
			this.parts = formatOf('UTC');
			this.name = 'UTC';
		}
	}

	#of(ms) {
		const found = {};
		for (const { type, value } of this.parts.formatToParts(ms))
			found[type] = value;
		return found;
	}

	time(ms) {
		const p = this.#of(ms);
		return `${p.hour}:${p.minute}:${p.second}`;
	}

	minute(ms) {
		return this.time(ms).slice(0, 5);
	}

	date(ms) {
		const p = this.#of(ms);
		return `${p.year}-${p.month}-${p.day}`;
	}

	full(ms) {
		return `${this.date(ms)} ${this.time(ms)}`;
	}

	/* The time alone if it is on the day of `now`, else with its date. */
	short(ms, now) {
		return this.date(ms) === this.date(now) ? this.time(ms) : `${this.date(ms).slice(5)} ${this.minute(ms)}`;
	}

	/* Milliseconds that the zone is ahead of UTC. */
	offset(ms) {
		const p = this.#of(ms);
		return Date.UTC(p.year, p.month - 1, p.day, p.hour, p.minute, p.second) - Math.floor(ms / 1000) * 1000;
	}

	/* "Asia/Shanghai, UTC+8" */
	label(ms) {
		if (this.name === 'UTC')
			return 'UTC';
		const minutes = Math.round(this.offset(ms) / 60000), m = Math.abs(minutes);
		return `${this.name}, UTC${minutes < 0 ? '\u2212' : '+'}${Math.floor(m / 60)}${m % 60 ? ':' + two(m % 60) : ''}`;
	}
}

function formatOf(timeZone) {
	return new Intl.DateTimeFormat('en-GB', {
		timeZone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit',
		second: '2-digit',
	});
}

/* The server's clock, from messages that carry its time. A message can only be late, so the one that puts the clock furthest
 * ahead was the fastest. `local` is a clock of the browser that never goes back, in milliseconds. */
export class ServerClock {
	#offsets = [];

	hear(serverMs, local) {
		this.#offsets.push(serverMs - local);
		if (this.#offsets.length > 30)
			this.#offsets.shift();
		const best = Math.max(...this.#offsets);
		// The server's clock was set back.
		if (best - (serverMs - local) > 60000)
			this.#offsets = [serverMs - local];
	}

	now(local) {
		return this.#offsets.length > 0 ? Math.max(...this.#offsets) + local : null;
	}
}
