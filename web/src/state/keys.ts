// Keys of a page, told apart from what is typed into a field.

/** typing reports whether a key goes into a field or a dialog. */
export function typing(e: KeyboardEvent): boolean {
  const t = e.target as HTMLElement | null;
  if (document.querySelector('dialog[open]')) return true;
  return (
    t?.closest?.(
      'input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable], [role=menu], .cm-editor',
    ) != null
  );
}

/** keys returns a handler that runs what a key is for. It goes before the handlers of the frame around the page. */
export function keys(map: Record<string, (e: KeyboardEvent) => void>): (e: KeyboardEvent) => void {
  return (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing || typing(e)) return;
    const run = map[e.key];
    if (!run) return;
    // Enter and Space on a button or link are its own.
    if ((e.key === 'Enter' || e.key === ' ') && (e.target as HTMLElement).closest?.('a, button, summary, label, input'))
      return;
    e.preventDefault();
    e.stopImmediatePropagation();
    run(e);
  };
}
