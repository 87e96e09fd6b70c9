package syntax

import (
	"strings"
	"unicode/utf8"

	"bluetrail/internal/diag"
)

// TokenKind is the kind of a Token.
type TokenKind uint8

// The kinds of tokens. What makes a word depends on who reads: command
// arguments, the search expression and eval expressions differ.
const (
	EOF TokenKind = iota
	Word
	Quoted      // "…", escapes undone
	FieldQuoted // '…', only in eval
	NumberToken // only in eval
	Op
	Punct // ( ) , [ ] |
)

// Token is one lexical unit; Text is without quotes.
type Token struct {
	Kind   TokenKind
	Text   string
	Span   diag.Span
	Spaced bool // white space or a comment stood before it
}

// Is reports whether t is this punctuation or operator.
func (t Token) Is(s string) bool { return (t.Kind == Punct || t.Kind == Op) && t.Text == s }

// IsWord reports whether t is the unquoted word s, in any case.
func (t Token) IsWord(s string) bool { return t.Kind == Word && strings.EqualFold(t.Text, s) }

// scanner reads tokens of a text in the three lexical modes of SPL. The
// parsers look ahead by reading again: tokens are short and never nested.
type scanner struct {
	src string
	pos int
	end int
}

const comment = "```"

// space skips white space and comments; it reports whether there was any.
func (s *scanner) space() (bool, error) {
	start := s.pos
	for s.pos < s.end {
		switch c := s.src[s.pos]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v':
			s.pos++
		case strings.HasPrefix(s.src[s.pos:s.end], "\u00a0"):
			s.pos += len("\u00a0")
		case strings.HasPrefix(s.src[s.pos:s.end], comment):
			n := strings.Index(s.src[s.pos+3:s.end], comment)
			if n < 0 {
				return false, diag.At(diag.Span{Start: s.pos, End: s.pos + 3}, "comment is not closed").WithHint("end it with ```")
			}
			s.pos += 3 + n + 3
		default:
			return s.pos > start, nil
		}
	}
	return s.pos > start, nil
}

// mode says which characters end a bare word.
type mode uint8

const (
	argMode    mode = iota // command arguments: field names, option=value
	searchMode             // terms and fields of a search expression
	valueMode              // the value after an operator of a search expression
	evalMode               // expressions
)

// next reads one token.
func (s *scanner) next(m mode) (Token, error) {
	spaced, err := s.space()
	if err != nil {
		return Token{}, err
	}
	start := s.pos
	tok := func(k TokenKind, text string) Token {
		return Token{Kind: k, Text: text, Span: diag.Span{Start: start, End: s.pos}, Spaced: spaced}
	}
	if s.pos >= s.end {
		return tok(EOF, ""), nil
	}
	c := s.src[s.pos]
	switch {
	case strings.IndexByte("()[],|", c) >= 0 && !(m == valueMode && c == '['):
		s.pos++
		return tok(Punct, string(c)), nil
	case c == '[':
		s.pos++
		return tok(Punct, "["), nil
	case c == '"':
		text, err := s.quoted('"', m)
		return tok(Quoted, text), err
	case c == '\'' && m == evalMode:
		text, err := s.quoted('\'', m)
		return tok(FieldQuoted, text), err
	}
	if m == evalMode {
		return s.evalToken(tok)
	}
	if m != valueMode {
		if op := s.operator(); op != "" {
			return tok(Op, op), nil
		}
	}
	for s.pos < s.end && !s.endsWord(m) {
		_, n := utf8.DecodeRuneInString(s.src[s.pos:s.end])
		s.pos += n
	}
	if s.pos == start { // a lone character that begins no token
		_, n := utf8.DecodeRuneInString(s.src[s.pos:s.end])
		s.pos += n
	}
	return tok(Word, s.src[start:s.pos]), nil
}

