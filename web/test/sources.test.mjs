// Sources: coverage of accounts and regions.
import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { axe, base, close, open, shot } from './browser.mjs';

after(close);

test('coverage: silent, missing and learning accounts, categories and delays', async () => {
  const page = await open('#/exposure');
  const row = (region, more) => ({
    account: '111122223333', region, state: 'fine', events: 5, last: '2026-06-01T12:00:00Z', active_hours: 1, usual_silence_hours: 0, categories: { Management: 5 }, ...more,
  });
  await page.route('**/api/v1/sources/coverage', async (route) => {
    const real = await (await route.fetch()).json();
    assert.ok(real.items.length > 0 && real.categories.Data > 0 && real.live === false, JSON.stringify(real).slice(0, 500));
    await route.fulfill({ json: { ...real, live: true, problem: 'access is denied', silent: 1, missing: 1, delay: { events: 9, p50: 180, p99: 900 }, items: [
      row('eu-west-1'), row('us-east-1', { state: 'silent', expected_by: '2026-06-01T15:00:00Z', usual_silence_hours: 2, delay: { events: 9, p50: 120, p99: 600 } }), row('<img src=x>', { state: 'learning' }),
    ], total: 3, accounts: [{ account: '777788889999', name: 'lost', state: 'missing', regions: 0, silent: 0, events: 0, categories: {} }], categories: { Management: 15, Data: 0, NetworkActivity: 0, Insight: 0 } } });
  });
  await page.goto(`${base}/#/sources`);
  const part = page.getByRole('region', { name: 'Coverage', exact: true });
  await part.getByText('access is denied').waitFor();
  const lines = await part.locator('tbody tr').allInnerTexts();
  assert.match(lines[0], /777788889999 lost\s+missing\s+no records/);
  assert.match(lines[1], /us-east-1\s+silent\s+expected by .*15:00/);
  assert.match(lines[2], /<img src=x>\s+learning/);
  assert.match(lines[3], /eu-west-1\s+fine/);
  assert.match(await part.locator('.kinds').innerText(), /Management\s+15[^]*Data\s+none seen[^]*Network activity\s+none seen[^]*p50 3[^]*p99 15/);
  await axe(page);
  await shot(page, 'coverage');
  await page.done();
});
