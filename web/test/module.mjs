// Loads a TypeScript module of the pages that imports no other into node.
import { readFileSync } from 'node:fs';
import { transformWithOxc } from 'vite';

/** load returns the exports of a file under src. */
export async function load(path) {
  const url = new URL('../src/' + path, import.meta.url);
  const { code } = await transformWithOxc(readFileSync(url, 'utf8'), path);
  return import('data:text/javascript;base64,' + Buffer.from(code).toString('base64'));
}
