// What a text is, told by its shape: the ARN of a role, an access key, an address, an event.

export const KINDS = ['actor', 'user', 'role', 'session', 'key', 'address', 'instance', 'bucket', 'account'] as const;
export type Kind = (typeof KINDS)[number];

/** A page that a text may mean. */
export type Target =
  | { kind: Kind; name: string; sure: boolean }
  | { kind: 'event' | 'alert'; name: string; sure: boolean }
  | { kind: 'search'; name: string; sure: false };

const KIND_NAMES: Record<Kind, string> = {
  actor: 'Actor',
  user: 'User',
  role: 'Role',
  session: 'Session',
  key: 'Access key',
  address: 'Address',
  instance: 'Instance',
  bucket: 'Bucket',
  account: 'Account',
};

/** kindName names a kind for people. */
export function kindName(kind: string): string {
  return KIND_NAMES[kind as Kind] ?? kind.charAt(0).toUpperCase() + kind.slice(1);
}

export function isKind(text: string): text is Kind {
  return (KINDS as readonly string[]).includes(text);
}

const ARN = /^arn:aws[a-z-]*:([a-z0-9-]*):([a-z0-9-]*):(\d{12}|aws|):(.+)$/s;
// Key IDs: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
const KEY = /^A[KS]IA[A-Z0-9]{8,124}$/;
const PRINCIPAL = /^(?:AROA|AIDA|ASIA|AKIA)[A-Z0-9]{8,124}(?::[^\s]+|@\d{4}-\d\d-\d\dT[\d:.]+Z)/;
const INSTANCE = /^i-(?:[0-9a-f]{8}|[0-9a-f]{17})$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const ACCOUNT = /^\d{12}$/;
const ALERT = /^[0-9a-f]{32}$/;
const EMAIL = /^[^\s@"'<>|=]+@[^\s@"'<>|=]+\.[^\s@"'<>|=]+$/;
// User and role names: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const IAM_NAME = /^[\w+=,.@-]{1,128}$/;

/** isAddress tells an IPv4 or IPv6 address, without port or prefix length. */
export function isAddress(text: string): boolean {
  const four = text.split('.');
  if (four.length === 4 && four.every((p) => /^\d{1,3}$/.test(p) && Number(p) < 256)) return true;
  if (!text.includes(':') || !/^[0-9a-f:.]{2,45}$/i.test(text)) return false;
  const halves = text.split('::');
  if (halves.length > 2 || text.includes(':::')) return false;
  let groups = 0;
  for (const [h, half] of halves.entries()) {
    if (half === '') continue;
    const parts = half.split(':');
    for (const [i, p] of parts.entries()) {
      if (p.includes('.')) {
        if (h !== halves.length - 1 || i !== parts.length - 1 || !isAddress(p)) return false;
        groups += 2;
      } else if (/^[0-9a-f]{1,4}$/i.test(p)) groups++;
      else return false;
    }
  }
  return halves.length === 2 ? groups < 8 : groups === 8;
}

function ofARN(text: string): Target | null {
  const m = ARN.exec(text);
  if (!m || /\s/.test(text)) return null; // an alert of several fields joins their values
  const [, service = '', , , resource = ''] = m;
  const type = resource.split(/[:/]/, 1)[0];
  switch (service) {
    case 'iam':
      if (type === 'user') return { kind: 'user', name: text, sure: true };
      if (type === 'role') return { kind: 'role', name: text, sure: true };
      if (resource === 'root') return { kind: 'actor', name: text, sure: true };
      return null;
    case 'sts':
      if (type === 'assumed-role' || type === 'federated-user') return { kind: 'session', name: text, sure: true };
      return null;
    case 's3':
      return { kind: 'bucket', name: resource.split('/', 1)[0] ?? resource, sure: true };
    case 'ec2':
      if (type === 'instance') return { kind: 'instance', name: resource.slice('instance/'.length), sure: true };
      return null;
  }
  return null;
}

// Fields that say what a name is whose shape does not.
const BY_FIELD: [RegExp, Kind][] = [
  [/(?:^|\.)(?:bucketName|bucket)$/, 'bucket'],
  [/(?:^|\.)actor$/, 'actor'],
  [/(?:^|\.)(?:user|userIdentity\.userName)$/, 'user'],
  [/(?:^|\.)(?:role|sessionIssuer\.userName)$/, 'role'],
  [/(?:^|\.)(?:session|session_id)$/, 'session'],
];
const LONGEST = 2048;

/** entityOf tells the entity that a value names, by its shape or the field it stands in; null if neither says. */
export function entityOf(text: string, field = ''): { kind: Kind; name: string } | null {
  if (text.length > LONGEST) return null;
  const t = guess(text)[0];
  if (t && t.sure && isKind(t.kind)) return { kind: t.kind, name: t.name };
  // Services stand where an actor would: "ec2.amazonaws.com".
  if (text === '' || text.startsWith('arn:') || /\.amazonaws\.com$|^AWS Internal$/.test(text)) return null;
  for (const [name, kind] of BY_FIELD) if (name.test(field)) return { kind, name: text };
  return null;
}

/**
 * guess returns what a text that somebody typed may mean, the likeliest first. The last is always a search.
 * sure is false where the shape allows several readings.
 */
export function guess(text: string): Target[] {
  const t = text.trim();
  if (t === '') return [];
  const search: Target = { kind: 'search', name: t, sure: false };
  const one = (kind: Exclude<Target['kind'], 'search'>, name = t): Target[] => [
    { kind, name, sure: true } as Target,
    search,
  ];
  if (t.startsWith('arn:')) {
    const arn = ofARN(t);
    return arn ? [arn, search] : [search];
  }
  if (PRINCIPAL.test(t)) return one('session');
  if (KEY.test(t)) return one('key');
  if (UUID.test(t)) return one('event', t.toLowerCase());
  if (ACCOUNT.test(t)) return one('account');
  if (/^\d{4}-\d{4}-\d{4}$/.test(t)) return one('account', t.replaceAll('-', '')); // as the console writes it
  if (ALERT.test(t)) return one('alert');
  if (/^#\d{1,12}$/.test(t)) return one('alert', t.slice(1));
  if (INSTANCE.test(t)) return one('instance');
  if (isAddress(t)) return one('address');
  const bucket = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/.*)?$/.exec(t);
  if (bucket) return one('bucket', bucket[1]);
  if (EMAIL.test(t)) return one('actor');
  if (IAM_NAME.test(t) && !t.includes('=')) {
    // Names may hold =, but who types it writes a search.
    return (['user', 'role', 'bucket'] as const)
      .filter((kind) => kind !== 'bucket' || /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(t))
      .map((kind): Target => ({ kind, name: t, sure: false }))
      .concat(search);
  }
  return [search];
}

/** shortName is what people call an entity: the last part of an ARN, with its account where that tells more. */
export function shortName(text: string): string {
  const m = ARN.exec(text);
  if (!m) return text;
  const [, service, , account, resource = ''] = m;
  if (resource === 'root') return `root of ${account}`;
  if (service === 'sts') return resource.split('/').slice(1).join('/');
  return resource.slice(resource.lastIndexOf('/') + 1) || text;
}

/** entityKind is the kind of an alert's entity, whose own words are wider than those of the pages. */
export function entityKind(kind: string, name: string): { kind: Kind; name: string } | null {
  if (kind === 'other' || kind === 'resource') return entityOf(name);
  if (kind === 'actor') {
    const told = entityOf(name);
    return told && (told.kind === 'user' || told.kind === 'role') ? told : { kind: 'actor', name };
  }
  return isKind(kind) ? { kind, name } : entityOf(name);
}
