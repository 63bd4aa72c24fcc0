// t/oauth/browser.mjs - a person at a real browser, who goes where a URL leads, fills in what is
// asked, and agrees.
//
// usage: node browser.mjs '{ "program": CHROMIUM, "profile": DIR, "spki": HASH, "user": NAME,
//	"password": TEXT, "user_code": CODE, "refuse": BOOL, "seconds": N }' URL
//
// Writes one line of JSON: { steps: [ { url, text } ... ], url, text }; the last page is the
// one where there is nothing more to press.  "spki" is the digest of the one key, beside those
// of public authorities, that the browser is to trust.  "refuse": the person does not agree.
//
// The browser is driven by its DevTools protocol through a pipe: a JSON text and a NUL each.
import { spawn } from 'node:child_process';

const set = JSON.parse(process.argv[2]);
const start = process.argv[3];

const browser = spawn(set.program, ['--headless', '--no-sandbox', '--disable-gpu',
	'--disable-dev-shm-usage', '--no-first-run', '--disable-background-networking',
	'--disable-component-update', '--disable-sync', '--disable-extensions',
	'--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE [::1]',
	`--ignore-certificate-errors-spki-list=${set.spki}`, `--user-data-dir=${set.profile}`,
	'--remote-debugging-pipe', 'about:blank'],
{ stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
const [, , , toBrowser, fromBrowser] = browser.stdio;

const fail = (why) => {
	process.stderr.write(`browser: ${why}\n`);
	browser.kill('SIGKILL');
	process.exit(1);
};
setTimeout(() => fail('not done in time'), set.seconds * 1000);
browser.on('exit', (code) => fail(`it has ended (${code})`));

let serial = 0;
let session;
const waiting = new Map();
let text = '';

fromBrowser.setEncoding('utf8');
fromBrowser.on('data', (data) => {
	text += data;
	for (let end = text.indexOf('\0'); end >= 0; end = text.indexOf('\0')) {
		const message = JSON.parse(text.slice(0, end));

		text = text.slice(end + 1);
		waiting.get(message.id)?.(message);
		waiting.delete(message.id);
	}
});

// One command; undefined where it failed, as it does while a page goes.
const call = (method, params = {}) => new Promise((done) => {
	serial += 1;
	waiting.set(serial, (message) => done(message.result));
	toBrowser.write(`${JSON.stringify({ id: serial, method, params, sessionId: session })}\0`);
});

const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

// What is run inside of the page: null while it is not there yet or was answered already; the
// fields to be filled in, and where to press.
const look = () => {
	if (document.readyState !== 'complete' || window.answered)
		return null;
	const middle = (e) => {
		const box = e.getBoundingClientRect();
		return { name: e.name, value: e.value, x: box.x + box.width / 2, y: box.y + box.height / 2 };
	};
	// The browser's own page, where nobody answered, has buttons too.
	const mine = document.location.protocol === 'chrome-error:';
	const buttons = mine ? [] : [...document.querySelectorAll('button, input[type=submit]')];
	const links = [...document.querySelectorAll('a')].filter((a) => /cancel/i.test(a.innerText));

	window.answered = true;
	return {
		text: document.body.innerText,
		fields: [...document.querySelectorAll('input[type=text], input[type=password]')].map(middle),
		agree: buttons.filter((b) => b.value !== 'yes' || b.name !== 'abort').map(middle),
		refuse: [...buttons.filter((b) => b.name === 'abort'), ...links].map(middle),
	};
};

const press = async ({ x, y }) => {
	for (const type of ['mousePressed', 'mouseReleased'])
		await call('Input.dispatchMouseEvent', { type, x, y, button: 'left', clickCount: 1 });
};

const answers = { login: set.user, password: set.password, user_code: set.user_code };

const { targetId } = await call('Target.createTarget', { url: 'about:blank' });
session = (await call('Target.attachToTarget', { targetId, flatten: true })).sessionId;
await call('Page.enable');
await call('Page.navigate', { url: start });

const steps = [];
let page;
let history;

for (;;) {
	const seen = await call('Runtime.evaluate', { expression: `(${look})()`, returnByValue: true });

	page = seen?.result?.value;
	if (!page) {
		await pause(50);
		continue;
	}
	history = await call('Page.getNavigationHistory');
	page.url = history.entries[history.currentIndex].url;
	if (page.url === 'about:blank') {
		await call('Runtime.evaluate', { expression: 'window.answered = false' });
		await pause(50);
		continue;
	}
	steps.push({ url: page.url, text: page.text });
	for (const field of page.fields.filter((f) => !f.value && answers[f.name])) {
		await press(field);
		await call('Input.insertText', { text: answers[field.name] });
	}
	const button = (set.refuse && page.refuse[0]) || page.agree[0];
	if (!button)
		break;
	await press(button);
}
process.stdout.write(`${JSON.stringify({ steps, url: page.url, text: page.text })}\n`);
browser.removeAllListeners('exit');
browser.on('exit', () => process.exit(0));
await call('Browser.close');
