// Which pictures a table can be drawn as, and which fits best.
import { splitPipes } from '../../components/spl';
import type { Table } from '../../components/chart/data';
import { text, type Row } from './types';

export const kinds = ['line', 'area', 'column', 'stacked', 'bar', 'pie', 'single', 'map'] as const;
export type Kind = (typeof kinds)[number];

export const names: Record<Kind, string> = {
  line: 'Line',
  area: 'Area',
  column: 'Column',
  stacked: 'Stacked column',
  bar: 'Bar',
  pie: 'Pie',
  single: 'Single value',
  map: 'Map',
};

const numeric = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i;

export function toTable(columns: string[], rows: Row[]): Table {
  return { fields: columns, rows: rows.map((r) => columns.map((c) => r[c] ?? null)) };
}

function has(columns: string[], name: RegExp): boolean {
  return columns.some((c) => name.test(c));
}

/** best picks a picture by the last command and the columns; null when only a table makes sense. */
export function best(q: string, columns: string[], rows: Row[]): Kind | null {
  if (rows.length === 0 || columns.length === 0) return null;
  const command = splitPipes(q).map((p) => /^\s*(\w+)/.exec(p)?.[1]?.toLowerCase() ?? '').findLast((c) => /^(?:timechart|chart|top|rare|geostats|stats|tstats)$/.test(c)) ?? '';
  const numbers = columns.filter((c) => !c.startsWith('_') && rows.slice(0, 50).some((r) => r[c] !== undefined) && rows.slice(0, 50).every((r) => r[c] === undefined || numeric.test(text(r[c]))));
  if (command === 'geostats' || (has(columns, /^latitude$/i) && has(columns, /^longitude$/i))) return 'map';
  if (numbers.length === 0) return null;
  if (columns.includes('_time')) return command === 'timechart' && numbers.length > 1 ? 'stacked' : 'column';
  if (rows.length === 1 && numbers.length === 1 && columns.length === 1) return 'single';
  if (has(columns, /^country(?:_?name)?$|_country$/i) && rows.length > 1) return 'map';
  return 'bar';
}
