// Runs the browser tests: makes the demo's data once in a temporary folder, serves it, runs
// every *.test.mjs (or those named on the command line), and stops the server.
//
//   BLUETRAIL       the program (default: ../bin/bluetrail)
//   BLUETRAIL_DEMO  a data directory to copy rather than to make one
//   BLUETRAIL_URL   a server that runs already, with BLUETRAIL_USER and BLUETRAIL_PASSWORD
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { write as writeHostile } from './hostile.mjs';

export * from './browser.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const program = resolve(process.env.BLUETRAIL ?? join(here, '../../bin/bluetrail'));

function run(command, args, options = {}) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { stdio: 'inherit', ...options });
    child.on('error', fail);
    child.on('exit', (code, signal) => done(code ?? (signal ? 1 : 0)));
  });
}

function freePort() {
  return new Promise((done) => {
    const s = createServer().listen(0, '127.0.0.1', () => {
      const { port } = s.address();
      s.close(() => done(port));
    });
  });
}

async function makeData(folder) {
  const data = join(folder, 'data-1-20000');
  const must = async (args) => {
    const code = await run(program, args, { stdio: 'ignore', env: { ...process.env, CI: '1' } });
    if (code !== 0) throw new Error(`cannot make the data: bluetrail ${args.join(' ')} exits with ${code}`);
  };
  if (process.env.BLUETRAIL_DEMO) cpSync(process.env.BLUETRAIL_DEMO, data, { recursive: true });
  else await must(['demo', '--no-serve', '--events', '20000', '--data', folder]);
  const hostile = join(folder, 'hostile.json');
  writeHostile(hostile);
  await must(['ingest', hostile, '--index', 'hostile', '--data', data]);
  return data;
}

const password = 'plain words for browser tests';

/** makeAdmin makes the administrator, or sets its password in data that has one. */
async function makeAdmin(folder, data) {
  const file = join(folder, 'password');
  writeFileSync(file, password, { mode: 0o600 });
  const quiet = { stdio: 'ignore' };
  const args = ['--password-file', file, '--data', data];
  if ((await run(program, ['user', 'add', 'admin', '--role', 'admin', ...args], quiet)) === 0) return;
  const code = await run(program, ['user', 'passwd', 'admin', ...args]);
  if (code !== 0) throw new Error(`cannot set the administrator's password: exit ${code}`);
}

/** serve starts the server and waits until it answers. */
async function serve(data) {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  let said = '';
  const child = spawn(program, ['serve', '--data', data, '--addr', `127.0.0.1:${port}`], { stdio: ['ignore', 'pipe', 'pipe'] });
  for (const out of [child.stdout, child.stderr]) out.on('data', (d) => (said = (said + d).slice(-20_000)));
  const ended = new Promise((done) => child.on('exit', done));
  const stop = async () => {
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
    await ended;
    clearTimeout(late);
  };
  for (let tries = 0; tries < 300; tries++) {
    if (child.exitCode != null) throw new Error(`the server ended:\n${said}`);
    try {
      const answer = await fetch(`${base}/api/v1/session`);
      if (answer.status === 401 || answer.ok) return { base, stop, said: () => said };
    } catch {
      // not yet
    }
    await new Promise((done) => setTimeout(done, 100));
  }
  await stop();
  throw new Error(`the server does not answer:\n${said}`);
}

async function main() {
  const names = process.argv.slice(2);
  const files = (names.length ? names.map((n) => resolve(n)) : readdirSync(here).filter((f) => f.endsWith('.test.mjs')).sort().map((f) => join(here, f)));
  const folder = mkdtempSync(join(tmpdir(), 'bluetrail-web-'));
  let server;
  let code = 1;
  const env = { ...process.env };
  try {
    if (!env.BLUETRAIL_URL) {
      const started = Date.now();
      const data = await makeData(folder);
      await makeAdmin(folder, data);
      env.BLUETRAIL_USER = 'admin';
      env.BLUETRAIL_PASSWORD = password;
      server = await serve(data);
      console.log(`serving the demo's data at ${server.base} after ${((Date.now() - started) / 1000).toFixed(1)} s`);
      env.BLUETRAIL_URL = server.base;
    }
    const test = (name) => run(process.execPath, ['--test', '--test-reporter=spec', name], { env });
    code = 0;
    const failed = [];
    const queue = [...files];
    await Promise.all([1, 2].map(async () => {
      for (let name; (name = queue.shift()); ) if ((await test(name)) !== 0) failed.push(name);
    }));
    for (const name of failed) {
      console.log(`${basename(name)} failed; once more, alone`);
      if ((await test(name)) !== 0) code = 1;
      else console.log(`${basename(name)} failed once and passed alone: a test of it depends on time`);
    }
    if (code !== 0 && server) console.error(`The server's last words:\n${server.said().slice(-3000)}`);
  } finally {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  process.exitCode = code;
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) await main();
