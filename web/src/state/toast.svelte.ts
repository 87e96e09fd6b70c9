// Short notes about what was done, with a way back where there is one.

export interface Note {
  id: number;
  text: string;
  tone: 'good' | 'bad' | 'quiet';
  action?: { label: string; run: () => void };
}

const SHOWN_MS = 6000;
const MOST = 4;

let last = 0;
export const notes: Note[] = $state([]);

/** toast shows a note for some seconds. Failures stay until they are dismissed. */
export function toast(text: string, tone: Note['tone'] = 'good', action?: Note['action']): void {
  const note: Note = { id: ++last, text, tone, ...(action ? { action } : {}) };
  notes.push(note);
  while (notes.length > MOST) notes.shift();
  if (tone !== 'bad') setTimeout(() => dismiss(note.id), SHOWN_MS);
}

export function dismiss(id: number): void {
  const i = notes.findIndex((n) => n.id === id);
  if (i >= 0) notes.splice(i, 1);
}
