// A search becomes a saved one, a panel and a rule; the histogram is stacked, columns are hidden and pinned.
import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { base, close, open } from './browser.mjs';

after(close);

const q = 'errorCode=AccessDenied | stats count by eventName';

/** clean ends what the test makes, also what a run before it left. */
async function clean(page) {
  for (const s of (await (await page.request.get(`${base}/api/v1/saved-searches`)).json()).items)
    await page.request.delete(`${base}/api/v1/saved-searches/${s.id}`, { headers: { Origin: base } });
  await page.request.delete(`${base}/api/v1/dashboards/refusals-by-call`, { headers: { Origin: base } });
}

test('a search is saved, becomes a panel and a rule', async () => {
  const page = await open(`#/search?q=${encodeURIComponent(q)}`);
  await clean(page);
  const grid = page.getByRole('grid', { name: 'Result' });
  await grid.locator('[data-cell="0:0"]').waitFor();
  const save = async (item, title) => {
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByRole('menuitem', { name: item }).click();
    if (!title) return;
    await page.getByRole('dialog').getByRole('textbox', { name: 'Title' }).fill(title);
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await page.getByRole('dialog').getByRole('status').waitFor();
  };

  // columns: hidden, pinned, and so again after loading
  await grid.getByRole('button', { name: 'Column eventName' }).click();
  await page.getByRole('menuitem', { name: 'Pin to the left' }).click();
  await grid.locator('[role=columnheader].pinned', { hasText: 'eventName' }).waitFor();
  await grid.getByRole('button', { name: 'Column count' }).click();
  await page.getByRole('menuitem', { name: 'Hide' }).click();
  await page.getByRole('button', { name: 'Columns 1/2' }).click();
  await page.getByRole('group', { name: 'Columns' }).getByLabel('count').check();
  await grid.getByRole('columnheader', { name: /count/ }).waitFor();

  await save('Save search', 'Refused calls');
  await page.getByRole('dialog').getByRole('button', { name: 'Close', exact: true }).last().click();
  await save('Add to a dashboard', 'Refusals by call');
  await page.getByRole('dialog').getByRole('link', { name: 'Open it' }).click();
  await page.waitForFunction(() => location.hash.startsWith('#/dashboards/refusals-by-call'));
  await page.getByRole('heading', { level: 1, name: 'Refusals by call' }).waitFor();
  await page.locator('[data-cell="0:0"]').waitFor();

  await page.goto(`${base}/#/search`);
  await page.getByRole('button', { name: 'History and saved searches' }).click();
  await page.locator('.entry', { hasText: q }).first().waitFor();
  await page.getByRole('button', { name: 'Saved', exact: true }).click();
  await page.locator('.entry', { hasText: 'Refused calls' }).click();
  await page.waitForFunction((q) => new URLSearchParams(location.hash.split('?')[1]).get('q') === q, q);
  await grid.locator('[data-cell="0:0"]').waitFor();
  await save('Make a rule of it');
  await page.waitForFunction(() => location.hash.startsWith('#/rules/new'));
  await page.locator('.cm-content', { hasText: 'errorCode=AccessDenied' }).waitFor();

  await clean(page);
  await page.done();
});

test('the histogram is stacked by a field', async () => {
  const page = await open(`#/search?q=${encodeURIComponent('eventName=ConsoleLogin')}`);
  await page.locator('.bars canvas').waitFor();
  await page.locator('.fields .name', { hasText: 'awsRegion' }).first().click();
  await page.getByRole('button', { name: 'Stack the histogram' }).click();
  await page.waitForFunction(() => new URLSearchParams(location.hash.split('?')[1]).get('by') === 'awsRegion');
  await page.locator('.histogram').getByText('us-east-1').first().waitFor();
  await page.getByRole('button', { name: 'by awsRegion' }).click();
  await page.waitForFunction(() => !new URLSearchParams(location.hash.split('?')[1]).has('by'));
  await page.done();
});

test('the content security policy allows no script but the own files', async () => {
  const page = await open('', { signedIn: false });
  const answer = await page.request.get(`${base}/`);
  const policy = answer.headers()['content-security-policy'] ?? '';
  for (const part of ["default-src 'self'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]) assert.ok(policy.includes(part), `${part} in ${policy}`);
  assert.doesNotMatch(policy, /unsafe|\*|https?:/);
  assert.doesNotMatch(await answer.text(), /<script>|<style|\son\w+=/);
  await page.done();
});
