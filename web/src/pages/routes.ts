// Each page is a chunk of its own, loaded when it is first opened.
import type { Component } from 'svelte';
import type { Route } from '../state/router.svelte';

type Load = () => Promise<{ default: Component }>;

const pages: Record<string, { one?: Load; many?: Load }> = {
  search: { many: () => import('./Search.svelte') },
  alerts: { many: () => import('./Alerts.svelte'), one: () => import('./Alert.svelte') },
  entity: { one: () => import('./Entity.svelte') },
  exposure: { many: () => import('./Exposure.svelte') },
  dashboards: { many: () => import('./Dashboards.svelte'), one: () => import('./Dashboard.svelte') },
  rules: { many: () => import('./Rules.svelte'), one: () => import('./Rule.svelte') },
  lists: { many: () => import('./Lists.svelte'), one: () => import('./Lookup.svelte') },
  lookups: { many: () => import('./Lists.svelte'), one: () => import('./Lookup.svelte') },
  sources: { many: () => import('./Sources.svelte') },
  health: { many: () => import('./Health.svelte') },
  settings: { many: () => import('./Settings.svelte'), one: () => import('./Settings.svelte') },
};

export function load(route: Route): Load {
  const page = pages[route.parts[0] ?? ''];
  return (route.parts.length > 1 ? page?.one : page?.many) ?? (() => import('./NotFound.svelte'));
}
