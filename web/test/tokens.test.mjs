// Colours that carry text pass WCAG AA (4.5:1) in both themes.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

const css = readFileSync(new URL('../src/styles/tokens.css', import.meta.url), 'utf8');
const tokens = {};
for (const [, name, light, dark] of css.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);/g)) tokens[name] = [light, dark];
tokens['on-accent'] = ['#ffffff', '#ffffff'];

function luminance(hex) {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
  const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
  return (x + 0.05) / (y + 0.05);
}

test('colour tokens pass WCAG AA', () => {
  const wrong = [];
  const need = (text, ground, least = 4.5) => {
    for (const theme of [0, 1]) {
      const c = contrast(tokens[text][theme], tokens[ground][theme]);
      if (c < least) wrong.push(`--${text} on --${ground}, ${theme ? 'dark' : 'light'}: ${c.toFixed(2)} < ${least}`);
    }
  };
  for (const ground of ['bg', 'surface', 'surface-2'])
    for (const text of ['text', 'text-2', 'text-3', 'accent', 'ok', 'warn', 'bad', 'critical', 'high', 'medium', 'low', 'info', 'open']) need(text, ground);
  for (const name of ['critical', 'high', 'medium', 'low', 'info', 'ok', 'warn', 'bad', 'open', 'accent']) {
    need(name, `${name}-bg`);
    need('text', `${name}-bg`);
  }
  for (const name of ['command', 'function', 'field', 'string', 'number', 'keyword', 'comment']) need(`syn-${name}`, 'surface');
  for (const text of ['text', 'text-2']) need(text, 'surface-3');
  need('text', 'mark');
  need('on-accent', 'accent-fill');
  for (let i = 1; i <= 20; i++) need(`c${i}`, 'surface', 3);
  for (const line of ['line-strong', 'focus']) need(line, 'surface', 3);
  assert.deepEqual(wrong, []);
  assert.ok(Object.keys(tokens).length > 40);
});
