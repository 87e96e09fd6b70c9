// Writes a dashboard as YAML that people can go on editing.
type Plain = string | number | boolean | null | undefined | Plain[] | { [key: string]: Plain };

const bare = /^[A-Za-z][A-Za-z0-9 _./-]*[A-Za-z0-9]$/;
const words = /^(?:true|false|yes|no|on|off|null|y|n)$/i;

function scalar(v: string | number | boolean, indent: string): string {
  if (typeof v !== 'string') return String(v);
  if (/^[^\n]+(?:\n[^\n]+)+$/.test(v) && !/^\s|[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff]|[ \t]\n/.test(v) && !/\s$/.test(v)) {
    return '|-\n' + v.split('\n').map((l) => indent + '  ' + l).join('\n');
  }
  return bare.test(v) && !words.test(v) ? v : JSON.stringify(v).replace(/[\u007f-\u009f\u2028\u2029\ufeff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const empty = (v: Plain): boolean => v == null || v === '' || v === false || (typeof v === 'object' && Object.keys(v).length === 0);

function write(v: Plain, indent: string): string {
  if (Array.isArray(v)) {
    return v.map((e) => {
      if (e !== null && typeof e === 'object') return `\n${indent}- ` + write(e, indent + '  ').replace(/^\n\s*/, '');
      return `\n${indent}- ` + scalar(e ?? '', indent);
    }).join('');
  }
  if (v !== null && typeof v === 'object') {
    return Object.entries(v)
      .filter(([, e]) => !empty(e))
      .map(([k, e]) => `\n${indent}${bare.test(k) && !k.includes(' ') ? k : JSON.stringify(k)}:` + (e !== null && typeof e === 'object' ? write(e, indent + '  ') : ' ' + scalar(e as string, indent)))
      .join('');
  }
  return ' ' + scalar(v ?? '', indent);
}

/** yaml writes an object; what is empty is left out. */
export const yaml = (v: object): string => write(v as Plain, '').trimStart() + '\n';
