// What the queue shows: the filter in the URL, and the words of its states.

// ANY stands in the URL for a filter that the queue has at first and that was taken away.
const ANY = 'any';

/** The parts of a filter, each repeated in the URL for each value. */
export const FACETS = ['status', 'severity', 'rule', 'entity', 'account', 'actor', 'assignee'] as const;
export type Facet = (typeof FACETS)[number];

export interface Filter {
  status: string[];
  severity: string[];
  rule: string[];
  entity: string[];
  account: string[];
  actor: string[];
  assignee: string[];
  q: string;
  since: string;
  until: string;
  group: string;
  sort: string;
}

export const SEVERITIES = ['critical', 'high', 'medium', 'low', 'informational'] as const;
export const STATUSES = ['new', 'in_progress', 'closed'] as const;
export const GROUPS = ['', 'rule', 'entity', 'account', 'actor'] as const;
export const SORTS = ['-last', 'last', '-severity', '-risk', '-count'] as const;

/** OPEN is what the queue shows first. */
export const OPEN = ['new', 'in_progress'];

export function emptyFilter(): Filter {
  return {
    status: [...OPEN],
    severity: [],
    rule: [],
    entity: [],
    account: [],
    actor: [],
    assignee: [],
    q: '',
    since: '',
    until: '',
    group: '',
    sort: '-last',
  };
}

/** fromParams reads a filter from the parameters of the URL. Unknown values are left out. */
export function fromParams(p: URLSearchParams): Filter {
  const f = emptyFilter();
  for (const k of FACETS) {
    if (p.has(k)) f[k] = p.getAll(k).filter((v) => v !== '' && v !== ANY);
  }
  f.status = f.status.filter((s) => (STATUSES as readonly string[]).includes(s));
  f.severity = f.severity.filter((s) => (SEVERITIES as readonly string[]).includes(s));
  f.q = p.get('q') ?? '';
  f.since = p.get('since') ?? '';
  f.until = p.get('until') ?? '';
  const group = p.get('group') ?? '';
  if ((GROUPS as readonly string[]).includes(group)) f.group = group;
  const sort = p.get('sort') ?? '';
  if ((SORTS as readonly string[]).includes(sort)) f.sort = sort;
  return f;
}

/** toParams writes a filter for the URL: only what differs from the filter that the queue shows first. */
export function toParams(f: Filter): Record<string, string | string[]> {
  const p: Record<string, string | string[]> = {};
  const first = emptyFilter();
  for (const k of FACETS) {
    if (JSON.stringify(f[k]) !== JSON.stringify(first[k])) p[k] = f[k].length === 0 ? ANY : [...f[k]];
  }
  for (const k of ['q', 'since', 'until', 'group', 'sort'] as const) if (f[k] !== first[k]) p[k] = f[k];
  return p;
}

/** toggle adds or takes away a value. */
export function toggle(list: string[], value: string): string[] {
  return list.includes(value) ? list.filter((v) => v !== value) : [...list, value];
}

export function sameFilter(a: Filter, b: Filter): boolean {
  return JSON.stringify(toParams(a)) === JSON.stringify(toParams(b));
}

export const STATUS_WORDS: Record<string, string> = { new: 'New', in_progress: 'In progress', closed: 'Closed' };
export const VERDICT_WORDS: Record<string, string> = {
  true: 'True',
  benign: 'Benign',
  false: 'False',
  duplicate: 'Duplicate',
  withdrawn: 'Withdrawn',
  resolved: 'Resolved',
};
export const VERDICT_HELP: Record<string, string> = {
  true: 'It was what the rule looks for, and it was not meant to happen.',
  benign: 'It happened, and it was meant to.',
  false: 'It was not what the rule looks for.',
  duplicate: 'Another alert covers it.',
};

/** entitiesOf splits the entity of an alert of several fields. */
export function entitiesOf(entity: string): string[] {
  return entity.split(', ').filter((s) => s !== '');
}
