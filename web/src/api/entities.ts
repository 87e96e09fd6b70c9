// Requests about entities.
import type { Kind } from '../state/entity';
import { get, type List, type Schemas } from './client';

export type Profile = Schemas['EntityProfile'];
export type Actor = Schemas['Actor'];
export type Activity = Schemas['Activity'];
export type Trace = Schemas['Trace'];
export type TraceNode = Schemas['TraceNode'];
export type ValueCount = Schemas['ValueCount'];
export type ValueCounts = Schemas['ValueCounts'];

export interface Range {
  since?: string;
  until?: string;
}

const path = (kind: Kind, under = '') => `/entities/${kind}${under}`;

export const getProfile = (kind: Kind, name: string, range: Range) => get<Profile>(path(kind), { name, ...range });
export const getActivity = (kind: Kind, name: string, range: Range, by = 'service') =>
  get<Activity>(path(kind, '/activity'), { name, ...range, by });
export const getTrace = (kind: Kind, name: string, range: Range) => get<Trace>(path(kind, '/trace'), { name, ...range });
export const getEntityAlerts = (kind: Kind, name: string) =>
  get<Schemas['AlertList']>(path(kind, '/alerts'), { name, limit: 50 });

/** findActor returns what is known of an actor, null if nothing is. */
export async function findActor(name: string): Promise<Actor | null> {
  const list = await get<List<Actor>>('/entities', { q: name, limit: 20 });
  return list.items.find((a) => a.actor === name) ?? null;
}
