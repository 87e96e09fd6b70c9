// The editor of searches: SPL colouring, completion, faults underlined in place, docs on hover.
import { acceptCompletion, autocompletion, completionStatus, startCompletion, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, insertNewlineAndIndent } from '@codemirror/commands';
import { bracketMatching } from '@codemirror/language';
import { linter, setDiagnostics, type Diagnostic } from '@codemirror/lint';
import { EditorState, Prec } from '@codemirror/state';
import { EditorView, hoverTooltip, keymap, placeholder } from '@codemirror/view';
import { post, type ErrorBody } from '../../api/client';
import { bytes, offset } from '../../components/place';
import { colours, spl } from './language';
import type { Completion, Parsed } from './types';
import { lookUp } from './words';

const theme = EditorView.theme({
  '&': { fontSize: '13px', backgroundColor: 'transparent', color: 'var(--text)', maxHeight: '40vh' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '20px', overflow: 'auto' },
  '.cm-content': { padding: '7px 0', caretColor: 'var(--text)' },
  '.cm-line': { padding: '0 10px' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-placeholder': { color: 'var(--text-3)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { background: 'var(--accent-bg)' },
  '.cm-matchingBracket, &.cm-focused .cm-matchingBracket': { background: 'var(--surface-3)', outline: '1px solid var(--line-strong)' },
  '.cm-tooltip': { border: '1px solid var(--line)', borderRadius: '6px', background: 'var(--surface)', color: 'var(--text)', boxShadow: 'var(--shadow)', maxWidth: '560px', zIndex: '40' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mono)', fontSize: '12px', maxHeight: '16em', minWidth: '260px' },
  '.cm-tooltip-autocomplete ul li': { padding: '2px 8px', display: 'flex', gap: '10px', lineHeight: '20px' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { background: 'var(--accent-fill)', color: 'var(--on-accent)' },
  '.cm-completionLabel': { flex: '1' },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '700' },
  '.cm-completionDetail': { fontStyle: 'normal', opacity: '0.85', margin: '0', overflow: 'hidden', textOverflow: 'ellipsis', maxWidth: '220px' },
  '.cm-completionIcon': { display: 'none' },
  '.cm-completionInfo': { padding: '8px 10px', maxWidth: '380px', whiteSpace: 'pre-wrap', fontFamily: 'var(--font)', fontSize: '12px' },
  '.cm-lintRange-error': { backgroundImage: 'none', textDecoration: 'underline wavy var(--bad)', textUnderlineOffset: '3px' },
  '.cm-diagnostic': { padding: '6px 10px', borderLeft: '3px solid var(--bad)', whiteSpace: 'pre-wrap', maxWidth: '520px' },
  '.cm-hint': { color: 'var(--text-2)' },
  '.cm-doc': { padding: '8px 12px', fontSize: '12px', display: 'grid', gap: '4px', maxHeight: '300px', overflow: 'auto' },
  '.cm-doc code': { fontFamily: 'var(--mono)', color: 'var(--syn-command)', whiteSpace: 'pre-wrap' },
  '.cm-doc em': { fontStyle: 'normal', color: 'var(--text-3)' },
  '.cm-doc pre': { margin: '0', fontFamily: 'var(--mono)', whiteSpace: 'pre-wrap', background: 'var(--surface-2)', padding: '4px 6px', borderRadius: '4px' },
});

async function complete(context: CompletionContext): Promise<CompletionResult | null> {
  const text = context.state.doc.toString();
  const before = text.slice(0, context.pos);
  if (!context.explicit && !/[\w.{}$`|=([,-]\s?$/.test(before) && !/\s$/.test(before)) return null;
  if (!context.explicit && before.trim() === '') return null;
  const abort = new AbortController();
  context.addEventListener('abort', () => abort.abort());
  let got: Completion;
  try {
    got = await post<Completion>('/search/complete', { text, cursor: bytes(text, context.pos) }, abort.signal);
  } catch {
    return null;
  }
  if (got.items.length === 0) return null;
  return {
    from: offset(text, got.place.start),
    to: Math.max(context.pos, offset(text, got.place.end)),
    options: got.items.map((item, i) => ({
      label: item.label,
      apply: item.insert,
      type: item.kind,
      detail: item.detail ?? item.kind,
      boost: -i / 100,
      ...(item.doc && { info: item.doc }),
    })),
    validFor: /^[\w.{}:-]*$/,
  };
}

/** diagnostic places an error of the API in the text. */
export function diagnostic(text: string, error: ErrorBody): Diagnostic {
  const from = error.place ? offset(text, error.place.start) : 0;
  const to = error.place ? Math.max(offset(text, error.place.end), Math.min(from + 1, text.length)) : text.length;
  return {
    from: Math.min(from, text.length),
    to,
    severity: 'error',
    message: error.message + (error.hint ? `\n${error.hint}` : ''),
  };
}

const docs = hoverTooltip(
  async (view, pos) => {
    const text = view.state.doc.toString();
    let from = pos;
    let to = pos;
    while (from > 0 && /[\w.{}]/.test(text[from - 1]!)) from--;
    while (to < text.length && /[\w.{}]/.test(text[to]!)) to++;
    if (from === to) return null;
    const found = await lookUp(text.slice(from, to), text.slice(0, from), text.slice(to)).catch(() => null);
    if (!found) return null;
    return {
      pos: from,
      end: to,
      create: () => {
        const dom = document.createElement('div');
        dom.className = 'cm-doc';
        const part = (tag: string, content: string | undefined) => {
          if (!content) return;
          const e = document.createElement(tag);
          e.textContent = content;
          dom.append(e);
        };
        const w = found.word;
        part('code', w.syntax ?? w.name);
        part('em', [found.kind.slice(0, -1), w.kind ?? w.group].filter(Boolean).join(' · '));
        part('div', w.summary);
        if (w.doc && w.doc !== w.summary) part('div', w.doc.length > 700 ? w.doc.slice(0, 700) + '…' : w.doc);
        const example = w.examples?.[0];
        part('pre', example?.search);
        return { dom };
      },
    };
  },
  { hoverTime: 350 },
);

export interface EditorOptions {
  parent: HTMLElement;
  text: string;
  label: string;
  placeholder?: string;
  onrun: () => void;
  onchange: (text: string) => void;
  onparsed?: (parsed: Parsed) => void;
  /** The range of time, so that faults in it are found, too. */
  range?: () => { earliest: string; latest: string };
  lines?: number;
}

/** Editor lives in a shadow root: its styles are adopted there, which the content security policy allows. */
export class Editor {
  readonly view: EditorView;
  #onparsed: EditorOptions['onparsed'];

  constructor(o: EditorOptions) {
    const root = o.parent.shadowRoot ?? o.parent.attachShadow({ mode: 'open' });
    this.#onparsed = o.onparsed;
    const run = () => {
      o.onrun();
      return true;
    };
    this.view = new EditorView({
      root,
      parent: root as unknown as DocumentFragment,
      state: EditorState.create({
        doc: o.text,
        extensions: [
          Prec.highest(
            keymap.of([
              { key: 'Mod-Enter', run },
              { key: 'Enter', run: (v) => (completionStatus(v.state) === 'active' && acceptCompletion(v)) || run() },
              { key: 'Shift-Enter', run: insertNewlineAndIndent },
              { key: 'Tab', run: (v) => completionStatus(v.state) === 'active' && acceptCompletion(v) },
              { key: 'Ctrl-Space', run: startCompletion },
            ]),
          ),
          history(),
          keymap.of([...historyKeymap, ...defaultKeymap]),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ 'aria-label': o.label, 'aria-multiline': 'true', spellcheck: 'false', autocapitalize: 'off' }),
          placeholder(o.placeholder ?? ''),
          spl,
          colours,
          bracketMatching(),
          autocompletion({ override: [complete], activateOnTypingDelay: 60, maxRenderedOptions: 100, icons: false, closeOnBlur: true }),
          linter((view) => this.#lint(view, o.range), { delay: 350 }),
          docs,
          theme,
          // Typing over coloured text makes the browser keep its look in a style attribute, which the
          // content security policy refuses: put the text in its place ourselves.
          EditorView.domEventHandlers({
            beforeinput: (e, view) => {
              if (e.inputType !== 'insertText' || !e.data || view.composing || view.state.selection.main.empty) return false;
              e.preventDefault();
              view.dispatch(view.state.replaceSelection(e.data), { userEvent: 'input.type', scrollIntoView: true });
              return true;
            },
          }),
          EditorView.updateListener.of((u) => {
            if (u.docChanged) o.onchange(u.state.doc.toString());
          }),
        ],
      }),
    });
  }

  async #lint(view: EditorView, range: EditorOptions['range']): Promise<Diagnostic[]> {
    const text = view.state.doc.toString();
    if (text.trim() === '') return [];
    try {
      const r = range?.() ?? { earliest: '', latest: '' };
      const parsed = await post<Parsed>('/search/parse', { search: text, ...(r.earliest && { earliest: r.earliest }), ...(r.latest && { latest: r.latest }) });
      if (view.state.doc.toString() !== text) return [];
      this.#onparsed?.(parsed);
      return parsed.error ? [diagnostic(text, parsed.error)] : [];
    } catch {
      return []; // what runs it will say so
    }
  }

  get text(): string {
    return this.view.state.doc.toString();
  }

  set text(text: string) {
    if (text === this.text) return;
    this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text }, selection: { anchor: text.length } });
  }

  /** fault underlines what a run of the search found wrong. */
  fault(error: ErrorBody) {
    this.view.dispatch(setDiagnostics(this.view.state, [diagnostic(this.text, error)]));
  }

  focus() {
    this.view.focus();
  }

  destroy() {
    this.view.destroy();
  }
}
