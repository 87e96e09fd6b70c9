// Runs the searches of panels: a few at once, equal ones once.
import { ApiError, del, get, post, stream, type Schemas } from '../../api/client';
import { clock } from '../../state/time.svelte';
import { seconds, type Cell, type Table } from '../../components/chart/data';

const atOnce = 4;
const most = 5000; // rows of a panel

export interface Asked {
  search: string;
  earliest: string;
  latest: string;
}

type Job = Schemas['Job'];

export interface Result {
  table: Table;
  notices: string[];
  /** There are more rows than are here. */
  more: boolean;
}

let running = 0;
const waiting: (() => void)[] = [];

async function turn<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  if (running >= atOnce) await new Promise<void>((go) => waiting.push(go));
  running++;
  try {
    signal.throwIfAborted();
    return await work();
  } finally {
    running--;
    waiting.shift()?.();
  }
}

type Line = { type: string; columns?: string[]; rows?: Record<string, Cell>[]; offset?: number; job?: Job };

async function fetchRows(asked: Asked, signal: AbortSignal): Promise<Result> {
  const job = await post<Job>('/search/jobs', {
    search: asked.search,
    ...(asked.earliest && { earliest: asked.earliest }),
    ...(asked.latest && { latest: asked.latest }),
    tz: clock.zone === 'utc' ? 'UTC' : Intl.DateTimeFormat().resolvedOptions().timeZone,
    max_rows: most,
  }, signal);
  let columns: string[] = [];
  let rows: Record<string, Cell>[] = [];
  let last = job;
  try {
    await stream<Line>(`/search/jobs/${job.id}/stream?count=${most}`, undefined, (line) => {
      if (line.type === 'rows') {
        columns = line.columns ?? columns;
        rows = line.offset ? rows.concat(line.rows ?? []) : (line.rows ?? []);
      } else if (line.type === 'end' && line.job) last = line.job;
    }, signal);
  } catch (e) {
    if (signal.aborted) void del(`/search/jobs/${job.id}`).catch(() => {});
    throw e;
  }
  if (last.error) throw new ApiError(200, last.error);
  if (last.columns.length) columns = last.columns;
  return {
    table: { fields: columns, rows: rows.map((r) => columns.map((c) => r[c] ?? null)) },
    notices: last.notices.filter((n) => n.level !== 'note').map((n) => n.text),
    more: last.rows > rows.length,
  };
}

interface Entry {
  result: Promise<Result>;
  users: number;
  abort: AbortController;
  at: number;
}
const kept = new Map<string, Entry>();
const age = 60_000;

/** run returns the rows of a search; equal searches share them. release() when they are not wanted. */
export function run(asked: Asked, fresh = false): { result: Promise<Result>; release: () => void } {
  const key = JSON.stringify([asked, clock.zone]);
  for (const [k, e] of kept) if (e.users === 0 && performance.now() - e.at > age) kept.delete(k);
  let entry = kept.get(key);
  if (!entry || (fresh && entry.users === 0) || performance.now() - entry.at > age) {
    const abort = new AbortController();
    const made: Entry = { abort, users: 0, at: performance.now(), result: turn(() => fetchRows(asked, abort.signal), abort.signal) };
    made.result.catch(() => {
      if (kept.get(key) === made) kept.delete(key);
    });
    entry = made;
    kept.set(key, entry);
  }
  const own = entry;
  own.users++;
  return {
    result: own.result,
    release: () => {
      if (--own.users > 0) return;
      // A search that nobody waits for stops; one that has ended stays for a while.
      own.abort.abort();
    },
  };
}

/** forget makes the next run of every search a new one. */
export function forget() {
  kept.clear();
}

/** newest returns when the newest stored event happened; null when it cannot be told. */
export async function newest(): Promise<Date | null> {
  try {
    const { last } = await get<{ last?: string }>('/system');
    if (last) return new Date(last);
  } catch {
    // a server without that path: search for it
  }
  try {
    const { table } = await run({ search: 'index=aws | head 1 | fields _time', earliest: '', latest: '' }).result;
    const at = seconds(table.rows[0]?.[table.fields.indexOf('_time')]);
    return at == null ? null : new Date(at * 1000);
  } catch {
    return null;
  }
}
