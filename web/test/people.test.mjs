// Signing in and being refused, users, tokens, sessions, passkeys, and the audit log.
import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { axe, base, close, login, open, shot } from './browser.mjs';

after(close);

const refused = [/status of (400|401|403|429)/];
const words = 'pale lamps over harbour';

const signIn = async (page, name, password) => {
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
};

/** addUser adds a user in the browser and returns the one-time password. */
async function addUser(admin, name, role) {
  await admin.goto(`${base}/#/settings/users`);
  await admin.getByRole('button', { name: 'Add a user' }).click();
  const dialog = admin.getByRole('dialog');
  await dialog.getByLabel('Name').fill(name);
  await dialog.getByLabel(role).check();
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  const password = await admin.getByRole('textbox', { name: 'One-time password' }).inputValue();
  await admin.getByRole('button', { name: 'Done' }).click();
  return password;
}

test('a new user changes the one-time password, and a viewer sees no users', async () => {
  const admin = await open('#/settings/users');
  await admin.getByRole('row', { name: /admin/ }).waitFor();
  const once = await addUser(admin, 'vera', 'viewer');
  assert.match(once, /^([a-z2-9]{5}-){3}[a-z2-9]{5}$/);
  await admin.getByRole('row', { name: /vera/ }).getByText('one-time password').waitFor();
  await axe(admin);
  await shot(admin, 'settings-users');

  const vera = await open('#/rules', { signedIn: false, allow: refused });
  await vera.getByRole('heading', { name: 'bluetrail' }).waitFor();
  await axe(vera);
  await shot(vera, 'login');
  await signIn(vera, 'vera', 'not this one');
  await vera.getByRole('alert').getByText('the name or the password is wrong').waitFor();
  await signIn(vera, 'vera', once);
  await vera.getByLabel('Current password').fill(once);
  await vera.getByLabel('New password', { exact: true }).fill('Password1234!');
  await vera.getByLabel('New password again').fill('Password1234!');
  await vera.getByRole('button', { name: 'Change password' }).click();
  await vera.getByRole('alert').getByText('among the first that attackers try').waitFor();
  await shot(vera, 'login-change');
  await vera.getByLabel('New password', { exact: true }).fill(words);
  await vera.getByLabel('New password again').fill(words);
  await vera.getByRole('button', { name: 'Change password' }).click();
  await vera.waitForURL(/#\/rules/); // where she wanted to go

  await vera.goto(`${base}/#/settings/users`);
  await vera.getByText('Only administrators see this page').waitFor();
  assert.equal(await vera.getByRole('link', { name: 'Audit log' }).count(), 0);
  const answer = await vera.request.get(`${base}/api/v1/users`);
  assert.equal(answer.status(), 403);

  // Her session is ended from elsewhere: the next request leads to the login.
  await vera.goto(`${base}/#/settings/account`);
  await vera.getByRole('heading', { name: 'Passkeys' }).waitFor();
  await admin.goto(`${base}/#/settings/sessions?user=vera`);
  await admin.getByRole('button', { name: 'End the session of vera' }).first().click();
  await admin.getByText('Session ended').waitFor();
  await vera.goto(`${base}/#/settings/tokens`);
  await vera.getByRole('button', { name: 'Sign in', exact: true }).waitFor();
  assert.match(vera.url(), /#\/login\?next=/);

  await admin.goto(`${base}/#/settings/audit?who=vera`);
  await admin.getByRole('row', { name: /refused.*GET \/api\/v1\/users: needs admin/ }).waitFor();
  await axe(admin);
  await admin.goto(`${base}/#/settings/audit`);
  await admin.getByRole('row', { name: /vera/ }).first().waitFor();
  await shot(admin, 'settings-audit');
  await vera.done();
  await admin.done();
});

test('a token is shown once, works within its areas, and is revoked', async () => {
  const page = await open('#/settings/tokens');
  await page.getByRole('button', { name: 'New token' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('What it is for').fill('<img src=x onerror=alert(1)>');
  await dialog.getByLabel('people').check();
  await axe(page);
  await dialog.getByRole('button', { name: 'Make' }).click();
  const secret = await page.getByRole('textbox', { name: 'New token' }).inputValue();
  assert.match(secret, /^btk_/);
  await page.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('row', { name: /<img src=x/ }).waitFor();
  await shot(page, 'settings-tokens');
  const ask = (path) => fetch(`${base}${path}`, { headers: { Authorization: `Bearer ${secret}` } });
  assert.equal((await ask('/api/v1/people')).status, 200);
  assert.equal((await ask('/api/v1/users')).status, 403); // a viewer's token
  assert.equal((await (await ask('/api/v1/alerts')).json()).error.code, 'out_of_scope');
  await page.getByRole('button', { name: /Revoke token/ }).click();
  await page.getByText('revoked').waitFor();
  assert.equal((await ask('/api/v1/people')).status, 401);
  await page.done();
});

test('a passkey is added and signs in', async () => {
  const at = base.replace('127.0.0.1', 'localhost'); // passkeys need a name
  const page = await open('', { signedIn: false, allow: [/request to http:\/\/localhost/, ...refused] });
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  await page.goto(`${at}/#/login?next=%23/settings/account`);
  await signIn(page, process.env.BLUETRAIL_USER, process.env.BLUETRAIL_PASSWORD);
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('laptop');
  await dialog.getByLabel('Your password').fill(process.env.BLUETRAIL_PASSWORD);
  await dialog.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('button', { name: 'Remove passkey laptop' }).waitFor();
  await axe(page);
  await shot(page, 'settings-account');
  await page.getByRole('button', { name: /Signed in as/ }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await page.getByRole('button', { name: /Signed in as/ }).waitFor();
  await page.goto(`${at}/#/settings/account`);
  await page.getByRole('definition').filter({ hasText: 'passkey' }).waitFor();
  await page.getByRole('button', { name: 'Remove passkey laptop' }).click();
  await page.getByText('None yet').waitFor();
  await page.done();
});

test('another site cannot act, and tries are slowed down', async () => {
  const page = await open('', { signedIn: false });
  await login(page);
  const cross = await page.request.delete(`${base}/api/v1/session`, { headers: { Origin: 'https://evil.example.com', 'Sec-Fetch-Site': 'cross-site' } });
  assert.equal(cross.status(), 403);
  assert.equal((await page.request.get(`${base}/api/v1/session`)).status(), 200);
  await page.done();

  const stranger = await open('#/login', { signedIn: false, allow: refused });
  for (let i = 0; i < 6; i++) {
    await signIn(stranger, 'nobody-of-this-name', `guess ${i}`);
    await stranger.getByRole('button', { name: 'Sign in', exact: true, disabled: false }).waitFor();
  }
  await stranger.getByRole('alert').getByText('too many failed tries').waitFor();
  await stranger.done();
});
