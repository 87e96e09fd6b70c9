// The queue of alerts: what is loaded of it, what is selected, where the cursor stands. It outlives its page, so
// that an alert's page can go to the next one and the way back leads to the same place.
import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import {
  changeMany,
  countAlerts,
  groupAlerts,
  listAlerts,
  type AlertRow,
  type Change,
  type Counts,
  type Group,
} from '../api/alerts';
import { emptyFilter, sameFilter, type Filter } from './alerts';

/** Row is a line of the queue. */
export type Row =
  | { type: 'alert'; key: string; alert: AlertRow }
  | { type: 'group'; key: string; group: Group; open: boolean }
  | { type: 'more'; key: string; group: string; left: number };

interface Part {
  items: AlertRow[];
  next: string;
  total: number;
}

/** within is the filter of the alerts of one group. */
function within(f: Filter, key: string): Filter {
  return { ...f, [f.group]: [key], group: '' };
}

class Queue {
  filter = $state.raw<Filter>(emptyFilter());
  items = $state.raw<AlertRow[]>([]);
  total = $state(0);
  groups = $state.raw<Group[] | null>(null);
  counts = $state.raw<Counts | null>(null);
  loaded = $state(false);
  loading = $state(false);
  error = $state.raw<unknown>(null);
  /** How many alerts came that are not shown yet. */
  fresh = $state(0);
  /** The row that the keys act on. */
  at = $state(0);
  /** How far the list is scrolled, for the way back. */
  scroll = 0;
  readonly selected = new SvelteSet<string>();
  /** All alerts of the filter are selected, also those that are not loaded. */
  all = $state(false);

  readonly #open = new SvelteMap<string, Part>();
  #next = '';
  #running: AbortController | null = null;

  readonly rows = $derived.by<Row[]>(() => {
    if (!this.groups) return this.items.map((alert) => ({ type: 'alert', key: alert.id, alert }));
    const out: Row[] = [];
    for (const group of this.groups) {
      const part = this.#open.get(group.key);
      out.push({ type: 'group', key: 'group ' + group.key, group, open: part !== undefined });
      if (!part) continue;
      for (const alert of part.items) out.push({ type: 'alert', key: group.key + ' ' + alert.id, alert });
      if (part.next)
        out.push({ type: 'more', key: 'more ' + group.key, group: group.key, left: part.total - part.items.length });
    }
    return out;
  });

  /** The alerts in the order of the rows. */
  readonly order = $derived(this.rows.flatMap((r) => (r.type === 'alert' ? [r.alert] : [])));

  get current(): AlertRow | null {
    const row = this.rows[this.at];
    return row?.type === 'alert' ? row.alert : null;
  }

  /** show loads the alerts of a filter, unless they are there. */
  async show(f: Filter): Promise<void> {
    if (this.loaded && sameFilter(f, this.filter)) {
      void this.poll();
      return;
    }
    this.filter = f;
    this.at = 0;
    this.scroll = 0;
    this.clear();
    await this.load();
  }

