// Puts values of inputs into searches, as internal/dashboard does on the server: whatever a
// value holds, it stays one value. Both run internal/dashboard/testdata/tokens.json.
import { defaults, type Board, type Input, type Panel, type Values } from './model';

interface Token {
  start: number;
  end: number;
  name: string;
  quoted: boolean;
}

const form = /^\$([A-Za-z_][A-Za-z0-9_.{}:-]{0,200})\$/;
const plain = /^-?[0-9]{1,18}(\.[0-9]{1,18})?[a-z]{0,3}$/;
const fields: Record<string, string> = { account: 'recipientAccountId', region: 'awsRegion', user: 'user' };

export const escape = (v: string): string => v.replace(/[\\"]/g, '\\$&');
export const quote = (v: string): string => `"${escape(v)}"`;
const dollars = (s: string): string => s.replaceAll('$$', () => '$');
const fieldName = (f: string): string => (/[\s()[\],|"=<>!`]/.test(f) ? quote(f) : f);

function tokens(text: string): Token[] {
  const list: Token[] = [];
  let quoted = false;
  let macro = false;
  let unclear = false;
  let single = 0;
  for (let i = 0; i < text.length; ) {
    const c = text[i]!;
    if (quoted && c === '\\') {
      i += 2;
      continue;
    } else if (c === '"') quoted = !quoted;
    else if (quoted && c !== '$') {
      // text
    } else if (text.startsWith('```', i)) {
      const end = text.indexOf('```', i + 3);
      if (end < 0) return list;
      i = end + 3;
      continue;
    } else if (c === '`') macro = !macro;
    else if (c === "'") single++;
    else if (c === '|') single = 0;
    else if (c === '\\' && text[i + 1] === '"') unclear = true;
    else if (c === '$') {
      if (text[i + 1] === '$') {
        i += 2;
        continue;
      }
      const m = form.exec(text.slice(i, i + 210));
      if (m) {
        const name = m[1]!;
        if (macro) throw new Error(`$${name}$ cannot stand in a macro call; write out the macro`);
        if (!quoted && single % 2 === 1) throw new Error(`$${name}$ cannot stand in single quotes; use double quotes, or write the name of the field`);
        if (unclear) throw new Error(`$${name}$ cannot stand in a search with \\" outside of quotes; put quotes around the whole value`);
        list.push({ start: i, end: i + m[0].length, name, quoted });
        i += m[0].length;
        continue;
      }
    }
    i++;
  }
  return list;
}

function find(inputs: Input[], name: string): Input | undefined {
  const timed = /^(.*)\.(?:earliest|latest)$/.exec(name);
  return inputs.find((in_) => (in_.type === 'time' ? timed?.[1] === in_.id : in_.id === name));
}

/** chosen returns the values of an input, without those that stand for any. */
export function chosen(in_: Input, name: string, values: Values): string[] {
  if (in_.type === 'time') {
    const v = values[name]?.[0];
    if (v) return [v];
    return [name.endsWith('.latest') ? in_.latest || 'now' : in_.earliest || '0'];
  }
  const v = values[in_.id] ?? defaults(in_);
  return v.includes('*') ? [] : v.filter((s) => s !== '');
}

export function expand(inputs: Input[], text: string, values: Values): string {
  let out = '';
  let from = 0;
  for (const t of tokens(text)) {
    const in_ = find(inputs, t.name);
    if (!in_) throw new Error(`no input gives $${t.name}$ a value`);
    const list = chosen(in_, t.name, values);
    const field = in_.type === 'time' ? '' : in_.field || fields[in_.type] || '';
    let v: string;
    if (field) {
      if (t.quoted) throw new Error(`$${t.name}$ is a condition on ${field} and cannot stand in quotes`);
      v = list.length === 0 ? '*' : list.length === 1 ? `${fieldName(field)}=${quote(list[0]!)}` : `${fieldName(field)} IN (${list.map(quote).join(', ')})`;
    } else if (list.length === 0) v = '*';
    else if (t.quoted && list.length > 1) throw new Error(`$${t.name}$ has several values and cannot stand in quotes; write IN ($${t.name}$)`);
    else if (t.quoted) v = escape(list[0]!);
    else v = list.map((x) => (plain.test(x) ? x : quote(x))).join(', ');
    out += dollars(text.slice(from, t.start)) + v;
    from = t.end;
  }
  return out + dollars(text.slice(from));
}

const commands = /^(?:abstract|addcoltotals|addtotals|append|appendcols|bin|bucket|chart|convert|dedup|eval|eventstats|fieldformat|fields|fieldsummary|fillnull|foreach|format|geostats|head|iplocation|join|lookup|makemv|mvcombine|mvexpand|nomv|rare|regex|rename|replace|reverse|rex|search|sistats|sort|spath|stats|streamstats|table|tail|timechart|top|transaction|transpose|untable|where|xyseries)$/i;

/** searchOf joins a panel's search to its base, tokens not yet replaced. */
export function searchOf(board: Board, p: Panel): string {
  const own = (p.search ?? '').trim();
  if (!p.base) return own;
  const base = (board.searches?.[p.base] ?? '').trim();
  if (own === '') return base;
  const piped = own.startsWith('|') ? own : commands.test(own.split(/\s/, 1)[0]!) ? '| ' + own : '| search ' + own;
  return base + '\n' + piped;
}

/** times returns the time range of a panel. */
export function times(board: Board, p: Panel, values: Values): { earliest: string; latest: string } {
  const in_ = board.inputs?.find((i) => i.type === 'time' && (!p.time || p.time === i.id));
  const at = (end: 'earliest' | 'latest') => p[end] || (in_ ? chosen(in_, `${in_.id}.${end}`, values)[0]! : '');
  const open = (t: string) => (t === '0' ? '' : t);
  return { earliest: open(at('earliest')), latest: at('latest') === 'now' ? '' : at('latest') };
}

/** drill fills in what a click leads to: $row.FIELD$, $row.series$, $earliest$, $latest$ and inputs. */
export function drill(inputs: Input[], text: string, values: Values, row: Record<string, string>): string {
  const own = Object.keys(row).map((f): Input => ({ id: `row.${f}`, type: 'text' }));
  const all: Values = { ...values };
  for (const [f, v] of Object.entries(row)) all[`row.${f}`] = [v];
  return expand([...inputs, ...own], text, all);
}

/** words fills tokens into a text that people read. */
export function words(inputs: Input[], text: string, values: Values): string {
  return text.replace(/\$([A-Za-z_][\w-]*)\$/g, (whole, name: string) => {
    const in_ = find(inputs, name);
    return in_ ? chosen(in_, name, values).join(', ') || 'all' : whole;
  });
}
