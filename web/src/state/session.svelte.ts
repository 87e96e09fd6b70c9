import { get, post, del, onLoggedOut, ApiError, type Schemas } from '../api/client';
import { go, home, router } from './router.svelte';
import { theme } from './theme.svelte';
import { clock } from './time.svelte';

export type Role = Schemas['Role'];

export type Me = Schemas['Me'];

const order: Role[] = ['viewer', 'analyst', 'engineer', 'admin'];

class Session {
  me = $state<Me | null>(null);
  /** False until the server said who we are. */
  ready = $state(false);
  error = $state.raw<unknown>(null);

  constructor() {
    onLoggedOut(() => this.#lost());
  }

  async load() {
    this.error = null;
    try {
      this.me = await get<Me>('/session');
      // What the person chose in another browser, unless this one has a choice of its own.
      const { theme: look, timezone } = this.me.settings ?? {};
      if (look && localStorage.getItem('bluetrail.theme') == null) theme.set(look);
      if (timezone && localStorage.getItem('bluetrail.zone') == null) clock.set(timezone === 'local' ? 'local' : 'utc');
    } catch (e) {
      if (!(e instanceof ApiError && e.status === 401)) this.error = e;
    }
    this.ready = true;
  }

  /** may says whether the person has at least this role; the server decides in any case. */
  may(role: Role): boolean {
    return this.me != null && order.indexOf(this.me.role) >= order.indexOf(role);
  }

  async login(name: string, password: string) {
    await post('/session', { name, password });
    await this.load();
    if (!this.me?.must_change) this.enter();
  }

  /** enter opens the page that was asked for before the login. */
  enter() {
    const next = router.param('next');
    location.hash = next.startsWith('#/') && !next.startsWith('#/login') ? next : '#' + home;
  }

  async logout() {
    await del('/session');
    this.me = null;
    go('/login');
  }

  #lost() {
    this.me = null;
    this.ready = true;
    if (router.route.parts[0] !== 'login') go('/login', { next: location.hash });
  }
}

export const session = new Session();
export const may = (role: Role) => session.may(role);
