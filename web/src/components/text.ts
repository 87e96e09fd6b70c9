// Log content comes from attackers: characters that hide or reorder text are shown as marks.
const hiddenForm = /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202f\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb]/g;

const mark = (c: string): string => {
  const n = c.charCodeAt(0);
  if (n < 0x20) return String.fromCharCode(0x2400 + n);
  return n === 0x7f ? '\u2421' : `\u27e8U+${n.toString(16).toUpperCase().padStart(4, '0')}\u27e9`;
};

/** visible returns text in which every character can be seen. */
export const visible = (s: string): string => s.replace(hiddenForm, mark);
