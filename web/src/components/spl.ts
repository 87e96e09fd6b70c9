// Pieces of SPL, written so that any value survives.

/** quote writes a value as an SPL string. */
export function quote(value: string): string {
  return '"' + value.replace(/\\/g, '\\\\').replace(/"/g, '\\"') + '"';
}

/** bare says whether a word needs no quotes in a search. */
const bare = /^[A-Za-z_][\w.{}-]*$/;

function fieldName(field: string): string {
  return bare.test(field) ? field : quote(field);
}

/** condition is a term of the search command: field=value, or NOT field=value. */
export function condition(field: string, value: string, not = false): string {
  const text = /^[\w.:@/+-]+$/.test(value) && !/^(and|or|not|in)$/i.test(value) ? value : quote(value);
  return `${not ? 'NOT ' : ''}${fieldName(field)}=${text}`;
}

/** splitPipes cuts a search at its pipes, not at those within quotes, brackets or comments. */
export function splitPipes(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === '"') {
      for (i++; i < text.length && text[i] !== '"'; i++) if (text[i] === '\\') i++;
    } else if (text.startsWith('```', i)) {
      const end = text.indexOf('```', i + 3);
      i = end < 0 ? text.length : end + 2;
    } else if (c === '[' || c === '(') depth++;
    else if (c === ']' || c === ')') depth--;
    else if (c === '|' && depth <= 0) {
      parts.push(text.slice(from, i));
      from = i + 1;
    }
  }
  parts.push(text.slice(from));
  return parts;
}
