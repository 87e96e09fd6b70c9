// The pages put values into searches as the server does: both run the same cases.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import ts from 'typescript';

/** load compiles files of the pages, which import nothing but each other. */
async function load() {
  const dir = mkdtempSync(join(tmpdir(), 'bluetrail-tokens-'));
  try {
    for (const name of ['model', 'tokens']) {
      const text = readFileSync(new URL(`../src/pages/dashboards/${name}.ts`, import.meta.url), 'utf8');
      const out = ts.transpileModule(text, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } }).outputText;
      writeFileSync(join(dir, `${name}.mjs`), out.replace(/'\.\/(\w+)'/g, "'./$1.mjs'"));
    }
    return await import(join(dir, 'tokens.mjs'));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

test('values of inputs in searches', async () => {
  const { expand } = await load();
  const { inputs, cases } = JSON.parse(readFileSync(new URL('../../internal/dashboard/testdata/tokens.json', import.meta.url), 'utf8'));
  for (const c of cases) {
    if (c.fails) assert.throws(() => expand(inputs, c.text, c.values ?? {}), (e) => e.message.includes(c.fails), c.text);
    else assert.equal(expand(inputs, c.text, c.values ?? {}), c.want, c.text);
  }
});
