// Times come from the API in UTC. The analyst chooses how to read them; the other zone is
// always in the tooltip.
export type Zone = 'utc' | 'local';

const key = 'bluetrail.zone';
const pad = (n: number, width = 2) => String(n).padStart(width, '0');

class Clock {
  zone = $state<Zone>(localStorage.getItem(key) === 'local' ? 'local' : 'utc');
  /** Moves twice a minute; what shows ages reads it. */
  now = $state(Date.now());

  constructor() {
    setInterval(() => (this.now = Date.now()), 30_000);
  }

  set(zone: Zone) {
    this.zone = zone;
    localStorage.setItem(key, zone);
  }
}

export const clock = new Clock();

export type When = string | number | Date;

/** toDate reads RFC 3339 text, seconds or milliseconds since the epoch; null if it is no time. */
export function toDate(t: When | null | undefined): Date | null {
  if (t == null || t === '') return null;
  const d = t instanceof Date ? t : new Date(typeof t === 'number' && Math.abs(t) < 1e11 ? t * 1000 : t);
  return Number.isNaN(d.getTime()) ? null : d;
}

type Precision = 'day' | 'minute' | 'second' | 'milli';

function write(d: Date, zone: Zone, precision: Precision): string {
  const u = zone === 'utc';
  const [y, mo, day] = u
    ? [d.getUTCFullYear(), d.getUTCMonth(), d.getUTCDate()]
    : [d.getFullYear(), d.getMonth(), d.getDate()];
  const [h, mi, s, ms] = u
    ? [d.getUTCHours(), d.getUTCMinutes(), d.getUTCSeconds(), d.getUTCMilliseconds()]
    : [d.getHours(), d.getMinutes(), d.getSeconds(), d.getMilliseconds()];
  const date = `${y}-${pad(mo + 1)}-${pad(day)}`;
  if (precision === 'day') return date;
  const minute = `${date} ${pad(h)}:${pad(mi)}`;
  if (precision === 'minute') return minute;
  return `${minute}:${pad(s)}${precision === 'milli' ? '.' + pad(ms, 3) : ''}`;
}

/** The offset of local time at d, such as "UTC+2" or "UTC−3:30". */
export function offset(d: Date): string {
  const minutes = -d.getTimezoneOffset();
  const rest = Math.abs(minutes) % 60;
  return `UTC${minutes < 0 ? '−' : '+'}${Math.floor(Math.abs(minutes) / 60)}${rest ? ':' + pad(rest) : ''}`;
}

/** fmt writes a time in the chosen zone. */
export function fmt(t: When | null | undefined, precision: Precision = 'second'): string {
  const d = toDate(t);
  return d ? write(d, clock.zone, precision) : t == null ? '' : String(t);
}

/** both is the tooltip: UTC and local side by side. */
export function both(t: When | null | undefined): string {
  const d = toDate(t);
  if (!d) return '';
  return `${write(d, 'utc', 'milli')} UTC\n${write(d, 'local', 'milli')} local (${offset(d)})`;
}

/** ago says how long ago a time was: "3 min ago", "in 2 h". */
export function ago(t: When | null | undefined, now = clock.now): string {
  const d = toDate(t);
  if (!d) return '';
  let seconds = Math.round((now - d.getTime()) / 1000);
  // The clock stands for up to 30 s and servers run a little ahead: what just happened is not in the future.
  if (seconds < 0) seconds = Math.round((Date.now() - d.getTime()) / 1000 + 5);
  const text = span(Math.abs(seconds));
  return seconds < 0 ? `in ${text}` : seconds < 10 ? 'just now' : `${text} ago`;
}

/** span writes a duration in its largest unit. */
export function span(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}
