/* The page: what is shown, from the address, the state and the time. */
import { Acks } from './ack.mjs';
import { Announcer, showCount } from './attention.mjs';
import { draw, h } from './dom.mjs';
import { Feeds } from './feeds.mjs';
import { leftText, msOf, ServerClock, Zone } from './format.mjs';
import { filterBar, header, STALE_MS } from './header.mjs';
import { Link } from './link.mjs';
import { listPage } from './lists.mjs';
import { overview } from './overview.mjs';
import { Sound } from './sound.mjs';
import { newsBetween } from './state.mjs';
import { ticketPage } from './ticket.mjs';
import { tvPage, WallScreen } from './tv.mjs';
import { addressOf, linkTo, viewOf, withFilters } from './view.mjs';
import { languageOf, speak } from './words.mjs';

const THEMES = ['auto', 'light', 'dark'];
const root = document.getElementById('page');
const remembered = (name) => localStorage.getItem(`kpid.${name}`);

class App {
	view = viewOf(location.pathname, location.search);
	state = null;
	config = null;
	zone = new Zone('UTC');
	theme = THEMES.includes(remembered('theme')) ? remembered('theme') : 'auto';
	drawing = '';
	#clock = new ServerClock();
	#holds = new Map();
	#asked = false; /* a drawing is due */
	#wasStale = false;
	#timer = null;

	start() {
		this.link = new Link((state, before, live) => this.#heard(state, before, live));
		this.feeds = new Feeds(() => this.render());
		this.sound = new Sound(() => this.render(), () => this.link.leads);
		this.acks = new Acks(this);
		this.announcer = new Announcer(document.getElementById('news'));
		this.wall = new WallScreen(() => this.view.tv);
		this.#speak();
		this.#wear();
		addEventListener('popstate', () => this.#show(viewOf(location.pathname, location.search)));
		document.addEventListener('click', (event) => this.#clicked(event));
		document.addEventListener('keydown', (event) => event.key === 'Escape' && this.view.tv && this.go({ ...this.view, tv: false }));
		document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && this.render());
		addEventListener('resize', () => this.render());
		this.#configure();
		this.link.start();
		this.wall.keepAwake();
		this.#tick();
		this.#drawNow();
	}

	/* -- time ------------------------------------------------------------------------------------------------------------ */

	local() {
		return performance.now();
	}

	/* The server's clock, in milliseconds. */
	now() {
		return this.#clock.now(performance.now()) ?? Date.now();
	}

	/* Milliseconds since a message; null: none yet. */
	heardAgo() {
		return this.link.heardAt === null ? null : performance.now() - this.link.heardAt;
	}

	isStale() {
		const unread = this.state?.as_of ? msOf(this.state.now) - msOf(this.state.as_of) : 0; // while the database is away
		return Math.max(this.heardAgo() ?? performance.now(), unread) >= STALE_MS;
	}

	#tick() {
		clearTimeout(this.#timer);
		if (document.visibilityState === 'visible') {
			this.feeds.refresh();
			this.#drawNow();
			const now = this.now();
			for (const left of root.querySelectorAll('[data-due]')) {
				const text = leftText(left.dataset.due - now, this.t.units);
				if (left.textContent !== text)
					left.firstChild.data = text;
			}
		}
		this.#sayIfStale();
		// Just after the next second of the server's clock.
		this.#timer = setTimeout(() => this.#tick(), 1005 - (this.now() % 1000));
	}

	#sayIfStale() {
		const stale = this.isStale();
		if (stale && !this.#wasStale)
			this.announcer.say(document.getElementById('stale')?.textContent ?? this.t('stale_never'));
		else if (!stale && this.#wasStale)
			this.announcer.say(this.t('stale_again'));
		this.#wasStale = stale;
		this.#count();
	}

	/* -- what the server says -------------------------------------------------------------------------------------------- */

	#heard(state, before, live) {
		this.state = state;
		this.#clock.hear(msOf(state.now), performance.now());
		if (before && before.boot !== state.boot)
			this.#configure();
		const news = newsBetween(before, state);
		if (live) {
			this.announcer.news(this.t, news);
			this.sound.breached(news.breached, state, live);
		}
		this.#count();
		this.render();
	}

	#count() {
		const page = this.view.page === 'ticket' ? this.view.id : this.t(`page_${this.view.page}`);
		showCount(this.isStale() ? null : this.state?.totals?.breached ?? null, `${page} \u00b7 kpid`);
	}

	async #configure() {
		const config = await fetch('/api/config').then((answer) => (answer.ok ? answer.json() : null)).catch(() => null);
		if (!config) {
			setTimeout(() => this.#configure(), 3000);
			return;
		}
		// A wall screen has nobody who loads the page again after an upgrade.
		if (this.config && this.view.tv && (config.version !== this.config.version || config.assets !== this.config.assets))
			location.reload();
		this.config = config;
		this.zone = new Zone(config.time_zone);
		this.#speak();
		this.render();
	}

	/* -- where one is ---------------------------------------------------------------------------------------------------- */

	go(view, { replace = false } = {}) {
		history[replace ? 'replaceState' : 'pushState'](null, '', addressOf(view));
		this.#show(view);
	}

	#show(view) {
		const moved = view.page !== this.view.page || view.id !== this.view.id;
		this.view = view;
		this.#speak();
		this.#count();
		this.wall.keepAwake();
		this.#drawNow();
		if (moved) {
			scrollTo(0, 0);
			document.getElementById('content')?.focus({ preventScroll: true });
		}
	}

