package cmd

import (
	"errors"
	"fmt"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl/syntax"
)

// template is text of a search with places that names and values are put into.
// They come from events, which attackers write, so each is put in as what it
// stands for and nothing else: it cannot end the quotes around it, nor a
// command.
type template []piece

// piece is text as it is, or a place.
type piece struct {
	text  string // "" for a place
	token string // what goes there
	quote byte   // the quotes the place stands in: ' " or 0
	at    int    // where it stands in the text
}

// parseTemplate finds the places: next looks at the start of a text and
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
			i++ // what follows is not the closing quote
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

// origin returns where in the text that was parsed the byte stands which is at
// offset when every place is filled with n bytes.
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

// fill puts values into the places. bare writes one for a place without
// quotes; false means that it cannot stand there.
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

// inner is the error for a text that stands inside a command and was read by
// itself: what is wrong there, at the place of the whole.
func inner(span diag.Span, what string, err error) *diag.Error {
	e := diag.At(span, "%s: %s", what, err)
	var d *diag.Error
	if errors.As(err, &d) {
		e = diag.At(span, "%s: %s", what, d.Msg)
		e.Hint = d.Hint
	}
	return e
}

// tokens returns every token once, in order.
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

// plainText reports whether s holds letters, digits and the given characters
// only, so that it is one word in every place of a search.
func plainText(s, others string) bool {
	for _, r := range s {
		if !(r|0x20 >= 'a' && r|0x20 <= 'z' || r >= '0' && r <= '9' || r == '_' || strings.ContainsRune(others, r)) {
			return false
		}
	}
	return s != ""
}
