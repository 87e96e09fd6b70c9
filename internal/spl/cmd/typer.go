package cmd

import (
	"context"
	"slices"
	"strings"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Typer adds the event types and tags that the knowledge folder defines. Event
// searches apply it automatically if a search uses these fields.
type Typer struct{}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "typer", Kind: syntax.KindStreaming,
		Summary: "Add the defined event types and tags.",
		Syntax:  "typer [eventtypes=<text>] [maxlen=<n>]",
		Doc: "`eventtype` gets the names of the eventtypes.conf searches that the row matches, `tag` the tags.conf tags of its field\n" +
			"values, and `tag::eventtype` those of its event types, in addition to existing values. Events have these fields\n" +
			"already; the command is for rows that were created or changed.",
		Args: []syntax.Arg{{Name: "eventtypes, maxlen", Doc: "Accepted for compatibility; ignored."}},
		Examples: []syntax.Example{{
			Search: `| makeresults | eval eventtype="aws_cloudtrail_errors" | typer | table eventtype tag`,
			Want:   []string{`{"eventtype":"aws_cloudtrail_errors","tag":"error"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			return Typer{}, p.Options([]string{"eventtypes", "maxlen"}, func(syntax.Option) error { return nil })
		},
	})
}

// Print implements syntax.Command.
func (Typer) Print() string { return "typer" }

// Needs implements syntax.Command. The fields that the definitions read are
// unknown here.
func (Typer) Needs(out filter.FieldSet) filter.FieldSet { return out.Union(filter.AllFields()) }

// NewMapper implements exec.Streaming.
func (Typer) NewMapper(env *exec.Env) (exec.Mapper, error) {
	m := &typer{tags: fieldTags(env)}
	classes := env.Knowledge
	if classes == nil {
		return m, nil
	}
	for _, t := range classes.EventTypes() {
		e, err := filter.ExpandClasses(t.Search, classes)
		if err != nil {
			env.Warn("the event type %q cannot be used: %v", t.Name, err)
			continue
		}
		match, err := filter.NewMatcher(e, env.Now.In(env.Zone))
		if err != nil {
			env.Warn("the event type %q cannot be used: %v", t.Name, err)
			continue
		}
		m.types = append(m.types, typeMatcher{t.Name, match})
	}
	return m, nil
}

type typeMatcher struct {
	name  string
	match *filter.Matcher
}

type typer struct {
	types []typeMatcher
	tags  tagTable
}

// Map implements exec.Mapper.
func (m *typer) Map(ctx context.Context, b *vector.Batch) (*vector.Batch, error) {
	types := make([][]string, b.Len)
	pulse := exec.NewPulse(ctx)
	for i, v := range op.Present(b, "eventtype") {
		pulse.Work(v.Size())
		types[i] = slices.Clone(v.All())
	}
	for _, t := range m.types {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		for _, i := range t.match.Select(b) {
			if !slices.Contains(types[i], t.name) {
				types[i] = append(types[i], t.name)
			}
		}
	}
	b = withLists(b, "eventtype", types)
	all, ofTypes := make([][]string, b.Len), make([][]string, b.Len)
	for i, v := range op.Present(b, "tag") {
		pulse.Work(v.Size())
		all[i] = slices.Clone(v.All())
	}
	for _, field := range m.tags.fields() {
		col := b.Col(field)
		if col == nil {
			continue
		}
		for i := range b.Len {
			pulse.Work(64)
			for _, tag := range m.tags.of(field, col.At(i)) {
				all[i] = appendNew(all[i], tag)
				if field == "eventtype" {
					ofTypes[i] = appendNew(ofTypes[i], tag)
				}
			}
		}
	}
	return withLists(withLists(b, "tag", all), "tag::eventtype", ofTypes), nil
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// withLists sets a field to lists of values. It does not add a field that has
// no values.
func withLists(b *vector.Batch, name string, lists [][]string) *vector.Batch {
	if !slices.ContainsFunc(lists, func(l []string) bool { return len(l) > 0 }) {
		return b
	}
	vals := make([]vector.Value, len(lists))
	for i, l := range lists {
		vals[i] = vector.Strings(l)
	}
	return b.With(vector.NewColumn(name, vals))
}

// tagTable finds tags by field and value. Values are case-insensitive.
type tagTable map[string]map[string][]string

// fieldTags returns the tags of the built-in event types and the tags that the
// knowledge folder defines.
func fieldTags(env *exec.Env) tagTable {
	t := tagTable{}
	add := func(field, value, tag string) {
		if t[field] == nil {
			t[field] = map[string][]string{}
		}
		value = strings.ToLower(value)
		t[field][value] = appendNew(t[field][value], tag)
	}
	for name, tags := range event.EventTypes() {
		for _, tag := range tags {
			add("eventtype", name, tag)
		}
	}
	if classes := env.Knowledge; classes != nil {
		for _, f := range classes.FieldTags() {
			add(f.Field, f.Value, f.Tag)
		}
	}
	return t
}

func (t tagTable) fields() []string {
	list := make([]string, 0, len(t))
	for f := range t {
		list = append(list, f)
	}
	slices.Sort(list)
	return list
}

// of returns the tags of a field's values.
func (t tagTable) of(field string, v vector.Value) (tags []string) {
	for _, s := range v.All() {
		for _, tag := range t[field][strings.ToLower(s)] {
			tags = appendNew(tags, tag)
		}
	}
	return tags
}
