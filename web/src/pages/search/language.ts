// SPL as CodeMirror colours it. What words exist is asked of the server; here are only forms.
import { HighlightStyle, StreamLanguage, syntaxHighlighting } from '@codemirror/language';
import { tags } from '@lezer/highlight';

interface State {
  /** The next word is the name of a command. */
  command: boolean;
  comment: boolean;
}

const keywords = /^(?:AND|OR|NOT|XOR|IN|LIKE|BY|AS|OVER|OUTPUT|OUTPUTNEW|WHERE|by|as|over|where|and|or|not|in|like|output|outputnew)$/;

export const spl = StreamLanguage.define<State>({
  name: 'spl',
  startState: () => ({ command: false, comment: false }),
  token(stream, state) {
    if (state.comment) {
      if (stream.skipTo('```')) {
        stream.match('```');
        state.comment = false;
      } else stream.skipToEnd();
      return 'comment';
    }
    if (stream.eatSpace()) return null;
    if (stream.match('```')) {
      state.comment = true;
      return 'comment';
    }
    const c = stream.peek()!;
    if (c === '|') {
      stream.next();
      state.command = true;
      return 'operator';
    }
    if (c === '[') {
      stream.next();
      state.command = true;
      return 'bracket';
    }
    if (c === '"' || c === "'") {
      stream.next();
      for (let ch = stream.next(); ch && ch !== c; ch = stream.next()) if (ch === '\\') stream.next();
      return c === '"' ? 'string' : 'propertyName';
    }
    if (c === '`') {
      stream.next();
      if (!stream.skipTo('`')) stream.skipToEnd();
      stream.next();
      return 'macroName';
    }
    if (stream.match(/^[-+]?\d+(?:\.\d+)?(?:[smhdwy]|mon|%)?(?![\w.])/)) {
      state.command = false;
      return 'number';
    }
    if (stream.match(/^[\w.{}:@$*#-]+/)) {
      const word = stream.current();
      if (state.command) {
        state.command = false;
        return 'keyword';
      }
      if (stream.match(/^\s*(?:=|!=|>=|<=|>|<)/, false)) return 'propertyName';
      if (stream.match(/^\(/, false)) return 'function';
      if (keywords.test(word)) return 'logic';
      return null;
    }
    stream.next();
    return /[()\]]/.test(c) ? 'bracket' : 'operator';
  },
  tokenTable: { function: tags.function(tags.variableName), logic: tags.logicOperator },
  languageData: { commentTokens: { block: { open: '```', close: '```' } }, closeBrackets: { brackets: [] } },
});

export const colours = syntaxHighlighting(
  HighlightStyle.define([
    { tag: tags.keyword, color: 'var(--syn-command)', fontWeight: '600' },
    { tag: tags.function(tags.variableName), color: 'var(--syn-function)' },
    { tag: tags.logicOperator, color: 'var(--syn-keyword)' },
    { tag: tags.operator, color: 'var(--text-3)' },
    { tag: tags.bracket, color: 'var(--text-2)' },
    { tag: tags.string, color: 'var(--syn-string)' },
    { tag: tags.number, color: 'var(--syn-number)' },
    { tag: tags.macroName, color: 'var(--syn-function)' },
    { tag: tags.propertyName, color: 'var(--syn-field)', fontWeight: '500' },
    { tag: tags.comment, color: 'var(--syn-comment)', fontStyle: 'italic' },
  ]),
);
