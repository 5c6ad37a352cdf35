/* A tone for new breaches: only if someone asked for it. */

const REST_MS = 3000; /* between two tones */

/* The name that tabs of one browser contend for, so that a batch of breaches sounds once. */
const batchName = (state) => `kpid-tone-${state.boot}-${state.seq}`;

export class Sound {
	on = localStorage.getItem('kpid.sound') === 'on';
	blocked = false;
	played = 0; /* tones so far */
	#context = null;
	#lastAt = -Infinity;
	#changed;
	#leads;

	/* changed(): called when what the page shows about sound changes. leads(): whether this tab reads the stream. */
	constructor(changed, leads) {
		this.#changed = changed;
		this.#leads = leads;
		addEventListener('storage', (event) => {
			if (event.key === 'kpid.sound') {
				this.on = event.newValue === 'on';
				this.blocked = false;
				changed();
			}
		});
		if (this.on)
			this.#check();
	}

	toggle() {
		this.on = !this.on;
		localStorage.setItem('kpid.sound', this.on ? 'on' : 'off');
		this.blocked = false;
		if (this.on)
			this.test();
		this.#changed();
	}

	async test() {
		if (await this.#ready())
			this.#tone();
		this.#changed();
	}

	unblock() {
		this.test();
	}

	/* New breaches of one message. live: they happened while the page was listening. */
	async breached(rows, state, live) {
		if (!this.on || !live || rows.length === 0 || performance.now() - this.#lastAt < REST_MS)
			return;
		this.#lastAt = performance.now();
		if (!(await this.#ready())) {
			this.#changed();
			return;
		}
		if (!navigator.locks) {
			if (this.#leads())
				this.#tone();
			return;
		}
		await navigator.locks.request(batchName(state), { ifAvailable: true }, (lock) => {
			if (lock)
				this.#tone();
			return lock ? new Promise((resolve) => setTimeout(resolve, 2000)) : null;
		});
	}

	/* A browser lets a page sound only after someone has used it. */
	async #ready() {
		this.#context ??= new AudioContext();
		if (this.#context.state !== 'running')
			await Promise.race([this.#context.resume(), new Promise((resolve) => setTimeout(resolve, 300))]);
		this.blocked = this.#context.state !== 'running';
		return !this.blocked;
	}

	async #check() {
		if (!(await this.#ready()))
			this.#changed();
	}

	/* Two soft notes, the second higher. */
	#tone() {
		const context = this.#context, begin = context.currentTime + 0.02;
		this.played++;
		document.documentElement.dataset.tones = this.played;
		for (const [i, frequency] of [587.33, 880].entries()) {
			const note = context.createOscillator(), volume = context.createGain();
			const from = begin + i * 0.16;
			note.type = 'sine';
			note.frequency.value = frequency;
			volume.gain.setValueAtTime(0, from);
			volume.gain.linearRampToValueAtTime(0.25, from + 0.02);
			volume.gain.exponentialRampToValueAtTime(0.001, from + 0.45);
			note.connect(volume).connect(context.destination);
			note.start(from);
			note.stop(from + 0.5);
		}
	}
}
