// A small YAML editor. It stands in a shadow root, where its styles are adopted sheets.
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { HighlightStyle, StreamLanguage, syntaxHighlighting } from '@codemirror/language';
import { lintGutter, setDiagnostics, type Diagnostic } from '@codemirror/lint';
import { EditorState } from '@codemirror/state';
import { drawSelection, EditorView, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';

const yaml = StreamLanguage.define<{ value: boolean }>({
  name: 'yaml',
  startState: () => ({ value: false }),
  token(s, state) {
    if (s.sol()) state.value = false;
    if (s.eatSpace()) return null;
    if (s.match(/^#.*/)) return 'comment';
    if (s.match(/^---|^\.\.\./)) return 'meta';
    if (s.match(/^- /)) return 'punctuation';
    if (!state.value && s.match(/^[^\s#:"'{}[\],][^:#{}[\],]*(?=:(?:\s|$))/)) return 'propertyName';
    if (s.match(/^:(?=\s|$)/)) {
      state.value = true;
      return 'punctuation';
    }
    if (s.match(/^"(?:[^"\\]|\\.)*"?|^'(?:[^']|'')*'?/)) return 'string';
    if (s.match(/^[[\]{},|>]/)) {
      state.value = false;
      return 'punctuation';
    }
    if (s.match(/^-?\d+(?:\.\d+)?(?=\s|$|,|\]|\})/)) return 'number';
    if (s.match(/^(?:true|false|null)\b/)) return 'keyword';
    s.match(/^[^\s:,\]}"']+/) || s.next();
    return null;
  },
});

const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: 'var(--syn-command)' },
  { tag: tags.string, color: 'var(--syn-string)' },
  { tag: tags.number, color: 'var(--syn-number)' },
  { tag: tags.keyword, color: 'var(--syn-keyword)' },
  { tag: tags.comment, color: 'var(--syn-comment)' },
  { tag: tags.meta, color: 'var(--syn-keyword)' },
]);

const theme = EditorView.theme({
  '&': { fontSize: '13px', color: 'var(--text)', height: '100%' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '19px', overflow: 'auto' },
  '.cm-content': { caretColor: 'var(--text)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-gutters': { background: 'var(--surface-2)', color: 'var(--text-3)', border: 'none' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { background: 'var(--accent-bg)' },
  '.cm-lintRange-error': { backgroundImage: 'none', textDecoration: 'underline wavy var(--bad)', textUnderlineOffset: '3px' },
  '.cm-lintRange-warning': { backgroundImage: 'none', textDecoration: 'underline wavy var(--warn)', textUnderlineOffset: '3px' },
  '.cm-tooltip': { border: '1px solid var(--line)', borderRadius: '6px', background: 'var(--surface)', color: 'var(--text)', boxShadow: 'var(--shadow)', maxWidth: '520px' },
  '.cm-diagnostic': { padding: '6px 10px', borderLeft: '3px solid var(--bad)', whiteSpace: 'pre-wrap' },
});

export class YamlEditor {
  readonly #view: EditorView;
  #quiet = false;

  constructor(parent: HTMLElement, text: string, label: string, readonly_: boolean, onchange: (text: string) => void) {
    const root = parent.attachShadow({ mode: 'open' });
    const place = document.createElement('div');
    place.style.height = '100%';
    root.append(place);
    this.#view = new EditorView({
      parent: place,
      root,
      state: EditorState.create({
        doc: text,
        extensions: [
          lineNumbers(), history(), drawSelection(), lintGutter(), yaml, syntaxHighlighting(colours), theme, EditorView.lineWrapping,
          EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false' }),
          EditorState.readOnly.of(readonly_), EditorState.tabSize.of(2),
          keymap.of([...defaultKeymap, ...historyKeymap, ...(readonly_ ? [] : [{ ...indentWithTab, key: 'Ctrl-Tab' }])]),
          // Typing over coloured text makes the browser keep its look in a style attribute, which the
          // content security policy forbids.
          EditorView.domEventHandlers({
            beforeinput: (e, view) => {
              if (e.inputType !== 'insertText' || !e.data || view.composing || view.state.readOnly || view.state.selection.main.empty) return false;
              e.preventDefault();
              view.dispatch(view.state.replaceSelection(e.data), { userEvent: 'input.type', scrollIntoView: true });
              return true;
            },
          }),
          EditorView.updateListener.of((u) => {
            if (u.docChanged && !this.#quiet) onchange(u.state.doc.toString());
          }),
        ],
      }),
    });
  }

  set text(text: string) {
    if (text === this.#view.state.doc.toString()) return;
    this.#quiet = true;
    this.#view.dispatch({ changes: { from: 0, to: this.#view.state.doc.length, insert: text } });
    this.#quiet = false;
  }

  /** faults marks lines (from 1), or ranges of characters. */
  faults(list: { line?: number; from?: number; to?: number; text: string; warning?: boolean }[]) {
    const doc = this.#view.state.doc;
    const marks = list.map((f): Diagnostic => {
      const line = doc.line(Math.max(1, Math.min(doc.lines, f.line ?? 1)));
      const from = f.from == null ? line.from + (/^\s*/.exec(line.text)?.[0].length ?? 0) : Math.min(f.from, doc.length);
      const to = Math.min(doc.length, Math.max(f.to ?? line.to, from));
      return { from: Math.min(from, to), to, severity: f.warning ? 'warning' : 'error', message: f.text };
    });
    this.#view.dispatch(setDiagnostics(this.#view.state, marks));
  }

  goTo(line: number) {
    const l = this.#view.state.doc.line(Math.max(1, Math.min(this.#view.state.doc.lines, line)));
    this.#view.dispatch({ selection: { anchor: l.from }, effects: EditorView.scrollIntoView(l.from, { y: 'center' }) });
    this.#view.focus();
  }

  destroy() {
    this.#view.destroy();
  }
}
