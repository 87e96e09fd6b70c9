package sigma

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/jsonscan"
)

// Explanation says why a rule fires on an event, or does not.
type Explanation struct {
	Fires     bool      `json:"fires"`
	Condition Verdict   `json:"condition"`         // of the rule
	Filters   []Verdict `json:"filters,omitempty"` // each with the filter's title as Text
}

// Verdict is the result of a part of a condition, with its own parts.
type Verdict struct {
	Text  string       `json:"text"` // "and", "or", "not", "1 of x*", a selection, "alternative 2", or a test as written
	Holds bool         `json:"holds"`
	Parts []Verdict    `json:"parts,omitempty"`
	Test  *TestVerdict `json:"test,omitempty"` // nil if it is not a test
}

// TestVerdict is what a test found. The values in it are those of the event, written
// by whoever made the call.
type TestVerdict struct {
	Field   string   `json:"field,omitempty"`   // "" = keywords
	Wanted  []string `json:"wanted,omitempty"`  // the values of the rule, the first of them
	More    int      `json:"more,omitempty"`    // further values of the rule
	Missing bool     `json:"missing,omitempty"` // the event does not have the field
	Found   []string `json:"found,omitempty"`   // what the event has, the first values of it, shortened
	Further int      `json:"further,omitempty"` // further values of the event
}

// The bounds of what a TestVerdict shows.
const (
	maxFound     = 20
	maxFoundText = 400 // bytes
)

// Explain evaluates all of a rule on a record, an object of valid JSON. It evaluates
// what Evaluate would have skipped, too.
func Explain(r *Rule, raw []byte) *Explanation {
	rec := newRecord(len(r.table.names), tree(r.used()))
	rec.derived = newDeriver(maps.Collect(r.used()))
	rec.reset(raw)
	x := &explainer{record: rec, sels: r.sels}
	e := &Explanation{Condition: x.of(r.cond)}
	e.Fires = e.Condition.Holds
	for _, f := range r.filters {
		x.sels = f.sels
		v := x.of(f.cond)
		e.Filters = append(e.Filters, Verdict{Text: f.Title, Holds: v.Holds, Parts: []Verdict{v}})
		e.Fires = e.Fires && v.Holds
	}
	return e
}

type explainer struct {
	record *record
	sels   []*selection
}

// holds implements verdicts.
func (x *explainer) holds(i int) bool { return x.sels[i].matches(x.record) }

func (x *explainer) of(e expr) Verdict {
	v := Verdict{Holds: e.holds(x)}
	switch e := e.(type) {
	case not:
		v.Text, v.Parts = "not", []Verdict{x.of(e.of)}
	case and:
		v.Text = "and"
		for _, part := range e {
			v.Parts = append(v.Parts, x.of(part))
		}
	case or:
		v.Text = "or"
		for _, part := range e {
			v.Parts = append(v.Parts, x.of(part))
		}
	case some:
		v.Text = e.text
		for _, i := range e.of {
			v.Parts = append(v.Parts, x.selection(i))
		}
	case ref:
		return x.selection(int(e))
	}
	return v
}

func (x *explainer) selection(i int) Verdict {
	s := x.sels[i]
	v := Verdict{Text: s.name, Holds: s.matches(x.record)}
	v.Parts = x.alternatives(s)
	return v
}

func (x *explainer) alternatives(s *selection) []Verdict {
	var out []Verdict
	for i, tests := range s.any {
		alt := Verdict{Text: "alternative " + strconv.Itoa(i+1), Holds: true}
		for _, t := range tests {
			part := x.test(t)
			alt.Holds = alt.Holds && part.Holds
			alt.Parts = append(alt.Parts, part)
		}
		if len(s.any) == 1 {
			return alt.Parts
		}
		out = append(out, alt)
	}
	return out
}

func (x *explainer) test(t *test) Verdict {
	tv := &TestVerdict{Field: t.field, Wanted: t.wanted, More: t.more}
	v := Verdict{Text: t.key, Holds: t.holds(x.record), Test: tv}
	if t.keyword {
		if v.Text == "" {
			v.Text = "keywords"
		}
		return v
	}
	c := x.record.cell(t.id)
	tv.Missing = !c.present
	for i := range c.values {
		val := &c.values[i]
		if val.kind == jsonscan.Composite && len(c.values) > 1 && val.json[0] == '[' {
			continue // its elements say more
		}
		if len(tv.Found) == maxFound {
			tv.Further++
			continue
		}
		tv.Found = append(tv.Found, shorten(strings.Clone(val.plain())))
	}
	if t.block != nil {
		v.Parts = x.block(t)
	}
	return v
}

// block explains an array block by its first elements.
func (x *explainer) block(t *test) []Verdict {
	var out []Verdict
	n := 0
	x.record.elements(t.id, func(json []byte) {
		if n++; n > maxFound {
			return
		}
		sub := newRecord(len(t.block.fields.names), t.block.tree)
		sub.reset(json)
		inner := &explainer{record: sub}
		out = append(out, Verdict{Text: "element " + strconv.Itoa(n), Holds: t.block.of.matches(sub), Parts: inner.alternatives(t.block.of)})
	})
	return out
}

func shorten(s string) string {
	if len(s) <= maxFoundText {
		return s
	}
	return strings.ToValidUTF8(s[:maxFoundText], "") + "…"
}

// want remembers the values of a test for Explain.
func (t *test) want(items []node) {
	for i := range items {
		if i == maxWanted {
			t.more = len(items) - i
			return
		}
		text := shorten(items[i].text)
		if items[i].kind == null {
			text = "null"
		} else if text == "" || items[i].kind == str && strings.TrimSpace(text) != text {
			text = strconv.Quote(text)
		}
		t.wanted = append(t.wanted, text)
	}
}

// String writes the explanation as an indented tree, safe to print on a terminal: a
// line for each part, + if it holds and - if it does not.
func (e *Explanation) String() string {
	var b strings.Builder
	e.Condition.write(&b, 0)
	for _, f := range e.Filters {
		f.Text = "filter " + f.Text
		f.write(&b, 0)
	}
	return b.String()
}

func (v *Verdict) write(b *strings.Builder, depth int) {
	b.WriteString(strings.Repeat("  ", depth))
	if v.Holds {
		b.WriteString("+ ")
	} else {
		b.WriteString("- ")
	}
	b.WriteString(diag.Printable(v.Text))
	if t := v.Test; t != nil {
		if len(t.Wanted) > 0 {
			wanted := slices.Clone(t.Wanted)
			if t.More > 0 {
				wanted = append(wanted, strconv.Itoa(t.More)+" more")
			}
			b.WriteString(": " + diag.Printable(strings.Join(wanted, ", ")))
		}
		switch {
		case t.Field == "":
		case t.Missing:
			b.WriteString("  [not in the event]")
		case len(t.Found) == 0:
			b.WriteString("  [null]")
		default:
			found := strings.Join(t.Found, ", ")
			if t.Further > 0 {
				found += ", " + strconv.Itoa(t.Further) + " more"
			}
			b.WriteString("  [" + diag.Printable(found) + "]")
		}
	}
	b.WriteByte('\n')
	for i := range v.Parts {
		v.Parts[i].write(b, depth+1)
	}
}
