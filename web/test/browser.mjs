// Helpers of the browser tests. The server runs already: run.mjs started it.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

export const base = process.env.BLUETRAIL_URL;
const shots = new URL('./shots/', import.meta.url).pathname;
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const executablePath = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium', process.env.CHROMIUM].find((p) => p && existsSync(p));

let shared;

/** browser starts Chromium once for each test file. */
export async function browser() {
  shared ??= await chromium.launch({
    executablePath,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
  return shared;
}

export async function close() {
  await shared?.close();
  shared = undefined;
}

/**
 * open makes a page in a context of its own, signed in unless told not to. check() fails when
 * the console had an error or the page asked another host for something; `allow` are regular
 * expressions of messages that a test provokes.
 */
export async function open(path = '', { width = 1440, height = 900, dark = false, signedIn = true, allow = [], zone = 'Europe/Berlin' } = {}) {
  const context = await (await browser()).newContext({
    viewport: { width, height },
    colorScheme: dark ? 'dark' : 'light',
    timezoneId: zone,
    acceptDownloads: true,
    ignoreHTTPSErrors: true,
  });
  const page = await context.newPage();
  const wrong = [];
  page.on('console', (m) => {
    if (m.type() === 'error' || m.type() === 'warning') wrong.push(`${m.type()}: ${m.text()} (${m.location().url})`);
  });
  page.on('pageerror', (e) => wrong.push(`exception: ${e.stack ?? e}`));
  page.on('request', (r) => {
    if (!/^(blob|data):/.test(r.url()) && new URL(r.url()).origin !== new URL(base).origin) wrong.push(`request to ${r.url()}`);
  });
  page.setDefaultTimeout(15_000);
  page.check = () => assert.deepEqual(wrong.filter((w) => !allow.some((a) => a.test(w))), [], 'errors in the console');
  page.done = async () => {
    await context.close();
    page.check();
  };
  if (signedIn) await login(page);
  if (path) await page.goto(`${base}/${path}`);
  return page;
}

let cookies; // of the first login, shared by the contexts of a file

/** login signs in as the administrator of the test server. */
export async function login(page, name = process.env.BLUETRAIL_USER, password = process.env.BLUETRAIL_PASSWORD) {
  if (cookies && name === process.env.BLUETRAIL_USER) {
    await page.context().addCookies(cookies);
    return;
  }
  const answer = await page.request.post(`${base}/api/v1/session`, { data: { name, password }, headers: { Origin: base } });
  assert.ok(answer.ok(), `login: ${answer.status()} ${await answer.text()}`);
  if (name === process.env.BLUETRAIL_USER) cookies = await page.context().cookies();
}

/** shot writes light, dark and narrow pictures of a page to test/shots/ for people to look at. */
export async function shot(page, name, { wide = false } = {}) {
  mkdirSync(shots, { recursive: true });
  const size = page.viewportSize();
  const write = async (suffix) => {
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 60))));
    // Hiding the caret would need an inline style, which the content security policy refuses.
    await page.screenshot({ path: `${shots}${name}-${suffix}.png`, caret: 'initial' });
  };
  await page.emulateMedia({ colorScheme: 'light' });
  await write('light');
  await page.emulateMedia({ colorScheme: 'dark' });
  await write('dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 390, height: 844 });
  await write('narrow');
  if (wide) {
    await page.setViewportSize({ width: 2560, height: 1300 });
    await write('wide');
  }
  await page.setViewportSize(size);
}

/** axe fails when the page breaks a rule of WCAG 2.2 A or AA. */
export async function axe(page, { exclude = [] } = {}) {
  await page.evaluate(axeSource); // through the debugger: the content security policy stays as it is
  const found = await page.evaluate(async (exclude) => {
    const result = await globalThis.axe.run({ exclude }, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
      resultTypes: ['violations'],
    });
    return result.violations.map((v) => `${v.id}: ${v.help}\n    ${v.nodes.slice(0, 4).map((n) => `${n.target.join(' ')} — ${n.failureSummary.split('\n').slice(1).join(' ').trim()}`).join('\n    ')}`);
  }, exclude);
  assert.deepEqual(found, [], 'accessibility');
}

/** again tries an action that a late answer of the page can undo, three times at most. */
export async function again(action) {
  for (let left = 2; ; left--) {
    try {
      return await action();
    } catch (e) {
      if (left === 0) throw e;
    }
  }
}

/** gaps measures the longest frame, in milliseconds, while something runs. */
export async function gaps(page, run) {
  await page.evaluate(() => {
    const state = (globalThis.frames_ = { longest: 0, last: performance.now(), on: true });
    const tick = (now) => {
      state.longest = Math.max(state.longest, now - state.last);
      state.last = now;
      if (state.on) requestAnimationFrame(tick);
    };
    requestAnimationFrame((now) => {
      state.last = now;
      requestAnimationFrame(tick);
    });
  });
  await run();
  return page.evaluate(() => {
    globalThis.frames_.on = false;
    return Math.round(globalThis.frames_.longest);
  });
}
