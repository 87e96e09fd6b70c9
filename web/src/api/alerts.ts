// Requests about alerts.
import { FACETS, type Filter } from '../state/alerts';
import { get, post, type List, type Schemas } from './client';

export type AlertRow = Schemas['AlertRow'];
export type Alert = Schemas['Alert'];
export type Group = Schemas['AlertGroup'];
export type Counts = Schemas['AlertCounts'];
export type Change = Schemas['AlertChange'];
export type Source = Schemas['AlertSource'];
export type Timeline = Schemas['Timeline'];
export type TimelineItem = Schemas['TimelineItem'];
export type Action = Schemas['AlertAction'];
export type SearchStep = Schemas['SearchStep'];
export type Suppression = Schemas['Suppression'];
export type Tune = Schemas['TuneProposal'];

export const PAGE = 200;

/** query writes a filter as the API takes it. */
export function query(f: Filter): Record<string, string | string[]> {
  const p: Record<string, string | string[]> = {};
  for (const k of FACETS) if (f[k].length > 0) p[k] = f[k].map((v) => v.replaceAll('*', '\\*')); // * stands for any text
  if (f.status.length > 0) p.status = f.status.join(',');
  if (f.severity.length > 0) p.severity = '=' + f.severity.join(','); // these, and not those more severe
  for (const k of ['q', 'since', 'until'] as const) if (f[k]) p[k] = f[k];
  return p;
}

export function listAlerts(f: Filter, cursor = '', limit = PAGE, signal?: AbortSignal): Promise<List<AlertRow>> {
  return get('/alerts', { ...query(f), sort: f.sort, limit, cursor }, signal);
}

/** groupAlerts counts the alerts by a field. */
export async function groupAlerts(f: Filter, by = f.group, signal?: AbortSignal): Promise<Group[]> {
  const answer = await get<Schemas['AlertList']>('/alerts', { ...query(f), group_by: by }, signal);
  return answer.groups ?? [];
}

export function countAlerts(f: Filter, signal?: AbortSignal): Promise<Counts> {
  return get('/alerts/counts', query(f), signal);
}

const path = (id: string, under = '') => `/alerts/${encodeURIComponent(id)}${under}`;

export const getAlert = (id: string, signal?: AbortSignal) => get<Alert>(path(id), {}, signal);
export const getEvents = (id: string) => get<Schemas['AlertEvents']>(path(id, '/events'));
export const getTimeline = (id: string, minutes = 30) =>
  get<Timeline>(path(id, '/timeline'), { before: minutes, after: minutes });
export const getSimilar = (id: string) => get<Schemas['SimilarAlerts']>(path(id, '/similar'), { limit: 20 });
export const getHistory = (id: string) => get<Schemas['AlertHistory']>(path(id, '/history'));
export const getTune = (id: string) => get<Tune>(path(id, '/tune'));
export const changeAlert = (id: string, change: Change) => post<Alert>(path(id), change);
export const suppress = (id: string, body: Schemas['SuppressRequest']) =>
  post<Suppression>(path(id, '/suppress'), body);

/** changeMany changes the named alerts, or all that a filter shows. */
export function changeMany(
  which: { ids: string[] } | { filter: Filter },
  change: Change,
): Promise<Schemas['AlertBulkResult']> {
  const body = 'ids' in which ? { ids: which.ids } : { filter: query(which.filter) };
  return post('/alerts/bulk', { ...body, change });
}
