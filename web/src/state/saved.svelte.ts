// Filters of the queue that somebody keeps, in this browser.

export interface Saved {
  name: string;
  query: string; // of the URL
}

const KEY = 'bluetrail.alert-filters';
const MOST = 50;

function read(): Saved[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    if (!Array.isArray(list)) return [];
    return list.filter((s): s is Saved => typeof s?.name === 'string' && typeof s?.query === 'string').slice(0, MOST);
  } catch {
    return []; // another program wrote there
  }
}

class SavedFilters {
  list = $state.raw<Saved[]>(read());

  save(name: string, query: string) {
    this.#put([...this.list.filter((s) => s.name !== name), { name, query }].slice(-MOST));
  }

  remove(name: string) {
    this.#put(this.list.filter((s) => s.name !== name));
  }

  #put(list: Saved[]) {
    this.list = list;
    localStorage.setItem(KEY, JSON.stringify(list));
  }
}

export const saved = new SavedFilters();
