// The queue of alerts and the page of an alert. Each test works on alerts of its own: the server is shared.
import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { axe, base, close, open, shot } from './browser.mjs';

after(close);

const rows = (page) => page.locator('[role=grid] [role=row]');
const total = async (page) => Number((await page.locator('.total').textContent()).replace(/\D/g, ''));
const api = async (page, path) => (await page.request.get(`${base}/api/v1${path}`)).json();

/** some returns open alerts of a severity, the newest first. */
async function some(page, severity, n) {
  const { items } = await api(page, `/alerts?status=new&severity==${severity}&limit=${n}`);
  assert.ok(items.length >= n, `${n} new alerts of severity ${severity}`);
  return items;
}

test('the queue: counts, filters in the address, groups, looks', async () => {
  const page = await open('#/alerts');
  await rows(page).first().waitFor();
  const all = await total(page);
  assert.ok(all > 50, `${all} open alerts`);

  const { severity } = await api(page, '/alerts/counts?status=new,in_progress');
  const critical = page.getByRole('checkbox', { name: /^Critical/ });
  await critical.check();
  await page.waitForFunction((n) => document.querySelector('.total')?.textContent.startsWith(`${n} `), severity.critical);
  assert.match(page.url(), /severity=critical/);
  await page.reload();
  await rows(page).first().waitFor();
  assert.equal(await total(page), severity.critical, 'the address keeps the filter');
  assert.equal(await critical.isChecked(), true);
  await critical.uncheck();

  await page.keyboard.press('/');
  await page.keyboard.type('root');
  await page.waitForFunction(() => location.hash.includes('q=root'));
  await page.waitForFunction((n) => !document.querySelector('.total')?.textContent.startsWith(`${n} `), all);
  for (const text of await page.locator('[role=grid] .line').evaluateAll((l) => l.map((e) => e.querySelector('.what').textContent + e.querySelector('.entity').title)))
    assert.match(text, /root/i);
  await page.getByRole('button', { name: 'Clear the filters' }).click();

  await page.getByRole('button', { name: 'Group', exact: true }).click();
  await page.getByRole('menuitemradio', { name: 'Rule' }).click();
  await page.locator('.line.group').first().waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('k');
  await page.keyboard.press('Enter');
  await page.locator('.line.indent').first().waitFor();
  await axe(page);
  await shot(page, 'alerts-grouped');
  await page.goto(`${base}/#/alerts?group=actor`);
  const { groups } = await api(page, '/alerts?status=new,in_progress&group_by=actor');
  const actor = groups[0].key;
  await page.waitForFunction((key) => document.querySelector('.line.group button.title')?.title === key, actor);
  const { total: its } = await api(page, `/alerts?status=new,in_progress&limit=1&actor=${encodeURIComponent(actor)}`);
  assert.equal(its, groups[0].alerts);

  // two rules at once
  const byRule = (await api(page, '/alerts?status=new,in_progress&group_by=rule')).groups.slice(0, 2);
  await page.goto(`${base}/#/alerts`);
  for (const { key } of byRule) await page.getByRole('checkbox', { name: key, exact: false }).first().check();
  await page.waitForFunction((n) => document.querySelector('.total')?.textContent.startsWith(`${n} `), byRule[0].alerts + byRule[1].alerts);
  await page.goto(`${base}/#/alerts`);
  await page.locator('.line:not(.group)').first().waitFor();
  await axe(page);
  await shot(page, 'alerts', { wide: true });
  await page.done();
});

test('triage by keyboard: move, open, comment, assign, close, next', async () => {
  const page = await open();
  const [a] = await some(page, 'medium', 2);
  await page.goto(`${base}/#/alerts?severity=medium&status=new`);
  await rows(page).first().waitFor();
  const before = await total(page);

  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
  await page.keyboard.press('Escape');

  await page.keyboard.press('j');
  await page.keyboard.press('k');
  await page.keyboard.press('c');
  await page.getByRole('dialog', { name: 'Comment on the alert' }).waitFor();
  await page.keyboard.type('asked the team');
  await page.keyboard.press('Control+Enter');
  await page.getByText(`Alert ${a.number} commented on.`).waitFor();

  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1 }).waitFor();
  assert.match(page.url(), new RegExp(a.id));
  await page.getByText('asked the team').waitFor();
  await page.keyboard.press('a');
  await page.getByText(/assigned to admin/).waitFor();
  await page.keyboard.press('e');
  await page.getByRole('dialog', { name: 'Close the alert' }).waitFor();
  await page.keyboard.press('2');
  await page.keyboard.press('Control+Enter');
  await page.getByText(/closed benign/).waitFor();
  const now = await api(page, `/alerts/${a.id}`);
  assert.deepEqual([now.status, now.verdict, now.assignee], ['closed', 'benign', 'admin']);

  await page.keyboard.press('j');
  await page.waitForFunction((id) => !location.hash.includes(id), a.id);
  await page.keyboard.press('u');
  await rows(page).first().waitFor();
  await page.keyboard.press('r');
  await page.waitForFunction((n) => document.querySelector('.total')?.textContent.startsWith(`${n} `), before - 1);
  await page.done();
});

