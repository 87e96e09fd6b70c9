// All requests go through here. Paths are relative to /api/v1.
import type { Params } from '../state/router.svelte';
import type { components } from './schema';

/** What requests and answers hold, by the name of its schema in openapi.yaml. */
export type Schemas = components['schemas'];
export type Place = Schemas['Place'];
export type ErrorBody = Schemas['Error'];

const base = '/api/v1';

export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string;
  readonly place: Place | undefined;

  constructor(status: number, body: ErrorBody) {
    super(body.message);
    this.name = 'ApiError';
    this.status = status;
    this.code = body.code;
    this.hint = body.hint ?? '';
    this.place = body.place;
  }
}

export interface List<T> {
  items: T[];
  total: number;
  next?: string;
}

let loggedOut = () => {};

/** onLoggedOut sets what happens when the server no longer knows us. */
export function onLoggedOut(f: () => void) {
  loggedOut = f;
}

export function url(path: string, params: Params = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value == null || value === '') continue;
    if (Array.isArray(value)) value.forEach((v) => query.append(name, v));
    else query.set(name, String(value));
  }
  const text = query.toString();
  return base + path + (text ? '?' + text : '');
}

async function request(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      signal: signal ?? null,
      credentials: 'same-origin',
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    });
  } catch (e) {
    if (signal?.aborted) throw e;
    throw new ApiError(0, {
      code: 'unreachable',
      message: 'cannot reach the server',
      hint: 'Check that `bluetrail serve` is running and that the network is up.',
    });
  }
  if (answer.ok) return answer;
  let failure: ErrorBody = { code: 'http', message: `the server answered ${answer.status} ${answer.statusText}`.trim() };
  try {
    failure = ((await answer.json()) as { error: ErrorBody }).error ?? failure;
  } catch {
    // A proxy in between answers with something else: the status says enough.
  }
  if (answer.status === 401) loggedOut();
  throw new ApiError(answer.status, failure);
}

async function decoded<T>(answer: Promise<Response>): Promise<T> {
  const text = await (await answer).text();
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

export function get<T>(path: string, params: Params = {}, signal?: AbortSignal): Promise<T> {
  return decoded<T>(request('GET', url(path, params), undefined, signal));
}

export function post<T>(path: string, body: unknown = {}, signal?: AbortSignal): Promise<T> {
  return decoded<T>(request('POST', url(path), body, signal));
}

export function put<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  return decoded<T>(request('PUT', url(path), body, signal));
}

export function del<T = void>(path: string, params: Params = {}): Promise<T> {
  return decoded<T>(request('DELETE', url(path, params)));
}

/**
 * stream reads NDJSON and hands over each line as it arrives. With a body it posts, without it
 * gets. A last line of type "error" throws, and so does a stream that breaks off before its end.
 */
export async function stream<T extends { type: string }>(
  path: string,
  body: unknown,
  onLine: (line: T) => void,
  signal?: AbortSignal,
): Promise<void> {
  const answer = await request(body === undefined ? 'GET' : 'POST', base + path, body, signal);
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  let parts: string[] = []; // of a line that has not ended
  let ended = false;
  const take = (text: string) => {
    if (text.trim() === '') return;
    const line = JSON.parse(text) as T & { error?: ErrorBody };
    if (line.type === 'error') throw new ApiError(200, line.error ?? { code: 'stream', message: 'the stream failed' });
    if (line.type === 'end') ended = true;
    onLine(line);
  };
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const pieces = value.split('\n');
    parts.push(pieces[0]!);
    for (const piece of pieces.slice(1)) {
      take(parts.join(''));
      parts = [piece];
    }
  }
  take(parts.join(''));
  if (!ended && !signal?.aborted)
    throw new ApiError(0, { code: 'broken', message: 'the connection broke before the end', hint: 'Run it again.' });
}
