/* What the page shows is in its address: pure functions between the two. */

export const FILTERS = ['project', 'team', 'agent', 'target', 'priority', 'state', 'q'];
export const PAGES = ['clocks', 'breaches', 'tickets', 'agents', 'projects', 'teams'];
/* Pages that only numbers lead to. */
const LEFT_OUT = ['counted'];
export const TARGETS = ['first_response', 'next_response', 'arrival', 'resolution'];
const OTHERS = ['did', 'last', 'sort'];

/* {page, id, filters, sort, did, last, lang, tv}; what the address does not name is absent. */
export function viewOf(path, search) {
	const query = new URLSearchParams(search);
	const parts = path.split('/').filter(Boolean);
	const view = { page: 'board', filters: {}, tv: query.get('tv') === '1' };
	if (parts[0] === 'ticket' && parts.length > 1) {
		view.page = 'ticket';
		view.id = decodeOrRaw(path.slice(path.indexOf('/ticket/') + '/ticket/'.length));
	} else if ([...PAGES, ...LEFT_OUT].includes(parts[0])) {
		view.page = parts[0];
	}
	for (const name of FILTERS)
		if (query.has(name))
			view.filters[name] = query.get(name);
	for (const name of OTHERS)
		if (query.get(name))
			view[name] = query.get(name);
	if (['en', 'zh'].includes(query.get('lang')))
		view.lang = query.get('lang');
	return view;
}

function decodeOrRaw(text) {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}

export function pathOf(view) {
	if (view.page === 'ticket')
		return `/ticket/${encodeURIComponent(view.id)}`;
	return view.page === 'board' ? '/' : `/${view.page}`;
}

/* The parameters of a view's filters, for the server's lists. */
export function filterQuery(view) {
	const query = new URLSearchParams();
	for (const name of FILTERS)
		if (view.filters[name] !== undefined)
			query.set(name, view.filters[name]);
	for (const name of OTHERS)
		if (view[name])
			query.set(name, view[name]);
	return query;
}

export function addressOf(view) {
	const query = filterQuery(view);
	if (view.lang)
		query.set('lang', view.lang);
	if (view.tv)
		query.set('tv', '1');
	const text = query.toString();
	return pathOf(view) + (text ? `?${text}` : '');
}

/* Another page with only these filters; language stays. */
export function linkTo(view, page, filters = {}, more = {}) {
	return addressOf({ page, filters: definedOf(filters), lang: view.lang, ...more });
}

/* The same page with other filters; undefined removes one. */
export function withFilters(view, changes) {
	return { ...view, filters: definedOf({ ...view.filters, ...changes }) };
}

function definedOf(object) {
	return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined && value !== null));
}

export function hasFilters(view) {
	return Object.keys(view.filters).length > 0;
}

/* The address of a ticket in the help desk. */
export function deskLink(pattern, id) {
	if (!pattern || !/^https?:\/\//.test(pattern))
		return null;
	return pattern.replaceAll('{id}', encodeURIComponent(id));
}