test('bulk: some, and all that match', async () => {
  const page = await open();
  const list = await some(page, 'low', 5);
  const rule = list[0].rule;
  const ofRule = list.filter((a) => a.rule === rule);
  await page.goto(`${base}/#/alerts?severity=low&status=new`);
  await rows(page).first().waitFor();
  const before = await total(page);
  await page.keyboard.press('End');
  await page.keyboard.press('x');
  await page.keyboard.press('k');
  await page.keyboard.press('x');
  await page.getByText('2 selected').waitFor();
  await page.keyboard.press('e');
  await page.getByRole('dialog', { name: 'Close 2 alerts' }).waitFor();
  await page.getByRole('radio', { name: /Duplicate/ }).check();
  await page.getByRole('button', { name: 'Close', exact: true }).click();
  await page.getByText('2 alerts closed as duplicate.').waitFor();
  assert.equal(await total(page), before - 2);

  await page.goto(`${base}/#/alerts?severity=low&status=new&rule=${encodeURIComponent(rule)}`);
  await page.waitForFunction((n) => document.querySelectorAll('[role=grid] .line').length <= n, ofRule.length + 2);
  await rows(page).first().waitFor();
  const shown = await total(page);
  await page.keyboard.press('*');
  await page.getByText(`${shown} selected`).waitFor();
  await page.getByRole('button', { name: 'Close…' }).click();
  await page.getByRole('radio', { name: /Benign/ }).check();
  await page.getByRole('button', { name: 'Close', exact: true }).click();
  await page.getByText('No alert matches').waitFor();
  assert.equal((await api(page, `/alerts/counts?status=new&severity==low&rule=${encodeURIComponent(rule)}`)).total, 0);
  await page.done();
});

test('an alert answers in order, and its next step runs in place', async () => {
  const page = await open();
  const { items } = await api(page, '/alerts?rule=user_made_ready&sort=last');
  await page.goto(`${base}/#/alerts/${items[0].id}`);
  await page.getByRole('heading', { level: 1, name: items[0].title }).waitFor();
  await page.getByText(items[0].summary).waitFor();
  const order = await page.locator('.main section h2').allTextContents();
  assert.deepEqual(order, ['Why it matters', 'Who', 'From where', 'What else it did', 'What is unusual', 'Events', 'Next steps', 'Similar alerts']);
  await page.locator('#timeline .deed.mine').first().waitFor();
  assert.ok((await page.locator('#timeline .deed.write').count()) > 2, 'writes stand out');

  await page.locator('#events .event button').first().click();
  await page.locator('#events').getByText('eventName').first().waitFor();

  await page.locator('#steps').getByRole('button', { name: 'Run' }).first().click();
  await page.locator('#steps tbody tr').first().waitFor();
  await axe(page);
  await page.evaluate(() => document.getElementById('content').scrollTo(0, 0));
  await shot(page, 'alert', { wide: true });
  await page.locator('#timeline').scrollIntoViewIfNeeded();
  await shot(page, 'alert-timeline');

  await page.locator('#who a').first().click();
  await page.waitForFunction(() => location.hash.startsWith('#/entity/'));
  await page.getByText('First seen').waitFor();
  await page.done();
});

test('closed as false, the proposed filter and what it would hide are shown', async () => {
  const page = await open();
  const a = (await some(page, 'high', 10)).findLast((a) => a.rule_id !== 'bluetrail-risk'); // no rule of its own to tune
  await page.goto(`${base}/#/alerts/${a.id}`);
  await page.getByRole('button', { name: 'Close…' }).click();
  await page.getByRole('radio', { name: /False/ }).check();
  await page.getByRole('dialog').getByLabel('Comment (optional)').fill('a drill');
  await page.getByRole('button', { name: 'Close', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: /^A filter for/ });
  await dialog.waitFor();
  await dialog.getByText(/It would keep|No filter is safe/).waitFor({ timeout: 60_000 }); // it runs over past events
  await axe(page);
  await shot(page, 'alert-filter');
  await dialog.getByRole('button', { name: 'Done' }).click();
  await page.getByText('a drill').waitFor();
  await page.getByRole('button', { name: 'Reopen' }).click();
  await page.getByRole('button', { name: 'Close…' }).waitFor();
  assert.equal((await api(page, `/alerts/${a.id}`)).status, 'in_progress');
  await page.done();
});

test('suppress with a reason and an end, and end it earlier', async () => {
  const page = await open();
  const { items } = await api(page, '/alerts?status=new&kind=actor&sort=last&limit=1');
  await page.goto(`${base}/#/alerts/${items[0].id}`);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.keyboard.press('s');
  const dialog = page.getByRole('dialog', { name: 'Suppress' });
  await dialog.getByLabel('Reason').fill('the vendor migrates until Friday');
  await dialog.getByRole('radio', { name: '1 week' }).check();
  await dialog.getByRole('button', { name: 'Suppress' }).click();
  await page.getByText('suppressed', { exact: true }).waitFor();
  const { suppression, status } = await api(page, `/alerts/${items[0].id}`);
  assert.equal(suppression.reason, 'the vendor migrates until Friday');
  assert.equal(suppression.holds, true);
  assert.equal(status, 'closed');

  await page.goto(`${base}/#/settings/suppressions`);
  const row = page.getByRole('row', { name: /the vendor migrates until Friday/ });
  await row.waitFor();
  await axe(page);
  await shot(page, 'settings-suppressions');
  await row.getByRole('button', { name: /^End the suppression/ }).click();
  await page.getByText('Nothing is suppressed').waitFor();
  assert.equal((await api(page, `/alerts/${items[0].id}`)).suppression, undefined);
  await page.done();
});

