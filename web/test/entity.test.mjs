import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { axe, base, close, open, shot } from './browser.mjs';
import { load } from './module.mjs';

after(close);

const { guess, entityOf, entityKind, shortName, isAddress } = await load('state/entity.ts');
const first = (text) => {
  const { kind, name } = guess(text)[0] ?? {};
  return kind && `${kind} ${name}`;
};

test('a text is told by its shape', () => {
  const want = {
    'arn:aws:iam::123456789012:user/dev/alice': 'user arn:aws:iam::123456789012:user/dev/alice',
    'arn:aws-us-gov:iam::123456789012:role/aws-service-role/x/R': 'role arn:aws-us-gov:iam::123456789012:role/aws-service-role/x/R',
    'arn:aws:iam::123456789012:root': 'actor arn:aws:iam::123456789012:root',
    'arn:aws:sts::123456789012:assumed-role/deploy/ci-1': 'session arn:aws:sts::123456789012:assumed-role/deploy/ci-1',
    'arn:aws:s3:::logs/2026/a.gz': 'bucket logs',
    'arn:aws:ec2:eu-west-1:123456789012:instance/i-0123456789abcdef0': 'instance i-0123456789abcdef0',
    'arn:aws:kms:eu-west-1:123456789012:key/1': 'search arn:aws:kms:eu-west-1:123456789012:key/1',
    AKIAIOSFODNN7EXAMPLE: 'key AKIAIOSFODNN7EXAMPLE',
    ' ASIAIOSFODNN7EXAMPLE ': 'key ASIAIOSFODNN7EXAMPLE',
    'AROAIOSFODNN7EXAMPLE:i-0123456789abcdef0': 'session AROAIOSFODNN7EXAMPLE:i-0123456789abcdef0',
    'AKIAIOSFODNN7EXAMPLE@2026-06-29T03:30:00Z': 'session AKIAIOSFODNN7EXAMPLE@2026-06-29T03:30:00Z',
    '198.51.100.7': 'address 198.51.100.7',
    '2001:db8::1': 'address 2001:db8::1',
    '::ffff:198.51.100.7': 'address ::ffff:198.51.100.7',
    'i-0123456789abcdef0': 'instance i-0123456789abcdef0',
    123456789012: 'account 123456789012',
    '1234-5678-9012': 'account 123456789012',
    'C4E7F2C2-cb93-43e5-8ff4-be09e2a92cbc': 'event c4e7f2c2-cb93-43e5-8ff4-be09e2a92cbc',
    e3640e21c73cefb5c8b1d6b867fa5b9b: 'alert e3640e21c73cefb5c8b1d6b867fa5b9b',
    '#12': 'alert 12',
    's3://logs/a/b': 'bucket logs',
    'alice@example.com': 'actor alice@example.com',
    alice: 'user alice',
    'errorCode=AccessDenied | stats count': 'search errorCode=AccessDenied | stats count',
    'errorCode=AccessDenied': 'search errorCode=AccessDenied',
    '<img src=x onerror=alert(1)>': 'search <img src=x onerror=alert(1)>',
  };
  assert.deepEqual(Object.fromEntries(Object.keys(want).map((text) => [text, first(text)])), want);
  assert.equal(first('  '), undefined);
});

test('what has several readings offers them all, the search last', () => {
  assert.deepEqual(guess('deploy').map((t) => t.kind), ['user', 'role', 'bucket', 'search']);
  assert.deepEqual(guess('Deploy').map((t) => t.kind), ['user', 'role', 'search']);
  assert.equal(entityOf('deploy'), null, 'a bare name is not told by its shape');
});

test('near misses are no addresses', () => {
  for (const text of ['1.2.3', '1.2.3.256', '1.2.3.4.5', '198.51.100.0/24', '1::2::3', ':::', 'fe80', '12:30', '1:2:3:4:5:6:7', '2001:db8::g', 'ec2.amazonaws.com'])
    assert.equal(isAddress(text), false, text);
  for (const text of ['0.0.0.0', '::', '1:2:3:4:5:6:7:8', 'fe80::1', '::1.2.3.4']) assert.equal(isAddress(text), true, text);
});

