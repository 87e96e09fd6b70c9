// Passkeys: the browser's half of what the API begins and finishes.
import { post } from '../api/client';
import type { Me } from './session.svelte';

interface Ceremony {
  ceremony: string;
  options: unknown;
}

/** supported says whether this browser has passkeys that speak JSON. */
export const supported = (): boolean =>
  typeof PublicKeyCredential !== 'undefined' && 'parseRequestOptionsFromJSON' in PublicKeyCredential;

/** words turns the browser's error into one that helps; null for a dialog that was closed. */
export function words(e: unknown): unknown {
  if (!(e instanceof DOMException)) return e;
  if (e.name === 'NotAllowedError' || e.name === 'AbortError') return new Error('No passkey was used: the dialog was closed, or it took too long.');
  if (e.name === 'InvalidStateError') return new Error('This device has a passkey for the account already.');
  return new Error(`The browser refuses: ${e.message}`);
}

export async function signIn(): Promise<Me> {
  const c = await post<Ceremony>('/session/passkey/login/begin');
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(c.options as PublicKeyCredentialRequestOptionsJSON);
  const credential = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential;
  return post<Me>('/session/passkey/login/finish', { ceremony: c.ceremony, credential: credential.toJSON() });
}

export async function add(name: string, password: string): Promise<void> {
  const c = await post<Ceremony>('/session/passkey/register/begin', { password });
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(c.options as PublicKeyCredentialCreationOptionsJSON);
  const credential = (await navigator.credentials.create({ publicKey })) as PublicKeyCredential;
  await post('/session/passkey/register/finish', { ceremony: c.ceremony, name, credential: credential.toJSON() });
}