func (s *scanner) endsWord(m mode) bool {
	c := s.src[s.pos]
	switch c {
	case ' ', '\t', '\n', '\r', '\f', '\v', '(', ')', '[', ']', ',', '|', '"':
		return true
	case '=', '<', '>':
		return m != valueMode
	case '!':
		return m != valueMode && s.pos+1 < s.end && s.src[s.pos+1] == '='
	case '`':
		return strings.HasPrefix(s.src[s.pos:s.end], comment)
	case '\\':
		if s.pos+1 < s.end && strings.IndexByte(`"|\`, s.src[s.pos+1]) >= 0 && m != argMode {
			s.pos++ // the escaped character belongs to the word
		}
		return false
	case 0xc2:
		return strings.HasPrefix(s.src[s.pos:s.end], "\u00a0")
	}
	return false
}

func (s *scanner) operator() string {
	rest := s.src[s.pos:s.end]
	for _, op := range [...]string{"==", "!=", "<=", ">=", "<>", "=", "<", ">"} {
		if strings.HasPrefix(rest, op) {
			s.pos += len(op)
			return op
		}
	}
	return ""
}

// quoted reads a quoted text and undoes its escapes: \" and \\ everywhere, \|
// in searches, \n and \t in eval. Other backslashes stay, for regular
// expressions and Windows paths.
func (s *scanner) quoted(q byte, m mode) (string, error) {
	start := s.pos
	s.pos++
	from := s.pos
	var b []byte
	for s.pos < s.end {
		c := s.src[s.pos]
		if c == q {
			text := s.src[from:s.pos]
			s.pos++
			if b == nil {
				return text, nil
			}
			return string(append(b, text...)), nil
		}
		if c == '\\' && s.pos+1 < s.end {
			if r, ok := unescape(s.src[s.pos+1], q, m); ok {
				b = append(append(b, s.src[from:s.pos]...), r)
				s.pos += 2
				from = s.pos
				continue
			}
			s.pos++ // what follows is not the closing quote
		}
		s.pos++
	}
	s.pos = s.end
	return "", diag.At(diag.Span{Start: start, End: min(start+1, s.end)}, "quote is not closed").WithHint("end it with %c", q)
}

func unescape(c, q byte, m mode) (byte, bool) {
	switch {
	case c == q:
		return c, true
	case c == '\\' && m != argMode:
		return '\\', true
	case c == '|' && (m == searchMode || m == valueMode):
		return '|', true
	case c == 'n' && m == evalMode:
		return '\n', true
	case c == 't' && m == evalMode:
		return '\t', true
	}
	return 0, false
}

func (s *scanner) evalToken(tok func(TokenKind, string) Token) (Token, error) {
	start, c := s.pos, s.src[s.pos]
	switch {
	case c >= '0' && c <= '9', c == '.' && s.pos+1 < s.end && isDigit(s.src[s.pos+1]):
		s.number()
		if s.pos < s.end && isNameByte(s.src[s.pos]) { // 4xx: a name that starts with a digit
			for s.pos < s.end && isNameByte(s.src[s.pos]) {
				s.pos++
			}
			return tok(Word, s.src[start:s.pos]), nil
		}
		if rest := s.src[s.pos:s.end]; len(rest) > 1 && rest[0] == '.' && isDigit(rest[1]) && strings.Contains(s.src[start:s.pos], ".") {
			for s.pos < s.end && (isNameByte(s.src[s.pos]) || strings.IndexByte("./:", s.src[s.pos]) >= 0) {
				s.pos++
			}
			return tok(NumberToken, ""), diag.At(diag.Span{Start: start, End: s.pos}, "%s is not a number", s.src[start:s.pos]).WithHint("put addresses and other text in double quotes")
		}
		return tok(NumberToken, s.src[start:s.pos]), nil
	case isNameByte(c), c >= utf8.RuneSelf:
		for s.pos < s.end && (isNameByte(s.src[s.pos]) || s.src[s.pos] >= utf8.RuneSelf || s.braces()) {
			if s.src[s.pos] >= utf8.RuneSelf {
				if err := s.typography(); err != nil {
					return tok(Word, ""), err
				}
			}
			s.pos++
		}
		return tok(Word, s.src[start:s.pos]), nil
	}
	if op := s.operator(); op != "" {
		return tok(Op, op), nil
	}
	if strings.IndexByte("+-*/%.!", c) >= 0 {
		s.pos++
		return tok(Op, string(c)), nil
	}
	_, n := utf8.DecodeRuneInString(s.src[s.pos:s.end])
	s.pos += n
	return tok(Op, s.src[start:s.pos]), nil
}

// typography returns an error for quotes and dashes that word processors put in
// the place of those one types.
func (s *scanner) typography() error {
	for typeset, plain := range map[string]string{"“": `"`, "”": `"`, "„": `"`, "‘": "'", "’": "'", "–": "-", "−": "-"} {
		if strings.HasPrefix(s.src[s.pos:s.end], typeset) {
			return diag.At(diag.Span{Start: s.pos, End: s.pos + len(typeset)}, "%s is not a %s", typeset, plain).WithHint("type %s; text copied from a web page or document often has other characters", plain)
		}
	}
	return nil
}

// braces reports whether {} of an array path stands here; it is taken as part
// of a bare name, of which the closing brace is left to be consumed.
func (s *scanner) braces() bool {
	switch s.src[s.pos] {
	case '{':
		return s.pos+1 < s.end && s.src[s.pos+1] == '}'
	case '}':
		return s.src[s.pos-1] == '{'
	}
	return false
}

func (s *scanner) number() {
	for s.pos < s.end && isDigit(s.src[s.pos]) {
		s.pos++
	}
	if s.pos+1 < s.end && s.src[s.pos] == '.' && isDigit(s.src[s.pos+1]) {
		for s.pos++; s.pos < s.end && isDigit(s.src[s.pos]); s.pos++ {
		}
	}
	if s.pos+1 < s.end && (s.src[s.pos] == 'e' || s.src[s.pos] == 'E') {
		p := s.pos + 1
		if s.src[p] == '+' || s.src[p] == '-' {
			p++
		}
		if p < s.end && isDigit(s.src[p]) {
			for ; p < s.end && isDigit(s.src[p]); p++ {
			}
			s.pos = p
		}
	}
}

func isDigit(c byte) bool { return c-'0' <= 9 }

func isNameByte(c byte) bool {
	return c == '_' || isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z'
}
