// Loads a TypeScript module of the pages into node, with what it imports.
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

/** load returns the exports of a file under src. */
export async function load(path) {
  const entry = fileURLToPath(new URL('../src/' + path, import.meta.url));
  const [{ output }] = await build({ configFile: false, publicDir: false, logLevel: 'silent', build: { write: false, minify: false, lib: { entry, formats: ['es'] } } });
  return import('data:text/javascript;base64,' + Buffer.from(output[0].code).toString('base64'));
}
