/* The connection to the server: one stream for all tabs of a browser. The tab that leads reads it and passes each message on;
 * every tab keeps the state for itself, so any of them can lead from where it is. */
import { EventReader } from './sse.mjs';
import { eventId, stateOf, withDelta } from './state.mjs';

const LOCK = 'kpid-board-stream';
const PULSE_MS = 1000;
const LEADER_IS_GONE_MS = 4000; /* without a pulse */
const SILENT_MS = 8000;         /* without a byte of the stream: it is broken */
const QUIET_MS = 1000;          /* after a connection begins, messages are about the past */
const RETRY_MS = [500, 1000, 2000, 4000];

const wait = (ms, signal) => new Promise((resolve) => {
	const timer = setTimeout(resolve, ms);
	signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
});

export class Link {
	state = null;
	leads = false;
	heardAt = null;     /* performance.now() of the last message */
	connected = false;
	#id = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
	#channel = typeof BroadcastChannel === 'function' ? new BroadcastChannel('kpid-board') : null;
	#leading = null;    /* AbortController while this tab leads */
	#attempt = null;    /* AbortController of a connection */
	#queued = null;     /* AbortController of the wait for the lock */
	#leaderAt = performance.now();
	#fails = 0;
	#onState;

	/* onState(state, before, live): live is false for a snapshot, for what was missed and for what another tab knew already. */
	constructor(onState) {
		this.#onState = onState;
	}

	start() {
		if (this.#channel)
			this.#channel.onmessage = ({ data }) => this.#receive(data);
		setInterval(() => this.#beat(), PULSE_MS);
		document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && this.#wake());
		addEventListener('online', () => this.#wake());
		addEventListener('pageshow', (event) => event.persisted && this.#seek());
		addEventListener('pagehide', () => this.#resign());
		this.#post({ kind: 'hello' });
		this.#seek();
	}

	#post(message) {
		this.#channel?.postMessage({ ...message, from: this.#id });
	}

	/* -- who leads -------------------------------------------------------------------------------------------------- */

	#seek() {
		if (!this.#channel)
			this.#lead();
		else if (navigator.locks)
			this.#waitForLock();
		else
			setTimeout(() => performance.now() - this.#leaderAt > 400 && this.#lead(), 500 + Math.random() * 300);
		this.#leaderAt = performance.now() - (navigator.locks ? 0 : 500);
	}

	#waitForLock() {
		this.#queued?.abort();
		this.#queued = new AbortController();
		navigator.locks.request(LOCK, { signal: this.#queued.signal }, () => this.#lead()).catch(() => {});
	}

	/* The leader is frozen or gone without a word. */
	#takeOver() {
		this.#leaderAt = performance.now();
		this.#queued?.abort();
		if (!navigator.locks) {
			this.#lead();
			return;
		}
		navigator.locks.request(LOCK, { steal: true }, () => this.#lead()).catch(() => {
			this.#resign();
			this.#waitForLock();
		});
	}

	/* Ends when this tab no longer leads. */
	async #lead() {
		if (this.leads)
			return;
		this.leads = true;
		this.#leading = new AbortController();
		const { signal } = this.#leading;
		this.#post({ kind: 'pulse' });
		while (!signal.aborted) {
			await this.#read(signal).catch(() => {});
			this.connected = false;
			if (!signal.aborted)
				await wait(RETRY_MS[Math.min(this.#fails++, RETRY_MS.length - 1)] + Math.random() * 300, signal);
		}
	}

	#resign() {
		if (!this.leads)
			return;
		this.leads = false;
		this.#leading.abort();
		this.#attempt?.abort();
		this.#post({ kind: 'bye' });
	}

	#beat() {
		const now = performance.now();
		if (this.leads) {
			this.#post({ kind: 'pulse' });
			if (this.connected && now - this.heardAt > SILENT_MS)
				this.#attempt?.abort();
		} else if (document.visibilityState === 'visible' && now - this.#leaderAt > LEADER_IS_GONE_MS) {
			this.#takeOver();
		}
	}

	/* The tab is visible again, or the network is back. */
	#wake() {
		if (this.leads && (this.heardAt === null || performance.now() - this.heardAt > 3000)) {
			this.#fails = 0;
			this.#attempt?.abort();
		} else if (!this.leads) {
			this.#post({ kind: 'hello' });
		}
	}

	/* -- other tabs -------------------------------------------------------------------------------------------------- */

	#receive(message) {
		if (message.kind === 'hello') {
			if (this.leads)
				this.#post({ kind: 'whole', state: this.state, heardAgo: this.#heardAgo() });
			return;
		}
		if (message.kind === 'bye') {
			if (!navigator.locks)
				this.#seek();
			return;
		}
		if (this.leads) {
			// Two lead, which happens only without locks: the lesser id wins.
			if (!navigator.locks && message.from < this.#id)
				this.#resign();
			return;
		}
		this.#leaderAt = performance.now();
		if (message.kind === 'event')
			this.#take(message.event, message.data, message.live) || this.#post({ kind: 'hello' });
		else if (message.kind === 'whole' && message.state)
			this.#adopt(message.state, message.heardAgo);
	}

	#heardAgo() {
		return this.heardAt === null ? null : performance.now() - this.heardAt;
	}

	#adopt(state, heardAgo) {
		if (this.state && this.state.boot === state.boot && this.state.seq >= state.seq)
			return;
		const before = this.state;
		this.state = state;
		this.heardAt = performance.now() - heardAgo;
		this.#onState(state, before, false);
	}

	/* -- the stream -------------------------------------------------------------------------------------------------- */

	async #read(signal) {
		this.#attempt = new AbortController();
		signal.addEventListener('abort', () => this.#attempt.abort(), { once: true });
		const headers = { Accept: 'text/event-stream' };
		if (this.state)
			headers['Last-Event-ID'] = eventId(this.state);
		const timer = setTimeout(() => this.#attempt.abort(), SILENT_MS);
		const answer = await fetch('/events', { headers, cache: 'no-store', signal: this.#attempt.signal })
			.finally(() => clearTimeout(timer));
		if (!answer.ok)
			throw new Error(`status ${answer.status}`);
		this.#hear();
		this.connected = true;
		const began = performance.now();
		const events = new EventReader(), reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
		for (;;) {
			const { done, value } = await reader.read();
			if (done)
				return;
			for (const event of events.push(value))
				this.#pass(event, performance.now() - began > QUIET_MS);
		}
	}

	#hear() {
		this.heardAt = performance.now();
		this.#fails = 0;
	}

	#pass(event, live) {
		this.#hear();
		if (event.comment)
			return;
		const data = JSON.parse(event.data);
		if (!this.#take(event.event, data, live)) {
			this.state = null; // so that the next connection begins with a snapshot
			throw new Error('a delta is missing');
		}
		this.#post({ kind: 'event', event: event.event, data, live });
	}

	/* Returns false if messages before this one are missing. */
	#take(kind, data, live) {
		const before = this.state;
		let next = before;
		if (kind === 'snapshot')
			next = stateOf(data);
		else if (kind === 'delta')
			next = before ? withDelta(before, data) : null;
		if (next === null)
			return false;
		this.heardAt = performance.now();
		this.state = next;
		if (next !== before)
			this.#onState(next, before, live && kind === 'delta');
		return true;
	}
}
