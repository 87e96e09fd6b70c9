// What tables and charts make of their rows, without a browser.
import assert from 'node:assert/strict';
import test from 'node:test';
import { load } from './module.mjs';

test('every series of a chart has a colour of its own', async () => {
  const { colorOf, plot } = await load('components/chart/data.ts');
  const names = [...Array.from({ length: 16 }, (_, i) => `service${i}`), 'OTHER', 'NULL'];
  const colors = names.map(colorOf);
  assert.equal(new Set(colors).size, names.length, colors.join(' '));
  const { series } = plot({ fields: ['_time', ...names], rows: [['2026-06-25T05:00:00Z', ...names.map((_, i) => i + 1)]] }, { limit: 12 });
  assert.equal(new Set(series.map((s) => s.color)).size, series.length, series.map((s) => `${s.name} ${s.color}`).join(', '));
});

test('IDs of accounts are names, amounts are numbers', async () => {
  const { isNumeric } = await load('components/tablemodel.ts');
  const column = { id: 'x', value: (row) => row };
  assert.equal(isNumeric(column, ['111122223333', '', '444455556666']), false);
  assert.equal(isNumeric(column, ['111122223333', '17']), true);
  assert.equal(isNumeric(column, [111122223333]), true);
});
