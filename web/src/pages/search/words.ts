// What the server knows of a word: fetched once, when somebody first asks.
import { get, type List } from '../../api/client';
import type { Word } from './types';

export type Kind = 'commands' | 'functions' | 'aggregates' | 'fields' | 'macros';

const loaded = new Map<Kind, Promise<Map<string, Word>>>();

export function words(kind: Kind): Promise<Map<string, Word>> {
  let found = loaded.get(kind);
  if (!found) {
    found = get<List<Word>>(`/language/${kind}`).then((list) => {
      const out = new Map<string, Word>();
      for (const w of list.items) for (const name of [w.name, ...(w.aliases ?? [])]) out.set(name.toLowerCase(), w);
      return out;
    });
    found.catch(() => loaded.delete(kind));
    loaded.set(kind, found);
  }
  return found;
}

/** lookUp finds the word that stands in a place: behind a pipe a command, before ( a function. */
export async function lookUp(word: string, before: string, after: string): Promise<{ kind: Kind; word: Word } | null> {
  const kinds: Kind[] = /[|[]\s*$/.test(before) || before.trim() === '' ? ['commands', 'fields'] : /^\s*\(/.test(after) ? ['aggregates', 'functions', 'macros'] : ['fields', 'aggregates', 'macros', 'functions'];
  const inEval = /\|\s*(?:eval|where|fieldformat)\b[^|]*$/i.test(before);
  if (inEval && kinds[0] === 'aggregates') kinds.unshift('functions');
  for (const kind of kinds) {
    const found = (await words(kind)).get(word.toLowerCase());
    if (found) return { kind, word: found };
  }
  return null;
}
