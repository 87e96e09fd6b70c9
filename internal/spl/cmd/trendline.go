package cmd

import (
	"context"
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Trendline computes moving averages.
type Trendline struct{ Lines []Trend }

// Trend is one average: sma5(field) AS name.
type Trend struct {
	Kind   string // sma, ema, wma
	Period int
	Field  string
	As     string
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "trendline", Kind: syntax.KindSerial,
		Summary: "Compute moving averages.",
		Syntax:  "trendline sma<n>(<field>)|ema<n>(<field>)|wma<n>(<field>) [AS <new-field>] …",
		Doc: "`sma` is the mean of the last n values, `wma` weights later ones more (1 to n), and `ema` weights each new value by\n" +
			"2/(n+1). The first n-1 rows get no value; rows without a number are skipped.",
		Args: []syntax.Arg{
			{Name: "sma<n>(<field>)", Doc: "The type, the number of values (2 to 10,000) and the field."},
			{Name: "AS <new-field>", Default: "as written", Doc: "The field for the average."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="x
1
3
5" | trendline sma2(x) AS s wma2(x) | table x s "wma2(x)"`,
			Want: []string{`{"x":"1"}`, `{"x":"3","s":"2","wma2(x)":"2.3333333333333335"}`, `{"x":"5","s":"4","wma2(x)":"4.333333333333333"}`},
		}},
		Parse: parseTrendline,
	})
}

func parseTrendline(p *syntax.Parser) (syntax.Command, error) {
	c := &Trendline{}
	for !p.AtEnd() {
		if p.Accept(",") {
			continue
		}
		tok, err := p.Take()
		if err != nil {
			return nil, err
		}
		name := strings.ToLower(tok.Text)
		t := Trend{Kind: strings.TrimRight(name, "0123456789")}
		t.Period, _ = strconv.Atoi(name[len(t.Kind):])
		if t.Kind != "sma" && t.Kind != "ema" && t.Kind != "wma" || t.Period < 2 || t.Period > 10000 {
			return nil, diag.At(tok.Span, "unknown average %q", tok.Text).WithHint("use sma5(field), ema5(field) or wma5(field), with 2 to 10000 values")
		}
		if err := p.Expect("("); err != nil {
			return nil, err
		}
		if t.Field, err = p.Field(); err != nil {
			return nil, err
		}
		if err := p.Expect(")"); err != nil {
			return nil, err
		}
		t.As = t.call()
		if p.AcceptWord("as") {
			if t.As, err = p.Field(); err != nil {
				return nil, err
			}
		}
		c.Lines = append(c.Lines, t)
	}
	if len(c.Lines) == 0 {
		return nil, diag.At(p.Peek().Span, "trendline needs an average such as sma5(field)")
	}
	return c, nil
}

func (t Trend) call() string { return t.Kind + strconv.Itoa(t.Period) + "(" + t.Field + ")" }

// Print implements syntax.Command.
func (c *Trendline) Print() string {
	s := "trendline"
	for _, t := range c.Lines {
		s += " " + t.Kind + strconv.Itoa(t.Period) + "(" + syntax.PrintField(t.Field) + ")"
		if t.As != t.call() {
			s += " AS " + syntax.PrintField(t.As)
		}
	}
	return s
}

// Needs implements syntax.Command.
func (c *Trendline) Needs(out filter.FieldSet) filter.FieldSet {
	for _, t := range c.Lines {
		out = out.Without(t.As)
	}
	for _, t := range c.Lines {
		out = out.Add(t.Field)
	}
	return out
}

// Open implements exec.Serial.
func (c *Trendline) Open(_ context.Context, _ *exec.Env, in exec.Operator) (exec.Operator, error) {
	m := &trendline{lines: make([]trend, len(c.Lines))}
	for i, t := range c.Lines {
		m.lines[i].Trend = t
	}
	return exec.Mapped(in, m), nil
}

type trendline struct{ lines []trend }

type trend struct {
	Trend
	last []float64 // at most Period, oldest first
	ema  float64
	seen int
}

func (m *trendline) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	for i := range m.lines {
		t := &m.lines[i]
		vals := make([]vector.Value, b.Len)
		for row := range vals {
			if f, ok := b.At(t.Field, row).Num(); ok {
				vals[row] = t.next(f)
			}
		}
		b = b.With(vector.NewColumn(t.As, vals))
	}
	return b, nil
}

// next adds a number and returns the moving average.
func (t *trend) next(f float64) vector.Value {
	if t.seen == 0 {
		t.ema = f
	}
	t.ema += (f - t.ema) * 2 / float64(t.Period+1)
	if t.last = append(t.last, f); len(t.last) > t.Period {
		t.last = t.last[1:]
	}
	if t.seen++; t.seen < t.Period {
		return vector.Value{}
	}
	if t.Kind == "ema" {
		return vector.Float(t.ema)
	}
	sum, weights := 0.0, 0.0
	for i, v := range t.last {
		w := 1.0
		if t.Kind == "wma" {
			w = float64(i + 1)
		}
		sum += v * w
		weights += w
	}
	return vector.Float(sum / weights)
}