	#clicked(event) {
		const link = event.target.closest?.('a[href]');
		if (!link || event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)
			return;
		const url = new URL(link.href);
		if (url.origin !== location.origin || link.hasAttribute('download') || link.getAttribute('href').startsWith('#'))
			return;
		event.preventDefault();
		this.go(viewOf(url.pathname, url.search));
	}

	/* The address of this page with other filters. */
	linkHere(filters) {
		return addressOf(withFilters(this.view.page === 'ticket' ? { page: 'board', filters: {}, lang: this.view.lang } : this.view, filters));
	}

	linkTo(page, filters, more) {
		return linkTo(this.view, page, filters, more);
	}

	filter(changes, options) {
		clearTimeout(this.soon);
		this.go(withFilters(this.view, changes), options);
	}

	/* After someone has stopped typing. */
	filterSoon(changes) {
		clearTimeout(this.soon);
		this.soon = setTimeout(() => this.filter(changes, { replace: true }), 250);
	}

	/* -- settings -------------------------------------------------------------------------------------------------------- */

	#speak() {
		this.t = speak(languageOf(this.view.lang, remembered('language'), this.config?.language, navigator.language));
		document.documentElement.lang = this.t.language === 'zh' ? 'zh-CN' : 'en';
	}

	comma() {
		return this.t.language === 'zh' ? '\uff0c' : ', ';
	}

	otherLanguage() {
		const language = this.t.language === 'zh' ? 'en' : 'zh';
		localStorage.setItem('kpid.language', language);
		this.go({ ...this.view, lang: this.view.lang && language }, { replace: true });
	}

	nextTheme() {
		this.theme = THEMES[(THEMES.indexOf(this.theme) + 1) % THEMES.length];
		localStorage.setItem('kpid.theme', this.theme);
		this.#wear();
		this.render();
	}

	#wear() {
		if (this.theme === 'auto')
			delete document.documentElement.dataset.theme;
		else
			document.documentElement.dataset.theme = this.theme;
	}

	/* -- drawing --------------------------------------------------------------------------------------------------------- */

	hold(id) {
		if (!this.#holds.has(id))
			this.#holds.set(id, { pointed: false, focused: false, waits: false, shown: [], scope: '' });
		return this.#holds.get(id);
	}

	/* Draws once before the next frame, however often it is called. */
	render() {
		if (this.#asked || document.visibilityState !== 'visible')
			return;
		this.#asked = true;
		requestAnimationFrame(() => this.#drawNow());
	}

	#drawNow() {
		this.#asked = false;
		this.drawing = `${addressOf(this.view)} ${this.zone.date(this.now())} ${this.config?.ack} ${Boolean(this.state?.read?.ledger)}`; // what rows were drawn for
		this.feeds.begin();
		const { tv, page } = this.view;
		document.documentElement.classList.toggle('tv', tv);
		document.documentElement.classList.toggle('old', this.isStale());
		if (tv) {
			draw(root, tvPage(this));
		} else {
			const content = page === 'board' ? overview(this) : page === 'ticket' ? ticketPage(this) : listPage(this);
			draw(root, header(this), page !== 'ticket' && filterBar(this), h('main', { id: 'content', key: 'main', tabindex: '-1' }, content),
				this.acks.dialog());
			this.acks.drawn();
		}
		this.feeds.end();
	}
}

const app = new App();
app.start();
