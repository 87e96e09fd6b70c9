package cmd

import (
	"context"
	"math"
	"regexp"
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/splunktime"
	"bluetrail/internal/vector"
)

// Convert rewrites values as numbers or times.
type Convert struct {
	TimeFormat string
	Calls      []Conversion
}

// Conversion is one fn(field) AS name.
type Conversion struct{ Func, Field, As string }

const convertTimeFormat = "%m/%d/%Y %H:%M:%S"

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "convert", Kind: syntax.KindStreaming,
		Summary: "Convert values: times to text, text to numbers.",
		Syntax:  `convert [timeformat="<format>"] <function>(<field>) [AS <new-field>] …`,
		Doc: "Functions: `ctime` formats seconds since 1970 as a time, `mktime` parses a time; `num` converts to numbers and removes\n" +
			"other values, `auto` converts to numbers and keeps other values; `dur2sec` reads `[days+]hours:minutes:seconds`,\n" +
			"`mstime` `[minutes:]seconds.fraction`, `memk` sizes such as `10m` in kilobytes; `rmcomma` removes commas, `rmunit` the\n" +
			"text after a number; `none` excludes a field that a later wildcard would match. Values that a function cannot read are\n" +
			"removed, except by `auto`, `ctime` and the two rm functions, which keep them.",
		Args: []syntax.Arg{
			{Name: "timeformat", Default: convertTimeFormat, Doc: "The time format of ctime and mktime, with the variables of strftime."},
			{Name: "<function>(<field>)", Doc: "The function and its field; the field name may contain `*`."},
			{Name: "AS <new-field>", Default: "the field", Doc: "The field for the result."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults | eval t=1700000000 | convert timeformat="%Y-%m-%dT%H:%M:%S" ctime(t) | table t`,
			Want:   []string{`{"t":"2023-11-14T22:13:20"}`},
		}, {
			Search: `| makeresults format=csv data="v
12
abc" | convert num(v) AS n`,
			Want: []string{`{"v":"12","n":"12"}`, `{"v":"abc"}`},
		}},
		Parse: parseConvert,
	})
}

func parseConvert(p *syntax.Parser) (syntax.Command, error) {
	c := &Convert{TimeFormat: convertTimeFormat}
	for !p.AtEnd() {
		if p.Accept(",") {
			continue
		}
		err := p.Options([]string{"timeformat"}, func(o syntax.Option) error {
			c.TimeFormat = o.Value.Text
			return nil
		})
		if err != nil {
			return nil, err
		}
		if p.AtEnd() {
			break
		}
		tok, err := p.Take()
		if err != nil {
			return nil, err
		}
		call := Conversion{Func: strings.ToLower(tok.Text)}
		if conversions[call.Func] == nil {
			var known []string
			for name := range conversions {
				known = append(known, name)
			}
			slices.Sort(known)
			return nil, diag.At(tok.Span, "convert has no function %q", tok.Text).WithHint("%s", diag.Suggest(tok.Text, known, "functions"))
		}
		if err := p.Expect("("); err != nil {
			return nil, err
		}
		if call.Field, err = p.Field(); err != nil {
			return nil, err
		}
		if err := p.Expect(")"); err != nil {
			return nil, err
		}
		call.As = call.Field
		if p.AcceptWord("as") {
			if call.As, err = p.Field(); err != nil {
				return nil, err
			}
		}
		if strings.Count(call.As, "*") != strings.Count(call.Field, "*") {
			return nil, diag.At(tok.Span, "%q and %q must contain the same number of *", call.Field, call.As)
		}
		c.Calls = append(c.Calls, call)
	}
	if len(c.Calls) == 0 {
		return nil, diag.At(p.Peek().Span, "convert needs a function such as ctime(field)")
	}
	return c, nil
}

// Print implements syntax.Command.
func (c *Convert) Print() string {
	s := "convert"
	if c.TimeFormat != convertTimeFormat {
		s += " timeformat=" + filter.Quote(c.TimeFormat)
	}
	for _, call := range c.Calls {
		s += " " + call.Func + "(" + syntax.PrintField(call.Field) + ")"
		if call.As != call.Field {
			s += " AS " + syntax.PrintField(call.As)
		}
	}
	return s
}

// Needs implements syntax.Command.
func (c *Convert) Needs(out filter.FieldSet) filter.FieldSet {
	for _, call := range slices.Backward(c.Calls) {
		if out.Has(call.As) || strings.Contains(call.As, "*") {
			out = out.Add(call.Field)
		}
	}
	return out
}

// NewMapper implements exec.Streaming.
func (c *Convert) NewMapper(env *exec.Env) (exec.Mapper, error) { return &convert{c, env}, nil }

type convert struct {
	c   *Convert
	env *exec.Env
}

