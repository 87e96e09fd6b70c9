package dashboard

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl/syntax"
)

// maxValue bounds a value of an input, maxChosen how many may be chosen.
const (
	maxValue  = 4096
	maxChosen = 200
)

// Values are what the reader chose, by the id of the input. A time input has
// id.earliest and id.latest. An input without a value stands for any.
type Values map[string][]string

var (
	tokenForm = regexp.MustCompile(`^\$([A-Za-z_][A-Za-z0-9_.{}:-]{0,200})\$`)
	// plain values are written without quotes: numbers and spans such as 15m, which
	// commands like head and bin take no other way.
	plain  = regexp.MustCompile(`^-?[0-9]{1,18}(\.[0-9]{1,18})?[a-z]{0,3}$`)
	escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`)
)

// quote writes a value as a quoted string of SPL.
func quote(v string) string { return `"` + escape.Replace(v) + `"` }

// token is a $name$ in a text.
type token struct {
	diag.Span
	name   string
	quoted bool // within double quotes
}

// tokens returns the tokens of a search. Those in comments are left alone, as is
// $$, which stands for a dollar sign. It fails for places where no value is safe.
func tokens(text string) ([]token, error) {
	var list []token
	var quoted, macro, unclear bool
	single := 0 // quotes that may enclose a field name
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case quoted && c == '\\':
			i += 2
			continue
		case c == '"':
			quoted = !quoted
		case quoted && c != '$':
		case strings.HasPrefix(text[i:], "```"):
			end := strings.Index(text[i+3:], "```")
			if end < 0 {
				return list, nil
			}
			i += 3 + end + 3
			continue
		case c == '`':
			macro = !macro
		case c == '\'':
			single++
		case c == '|':
			single = 0
		case c == '\\' && i+1 < len(text) && text[i+1] == '"':
			unclear = true
		case c == '$':
			if strings.HasPrefix(text[i:], "$$") {
				i += 2
				continue
			}
			m := tokenForm.FindStringSubmatch(text[i:])
			if m == nil {
				break
			}
			t := token{diag.Span{Start: i, End: i + len(m[0])}, m[1], quoted}
			switch {
			case macro:
				return nil, unsafe(text, t, "a macro call", "write out the macro")
			case !quoted && single%2 == 1:
				return nil, unsafe(text, t, "single quotes", "use double quotes, or write the name of the field")
			case unclear:
				return nil, unsafe(text, t, `a search with \" outside of quotes`, "put quotes around the whole value")
			}
			list = append(list, t)
			i = t.End
			continue
		}
		i++
	}
	return list, nil
}

func unsafe(text string, t token, where, hint string) error {
	return &diag.Error{Src: text, Name: "search", Span: t.Span, Msg: fmt.Sprintf("$%s$ cannot stand in %s", t.name, where), Hint: hint}
}

