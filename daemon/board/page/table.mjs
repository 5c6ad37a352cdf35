/* A table whose rows keep their places while someone points at them or has focus in them. */
import { h, lazy } from './dom.mjs';
import { held, nextSort } from './rows.mjs';

const numbers = new WeakMap();
let lastNumber = 0;

/* A number that changes whenever the row was sent again. */
function numberOf(row) {
	if (!numbers.has(row))
		numbers.set(row, ++lastNumber);
	return numbers.get(row);
}

function headCell(app, column, { sort, onSort }) {
	const name = app.t(column.label ?? column.id);
	if (!column.sortable || !onSort)
		return h('th', { key: column.id, scope: 'col', role: 'columnheader', class: `c-${column.id}` }, name);
	const active = sort === column.id ? 'ascending' : sort === `-${column.id}` ? 'descending' : null;
	return h('th', { key: column.id, scope: 'col', role: 'columnheader', class: `c-${column.id}`, 'aria-sort': active },
		h('button', { type: 'button', class: `sort ${active ?? ''}`, title: app.t('sort_by', { name }),
			onclick: () => onSort(nextSort(sort, column.id, column.isText)) }, name,
		h('span', { class: 'arrow', 'aria-hidden': 'true' }, active === 'ascending' ? '\u25b2' : active ? '\u25bc' : '')));
}

function bodyRow(app, columns, row, classOf) {
	const kind = classOf?.(row) ?? '';
	const sign = `${numberOf(row)} ${kind} ${app.t.language} ${app.zone.name} ${app.drawing}`;
	return lazy(row.key, sign, () => h('tr', { role: 'row', class: `${kind} ${row.gone ? 'gone' : ''}`.trim() || null,
		title: row.gone ? app.t('gone') : null },
	columns.map((column) => h(column.isHead ? 'th' : 'td', { key: column.id, class: `c-${column.id}`,
		role: column.isHead ? 'rowheader' : 'cell', scope: column.isHead ? 'row' : null }, column.cell(row)))));
}

/* Arrow keys go from row to row, in the same column. */
function onArrow(event) {
	const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
	const cell = event.target.closest('td, th'), row = cell?.closest('tbody tr');
	if (!step || !row || event.altKey || event.ctrlKey || event.metaKey)
		return;
	const next = step > 0 ? row.nextElementSibling : row.previousElementSibling;
	const target = next?.children[cell.cellIndex]?.querySelector('a, button') ?? next?.querySelector('a, button');
	if (target) {
		event.preventDefault();
		target.focus();
	}
}

function holdHandlers(app, hold) {
	if (app.view.tv)
		return {};
	const isRow = (event) => event.target.closest?.('tbody') !== null;
	const release = () => {
		if (!hold.pointed && !hold.focused && hold.waits)
			app.render();
	};
	return {
		onpointerover: (event) => (hold.pointed = event.pointerType !== 'touch' && (hold.pointed || isRow(event))),
		onpointerleave: () => (hold.pointed = false, release()),
		onfocusin: (event) => (hold.focused = isRow(event)),
		onfocusout: (event) => event.currentTarget.contains(event.relatedTarget) || (hold.focused = false, release()),
		onkeydown: onArrow,
	};
}

/* The rows to show now, and how many wait. */
function rowsNow(hold, rows, scope) {
	let waiting = 0, shown = rows;
	if ((hold.pointed || hold.focused) && hold.scope === scope)
		({ rows: shown, waiting } = held(hold.shown, rows));
	hold.scope = scope;
	hold.shown = shown;
	hold.waits = shown !== rows;
	return { shown, waiting };
}

/* A section with a heading and a table. id: of the section, also of the hold. columns: [{id, label, cell(row), sortable, isText,
 * isHead}]. more: what follows the heading; before and foot: what is above and below the table. scope: rows of another scope are never held. */
export function tableSection(app, { id, title, columns, rows, sort, onSort, empty, classOf, more, before, foot, scope = '', level = 2, limit }) {
	const hold = app.hold(id);
	const { shown, waiting } = rowsNow(hold, limit ? rows.slice(0, limit) : rows, `${scope} ${sort ?? ''}`);
	const showNow = () => {
		hold.pointed = hold.focused = false;
		app.render();
	};
	const pill = waiting > 0 && h('button', { type: 'button', class: 'pill', key: 'pill', onclick: showNow },
		app.t('fresh_rows', { n: waiting }));
	return h('section', { key: id, id, class: 'panel', 'aria-labelledby': `${id}-title`, ...holdHandlers(app, hold) },
		h('header', { class: 'panel-head' }, h(`h${level}`, { id: `${id}-title` }, title), pill, h('span', { class: 'grow' }), more),
		before,
		h('div', { class: 'scroll' },
			h('table', { role: 'table', class: `rows ${id}`, 'aria-labelledby': `${id}-title` },
				h('thead', { role: 'rowgroup' },
					h('tr', { role: 'row' }, columns.map((column) => headCell(app, column, { sort, onSort })))),
				h('tbody', { role: 'rowgroup' }, shown.map((row) => bodyRow(app, columns, row, classOf))))),
		shown.length === 0 && h('p', { class: 'empty' }, empty ?? app.t('nothing')), foot);
}