test('an alert names its entity by kinds of its own', () => {
  assert.deepEqual(entityKind('actor', 'arn:aws:iam::123456789012:user/a'), { kind: 'user', name: 'arn:aws:iam::123456789012:user/a' });
  assert.deepEqual(entityKind('actor', 'maria@example.com'), { kind: 'actor', name: 'maria@example.com' });
  assert.deepEqual(entityKind('resource', '198.51.100.7'), { kind: 'address', name: '198.51.100.7' });
  assert.equal(entityKind('other', 'arn:aws:iam::123456789012:user/a, b'), null);
  assert.equal(entityKind('other', 'vpce-187577bfde6c125be'), null);
});

test('an ARN is called by its last part', () => {
  assert.equal(shortName('arn:aws:iam::123456789012:user/dev/alice'), 'alice');
  assert.equal(shortName('arn:aws:iam::123456789012:root'), 'root of 123456789012');
  assert.equal(shortName('arn:aws:sts::123456789012:assumed-role/deploy/ci-1'), 'deploy/ci-1');
  assert.equal(shortName('198.51.100.7'), '198.51.100.7');
});

test('a field tells what a bare name is', () => {
  assert.deepEqual(entityOf('deploy', 'userIdentity.sessionContext.sessionIssuer.userName'), { kind: 'role', name: 'deploy' });
  assert.deepEqual(entityOf('logs', 'requestParameters.bucketName'), { kind: 'bucket', name: 'logs' });
  assert.equal(entityOf('ec2.amazonaws.com', 'actor'), null);
  assert.equal(entityOf('198.51.100.7', 'requestParameters.x')?.kind, 'address');
});

const api = async (page, path) => (await page.request.get(`${base}/api/v1${path}`)).json();

test('the page of a user: numbers, activity, alerts, what grew out of it', async () => {
  const page = await open();
  const { items } = await api(page, '/alerts?rule=user_made_ready&sort=last');
  const item = items.find((a) => a.entity.includes(':user/'));
  const name = (await api(page, `/alerts/${item.id}`)).actor[0];
  await page.goto(`${base}/#/entity/user/${encodeURIComponent(name)}?since=-20y`);
  await page.getByRole('heading', { level: 1, name: shortName(name) }).waitFor();
  await page.locator('#activity canvas').waitFor();
  await page.locator('#alerts li a').first().waitFor();
  await page.locator('#trace .made').first().waitFor();
  await axe(page);
  await shot(page, 'entity', { wide: true });
  await page.locator('#trace').scrollIntoViewIfNeeded();
  await shot(page, 'entity-trace');

  await page.locator('#trace .node:not(.root) a').first().click();
  await page.waitForFunction((n) => !location.hash.includes(encodeURIComponent(n)), name);
  await page.getByText('First seen').waitFor();
  await page.done();
});

test('every kind has a page, and an unknown name says so', async () => {
  const page = await open();
  const { items } = await api(page, '/alerts?limit=100');
  const alert = await api(page, `/alerts/${items.find((a) => a.entity_kind === 'actor').id}`);
  const pages = [
    ['actor', alert.actor[0]], ['session', alert.session_id[0]], ['address', alert.sources[0].address], ['account', alert.account[0]],
    ['key', 'AKIAIOSFODNN7EXAMPLE'], ['instance', 'i-0123456789abcdef0'], ['bucket', 'no-such-bucket'], ['role', 'no-such-role'],
  ];
  for (const [kind, name] of pages) {
    await page.goto(`${base}/#/entity/${kind}/${encodeURIComponent(name)}`);
    await page.getByText('First seen').waitFor();
    await page.getByRole('heading', { level: 1 }).waitFor();
    assert.equal(await page.locator('[role=alert]').count(), 0, `${kind} ${name}`);
  }
  await page.getByText(/^No events between/).waitFor();
  await shot(page, 'entity-empty');
  await page.goto(`${base}/#/entity/starship/enterprise`);
  await page.getByText('There is no such kind of entity').waitFor();
  await page.done();
});

test('the box on top leads to what a text means', async () => {
  const page = await open('#/alerts');
  const box = page.getByRole('combobox', { name: /^Go to/ });
  await box.waitFor();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('198.51.100.7');
  await page.getByRole('option', { name: /^Address/ }).waitFor();
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => location.hash === '#/entity/address/198.51.100.7');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('deploy');
  await page.keyboard.press('ArrowDown');
  await axe(page);
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => location.hash === '#/entity/role/deploy');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('errorCode=AccessDenied');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => /^#\/search\?.*errorCode/.test(location.hash));
  await page.done();
});
