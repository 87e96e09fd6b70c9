// Fails when the built scripts together exceed the budget, gzipped.
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const budget = 350_000;
const dir = new URL('../dist/assets/', import.meta.url);
const scripts = readdirSync(dir)
  .filter((name) => name.endsWith('.js'))
  .map((name) => [name, gzipSync(readFileSync(new URL(name, dir)), { level: 9 }).length])
  .sort((a, b) => b[1] - a[1]);
const total = scripts.reduce((sum, [, size]) => sum + size, 0);
for (const [name, size] of scripts.slice(0, 8)) console.log(`${String(size).padStart(8)}  ${name}`);
console.log(`${String(total).padStart(8)}  total of ${scripts.length} scripts, gzipped (at most ${budget})`);
if (scripts.length === 0 || total > budget) process.exit(1);