test('new alerts are counted, and shown when asked for', async () => {
  const page = await open('#/alerts?severity=critical');
  await rows(page).first().waitFor();
  const first = await page.locator('.title').first().textContent();
  let fresh = true;
  await page.route(/\/api\/v1\/alerts\?/, async (route) => {
    const answer = await route.fetch();
    const body = await answer.json();
    if (fresh && body.items?.[0]) body.items.unshift({ ...body.items[0], id: 'f'.repeat(32), number: 9999, title: 'Just raised' });
    await route.fulfill({ response: answer, json: body });
  });
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await page.getByRole('button', { name: '1 new alert' }).waitFor();
  assert.equal(await page.locator('.title').first().textContent(), first, 'nothing moves by itself');
  await page.getByRole('button', { name: '1 new alert' }).click();
  await page.getByText('Just raised').waitFor();
  fresh = false;
  await page.unrouteAll({ behavior: 'wait' });
  await page.done();
});

test('hostile names stay text', async () => {
  const evil = '<img src=x onerror="globalThis.pwned=1">\u202egpj.exe\u001b[31m';
  const page = await open();
  const spoil = (a) => ({ ...a, title: evil, entity: evil, summary: evil, assignee: evil, account: [evil], rule: evil,
    ...(a.chain ? { actor: [evil], user_agent: [evil], object: [evil], session_id: [evil], unusual: [evil], actor_class: [evil], message: evil, triage: evil, region: [evil], event_name: [evil],
      chain: [[{ name: `role ${evil}, session ${evil}`, kind: 'role', id: evil, how: 'assumed by', from: evil }, { name: evil, kind: 'user' }]],
      sources: [{ address: evil, country: evil, network: evil, lists: [evil], network_kind: evil }], entities: [],
      searches: [{ search: `index=* user="${evil}"`, earliest: '', latest: '', complete: true }] } : {}) });
  await page.route(/\/api\/v1\/alerts(\?|\/[0-9a-f]+$)/, async (route) => {
    const answer = await route.fetch();
    const body = await answer.json();
    const json = body.items ? { ...body, items: body.items.map(spoil) } : spoil(body);
    await route.fulfill({ response: answer, json });
  });
  await page.goto(`${base}/#/alerts`);
  await rows(page).first().waitFor();
  assert.match(await page.locator('.title').first().textContent(), /<img src=x onerror=.*⟨U\+202E⟩gpj\.exe␛\[31m/);
  await shot(page, 'alerts-hostile');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.locator('#who .agent').waitFor();
  assert.match(await page.locator('#who .agent').textContent(), /⟨U\+202E⟩gpj\.exe␛/);
  await shot(page, 'alert-hostile');
  assert.equal(await page.locator('main img').count(), 0);
  assert.equal(await page.evaluate(() => globalThis.pwned), undefined);
  assert.ok(await page.evaluate(() => !/[\u202e\u001b]/.test(document.body.textContent)), 'no raw marks in the page');
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'the page keeps its width');
  await page.unrouteAll({ behavior: 'wait' });
  await page.done();
});

test('of ten thousand alerts only those in view are in the page', async () => {
  const page = await open();
  const { items } = await api(page, '/alerts?limit=50');
  const many = Array.from({ length: 10_000 }, (_, i) => ({ ...items[i % items.length], id: String(i).padStart(32, '0'), number: i + 1 }));
  await page.route(/\/api\/v1\/alerts\?/, (route) => {
    const q = new URL(route.request().url()).searchParams;
    const from = Number(q.get('cursor') ?? 0);
    const limit = Number(q.get('limit') ?? 100);
    return route.fulfill({ json: { items: many.slice(from, from + limit), total: many.length, ...(from + limit < many.length ? { next: String(from + limit) } : {}) } });
  });
  await page.goto(`${base}/#/alerts?status=any`);
  await rows(page).first().waitFor();
  for (let i = 0; i < 60 && Number(await page.locator('[role=grid]').getAttribute('aria-rowcount')) < 1000; i++) {
    await page.locator('[role=grid]').evaluate((e) => (e.scrollTop = e.scrollHeight));
    await page.waitForTimeout(60);
  }
  assert.ok((await rows(page).count()) < 80, 'only rows in view are in the page');
  assert.ok(Number(await page.locator('[role=grid]').getAttribute('aria-rowcount')) > 900, 'pages are loaded near the end');
  await page.unrouteAll({ behavior: 'wait' });
  await page.done();
});
