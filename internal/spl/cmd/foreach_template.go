package cmd

import (
	"errors"
	"fmt"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl/syntax"
)

// template is the text of a search with placeholders for names and values. The
// values come from events, which attackers write, so each is escaped for its
// position: it cannot close the surrounding quotes or end the command.
type template []piece

// piece is literal text or a placeholder.
type piece struct {
	text  string // "" for a placeholder
	token string // name of the placeholder
	quote byte   // the surrounding quotes: ' " or 0
	at    int    // offset in the text
}

// parseTemplate finds the placeholders. next examines the start of a text and
// returns the token there and its length, 0 for none.
func parseTemplate(text string, next func(s string) (token string, n int)) template {
	var t template
	from := 0
	var quote byte
	for i := 0; i < len(text); {
		if token, n := next(text[i:]); n > 0 {
			if from < i {
				t = append(t, piece{text: text[from:i], at: from})
			}
			t = append(t, piece{token: token, quote: quote, at: i})
			i += n
			from = i
			continue
		}
		switch c := text[i]; {
		case c == '\\' && quote != 0:
			i++ // an escaped character does not close the quotes
		case c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		}
		i++
	}
	if from < len(text) {
		t = append(t, piece{text: text[from:], at: from})
	}
	return t
}

// origin maps an offset in the filled text to an offset in the original text,
// given that every placeholder is filled with n bytes.
func (t template) origin(offset, n int) int {
	for _, p := range t {
		size := len(p.text)
		if p.token != "" {
			size = n
		}
		if offset < size {
			if p.token != "" {
				return p.at
			}
			return p.at + offset
		}
		offset -= size
	}
	if len(t) == 0 {
		return 0
	}
	last := t[len(t)-1]
	return last.at + len(last.text)
}

// fill replaces the placeholders. bare formats a value outside quotes and
// returns false if the value is not allowed there.
func (t template) fill(value func(token string) (string, bool), bare func(string) (string, bool)) (string, error) {
	var b strings.Builder
	for _, p := range t {
		if p.token == "" {
			b.WriteString(p.text)
			continue
		}
		v, ok := value(p.token)
		if !ok {
			return "", fmt.Errorf("there is no value for %s", p.token)
		}
		if b.Len()+len(v) > syntax.MaxText {
			return "", fmt.Errorf("with the value of %s the search is longer than %d bytes", p.token, syntax.MaxText)
		}
		if p.quote != 0 {
			b.WriteString(strings.NewReplacer(`\`, `\\`, string(p.quote), `\`+string(p.quote)).Replace(v))
			continue
		}
		if v, ok = bare(v); !ok {
			return "", fmt.Errorf("the value of %s must be quoted", p.token)
		}
		b.WriteString(v)
	}
	return b.String(), nil
}

// inner returns the error for a text that was parsed on its own but is part of
// a command. It keeps the message and the hint, and points at span.
func inner(span diag.Span, what string, err error) *diag.Error {
	e := diag.At(span, "%s: %s", what, err)
	var d *diag.Error
	if errors.As(err, &d) {
		e = diag.At(span, "%s: %s", what, d.Msg)
		e.Hint = d.Hint
	}
	return e
}

// tokens returns the distinct tokens in order.
func (t template) tokens() []string {
	var list []string
	seen := map[string]bool{}
	for _, p := range t {
		if p.token != "" && !seen[p.token] {
			seen[p.token] = true
			list = append(list, p.token)
		}
	}
	return list
}

// plainText reports whether s contains only letters, digits and the given
// characters, so that it is a single word anywhere in a search.
func plainText(s, others string) bool {
	for _, r := range s {
		if !(r|0x20 >= 'a' && r|0x20 <= 'z' || r >= '0' && r <= '9' || r == '_' || strings.ContainsRune(others, r)) {
			return false
		}
	}
	return s != ""
}
