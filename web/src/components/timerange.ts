// Ranges of time as searches take them: relative ("-24h", "-7d@d"), absolute (RFC 3339), or open.
import { fmt, toDate } from '../state/time.svelte';

export interface Range {
  earliest: string;
  latest: string;
}

export const presets: (Range & { name: string })[] = [
  { name: 'Last 15 minutes', earliest: '-15m', latest: '' },
  { name: 'Last hour', earliest: '-1h', latest: '' },
  { name: 'Last 4 hours', earliest: '-4h', latest: '' },
  { name: 'Last 24 hours', earliest: '-24h', latest: '' },
  { name: 'Last 7 days', earliest: '-7d', latest: '' },
  { name: 'Last 30 days', earliest: '-30d', latest: '' },
  { name: 'Last 90 days', earliest: '-90d', latest: '' },
  { name: 'Today', earliest: '@d', latest: '' },
  { name: 'Yesterday', earliest: '-1d@d', latest: '@d' },
  { name: 'This week', earliest: '@w1', latest: '' },
  { name: 'This month', earliest: '@mon', latest: '' },
  { name: 'All time', earliest: '', latest: '' },
];

const absolute = /^\d{4}-\d\d-\d\d(?:T|$)/;

function one(t: string, open: string): string {
  if (t === '' || t === 'now' || t === 'now()') return open;
  if (absolute.test(t) || /^\d{9,10}(?:\.\d+)?$/.test(t)) return fmt(/^\d/.test(t) && !absolute.test(t) ? Number(t) : t, 'second').replace(/:00$/, '');
  return t;
}

/** name says a range in words. */
export function name(r: Range): string {
  const latest = r.latest === 'now' || r.latest === 'now()' ? '' : r.latest;
  const earliest = r.earliest === '0' ? '' : r.earliest;
  const preset = presets.find((p) => p.earliest === earliest && p.latest === latest);
  if (preset) return preset.name;
  return `${one(earliest, 'beginning')} – ${one(latest, 'now')}`;
}

/** iso writes a time as the API takes it. */
export function iso(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}

/** toInput and fromInput translate for <input type="datetime-local">, in the chosen zone. */
export function toInput(t: string, zone: 'utc' | 'local'): string {
  const d = absolute.test(t) ? toDate(t) : null;
  if (!d) return '';
  return new Date(d.getTime() - (zone === 'local' ? d.getTimezoneOffset() * 60_000 : 0)).toISOString().slice(0, 19);
}
export function fromInput(t: string, zone: 'utc' | 'local'): string {
  if (!t) return '';
  const d = new Date(zone === 'utc' ? t + 'Z' : t);
  return Number.isNaN(d.getTime()) ? '' : iso(d.getTime());
}
