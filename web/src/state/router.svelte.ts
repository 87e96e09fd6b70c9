// Routes live in the hash: #/alerts/ID?status=open. Everything that makes up a view is in it,
// so that a copied address opens the same view.
export type Params = Record<string, string | number | boolean | string[] | null | undefined>;

export interface Route {
  /** Decoded path segments: `#/entity/role/Admin` is `['entity', 'role', 'Admin']`. */
  parts: string[];
  /** `/entity/role/Admin`, as it was written. */
  path: string;
  params: URLSearchParams;
}

export const home = '/dashboards/overview';

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function read(): Route {
  const hash = location.hash.replace(/^#/, '') || home;
  const at = hash.indexOf('?');
  const path = at < 0 ? hash : hash.slice(0, at);
  return {
    path,
    parts: path.split('/').filter(Boolean).map(decode),
    params: new URLSearchParams(at < 0 ? '' : hash.slice(at + 1)),
  };
}

class Router {
  route = $state.raw<Route>(read());

  constructor() {
    addEventListener('hashchange', () => (this.route = read()));
  }

  /** The value of one parameter; '' when absent. */
  param(name: string): string {
    return this.route.params.get(name) ?? '';
  }

  all(name: string): string[] {
    return this.route.params.getAll(name);
  }
}

export const router = new Router();

/** href builds a link; parts given as an array are encoded one by one. */
export function href(path: string | string[], params: Params = {}): string {
  const base = typeof path === 'string' ? path : '/' + path.map(encodeURIComponent).join('/');
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value == null || value === '' || value === false) continue;
    if (Array.isArray(value)) value.forEach((v) => query.append(name, v));
    else query.set(name, String(value));
  }
  const text = query.toString();
  return '#' + base + (text ? '?' + text : '');
}

export function go(path: string | string[], params: Params = {}, how: { replace?: boolean } = {}) {
  const to = href(path, params);
  if (to === location.hash) return;
  if (how.replace) {
    history.replaceState(history.state, '', to);
    router.route = read();
  } else {
    location.hash = to;
  }
}

/** set changes some parameters of the view that is open and keeps the rest. */
export function setParams(params: Params, how: { replace?: boolean } = { replace: true }) {
  const merged: Params = {};
  for (const name of new Set(router.route.params.keys())) merged[name] = router.all(name);
  go(router.route.path, { ...merged, ...params }, how);
}
