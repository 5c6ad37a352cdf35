/* Acknowledging a breach, and taking that back, with a reason; only if the server says that this viewer may. */
import { h } from './dom.mjs';

export class Acks {
	row = null; /* asked about */
	#error = null;
	#busy = false;
	#app;

	constructor(app) {
		this.#app = app;
	}

	/* A column with a button for each breach that can be acknowledged; none if this viewer may not. */
	column() {
		const app = this.#app;
		if (!app.config?.ack || app.view.tv)
			return [];
		const button = (row) => h('button', { type: 'button', onclick: () => this.#ask(row),
			'aria-label': `${app.t(row.acked ? 'ack_undo' : 'ack')} ${row.ticket_id} ${app.t.target(row.target)}` }, app.t(row.acked ? 'ack_undo' : 'ack'));
		return [{ id: 'ack', cell: (row) => (row.state === 'breached' || row.state === 'acknowledged' ? button(row) : '') }];
	}

	#ask(row) {
		this.row = row;
		this.#error = null;
		this.#app.render();
	}

	#close() {
		this.row = null;
		this.#app.render();
	}

	async #send(why) {
		const app = this.#app;
		this.#busy = true;
		const answer = await fetch('/api/ack', {
			method: 'POST', headers: { 'Content-Type': 'application/json', 'X-Kpid-Csrf': app.config.csrf },
			body: JSON.stringify({ alert_id: this.row.key, why, undo: Boolean(this.row.acked) }),
		}).catch((error) => ({ ok: false, json: async () => ({ error: error.name }) }));
		this.#busy = false;
		if (answer.ok) {
			app.feeds.refresh(0);
			this.#close();
			return;
		}
		const body = await answer.json().catch(() => null);
		this.#error = body?.error ?? `${answer.status}`;
		app.render();
	}

	/* The question for a reason, while one is open. */
	dialog() {
		const { t } = this.#app, { row } = this;
		if (row === null)
			return null;
		const submit = (event) => {
			event.preventDefault();
			const why = event.target.elements.why.value.trim();
			if (why && !this.#busy)
				this.#send(why);
		};
		return h('dialog', { key: 'ack', id: 'ack', 'aria-labelledby': 'ack-title', onclose: () => this.#close() },
			h('form', { onsubmit: submit },
				h('h2', { id: 'ack-title' }, `${t(row.acked ? 'ack_undo' : 'ack')}: ${row.ticket_id} ${t.target(row.target)}`),
				h('label', null, h('span', null, t('ack_why')), h('input', { name: 'why', required: true, maxlength: 500, autocomplete: 'off', autofocus: true })),
				this.#error && h('p', { class: 'error', role: 'alert' }, t('failed', { why: this.#error })),
				h('div', { class: 'buttons' }, h('button', { type: 'submit', id: 'ack-send' }, t(row.acked ? 'ack_undo' : 'ack')),
					h('button', { type: 'button', onclick: () => this.#close() }, t('ack_cancel')))));
	}

	/* After a drawing: a new dialog takes the focus. */
	drawn() {
		const dialog = document.getElementById('ack');
		if (dialog && !dialog.open)
			dialog.showModal();
	}
}
