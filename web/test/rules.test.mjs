// Rules, lists, lookups, exposure, sources and health, against the real server.
import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { axe, base, close, open, shot } from './browser.mjs';

after(close);

/** replace puts a text in the place of what the editor holds. */
async function replace(page, text) {
  await page.getByRole('textbox', { name: 'Rule in YAML' }).click();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.insertText(text);
}

const rule = (condition) => `title: Roles assumed <img src=x onerror=alert(1)>
id: 8f1f7d0e-52b0-4b4b-9b50-0d8f6a1c2e47
name: roles_assumed
level: low
logsource: {product: aws, service: cloudtrail}
tags: [attack.t1078.004]
detection:
  call: {eventName: AssumeRole}
  condition: ${condition}
tests:
  - name: a role is assumed
    fire: true
    events: [{eventSource: sts.amazonaws.com, eventName: AssumeRole}]
`;

test('the list of rules, the matrix and a shipped rule', async () => {
  const page = await open('#/rules');
  await page.getByRole('link', { name: 'Account closed' }).waitFor();
  await axe(page);
  await shot(page, 'rules');
  await page.getByRole('combobox', { name: 'Kind' }).selectOption('spl');
  await page.getByRole('link', { name: 'Serial console of an instance opened' }).waitFor();
  await page.getByRole('combobox', { name: 'Kind' }).selectOption('');
  await page.getByRole('group', { name: 'View' }).getByRole('button', { name: 'ATT&CK' }).click();
  const cell = page.getByRole('button', { name: /Cloud Accounts/ }).first();
  await cell.waitFor();
  await axe(page);
  await shot(page, 'rules-matrix');
  await cell.click();
  await page.getByRole('button', { name: 'T1078.004' }).waitFor();
  await page.getByRole('button', { name: 'T1078.004' }).click();
  await page.getByRole('link', { name: 'Account closed' }).click();
  await page.getByRole('tab', { name: 'Text' }).click();
  await page.getByRole('heading', { name: 'Sound · 2 of 2 tests pass' }).waitFor();
  await page.getByRole('tab', { name: 'About' }).click();
  await axe(page);
  await page.getByRole('button', { name: 'Disable…' }).click();
  await page.getByLabel(/^Why/).fill('nobody closes accounts');
  await page.getByRole('button', { name: 'Disable', exact: true }).click();
  await page.getByText('nobody closes accounts (admin)').waitFor();
  await page.getByRole('button', { name: 'Enable' }).click();
  await page.getByRole('button', { name: 'Disable…' }).waitFor();
  await page.getByRole('tab', { name: 'Explain' }).click();
  await page.getByLabel(/^Event/).fill('{"eventSource":"account.amazonaws.com","eventName":"CloseAccount"}');
  await page.getByRole('button', { name: 'Explain', exact: true }).click();
  await page.getByRole('heading', { name: 'The rule fires on CloseAccount' }).waitFor();
  await axe(page);
  await shot(page, 'rule-explain');
  await page.done();
});

test('a rule is written, mended, tested, saved, run over the past and removed', async () => {
  const page = await open('#/rules/new');
  await page.getByRole('heading', { name: /^Sound/ }).waitFor();
  await replace(page, rule('nothing'));
  const fault = page.getByRole('complementary', { name: 'Check' }).getByRole('button', { name: /^line \d/ });
  await fault.waitFor();
  assert.ok(await page.getByRole('button', { name: 'Save' }).isDisabled());
  await axe(page);
  await shot(page, 'rule-fault');
  await replace(page, rule('call').replace('fire: true', 'fire: false'));
  await page.getByText('should not fire, does').waitFor();
  await replace(page, rule('call'));
  await page.getByRole('heading', { name: 'Sound · 1 of 1 tests pass' }).waitFor();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { level: 1, name: /^Roles assumed <img/ }).waitFor();
  await page.getByRole('tab', { name: 'Backtest' }).click();
  await page.getByRole('button', { name: 'Run over stored events' }).click();
  const sum = page.locator('.sum');
  await sum.waitFor();
  assert.match(await sum.textContent(), /[1-9][\d,]* findings of [1-9][\d,]* events/);
  await axe(page);
  await shot(page, 'rule-backtest');
  await page.getByRole('tab', { name: 'Edit' }).click();
  await replace(page, rule('call').replace('level: low', 'level: medium'));
  await page.getByRole('heading', { name: /^Sound/ }).waitFor();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Medium', { exact: true }).waitFor();
  await page.getByRole('tab', { name: 'History' }).click();
  await page.getByRole('button', { name: 'Show' }).last().click();
  await page.locator('pre', { hasText: 'level: low' }).waitFor();
  await page.getByRole('button', { name: 'More about this rule' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.waitForFunction(() => location.hash === '#/rules');
  await page.done();
});

test('a lookup is made, edited, imported, exported, brought back and deleted', async () => {
  const page = await open('#/lists');
  await page.getByRole('button', { name: 'New lookup' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('friends');
  await page.getByLabel(/^Columns/).fill('address, note');
  await page.getByRole('button', { name: 'Make' }).click();
  await page.getByRole('heading', { level: 1, name: 'friends.csv' }).waitFor();
  const save = page.getByRole('button', { name: 'Save' });
  const saved = () => page.waitForFunction(() => [...document.querySelectorAll('button.primary')].some((b) => b.textContent.includes('Save') && b.disabled));
  for (const address of ['192.0.2.1', '192.0.2.2']) {
    await page.getByRole('button', { name: 'Row', exact: true }).click();
    await page.getByLabel('address, row 1').fill(address);
  }
  await page.getByLabel('note, row 1').fill('<b>=cmd()</b>, "two"');
  await save.click();
  await saved();
  await page.getByRole('button', { name: 'Remove row 2' }).click();
  await save.click();
  await saved();
  await axe(page);
  await shot(page, 'lookup');
  const more = async (name) => {
    await page.getByRole('button', { name: 'More about this table' }).click();
    await page.getByRole('menuitem', { name }).click();
  };
  const file = page.waitForEvent('download');
  await more(/Export/);
  assert.equal((await file).suggestedFilename(), 'friends.csv');
  await more(/Import/);
  await page.getByLabel(/its text/).fill('address,note\n198.51.100.1,a\n198.51.100.2,b\n198.51.100.3,c\n');
  await page.getByRole('button', { name: 'Replace all rows' }).click();
  await page.getByText('3 rows').waitFor();
  await more('History');
  await dialog.getByRole('row').nth(4).waitFor(); // of four versions
  await dialog.getByRole('row').nth(3).getByRole('button', { name: /Restore/ }).click();
  await page.getByRole('button', { name: 'Replace all rows' }).click();
  await page.getByText('2 rows').waitFor();
  await more('Delete');
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.waitForFunction(() => location.hash === '#/lists');
  await page.getByRole('link', { name: 'exposure.csv' }).waitFor();
  await axe(page);
  await shot(page, 'lists');
  await page.done();
});

test('exposure, sources and health', async () => {
  const page = await open('#/exposure');
  for (const [path, shown] of [
    ['exposure', page.locator('tbody tr').first()],
    ['sources', page.locator('.strip tr').first()],
    ['health', page.getByRole('heading', { name: 'Contents' })],
  ]) {
    await page.goto(`${base}/#/${path}`);
    await shown.waitFor();
    await axe(page);
    await shot(page, path);
  }
  await page.done();
});