func (m *convert) Map(ctx context.Context, b *vector.Batch) (*vector.Batch, error) {
	var spared []string
	for _, call := range m.c.Calls {
		if call.Func == "none" {
			spared = append(spared, call.Field)
			continue
		}
		out, pulse := op.Set(b), exec.NewPulse(ctx)
		for _, name := range b.Names() {
			pulse.Work(64)
			to, ok := op.Substitute(call.Field, call.As, name)
			if !ok || strings.Contains(call.Field, "*") && slices.ContainsFunc(spared, func(p string) bool { return filter.MatchName(p, name) }) {
				continue
			}
			fn := conversions[call.Func]
			out.Map(ctx, name, to, func(v vector.Value) vector.Value { return m.each(v, fn) })
		}
		b = out.Batch()
	}
	return b, nil
}

// each converts every value of v and drops those that cannot be converted.
func (m *convert) each(v vector.Value, fn conversion) vector.Value {
	if v.Kind() != vector.List {
		return fn(m, v)
	}
	var list []string
	for j := range v.Len() {
		if one := fn(m, vector.String(v.At(j))); !one.IsNull() {
			list = append(list, one.Text())
		}
	}
	return vector.Strings(list)
}

// conversion returns null for values it cannot convert.
type conversion func(m *convert, v vector.Value) vector.Value

var conversions = map[string]conversion{
	"none": func(_ *convert, v vector.Value) vector.Value { return v },
	"num":  func(_ *convert, v vector.Value) vector.Value { return numberOf(v.Text()) },
	"auto": func(_ *convert, v vector.Value) vector.Value { return orElse(numberOf(v.Text()), v) },
	"ctime": func(m *convert, v vector.Value) vector.Value {
		f, ok := v.Num()
		if !ok || math.Abs(f) > 1e12 || math.IsNaN(f) {
			return v
		}
		return vector.String(splunktime.FormatTime(splunktime.FromEpoch(f).In(m.env.Zone), m.c.TimeFormat))
	},
	"mktime": func(m *convert, v vector.Value) vector.Value {
		t, err := splunktime.ParseTimeFormat(v.Text(), m.c.TimeFormat, m.env.Now.In(m.env.Zone))
		if err != nil {
			return vector.Value{}
		}
		return vector.Float(splunktime.Epoch(t))
	},
	"dur2sec": func(_ *convert, v vector.Value) vector.Value {
		days, rest, ok := strings.Cut(v.Text(), "+")
		if !ok {
			days, rest = "0", v.Text()
		}
		parts := strings.Split(rest, ":")
		if len(parts) != 3 {
			return vector.Value{}
		}
		return weighted(append([]string{days}, parts...), []float64{86400, 3600, 60, 1})
	},
	"mstime": func(_ *convert, v vector.Value) vector.Value {
		parts := strings.Split(v.Text(), ":")
		if len(parts) == 1 {
			parts = []string{"0", parts[0]}
		}
		if len(parts) != 2 {
			return vector.Value{}
		}
		return weighted(parts, []float64{60, 1})
	},
	"memk": func(_ *convert, v vector.Value) vector.Value {
		number, unit := splitUnit(v.Text())
		factor := map[string]float64{"": 1, "k": 1, "m": 1 << 10, "g": 1 << 20}[strings.ToLower(strings.TrimSpace(unit))]
		if f, ok := vector.ParseNumber(number); ok && factor != 0 {
			return vector.Float(f * factor)
		}
		return vector.Value{}
	},
	"rmcomma": func(_ *convert, v vector.Value) vector.Value {
		return vector.String(strings.ReplaceAll(v.Text(), ",", ""))
	},
	"rmunit": func(_ *convert, v vector.Value) vector.Value {
		if number, _ := splitUnit(v.Text()); number != "" {
			return vector.String(number)
		}
		return v
	},
}

func numberOf(s string) vector.Value {
	if f, ok := vector.ParseNumber(strings.TrimSpace(s)); ok {
		return vector.Float(f)
	}
	return vector.Value{}
}

func orElse(v, otherwise vector.Value) vector.Value {
	if v.IsNull() {
		return otherwise
	}
	return v
}

// weighted returns the sum of parts times weights, or null if a part is not a
// number.
func weighted(parts []string, weights []float64) vector.Value {
	sum := 0.0
	for i, part := range parts {
		f, ok := vector.ParseNumber(part)
		if !ok || f < 0 {
			return vector.Value{}
		}
		sum += f * weights[i]
	}
	return vector.Float(math.Round(sum*1e9) / 1e9)
}

var leadingNumber = regexp.MustCompile(`^[-+]?(\d+(\.\d+)?|\.\d+)`)

// splitUnit splits a text into its leading number, "" if there is none, and the
// rest.
func splitUnit(s string) (number, unit string) {
	s = strings.TrimSpace(s)
	number = leadingNumber.FindString(s)
	return number, s[len(number):]
}
