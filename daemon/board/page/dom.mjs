/* Descriptions of elements, and how a page becomes equal to one. An element keeps its place, focus and selection while its
 * description does not change. */

const SVG = 'http://www.w3.org/2000/svg';
const PROPERTIES = new Set(['value', 'checked', 'disabled', 'open', 'tabIndex', 'hidden']);

/* h('a', {class: 'x', href: '/'}, 'text', [more]): null and false among the children are left out. props.key: the identity of
 * the element among its siblings. */
export function h(tag, props, ...kids) {
	props = props ?? {};
	const flat = kids.flat(Infinity).filter((kid) => kid !== null && kid !== undefined && kid !== false && kid !== '');
	return { tag, props, kids: flat, key: props.key };
}

/* An element that is described only when `sign` differs from the one it was drawn with. */
export function lazy(key, sign, make) {
	return { key, sign, make };
}

function listen(node, name, handler) {
	node.handlers ??= {};
	if (!(name in node.handlers))
		node.addEventListener(name, (event) => node.handlers[name]?.(event));
	node.handlers[name] = handler;
}

function setProperty(node, name, value) {
	if (name === 'style') {
		for (const [property, text] of Object.entries(value))
			node.style.setProperty(property, text);
	} else if (name.startsWith('on')) {
		listen(node, name.slice(2), value);
	} else if (PROPERTIES.has(name)) {
		if (node[name] !== value && !(name === 'value' && node === document.activeElement))
			node[name] = value;
	} else if (value === null || value === undefined || value === false) {
		node.removeAttribute(name);
	} else if (node.getAttribute(name) !== String(value)) {
		node.setAttribute(name, value === true ? '' : value);
	}
}

function patch(node, described) {
	const before = node.described?.props ?? {};
	for (const name of Object.keys(before))
		if (!(name in described.props) && name !== 'key')
			setProperty(node, name, name.startsWith('on') ? null : name === 'style' ? {} : undefined);
	// The options of a list come before its value.
	const isList = described.tag === 'select';
	if (isList)
		patchKids(node, described.kids);
	for (const [name, value] of Object.entries(described.props))
		if (name !== 'key')
			setProperty(node, name, value);
	if (!isList)
		patchKids(node, described.kids);
	node.described = described;
}

function create(described, parent) {
	if (typeof described !== 'object')
		return document.createTextNode(String(described));
	const isSvg = described.tag === 'svg' || (parent.namespaceURI === SVG && parent.tagName !== 'foreignObject');
	const node = isSvg ? document.createElementNS(SVG, described.tag) : document.createElement(described.tag);
	patch(node, described);
	return node;
}

/* Whether the node can become what is described. */
function fits(node, described) {
	if (typeof described !== 'object')
		return node.nodeType === Node.TEXT_NODE;
	return node.described !== undefined && node.described.tag === described.tag && node.key === described.key;
}

function place(parent, at, kid, byKey) {
	let described = kid;
	if (kid.make) {
		const known = byKey.get(kid.key);
		if (known && known.sign === kid.sign)
			return known;
		described = kid.make();
		described.key = kid.key;
	}
	let node = described.key === undefined ? at : byKey.get(described.key);
	if (node && fits(node, described)) {
		if (typeof described !== 'object') {
			if (node.data !== String(described))
				node.data = String(described);
		} else {
			patch(node, described);
		}
	} else {
		node = create(described, parent);
	}
	node.key = described.key;
	node.sign = kid.sign;
	return node;
}

function patchKids(parent, kids) {
	const byKey = new Map();
	for (const node of parent.childNodes)
		if (node.key !== undefined)
			byKey.set(node.key, node);
	const wanted = new Set(kids.map((kid) => kid.key).filter((key) => key !== undefined));
	let at = parent.firstChild;
	for (const kid of kids) {
		// Passes over elements that are gone, so that the others need not move.
		while (at && at.key !== undefined && at.key !== kid.key && !wanted.has(at.key)) {
			const gone = at;
			at = at.nextSibling;
			gone.remove();
		}
		const node = place(parent, at && at.key === undefined ? at : null, kid, byKey);
		if (node === at)
			at = at.nextSibling;
		else
			parent.insertBefore(node, at);
	}
	while (at) {
		const gone = at;
		at = at.nextSibling;
		gone.remove();
	}
}

/* Makes the content of an element equal to what is described. */
export function draw(parent, ...kids) {
	patchKids(parent, h('', null, kids).kids);
}
