// What the rows of a search become before they are drawn.
export type Cell = string | string[] | number | null | undefined;

export interface Table {
  fields: string[];
  rows: Cell[][];
}

export interface Series {
  name: string;
  values: (number | null)[];
  /** A token, such as --c1. */
  color: string;
}

export interface Plot {
  /** Name of the column along the x axis. */
  x: string;
  /** Seconds since the epoch, when x is a time. */
  times: number[] | null;
  labels: string[];
  series: Series[];
  /** Row of the table for each place. */
  rows: number[];
}

/** A place of a chart that was clicked. */
export interface Pick {
  row: Record<string, string>;
  /** Column of the series that was hit. */
  series?: string;
  /** Time range of the place, in seconds. */
  from?: number;
  to?: number;
}

export const text = (c: Cell): string => (c == null ? '' : Array.isArray(c) ? c.join(', ') : String(c));

export function number(c: Cell): number | null {
  if (typeof c === 'number') return c;
  if (typeof c !== 'string' || c.trim() === '') return null;
  const n = Number(c);
  return Number.isFinite(n) ? n : null;
}

/** seconds reads a time as the API gives it: RFC 3339 or seconds since the epoch. */
export function seconds(c: Cell): number | null {
  const n = number(c);
  if (n != null) return n;
  if (typeof c !== 'string' || !/^\d{4}-\d\d-\d\d/.test(c)) return null;
  const ms = Date.parse(c.includes('T') ? c : c.replace(' ', 'T') + 'Z');
  return Number.isNaN(ms) ? null : ms / 1000;
}

const known: Record<string, string> = {
  critical: '--critical', high: '--c5', medium: '--c2', low: '--c1', informational: '--c10',
  success: '--c3', failure: '--c5', failed: '--c5', ok: '--c3', other: '--c10', null: '--c20',
};

const severities = ['critical', 'high', 'medium', 'low', 'informational'];

/** colorOf gives the series at a place its colour; severities and outcomes have theirs. Greys are for what has no name. */
export function colorOf(name: string, at: number): string {
  const place = at % 18;
  return known[name.toLowerCase()] ?? `--c${place < 9 ? place + 1 : place + 2}`;
}

export const record = (t: Table, row: number): Record<string, string> =>
  Object.fromEntries(t.fields.map((f, i) => [f, text(t.rows[row]?.[i])]));

/**
 * plot splits a table into the x axis and its series. More series than `limit` are added up
 * as OTHER, so that the sum stays right.
 */
export function plot(table: Table, o: { x?: string; y?: string[]; limit?: number } = {}): Plot {
  const x = o.x && table.fields.includes(o.x) ? o.x : table.fields.includes('_time') ? '_time' : (table.fields[0] ?? '');
  const at = table.fields.indexOf(x);
  const sample = table.rows.slice(0, 200);
  const numeric = (i: number) => sample.some((r) => number(r[i]) != null) && sample.every((r) => text(r[i]) === '' || number(r[i]) != null);
  const columns = o.y?.length
    ? o.y.map((f) => table.fields.indexOf(f)).filter((i) => i >= 0)
    : table.fields.map((_, i) => i).filter((i) => i !== at && !(table.fields[i] ?? '').startsWith('_') && numeric(i));
  const times = x === '_time' || /time$/i.test(x) ? table.rows.map((r) => seconds(r[at])) : [];
  const timed = times.length > 0 && times.every((t) => t != null);
  let rows = table.rows.map((_, i) => i);
  if (timed) rows = rows.sort((a, b) => times[a]! - times[b]!);

  let series: Series[] = columns.map((i, n) => ({
    name: table.fields[i]!,
    values: rows.map((r) => number(table.rows[r]?.[i])),
    color: colorOf(table.fields[i]!, n),
  }));
  // Severities stand in their order, and what is zero everywhere is left out.
  const some = series.filter((s) => s.values.some((v) => v));
  if (series.length > 1 && some.length > 0) series = some;
  if (series.length > 1 && series.every((s) => severities.includes(s.name))) series.sort((a, b) => severities.indexOf(a.name) - severities.indexOf(b.name));
  const limit = o.limit ?? 10;
  if (series.length > limit) {
    const sum = (s: Series) => s.values.reduce<number>((a, v) => a + (v ?? 0), 0);
    const other = series.find((s) => s.name === 'OTHER'); // joins what is added up here
    const order = series.filter((s) => s !== other).map((s) => ({ s, n: sum(s) })).sort((a, b) => b.n - a.n);
    const kept = new Set(order.slice(0, limit - 1).map((e) => e.s));
    const rest = series.filter((s) => !kept.has(s));
    series = series.filter((s) => kept.has(s)).map((s, n) => ({ ...s, color: colorOf(s.name, n) }));
    series.push({
      name: other?.name ?? `${rest.length} others`,
      values: rows.map((_, i) => rest.reduce((a, s) => a + (s.values[i] ?? 0), 0)),
      color: '--c10',
    });
  }
  return { x, times: timed ? rows.map((r) => times[r]!) : null, labels: rows.map((r) => text(table.rows[r]?.[at])), series, rows };
}

const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** compact writes a number for an axis: 1.2K. */
export const compact = (n: number): string => (Math.abs(n) < 1 && n !== 0 ? String(+n.toPrecision(2)) : short.format(n));

/** exact writes a number in full, with groups of three. */
export const exact = (n: number | null | undefined, decimals?: number): string =>
  n == null ? '–' : n.toLocaleString('en', decimals == null ? { maximumFractionDigits: 3 } : { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
