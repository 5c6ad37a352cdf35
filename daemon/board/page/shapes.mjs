/* A shape for each state, so that none is shown by colour alone. All are 16 wide. */
import { h } from './dom.mjs';

const OCTAGON = 'M5 1h6l4 4v6l-4 4H5l-4-4V5z';
const RING = 'M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1zm0 1.8a5.2 5.2 0 1 0 0 10.4A5.2 5.2 0 0 0 8 2.8z';
const CHECK = 'M6.9 11.4 3.8 8.3 5 7.1l1.9 1.9L11 4.9l1.2 1.2z';

const SHAPES = {
	breached: `${OCTAGON}M7 4v5h2V4zM7 10.5v2h2v-2z`,
	at_risk: 'M8 1l7.5 13.5H.5zM7.1 5.5v4.6h1.8V5.5zM7.1 11.3v1.8h1.8v-1.8z',
	warning: 'M8 1l7.5 13.5H.5zM7.1 5.5v4.6h1.8V5.5zM7.1 11.3v1.8h1.8v-1.8z',
	due: 'M8 .8 15.2 8 8 15.2.8 8zM8 3.4 3.4 8 8 12.6 12.6 8zM6.8 6.8h2.4v2.4H6.8z',
	pending: `${RING}M7.2 4.4h1.6v3.3l2.3 2.2-1.1 1.1-2.8-2.7z`,
	open: `${RING}M7.2 4.4h1.6v3.3l2.3 2.2-1.1 1.1-2.8-2.7z`,
	paused: 'M2.5 1h11A1.5 1.5 0 0 1 15 2.5v11a1.5 1.5 0 0 1-1.5 1.5h-11A1.5 1.5 0 0 1 1 13.5v-11A1.5 1.5 0 0 1 2.5 1zM5 4.5v7h2v-7zM9 4.5v7h2v-7z',
	voided: 'M6 1.2 2 5l4 3.8V6.2h3.2a2.9 2.9 0 0 1 0 5.8H4.5v2h4.7a4.9 4.9 0 0 0 0-9.8H6z',
	resolved: `${OCTAGON}M5.7 2.7 2.7 5.7v4.6l3 3h4.6l3-3V5.7l-3-3z${CHECK}`,
	acknowledged: `${OCTAGON}M5.7 2.7 2.7 5.7v4.6l3 3h4.6l3-3V5.7l-3-3zM4.5 7.2h7v1.6h-7z`,
	averted: `${RING}${CHECK}`,
	met: `${RING}${CHECK}`,
	closed: `${RING}${CHECK}`,
	none: 'M3 7.1h10v1.8H3z',
	unknown: 'M3 7.1h10v1.8H3z',
	start: 'M3 1h2v14H3zM6 2h8l-2.5 3L14 8H6z',
	stopped: 'M2 2h12v12H2zM4.9 8.1l2.3 2.3 4-4.1-1-1-3 3.1-1.3-1.3z',
	ended: 'M2 2h12v12H2zM4.5 7.2v1.6h7V7.2z',
	warned: 'M8 1l7.5 13.5H.5zM7.1 5.5v4.6h1.8V5.5zM7.1 11.3v1.8h1.8v-1.8z',
	now: 'M8 2.5 13.5 13h-11z',
	sound: 'M2 5.5h3L9 2v12l-4-3.5H2zM10.6 5.2l1-1.1a5.2 5.2 0 0 1 0 7.8l-1-1.1a3.7 3.7 0 0 0 0-5.6z',
	mute: 'M2 5.5h3L9 2v12l-4-3.5H2zM10.4 6.4l1-1 1.5 1.5 1.5-1.5 1 1L13.9 8l1.5 1.6-1 1-1.5-1.5-1.5 1.5-1-1L11.9 8z',
	theme: `${RING}M8 3.5v9a4.5 4.5 0 0 0 0-9z`,
	screen: 'M1 2.5h14v9H9v1.5h2.5v1.5h-7V13H7v-1.5H1zM2.8 4.3v5.4h10.4V4.3z',
	away: 'M3 3h4v1.7H4.7v6.6h6.6V9H13v4H3zM9 2.5h4.5V7h-1.7V5.4L8 9.2 6.8 8l3.8-3.8H9z',
};

/* Only for the eye: the word beside it says the same. */
export function shape(name, extra = '') {
	return h('svg', { class: `shape ${extra}`.trim(), viewBox: '0 0 16 16', 'aria-hidden': 'true', focusable: 'false' },
		h('path', { 'fill-rule': 'evenodd', d: SHAPES[name] ?? SHAPES.unknown }));
}

/* The path alone, in a picture. */
export function mark(name, x, y, kind) {
	return h('path', { class: `mark ${kind ?? name}`, 'fill-rule': 'evenodd', d: SHAPES[name] ?? SHAPES.unknown,
		transform: `translate(${x - 7} ${y}) scale(0.875)` });
}
