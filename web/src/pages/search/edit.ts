// Changes to the text of a search, made by clicks.
import { condition, splitPipes } from '../../components/spl';
import type { Row } from './types';

/** add narrows a search by a value: in its first part if that is all there is, else behind it. */
export function add(q: string, field: string, value: string, not = false): string {
  const wanted = condition(field, value, not);
  const opposite = condition(field, value, !not);
  const parts = splitPipes(q);
  const text = q.trim();
  if (parts.length > 1 || text.startsWith('|')) {
    const last = parts.at(-1)!.trim();
    if (/^search\s/.test(last)) return last.includes(wanted) ? text : `${text} ${wanted}`;
    return `${text} | search ${wanted}`;
  }
  if (text === '' || text === '*') return wanted;
  const terms = ` ${text} `;
  if (terms.includes(` ${wanted} `) && (not || !terms.includes(` NOT ${wanted} `))) return text;
  if (terms.includes(` ${opposite} `)) return terms.replace(` ${opposite} `, ` ${wanted} `).trim();
  return `${text} ${wanted}`;
}

/** pipe adds a command. */
export function pipe(q: string, command: string): string {
  return `${q.trim() || '*'} | ${command}`;
}

/** groupedBy lists the fields after "by" of the last command that groups. */
export function groupedBy(q: string): { fields: string[]; split: string } {
  for (const part of splitPipes(q).reverse()) {
    const text = part.trim();
    const command = /^(?:si)?(stats|timechart|chart|top|rare|eventstats|geostats)\b/i.exec(text)?.[1]?.toLowerCase();
    if (!command) continue;
    const names = (s: string | undefined) => [...(s ?? '').matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|([\w.{}:@-]+)(=\S+)?/g)].filter((m) => !m[4]).map((m) => m[1] ?? m[2] ?? m[3]!);
    const by = /\bby\s+([^|]*)$/i.exec(text)?.[1];
    if (command === 'timechart' || command === 'geostats') return { fields: [], split: names(by)[0] ?? '' };
    if (command === 'chart') {
      const over = names(/\bover\s+([^|]*?)(?:\s+by\s|$)/i.exec(text)?.[1])[0];
      const all = names(by);
      return over ? { fields: [over], split: all[0] ?? '' } : { fields: all.slice(0, 1), split: all[1] ?? '' };
    }
    if (command === 'top' || command === 'rare') {
      const own = names(text.replace(/\bby\b.*$/i, '').replace(/^\S+\s+(?:\d+\s+)?/, ''));
      return { fields: [...own, ...names(by)], split: '' };
    }
    return { fields: names(by), split: '' };
  }
  return { fields: [], split: '' };
}

/** events is the search for the events behind a row of a table; null if it cannot be told. */
export function events(front: string, q: string, row: Row, column = ''): string | null {
  if (!front) return null;
  const { fields, split } = groupedBy(q);
  let out = front.replace(/^\s*search\s+(?=\S)/, '');
  for (const f of fields) {
    const v = row[f];
    if (typeof v !== 'string' || v === 'OTHER' || v === 'NULL') continue;
    out = add(out, f, v);
  }
  if (split && column && column !== '_time' && !fields.includes(column) && column !== 'OTHER' && column !== 'NULL') out = add(out, split, column.replace(/^[^:]+: /, ''));
  return out;
}