// Expand puts values into a search. Whatever they hold, each stays one value: in
// double quotes its text is escaped, elsewhere it is written in double quotes
// unless it is a number or a span. An input with a field becomes a condition, and
// "*" when nothing is chosen.
func (d *Dashboard) Expand(text string, values Values) (string, error) {
	list, err := tokens(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	from := 0
	for _, t := range list {
		v, err := d.value(t, values)
		if err != nil {
			return "", &diag.Error{Src: text, Name: "search", Span: t.Span, Msg: err.Error(), Hint: d.nearTo(t.name)}
		}
		b.WriteString(dollars(text[from:t.Start]))
		b.WriteString(v)
		from = t.End
	}
	b.WriteString(dollars(text[from:]))
	if b.Len() > syntax.MaxText {
		return "", fmt.Errorf("the search is longer than %d bytes with the values of the inputs", syntax.MaxText)
	}
	return b.String(), nil
}

func dollars(text string) string { return strings.ReplaceAll(text, "$$", "$") }

// input returns the input that a token reads, nil for none.
func (d *Dashboard) input(name string) *Input {
	id := name
	if before, after, ok := strings.Cut(name, "."); ok && (after == "earliest" || after == "latest") {
		id = before
	}
	for i := range d.Inputs {
		if in := &d.Inputs[i]; in.ID == id && (in.Type == "time") == (id != name) {
			return in
		}
	}
	return nil
}

// chosen returns the values of an input, without those that stand for any.
func (in *Input) chosen(name string, values Values) []string {
	if in.Type == "time" {
		if v := values[name]; len(v) > 0 && v[0] != "" {
			return v[:1]
		}
		if strings.HasSuffix(name, ".latest") {
			return []string{defaulted(in.Latest, "now")}
		}
		return []string{defaulted(in.Earliest, "0")}
	}
	v, ok := values[in.ID]
	if !ok {
		v = in.Default
	}
	if slices.Contains(v, "*") {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(v), func(s string) bool { return s == "" })
}

func defaulted(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// field returns the field on which an input sets a condition, "" for none.
func (in *Input) field() string { return defaulted(in.Field, fields[in.Type]) }

func (d *Dashboard) value(t token, values Values) (string, error) {
	in := d.input(t.name)
	if in == nil {
		return "", fmt.Errorf("no input gives $%s$ a value", t.name)
	}
	list := in.chosen(t.name, values)
	if len(list) > maxChosen {
		return "", fmt.Errorf("%d values of %s; at most %d", len(list), in.ID, maxChosen)
	}
	for _, v := range list {
		if len(v) > maxValue {
			return "", fmt.Errorf("a value of %s is longer than %d bytes", in.ID, maxValue)
		}
	}
	if f := in.field(); f != "" && in.Type != "time" {
		switch {
		case t.quoted:
			return "", fmt.Errorf("$%s$ is a condition on %s and cannot stand in quotes", t.name, f)
		case len(list) == 0:
			return "*", nil
		case len(list) == 1:
			return syntax.PrintField(f) + "=" + quote(list[0]), nil
		}
		return syntax.PrintField(f) + " IN (" + joined(list, quote) + ")", nil
	}
	switch {
	case len(list) == 0:
		return "*", nil
	case t.quoted && len(list) > 1:
		return "", fmt.Errorf("$%s$ has several values and cannot stand in quotes; write IN ($%s$)", t.name, t.name)
	case t.quoted:
		return escape.Replace(list[0]), nil
	}
	return joined(list, func(v string) string {
		if plain.MatchString(v) {
			return v
		}
		return quote(v)
	}), nil
}

func joined(list []string, write func(string) string) string {
	parts := make([]string, len(list))
	for i, v := range list {
		parts[i] = write(v)
	}
	return strings.Join(parts, ", ")
}

// nearTo suggests an input for a token that has none.
func (d *Dashboard) nearTo(name string) string {
	var names []string
	for i := range d.Inputs {
		if id := d.Inputs[i].ID; d.Inputs[i].Type == "time" {
			names = append(names, id+".earliest", id+".latest")
		} else {
			names = append(names, id)
		}
	}
	if d.input(name) != nil {
		return ""
	}
	return defaulted(diag.Suggest(name, names, "inputs"), "write $$ for a dollar sign")
}

// SearchOf returns the search of a panel with its base, tokens not yet replaced.
func (d *Dashboard) SearchOf(p *Panel) string {
	own := strings.TrimSpace(p.Search)
	if p.Base == "" {
		return own
	}
	base := strings.TrimSpace(d.Searches[p.Base])
	if own == "" {
		return base
	}
	return base + "\n" + piped(own)
}

// piped writes a search so that it goes on from another: without a pipe it may
// begin with a command, or be a condition.
func piped(text string) string {
	if text == "" || strings.HasPrefix(text, "|") {
		return text
	}
	if first := strings.Fields(text)[0]; syntax.LookupCommand(strings.ToLower(first)) != nil {
		return "| " + text
	}
	return "| search " + text
}

// Times returns the time range of a panel: its own, or that of its time input.
func (d *Dashboard) Times(p *Panel, values Values) (earliest, latest string) {
	for i := range d.Inputs {
		if in := &d.Inputs[i]; in.Type == "time" && (p.Time == "" || p.Time == in.ID) {
			earliest, latest = in.chosen(in.ID+".earliest", values)[0], in.chosen(in.ID+".latest", values)[0]
			break
		}
	}
	return defaulted(p.Earliest, earliest), defaulted(p.Latest, latest)
}
