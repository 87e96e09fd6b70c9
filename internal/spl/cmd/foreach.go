package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/jsonscan"
	"bluetrail/internal/spath"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Foreach runs commands for each of several fields, or an eval for each value
// of a field.
type Foreach struct {
	Mode   string // multifield, multivalue, json_array, auto_collections
	Fields []string
	Text   string
	names  map[string]string // custom token names, such as fieldstr -> x
	tmpl   template
}

var foreachModes = []string{"multifield", "multivalue", "json_array", "auto_collections"}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "foreach", Kind: syntax.KindSerial,
		Summary: "Run commands for each of several fields, or an eval for each value of a field.",
		Syntax:  "foreach [mode=multifield|multivalue|json_array|auto_collections] [<field-list>] [<command> | …]",
		Doc: "In the commands, `<<FIELD>>` is the name of the field (write `'<<FIELD>>'` for its value), `<<MATCHSTR>>` the text\n" +
			"that the wildcards matched, `<<MATCHSEG1>>` to `<<MATCHSEG3>>` the text each wildcard matched, and `<<ITER>>` a\n" +
			"counter from 0. In the modes for values, `<<ITEM>>` is the value, and there is a single eval, which sees what it set\n" +
			"for earlier values. Fields that match a wildcard come in alphabetical order. A field whose name is not valid where the\n" +
			"commands use it is skipped, with a warning.",
		Args: []syntax.Arg{
			{Name: "<field-list>", Doc: "Field names, with wildcards in multifield mode. The other modes take one field, in whose name * is a character like others; mode=auto_collections without a field iterates over every field that holds several values or a JSON array."},
			{Name: "mode", Default: "multifield", Doc: "What to iterate over: fields, the values of a field, a JSON array, or whichever of the two the field holds."},
			{Name: "fieldstr, matchstr, matchseg1, matchseg2, matchseg3, itemstr, iterstr", Doc: "Other names for the tokens."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults | eval n_a=1, n_b=2, total=0 | foreach n_* [eval total=total+'<<FIELD>>', <<MATCHSTR>>=1] | table total a b`,
			Want:   []string{`{"total":"3","a":"1","b":"1"}`},
		}, {
			Search: `| makeresults | eval m="5,15", total=0 | makemv delim="," m | foreach mode=multivalue m [eval total=total+<<ITEM>>] | table total`,
			Want:   []string{`{"total":"20"}`},
		}},
		Parse: parseForeach,
	})
}

func parseForeach(p *syntax.Parser) (syntax.Command, error) {
	c := &Foreach{Mode: "multifield", names: map[string]string{}}
	start := p.Peek().Span
	known := []string{"mode", "fieldstr", "matchstr", "matchseg1", "matchseg2", "matchseg3", "itemstr", "iterstr"}
	for !p.Peek().Is("[") {
		err := p.Options(known, func(o syntax.Option) error {
			if o.Name != "mode" {
				c.names[o.Name] = o.Value.Text
				return nil
			}
			c.Mode = strings.ToLower(o.Value.Text)
			if !slices.Contains(foreachModes, c.Mode) {
				return diag.At(o.Value.Span, "unknown mode %q", o.Value.Text).WithHint("modes: %s", strings.Join(foreachModes, ", "))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if p.Peek().Is("[") {
			break
		}
		names, err := p.Fields()
		if err != nil {
			return nil, err
		}
		c.Fields = append(c.Fields, names...)
	}
	if len(c.Fields) == 0 && c.Mode != "auto_collections" {
		return nil, diag.At(start, "foreach needs a field")
	}
	text, span, err := p.Bracketed()
	if err != nil {
		return nil, err
	}
	c.Text = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), "|"))
	c.tmpl = parseTemplate(c.Text, c.token)
	return c, c.check(span, span.Start+strings.Index(text, c.Text))
}

// check parses the commands with placeholder names, so that errors appear
// before the search runs. start is the position of the commands.
func (c *Foreach) check(span diag.Span, start int) error {
	if c.Mode != "multifield" {
		if len(c.Fields) > 1 {
			return diag.At(span, "mode=%s iterates over the values of one field", c.Mode)
		}
		_, err := c.valueEval(span, standIn)
		return err
	}
	text, err := c.tmpl.fill(func(string) (string, bool) { return standIn, true }, bareName)
	if err != nil {
		return diag.At(span, "%s", err)
	}
	if c.Text == "" {
		return diag.At(span, "foreach needs commands in [ ]")
	}
	const before = "| "
	_, err = syntax.Parse(before + text)
	var d *diag.Error
	if !errors.As(err, &d) {
		return err
	}
	at := func(offset int) int { return start + c.tmpl.origin(max(offset-len(before), 0), len(standIn)) }
	place := diag.Span{Start: at(d.Span.Start), End: at(d.Span.End-1) + 1}
	place.End = max(place.End, place.Start+1)
	e := inner(place, "in the commands of foreach", d)
	e.Msg = strings.ReplaceAll(e.Msg, standIn, "<<FIELD>>")
	return e
}

// standIn is a field name that no event uses.
const standIn = "foreach_stand_in"

var foreachTokens = []struct{ option, token string }{
	{"fieldstr", "FIELD"}, {"matchstr", "MATCHSTR"}, {"matchseg1", "MATCHSEG1"}, {"matchseg2", "MATCHSEG2"},
	{"matchseg3", "MATCHSEG3"}, {"itemstr", "ITEM"}, {"iterstr", "ITER"},
}

// token recognizes tokens such as <<FIELD>>, or their custom names.
func (c *Foreach) token(s string) (string, int) {
	for _, t := range foreachTokens {
		written := c.names[t.option]
		if written == "" {
			written = "<<" + t.token + ">>"
		}
		if strings.HasPrefix(s, written) {
			return t.token, len(written)
		}
	}
	return "", 0
}

func bareName(s string) (string, bool) { return s, plainText(s, ".{}:@") }

// Print implements syntax.Command.
func (c *Foreach) Print() string {
	s := "foreach "
	if c.Mode != "multifield" {
		s += "mode=" + c.Mode + " "
	}
	for _, t := range foreachTokens {
		if name := c.names[t.option]; name != "" {
			s += t.option + "=" + syntax.PrintOption(name) + " "
		}
	}
	return s + syntax.PrintFields(c.Fields) + " [" + c.Text + "]"
}

// Needs implements syntax.Command.
func (c *Foreach) Needs(out filter.FieldSet) filter.FieldSet {
	if len(c.Fields) == 0 {
		return out.Union(filter.AllFields())
	}
	text, err := c.tmpl.fill(func(string) (string, bool) { return standIn, true }, bareName)
	if err != nil {
		return out.Union(filter.AllFields())
	}
	q, err := syntax.Parse("| " + text)
	if err != nil {
		return out.Union(filter.AllFields())
	}
	need := filter.FieldSet{}
	for _, st := range slices.Backward(q.Stages) {
		need = st.Cmd.Needs(need)
	}
	for _, name := range need.Names() {
		if strings.Contains(name, standIn) && name != standIn {
			return out.Union(filter.AllFields()) // a name built from the token may be any field
		}
	}
	if need.All() || slices.Contains(c.tmpl.tokens(), "MATCHSTR") || slices.ContainsFunc(c.tmpl.tokens(), func(t string) bool { return strings.HasPrefix(t, "MATCHSEG") }) {
		return out.Union(filter.AllFields())
	}
	return out.Union(need.Without(standIn)).Add(c.Fields...)
}

// RowWise reports whether each row is processed independently.
func (c *Foreach) RowWise() bool {
	return c.Mode != "multifield"
}

// Open implements exec.Serial.
func (c *Foreach) Open(ctx context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	if c.Mode != "multifield" {
		return exec.Mapped(in, &foreachValue{c: c, env: env, evals: map[string]exec.Mapper{}}), nil
	}
	run := func(ctx context.Context, names []string, in exec.Operator) (exec.Operator, error) {
		text, err := c.expand(env, names)
		if err != nil {
			return nil, err
		}
		if text == "" {
			return in, nil
		}
		q, err := syntax.Parse("| " + text)
		if err != nil {
			return nil, fmt.Errorf("cannot run the commands of foreach: %w", err)
		}
		return env.Pipe(ctx, q, in)
	}
	if !slices.ContainsFunc(c.Fields, func(n string) bool { return strings.Contains(n, "*") }) {
		return run(ctx, nil, in)
	}
	// Wildcards can be expanded only after all rows are read.
	return op.Gathered(env, in, func(ctx context.Context, rows []*vector.Batch) (exec.Operator, error) {
		return run(ctx, op.FieldNames(rows), exec.Rows(rows...))
	}), nil
}

// expand returns the commands for every field. names are the existing fields.
func (c *Foreach) expand(env *exec.Env, names []string) (string, error) {
	names = slices.Clone(names)
	slices.Sort(names)
	var parts []string
	done := map[string]bool{}
	add := func(pattern, name string) {
		if done[name] {
			return
		}
		env.Poll()
		if done[name] = true; len(parts) > syntax.MaxNames {
			parts = append(parts, "") // only the count matters from here on
			return
		}
		values := map[string]string{"FIELD": name, "ITER": strconv.Itoa(len(parts))}
		if segs, ok := segments(pattern, name); ok {
			values["MATCHSTR"] = strings.Join(segs, "")
			for i, seg := range segs {
				values["MATCHSEG"+strconv.Itoa(i+1)] = seg
			}
		}
		text, err := c.tmpl.fill(func(token string) (string, bool) { v, ok := values[token]; return v, ok }, bareName)
		if err == nil {
			// In its position the name may parse as something other than a
			// name.
			_, err = syntax.Parse("| " + text)
		}
		if err != nil {
			env.Warn("foreach skips the field %q: %v", name, err)
			return
		}
		parts = append(parts, text)
	}
	for _, pattern := range c.Fields {
		if !strings.Contains(pattern, "*") {
			add(pattern, pattern)
			continue
		}
		for _, name := range names {
			if op.Covers(pattern, name) {
				add(pattern, name)
			}
		}
	}
	if len(parts) > syntax.MaxNames {
		return "", fmt.Errorf("foreach matches %d fields here but accepts at most %d; name fewer", len(parts), syntax.MaxNames)
	}
	return strings.Join(parts, " | "), nil
}

// segments returns the part of name that each wildcard of a pattern matches, or
// the whole name if there are no wildcards.
func segments(pattern, name string) ([]string, bool) {
	n := strings.Count(pattern, "*")
	if n == 0 {
		return []string{name}, true
	}
	const sep = "\x00"
	joined, ok := op.Substitute(pattern, strings.TrimSuffix(strings.Repeat("*"+sep, n), sep), name)
	return strings.Split(joined, sep), ok
}

// valueEval returns the eval of the value modes, in which the value and its
// index are fields named after the tokens.
func (c *Foreach) valueEval(span diag.Span, field string) (*Eval, error) {
	var b strings.Builder
	for _, p := range c.tmpl {
		switch {
		case p.token == "":
			b.WriteString(p.text)
		case p.token == "FIELD" && p.quote != 0:
			b.WriteString(strings.ReplaceAll(field, string(p.quote), `\`+string(p.quote)))
		case p.token == "FIELD":
			b.WriteString(syntax.PrintTarget(field))
		case p.token != "ITEM" && p.token != "ITER":
			return nil, diag.At(span, "<<%s>> means nothing in mode=%s", p.token, c.Mode)
		case p.quote == '"':
			b.WriteString(`" . '<<` + p.token + `>>' . "`)
		case p.quote == '\'':
			b.WriteString("<<" + p.token + ">>")
		default:
			b.WriteString("'<<" + p.token + ">>'")
		}
	}
	q, err := syntax.Parse("| " + b.String())
	if err != nil {
		return nil, inner(span, "in the eval of foreach", err)
	}
	eval, ok := q.Stages[0].Cmd.(*Eval)
	if !ok || len(q.Stages) != 1 {
		return nil, diag.At(span, "mode=%s takes one eval", c.Mode)
	}
	return eval, nil
}

// foreachValue runs an eval on the first value of all rows, then on the second,
// and so on.
type foreachValue struct {
	c     *Foreach
	env   *exec.Env
	evals map[string]exec.Mapper // by field
}

func (m *foreachValue) Map(ctx context.Context, b *vector.Batch) (*vector.Batch, error) {
	fields := m.c.Fields
	if len(fields) == 0 {
		fields = slices.DeleteFunc(slices.Sorted(slices.Values(b.Names())), op.Internal)
	}
	for _, name := range fields {
		col := b.Col(name)
		if col == nil || len(m.c.Fields) == 0 && !slices.ContainsFunc(m.all(b, col), m.collection) {
			continue
		}
		eval := m.evals[name]
		if eval == nil {
			e, err := m.c.valueEval(diag.Span{}, name)
			if err != nil {
				return nil, err
			}
			if eval, err = e.NewMapper(m.env); err != nil {
				return nil, err
			}
			if m.evals[name] = eval; len(m.evals) > syntax.MaxNames {
				return nil, fmt.Errorf("foreach accepts at most %d fields", syntax.MaxNames)
			}
		}
		var err error
		if b, err = m.each(ctx, b, col, eval); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (m *foreachValue) all(b *vector.Batch, col *vector.Column) []vector.Value {
	list := make([]vector.Value, b.Len)
	for i := range list {
		list[i] = col.At(i)
	}
	return list
}

// collection reports whether foreach without a field iterates over the value.
func (m *foreachValue) collection(v vector.Value) bool {
	return v.Kind() == vector.List || v.Kind() == vector.Text && strings.HasPrefix(strings.TrimSpace(v.Text()), "[")
}

// each runs the eval for every value of the column.
func (m *foreachValue) each(ctx context.Context, b *vector.Batch, col *vector.Column, eval exec.Mapper) (*vector.Batch, error) {
	items := make([][]string, b.Len)
	for i := range items {
		if v := col.At(i); len(m.c.Fields) > 0 || m.collection(v) {
			items[i] = m.items(v)
		}
	}
	for n := 0; ; n++ {
		var rows []int32
		var vals []vector.Value
		for i, list := range items {
			if n < len(list) {
				rows, vals = append(rows, int32(i)), append(vals, vector.String(list[n]))
			}
		}
		if len(rows) == 0 {
			return b, nil
		}
		part := b.Pick(rows).With(vector.NewColumn("<<ITEM>>", vals), vector.Constant("<<ITER>>", vector.Int(n)))
		out, err := eval.Map(ctx, part)
		if err != nil {
			return nil, err
		}
		b = scatter(b, part, out, rows)
	}
}

func (m *foreachValue) items(v vector.Value) []string {
	if m.c.Mode == "multivalue" || m.c.Mode == "auto_collections" && !(v.Len() == 1 && strings.HasPrefix(strings.TrimSpace(v.At(0)), "[")) {
		return v.All()
	}
	var list []string
	for j := range v.Len() {
		doc := []byte(strings.TrimSpace(v.At(j)))
		if len(doc) == 0 || doc[0] != '[' {
			continue
		}
		var some []string
		_, err := jsonscan.Array(doc, 0, jsonscan.MaxDepth, func(e []byte) bool {
			some = append(some, spath.Text(e))
			return true
		})
		if err == nil {
			list = append(list, some...)
		}
	}
	return list
}

// scatter copies the columns that differ between part and out back to the given
// rows of b.
func scatter(b, part, out *vector.Batch, rows []int32) *vector.Batch {
	set := op.Set(b)
	for _, col := range out.Cols {
		if part.Col(col.Name) == col || strings.HasPrefix(col.Name, "<<") {
			continue
		}
		vals := make([]vector.Value, b.Len)
		if old := b.Col(col.Name); old != nil {
			for i := range vals {
				vals[i] = old.At(i)
			}
		}
		for n, r := range rows {
			vals[r] = col.At(n)
		}
		set.With(vector.NewColumn(col.Name, vals))
	}
	return set.Batch()
}
