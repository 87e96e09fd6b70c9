// Log text is written by attackers. What a terminal or a browser would obey rather than show
// (escape codes, marks that turn the direction of writing, characters without width) becomes
// a mark that can be seen.
export interface Segment {
  text: string;
  /** The name of a hidden character; text is the mark that stands for it. */
  hidden?: string;
  /** Part of a text that was looked for. */
  found?: boolean;
}

const names: Record<number, string> = {
  0x00ad: 'soft hyphen',
  0x034f: 'combining grapheme joiner',
  0x061c: 'Arabic letter mark',
  0x180e: 'Mongolian vowel separator',
  0x200b: 'zero-width space',
  0x200c: 'zero-width non-joiner',
  0x200d: 'zero-width joiner',
  0x200e: 'left-to-right mark',
  0x200f: 'right-to-left mark',
  0x2028: 'line separator',
  0x2029: 'paragraph separator',
  0x202a: 'left-to-right embedding',
  0x202b: 'right-to-left embedding',
  0x202c: 'pop directional formatting',
  0x202d: 'left-to-right override',
  0x202e: 'right-to-left override',
  0x2060: 'word joiner',
  0x2066: 'left-to-right isolate',
  0x2067: 'right-to-left isolate',
  0x2068: 'first strong isolate',
  0x2069: 'pop directional isolate',
  0xfeff: 'byte order mark',
  0xfffd: 'replacement character',
};

const hidden =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202f\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e01ef}]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/gu;

function mark(char: string): Segment {
  const code = char.codePointAt(0)!;
  const hex = 'U+' + code.toString(16).toUpperCase().padStart(4, '0');
  if (code < 0x20) return { text: String.fromCodePoint(0x2400 + code), hidden: code === 10 ? 'line feed' : code === 9 ? 'tab' : code === 27 ? 'escape' : hex };
  if (code === 0x7f) return { text: '␡', hidden: 'delete' };
  return { text: `⟨${hex}⟩`, hidden: names[code] ?? hex };
}

/** segments cuts text into what is shown as it is and marks for hidden characters. */
export function segments(text: string): Segment[] {
  const out: Segment[] = [];
  let from = 0;
  for (const match of text.matchAll(hidden)) {
    if (match.index > from) out.push({ text: text.slice(from, match.index) });
    out.push(mark(match[0]));
    from = match.index + match[0].length;
  }
  if (from < text.length) out.push({ text: text.slice(from) });
  return out;
}

/** visible returns text in which every character can be seen. */
export function visible(text: string): string {
  return text.replace(hidden, (c) => mark(c).text);
}

/** visibleLines is visible() for text of several lines: tabs and line feeds stay. */
export function visibleLines(text: string): string {
  return text.replace(hidden, (c) => (c === '\n' || c === '\t' ? c : mark(c).text));
}

/** plain is visible() of the beginning of a text, for tooltips, names and canvases. */
export function plain(text: string, max = 200): string {
  const cut = clip(text, max);
  return visible(cut) + (cut.length < text.length ? '…' : '');
}

/** clip cuts text and leaves no half of a character behind. */
export function clip(text: string, max: number): string {
  if (text.length <= max) return text;
  const last = text.charCodeAt(max - 1);
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? max - 1 : max);
}

/** marked is segments() with the places of a text that was looked for, in any case. */
export function marked(text: string, find: string): Segment[] {
  if (!find) return segments(text);
  const out: Segment[] = [];
  const lower = text.toLowerCase();
  const wanted = find.toLowerCase();
  if (lower.length !== text.length) return segments(text); // İ and its like: places would be off
  let from = 0;
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, from)) {
    out.push(...segments(text.slice(from, at)));
    out.push(...segments(text.slice(at, at + wanted.length)).map((s) => ({ ...s, found: true })));
    from = at + wanted.length;
  }
  out.push(...segments(text.slice(from)));
  return out;
}

export function count(n: number, one: string, many = one + 's'): string {
  return `${number(n)} ${n === 1 ? one : many}`;
}

const grouped = new Intl.NumberFormat('en');

/** number writes a number with thousands apart: 12,345. */
export function number(n: number): string {
  return grouped.format(n);
}

/** short writes a count in at most five characters: 12.3k. */
export function short(n: number): string {
  const abs = Math.abs(n);
  for (const [unit, suffix] of [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']] as const)
    if (abs >= unit) return (n / unit).toFixed(abs >= 100 * unit ? 0 : 1).replace(/\.0$/, '') + suffix;
  return String(Math.round(n * 100) / 100);
}

export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  if (bytes < 1e9) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
