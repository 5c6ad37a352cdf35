/* Reads server-sent events from pieces of text, however they are cut. */
export class EventReader {
	#rest = '';
	#event = '';
	#data = [];
	#id;

	/* Returns the events that are whole by now: {event, id, data}; a comment is {comment: true}. */
	push(text) {
		const events = [];
		this.#rest += text;
		const lines = this.#rest.split(/\r\n|\n/);
		this.#rest = lines.pop();
		for (const line of lines)
			this.#line(line, events);
		return events;
	}

	#line(line, events) {
		if (line === '') {
			if (this.#data.length > 0)
				events.push({ event: this.#event || 'message', id: this.#id, data: this.#data.join('\n') });
			this.#event = '';
			this.#data = [];
			return;
		}
		if (line.startsWith(':')) {
			events.push({ comment: true });
			return;
		}
		const colon = line.indexOf(':');
		const name = colon < 0 ? line : line.slice(0, colon);
		const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
		if (name === 'event')
			this.#event = value;
		else if (name === 'data')
			this.#data.push(value);
		else if (name === 'id')
			this.#id = value;
	}
}