  async load(): Promise<void> {
    this.#running?.abort();
    const running = (this.#running = new AbortController());
    this.loading = true;
    this.error = null;
    const f = this.filter;
    try {
      const counts = countAlerts(f, running.signal);
      counts.catch(() => {}); // its failure is met below, unless the list fails first
      if (f.group) {
        const groups = await groupAlerts(f, f.group, running.signal);
        this.groups = groups;
        this.items = [];
        this.#next = '';
        for (const key of [...this.#open.keys()]) {
          if (groups.some((g) => g.key === key)) await this.#loadPart(key, true);
          else this.#open.delete(key);
        }
      } else {
        const answer = await listAlerts(f, '', undefined, running.signal);
        this.groups = null;
        this.#open.clear();
        this.items = answer.items;
        this.#next = answer.next ?? '';
      }
      this.counts = await counts;
      this.total = this.counts.total;
      this.fresh = 0;
      this.loaded = true;
    } catch (e) {
      if (!running.signal.aborted) this.error = e;
    } finally {
      if (this.#running === running) this.loading = false;
    }
    this.at = Math.max(0, Math.min(this.at, this.rows.length - 1));
  }

  /** more loads the next page; the list calls it near its end. */
  async more(): Promise<void> {
    if (!this.#next || this.loading || this.groups) return;
    this.loading = true;
    const f = this.filter;
    try {
      const answer = await listAlerts(f, this.#next);
      if (f !== this.filter) return;
      const have = new Set(this.items.map((a) => a.id));
      this.items = [...this.items, ...answer.items.filter((a) => !have.has(a.id))];
      this.#next = answer.next ?? '';
    } catch (e) {
      this.error = e;
    } finally {
      this.loading = false;
    }
  }

  async toggleGroup(key: string): Promise<void> {
    if (this.#open.has(key)) this.#open.delete(key);
    else await this.#loadPart(key, true);
  }

  moreOf(key: string): Promise<void> {
    return this.#loadPart(key, false);
  }

  async #loadPart(key: string, anew: boolean): Promise<void> {
    const have = anew ? undefined : this.#open.get(key);
    try {
      const answer = await listAlerts(within(this.filter, key), have?.next ?? '');
      this.#open.set(key, {
        items: [...(have?.items ?? []), ...answer.items],
        next: answer.next ?? '',
        total: answer.total,
      });
    } catch (e) {
      this.error = e;
    }
  }

  /**
   * poll looks for what changed. Alerts that are shown are brought up to date where they stand; new ones are
   * counted, and shown when somebody asks: nothing moves under the hand.
   */
  async poll(): Promise<void> {
    if (this.loading || !this.loaded) return;
    const f = this.filter;
    try {
      const [first, counts] = await Promise.all([
        listAlerts({ ...f, sort: '-last', group: '' }, '', 100),
        countAlerts(f),
      ]);
      if (f !== this.filter || this.loading) return;
      this.counts = counts;
      const have = new Set(this.order.map((a) => a.id));
      const unseen = first.items.filter((a) => !have.has(a.id)).length;
      const grown = counts.total - this.total;
      this.fresh = this.groups || this.#next ? Math.max(0, grown) : Math.max(0, unseen, grown);
      this.#update(first.items);
    } catch {
      // The next poll tells; the page shows what it has.
    }
  }

  /** update puts alerts that changed in their places. */
  #update(changed: AlertRow[]) {
    const by = new Map(changed.map((a) => [a.id, a]));
    const put = (list: AlertRow[]) => {
      let moved = false;
      const out = list.map((a) => {
        const b = by.get(a.id);
        if (!b || b.updated === a.updated) return a;
        moved = true;
        return b;
      });
      return moved ? out : list;
    };
    this.items = put(this.items);
    for (const [key, part] of this.#open) {
      const items = put(part.items);
      if (items !== part.items) this.#open.set(key, { ...part, items });
    }
  }

  /** took shows an alert as somebody changed it here; what the filter no longer shows goes, unless it is to stay. */
  took(a: AlertRow, stay = false) {
    const status = this.filter.status;
    if (stay || status.length === 0 || status.includes(a.status)) {
      this.#update([a]);
      return;
    }
    const before = this.rows.length;
    this.items = this.items.filter((x) => x.id !== a.id);
    for (const [key, part] of this.#open) {
      const items = part.items.filter((x) => x.id !== a.id);
      if (items.length < part.items.length) this.#open.set(key, { ...part, items, total: part.total - 1 });
    }
    this.selected.delete(a.id);
    if (this.rows.length < before) this.total--;
    this.at = Math.max(0, Math.min(this.at, this.rows.length - 1));
    void this.poll();
  }

  clear() {
    this.selected.clear();
    this.all = false;
  }

  select(id: string) {
    if (this.all) {
      this.all = false;
      for (const a of this.order) this.selected.add(a.id);
    }
    if (!this.selected.delete(id)) this.selected.add(id);
  }

  isSelected(id: string): boolean {
    return this.all || this.selected.has(id);
  }

  get chosen(): number {
    return this.all ? this.total : this.selected.size;
  }

  /** change does something to the selected alerts and shows the queue as it is then. */
  async change(change: Change): Promise<{ matched: number; changed: number }> {
    const answer = await changeMany(this.all ? { filter: this.filter } : { ids: [...this.selected] }, change);
    this.clear();
    await this.load();
    return answer;
  }

  /** neighbour is the alert before or after another in the queue. */
  neighbour(id: string, step: 1 | -1): AlertRow | null {
    const i = this.order.findIndex((a) => a.id === id);
    return i < 0 ? null : (this.order[i + step] ?? null);
  }
}

export const queue = new Queue();
