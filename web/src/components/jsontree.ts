// A record as a flat list of lines, so that a tree of 1,400 leaves is a list.
export interface Node {
  /** Where it stands in the record, unique: keys and indexes. */
  id: string;
  /** The field that searches know it by: resources{}.ARN. */
  field: string;
  key: string;
  depth: number;
  kind: 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null';
  /** Of a leaf: its text. */
  text: string;
  /** Of an object or array: how many members. */
  members: number;
  /** The index after its last descendant. */
  end: number;
}

/** flatten walks a record; what is deeper than 60 levels stays text. */
export function flatten(value: unknown): Node[] {
  const out: Node[] = [];
  walk(value, '', '', '', 0, out);
  return out;
}

function walk(value: unknown, id: string, field: string, key: string, depth: number, out: Node[]) {
  const node: Node = { id, field, key, depth, kind: 'null', text: '', members: 0, end: 0 };
  out.push(node);
  if (value !== null && typeof value === 'object' && depth < 60) {
    const list = Array.isArray(value);
    const entries = list ? value.map((v, i) => [String(i), v] as const) : Object.entries(value);
    node.kind = list ? 'array' : 'object';
    node.members = entries.length;
    for (const [k, v] of entries)
      walk(v, `${id}/${k.replace(/[~/]/g, (c) => (c === '~' ? '~0' : '~1'))}`, list ? field + '{}' : field ? `${field}.${k}` : k, k, depth + 1, out);
  } else if (typeof value === 'string') {
    node.kind = 'string';
    node.text = value;
  } else if (value !== null && value !== undefined) {
    node.kind = typeof value === 'number' ? 'number' : typeof value === 'boolean' ? 'boolean' : 'string';
    node.text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  } else {
    node.text = 'null';
  }
  node.end = out.length;
}

/** shown lists the nodes that can be seen: not folded away, and with a filter only leaves that match and what leads to them. */
export function shown(nodes: Node[], folded: (node: Node) => boolean, filter: string): Node[] {
  const out: Node[] = [];
  const wanted = filter.trim().toLowerCase();
  if (wanted) {
    const keep = new Set<number>();
    const path: number[] = [];
    nodes.forEach((n, i) => {
      path.length = n.depth;
      path[n.depth] = i;
      if (n.members > 0 || (n.kind === 'object' && n.depth === 0)) return;
      if (n.field.toLowerCase().includes(wanted) || n.text.slice(0, 100_000).toLowerCase().includes(wanted)) for (const p of path) keep.add(p);
    });
    nodes.forEach((n, i) => {
      if (i > 0 && keep.has(i)) out.push(n);
    });
    return out;
  }
  for (let i = 1; i < nodes.length; ) {
    const n = nodes[i]!;
    out.push(n);
    i = n.members > 0 && folded(n) ? n.end : i + 1;
  }
  return out;
}

/** summary is what a folded object or array shows of itself. */
export function summary(node: Node): string {
  const [open, close] = node.kind === 'array' ? ['[', ']'] : ['{', '}'];
  return node.members === 0 ? open + close : `${open} ${node.members} ${close}`;
}
