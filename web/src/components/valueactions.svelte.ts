// What can be done with a value: a page says what "add to search" means on it, one menu for the
// whole application shows the choice.
import { getContext, setContext } from 'svelte';
import { go } from '../state/router.svelte';
import { condition } from './spl';

export interface ValueActions {
  add?: (field: string, value: string) => void;
  exclude?: (field: string, value: string) => void;
  /** More entries, such as "Show events" of a table. */
  more?: (field: string, value: string) => { label: string; run: () => void }[];
}

const key = Symbol('value actions');

export function provideValueActions(actions: ValueActions) {
  setContext(key, actions);
}

/** useValueActions must be called while a component starts. */
export function useValueActions(): ValueActions {
  return getContext<ValueActions | undefined>(key) ?? {};
}

export interface OpenValue {
  field: string;
  value: string;
  anchor: Element;
  actions: ValueActions;
}

class ValueMenuState {
  open = $state.raw<OpenValue | null>(null);
  /** A value that is shown whole. */
  whole = $state.raw<{ field: string; value: string } | null>(null);
}

export const valueMenu = new ValueMenuState();

export function search(field: string, value: string) {
  go('/search', { q: condition(field, value) });
}

export async function copy(text: string) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without TLS there is no clipboard API on other hosts than localhost.
    const area = document.createElement('textarea');
    area.value = text;
    area.className = 'hidden';
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
}

/** selecting says whether the pointer just selected text, which is no click. */
export function selecting(): boolean {
  const s = getSelection();
  return s != null && !s.isCollapsed && s.toString() !== '';
}
