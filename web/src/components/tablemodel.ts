// What a table shows: filtered, sorted, its columns in order. Pure, so that it can be tested.
import type { Snippet } from 'svelte';

export interface Column<R> {
  id: string;
  /** The head; the id if absent. */
  label?: string;
  value: (row: R) => unknown;
  kind?: 'text' | 'number' | 'time';
  /** In pixels; guessed from the first rows if absent. */
  width?: number;
  /** Draws the cell instead of the value's text. */
  cell?: Snippet<[R]>;
  /** The field of log values, for their menu; false for texts of our own, which have none. */
  field?: string | false;
  /** Not for sorting, such as a column of buttons. */
  fixed?: boolean;
  hint?: string;
  hidden?: boolean;
}

export interface Sort {
  id: string;
  desc: boolean;
}

/** text writes a cell's value as it is filtered, exported and shown. */
export function text(value: unknown): string {
  if (value == null) return '';
  if (Array.isArray(value)) return value.map(text).join('\n');
  if (typeof value === 'object') return JSON.stringify(value);
  return String(value);
}

const numeric = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i;

/** compare puts numbers before texts, numbers by size, and what is missing last. */
export function compare(a: unknown, b: unknown): number {
  const x = typeof a === 'number' ? a : text(a);
  const y = typeof b === 'number' ? b : text(b);
  if (x === '' || y === '') return x === y ? 0 : x === '' ? 2 : -2;
  const nx = typeof x === 'number' || numeric.test(x);
  const ny = typeof y === 'number' || numeric.test(y);
  if (nx && ny) return Math.sign(Number(x) - Number(y));
  if (nx !== ny) return nx ? -1 : 1;
  return x < y ? -1 : x > y ? 1 : 0;
}

/** order sorts a copy; rows without the value stay last in both directions, equal ones in place. */
export function order<R>(rows: readonly R[], value: (row: R) => unknown, desc: boolean): R[] {
  const keyed = rows.map((row) => ({ row, key: value(row) }));
  keyed.sort((a, b) => {
    const c = compare(a.key, b.key);
    return Math.abs(c) === 2 ? Math.sign(c) : desc ? -c : c;
  });
  return keyed.map((k) => k.row);
}

/** matches says whether a row holds a text in one of the columns, in any case. */
export function matches<R>(row: R, columns: Column<R>[], wanted: string): boolean {
  return columns.some((c) => text(c.value(row)).slice(0, 100_000).toLowerCase().includes(wanted));
}

/** guess finds a width that fits most of the first values. */
export function guess<R>(column: Column<R>, rows: readonly R[]): number {
  const head = (column.label ?? column.id).length + 4;
  const lengths = rows
    .slice(0, 60)
    .map((r) => Math.max(...text(column.value(r)).slice(0, 400).split('\n').map((l) => l.length)))
    .sort((a, b) => a - b);
  const most = lengths[Math.floor(lengths.length * 0.9)] ?? 0;
  return Math.round(Math.min(460, Math.max(72, Math.max(most, Math.min(head, 24)) * 7.3 + 24)));
}

const account = /^\d{12}$/;

/** isNumeric says whether all values of the first rows are numbers. IDs of accounts are names made of digits. */
export function isNumeric<R>(column: Column<R>, rows: readonly R[]): boolean {
  let seen = false;
  let accounts = true;
  for (const row of rows.slice(0, 60)) {
    const v = column.value(row);
    if (v == null || v === '') continue;
    if (typeof v !== 'number' && !(typeof v === 'string' && numeric.test(v) && v.length < 18 && !/^0\d/.test(v))) return false;
    if (typeof v !== 'string' || !account.test(v)) accounts = false;
    seen = true;
  }
  return seen && !accounts;
}
