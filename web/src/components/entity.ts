// What a value names, by its form alone, or by the field it stands in.
export type Kind = 'actor' | 'user' | 'role' | 'session' | 'key' | 'address' | 'instance' | 'bucket' | 'account';

export interface Entity {
  kind: Kind;
  name: string;
}

const byForm: [RegExp, Kind][] = [
  [/^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)$/, 'address'],
  [/^(?=.*:.*:)[0-9a-f:]{3,39}(?:\.\d+){0,3}$/i, 'address'],
  [/^(?:AKIA|ASIA)[A-Z0-9]{12,124}$/, 'key'],
  [/^\d{12}$/, 'account'],
  [/^i-[0-9a-f]{8,17}$/, 'instance'],
  [/^arn:aws[\w-]*:iam::\d{12}:user\/.+$/, 'user'],
  [/^arn:aws[\w-]*:iam::\d{12}:role\/.+$/, 'role'],
  [/^arn:aws[\w-]*:sts::\d{12}:assumed-role\/.+\/.+$/, 'session'],
  [/^arn:aws[\w-]*:iam::\d{12}:root$/, 'actor'],
];

// An ARN of a bucket names it after the colons.
const bucket = /^arn:aws[\w-]*:s3:::([a-z0-9.-]{3,63})(?:\/.*)?$/;

const byField: [RegExp, Kind][] = [
  [/(?:^|\.)(?:sourceIPAddress|src_ip|src|privateIpAddress|publicIp)$/, 'address'],
  [/(?:^|\.)(?:accessKeyId|access_key_id)$/, 'key'],
  [/(?:^|\.)(?:recipientAccountId|accountId|account|account_id)$/, 'account'],
  [/(?:^|\.)(?:instanceId|instance_id)$/, 'instance'],
  [/(?:^|\.)(?:bucketName|bucket)$/, 'bucket'],
  [/(?:^|\.)(?:actor)$/, 'actor'],
  [/(?:^|\.)(?:user|userIdentity\.userName)$/, 'user'],
  [/(?:^|\.)(?:role|sessionIssuer\.arn)$/, 'role'],
  [/(?:^|\.)(?:session)$/, 'session'],
];

/** entityOf tells which entity page a value has; null if none. */
export function entityOf(value: string, field = ''): Entity | null {
  if (value === '' || value.length > 2048) return null;
  for (const [form, kind] of byForm) if (form.test(value)) return { kind, name: value };
  const named = bucket.exec(value);
  if (named) return { kind: 'bucket', name: named[1]! };
  for (const [name, kind] of byField) {
    // Services stand where an address or an actor would: "ec2.amazonaws.com".
    if (!name.test(field) || /\.amazonaws\.com$|^AWS Internal$/.test(value)) continue;
    if (kind === 'address' || kind === 'account' || kind === 'instance') continue; // must have the form
    return { kind, name: value };
  }
  return null;
}
