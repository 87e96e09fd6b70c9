package finding

import (
	"fmt"
	"strconv"
	"strings"
)

// Describe sets the message: the rule's template, or else a sentence on who did
// what, how often, from where and to what.
func (f *Finding) Describe(template string) {
	if template != "" {
		f.Message = clip(f.expand(template))
		return
	}
	var b strings.Builder
	b.WriteString(orElse(several(f.Actor, f.More["actor"]), orElse(f.Entity, "someone")))
	switch f.Outcome {
	case "denied":
		b.WriteString(" was denied ")
	case "error":
		b.WriteString(" failed to call ")
	default:
		b.WriteString(" called ")
	}
	b.WriteString(orElse(several(f.EventName, f.More["event_name"]), "something"))
	if f.Count > 1 {
		fmt.Fprintf(&b, " (%s events)", strconv.FormatInt(f.Count, 10))
	}
	for _, part := range []struct {
		word   string
		values Values
		name   string
	}{{" on ", f.Object, "object"}, {" from ", f.SourceIP, "source_ip"}, {" in ", f.Region, "region"}} {
		if text := several(part.values, f.More[part.name]); text != "" {
			b.WriteString(part.word + text)
		}
	}
	f.Message = clip(b.String())
}

// namedValues is how many values a message names.
const namedValues = 3

// several puts values in words: a, b and 4 more.
func several(v Values, more int) string {
	named := v
	if len(named) > namedValues {
		named = named[:namedValues]
	}
	text := strings.Join(named, ", ")
	if rest := len(v) - len(named) + more; rest > 0 {
		text += fmt.Sprintf(" and %d more", rest)
	}
	return text
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// expand puts the values of fields for %field%. A field without a value becomes a
// dash; %% is a percent sign.
func (f *Finding) expand(template string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(template, "%")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		name, after, closed := strings.Cut(rest, "%")
		switch {
		case !closed || strings.ContainsAny(name, " \n\t"):
			b.WriteByte('%')
			template = rest
			continue
		case name == "":
			b.WriteByte('%')
		default:
			b.WriteString(orElse(several(f.Get(name), f.More[name]), "-"))
		}
		template = after
	}
}
