// Records as an attacker would write them: every field tries to be more than text.
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';

export const attacks = {
  html: '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>',
  attribute: '" onmouseover="window.hacked=1" x="',
  formula: '=HYPERLINK("http://192.0.2.1/","x")',
  ansi: '\u001b[31mred\u001b[0m\u0007\u009b2J',
  bidi: 'user\u202etxt.exe\u2066\u200fabc',
  nul: 'a\u0000b\u200bc\ufeff',
  template: '{{constructor.constructor("window.hacked=1")()}} ${window.hacked=1}',
  link: 'javascript:window.hacked=1',
};

function record(text, more = {}) {
  return {
    eventVersion: '1.08',
    userIdentity: { type: 'IAMUser', principalId: text, arn: `arn:aws:iam::111122223333:user/${text}`, accountId: '111122223333', userName: text },
    eventTime: '2026-06-25T05:06:07Z',
    eventSource: 'hostile.amazonaws.com',
    eventName: text,
    awsRegion: text,
    sourceIPAddress: text,
    userAgent: text,
    errorCode: text,
    errorMessage: text,
    requestParameters: { bucketName: text, [text]: text, nested: { [`k${text}`]: [text, { [text]: text }] } },
    responseElements: null,
    requestID: randomUUID(),
    eventID: randomUUID(),
    eventType: 'AwsApiCall',
    recipientAccountId: '111122223333',
    ...more,
  };
}

/** write makes a file of hostile records, one with a value of 1 MB and one with 1,400 fields among them. */
export function write(path) {
  const records = Object.values(attacks).map((text) => record(text));
  records.push(record('Large', { requestParameters: { policyDocument: 'x'.repeat(1_000_000) } }));
  records.push(record('Wide', { requestParameters: Object.fromEntries(Array.from({ length: 1400 }, (_, i) => [`field${i}`, `value ${i}`])) }));
  writeFileSync(path, JSON.stringify({ Records: records }));
}
