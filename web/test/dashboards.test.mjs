// Dashboards: every shipped one shows data; one is made, edited, duplicated and imported.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test, { after } from 'node:test';
import { axe, base, close, open, shot } from './browser.mjs';

after(close);

const ids = ['access-keys', 'detections', 'ec2', 'errors', 'iam', 'key-pairs', 'network', 'overview', 'resources', 's3', 'security-groups', 'sign-ins', 'trail-health', 'users'];

/** settled waits until no panel is busy any more. */
async function settled(page) {
  await page.locator('section.panel').first().waitFor();
  await page.waitForFunction(() => {
    const panels = [...document.querySelectorAll('section.panel')];
    return panels.length > 0 && panels.every((p) => p.getAttribute('aria-busy') !== 'true' && p.querySelector('.body')?.childElementCount);
  }, null, { timeout: 30_000 });
}

test('every shipped dashboard opens with data and without an error', async () => {
  const page = await open('#/dashboards', { allow: [/404/] });
  await page.getByRole('link', { name: /Overview/ }).waitFor();
  for (const id of ids) {
    await page.goto(`${base}/#/dashboards/${id}`);
    await page.waitForFunction((id) => location.hash.includes(id) && document.querySelector('h1')?.textContent.trim(), id);
    await settled(page);
    assert.equal(await page.getByRole('alert').count(), 0, `${id}: ${await page.getByRole('alert').allTextContents()}`);
    const panels = await page.locator('section.panel').count();
    const empty = await page.locator('section.panel .none').count();
    assert.ok(panels >= 5 && empty <= panels / 3, `${id}: ${empty} of ${panels} panels are empty`);
  }
  await page.done();
});

test('the overview: inputs, drill-down, brush, accessibility', async () => {
  const page = await open('#/dashboards/overview', { allow: [/404/] });
  await settled(page);
  await axe(page);
  await shot(page, 'dashboard-overview', { wide: true });
  const chart = page.getByRole('region', { name: 'Events by service' }).locator('.u-over');
  const box = await chart.boundingBox();
  await page.mouse.move(box.x + box.width * 0.3, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + 40, { steps: 4 });
  await page.mouse.up();
  await page.waitForFunction(() => /time\.earliest=\d{4}-/.test(decodeURIComponent(location.hash)));
  await settled(page);
  await page.getByRole('button', { name: /^Account/ }).click();
  await page.getByRole('group', { name: 'Account' }).getByRole('button', { name: /^\d{12}$/ }).first().click();
  await page.waitForFunction(() => /account=\d{12}/.test(location.hash));
  await settled(page);
  const bar = page.getByRole('region', { name: 'Errors' }).locator('button.row').first();
  await bar.click();
  await page.waitForFunction(() => location.hash.startsWith('#/search') && /errorCode/.test(decodeURIComponent(location.hash)));
  await page.done();
});

test('a dashboard is made, edited in the browser, saved, and a conflict is told', async () => {
  const page = await open('#/dashboards/new', { allow: [/40[049]/] });
  await settled(page);
  await page.getByRole('button', { name: 'Row', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Title').fill('Calls <img src=x onerror=alert(1)>');
  await dialog.getByLabel(/^Search/).fill('index=aws | stats count by eventSource | nosuch');
  await dialog.getByRole('alert').waitFor(); // the fault is told where it is typed
  await dialog.getByLabel(/^Search/).fill('index=aws | stats count by eventSource | sort - count | head 5');
  await dialog.getByLabel('Shown as').selectOption('bar');
  await dialog.locator('button.row').first().waitFor();
  await shot(page, 'dashboard-panel');
  await dialog.getByRole('button', { name: 'Apply' }).click();
  await page.getByRole('button', { name: /Save as my own/ }).click();
  await dialog.getByLabel('Title').fill('My calls');
  await dialog.getByRole('button', { name: 'Save', exact: true }).click();
  await page.waitForFunction(() => location.hash.startsWith('#/dashboards/my-calls'));
  await settled(page);
  await page.getByRole('button', { name: 'Edit', exact: true }).click();
  const kept = await page.request.get(`${base}/api/v1/dashboards/my-calls`);
  const { source, version } = await kept.json();
  const other = await page.request.put(`${base}/api/v1/dashboards/my-calls`, { data: { source, version }, headers: { Origin: base } });
  assert.ok(other.ok(), await other.text());
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByRole('dialog', { name: /Somebody else/ }).waitFor();
  await page.getByRole('button', { name: /load theirs/ }).click();
  await settled(page);
  await page.goto(`${base}/#/dashboards`);
  await page.getByRole('link', { name: /My calls/ }).waitFor();
  await axe(page);
  await shot(page, 'dashboards');
  await page.done();
});

test('a Splunk dashboard is imported, and what does not carry over is named', async () => {
  const page = await open('#/dashboards/import', { allow: [/40[04]/] });
  const xml = readFileSync(new URL('../../internal/dashboard/testdata/form.xml', import.meta.url), 'utf8');
  await page.getByLabel(/its text/).fill(xml);
  await page.getByRole('button', { name: 'Read it' }).click();
  const left = page.getByRole('region', { name: 'What did not carry over' });
  await left.waitFor();
  assert.match(await left.textContent(), /custom visualization "sankey\.sankey"/);
  await page.getByRole('button', { name: /Save as my own/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Save', exact: true }).click();
  await page.waitForFunction(() => location.hash.startsWith('#/dashboards/who-signs-in'));
  await page.getByRole('heading', { level: 1, name: 'Who signs in?' }).waitFor();
  await page.done();
});
