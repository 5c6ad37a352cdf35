/* Loads the page's modules, and tries again if a part did not arrive. */

const RETRY_MS = 1000;

/* A style sheet that did not arrive has no rules that can be read. */
function hasArrived(link) {
	try {
		return link.sheet.cssRules.length > 0;
	} catch {
		return false;
	}
}

const again = () => setTimeout(() => location.reload(), RETRY_MS);

// Before the first frame.
const theme = localStorage.getItem('kpid.theme');
if (theme === 'light' || theme === 'dark')
	document.documentElement.dataset.theme = theme;

if ([...document.querySelectorAll('link[rel=stylesheet]')].every(hasArrived)) {
	import('/assets/main.mjs').catch((error) => {
		document.getElementById('page').textContent = `kpid: ${error.message}`;
		again();
	});
} else {
	again();
}
