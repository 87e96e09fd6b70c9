package cmd

import (
	"errors"
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/splunktime"
)

// Streamstats adds to each row the aggregates of all rows up to it.
type Streamstats struct {
	stats         Stats // not embedded: streamstats is not a transforming command
	Current       bool
	Window        int
	Global        bool
	TimeWindow    float64 // seconds, 0 = none
	ResetOnChange bool
	Before, After syntax.Expr
	span          string
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "streamstats", Kind: syntax.KindSerial,
		Summary: "Add running aggregates to every row.",
		Syntax:  "streamstats [current=<bool>] [window=<n>] [global=<bool>] [time_window=<span>] [reset_on_change=<bool>] [reset_before=(<test>)] [reset_after=(<test>)] <aggregate> … [BY <field-list>]",
		Doc: "Like stats over the rows so far, in their order. With `window`, only the last rows count; with `global=false`, each\n" +
			"group has its own window. `time_window` counts only rows no further away in time. A row that lacks a BY field is\n" +
			"unchanged and does not count. Windows hold at most 10,000 rows; a warning says so if time_window would need more.",
		Args: []syntax.Arg{
			{Name: "current", Default: "true", Doc: "Whether the current row counts."},
			{Name: "window", Default: "0", Doc: "Number of rows to include; 0 means all."},
			{Name: "global", Default: "true", Doc: "Whether the window covers all rows or only those of the group."},
			{Name: "time_window", Doc: "How far back in time rows count, such as 5m."},
			{Name: "reset_on_change", Default: "false", Doc: "Restart when the group changes from one row to the next."},
			{Name: "reset_before, reset_after", Doc: "Restart before or after a row for which the expression is true."},
			{Name: "allnum", Default: "false", Doc: "As in stats."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="n
1
2
3" | streamstats sum(n) as total`,
			Want: []string{`{"n":"1","total":"1"}`, `{"n":"2","total":"3"}`, `{"n":"3","total":"6"}`},
		}, {
			Search: `| makeresults count=3 | streamstats count as n | table n`,
			Want:   []string{`{"n":"1"}`, `{"n":"2"}`, `{"n":"3"}`},
		}},
		Parse: parseStreamstats,
	})
}

// maxWindow bounds the rows of a window.
const maxWindow = 10000

func parseStreamstats(p *syntax.Parser) (syntax.Command, error) {
	c := &Streamstats{Current: true, Global: true}
	for {
		if tok := p.Peek(); tok.IsWord("reset_before") || tok.IsWord("reset_after") {
			e, err := resetTest(p)
			if err != nil {
				return nil, err
			}
			if tok.IsWord("reset_before") {
				c.Before = e
			} else {
				c.After = e
			}
			continue
		}
		o, ok, err := p.Option()
		if err != nil {
			return nil, err
		}
		if ok {
			if err := c.option(o); err != nil {
				return nil, err
			}
			continue
		}
		switch {
		case p.AcceptWord("by"):
			if c.stats.By, err = p.Fields(); err != nil {
				return nil, err
			}
		case p.AtEnd():
			if len(c.stats.Aggs) == 0 {
				tok, err := p.Take()
				if err != nil {
					return nil, err
				}
				return nil, p.Unexpected(tok, "an aggregate such as count or sum(field)")
			}
			for _, a := range c.stats.Aggs {
				a.AllNum = c.stats.AllNum
			}
			return c, nil
		default:
			list, err := op.ParseAggregations(p, "by", "reset_before", "reset_after")
			if err != nil {
				return nil, err
			}
			c.stats.Aggs = append(c.stats.Aggs, list...)
		}
	}
}

// resetTest reads =(test), also in its quoted form.
func resetTest(p *syntax.Parser) (syntax.Expr, error) {
	if _, err := p.Take(); err != nil {
		return nil, err
	}
	if err := p.Expect("="); err != nil {
		return nil, err
	}
	tok := p.Peek()
	if tok.Kind != syntax.Quoted {
		return p.Expr()
	}
	p.Take()
	if tok.Text != "(" {
		return quotedTest(tok.Text, tok.Span)
	}
	// Splunk's manual writes "("test")"; the inner quotes may be escaped or
	// not.
	mark := p.Pos()
	e, err := p.Expr()
	if err == nil {
		if end, err := p.Take(); err == nil && end.Kind == syntax.Quoted && end.Text == ")" {
			return e, nil
		}
	}
	p.Reset(mark)
	if text, ok := escapedTest(p); ok {
		return quotedTest(text, tok.Span)
	}
	if err == nil {
		err = diag.At(tok.Span, "this is not closed").WithHint("write the condition as reset_before=(condition)")
	}
	return nil, err
}

// quotedTest parses a test that was quoted. at is its position.
func quotedTest(text string, at diag.Span) (syntax.Expr, error) {
	e, err := syntax.ParseExpr(text)
	var bad *diag.Error
	if errors.As(err, &bad) {
		err = diag.At(at, "this is not a condition: %s", bad.Msg)
	}
	return e, err
}

// escapedTest reads up to ")" and returns the text before it with its quotes
// unescaped.
func escapedTest(p *syntax.Parser) (string, bool) {
	start := p.Pos()
	rest := p.Source()[start:]
	for i := 0; i < len(rest); i++ {
		switch {
		case rest[i] == '\\':
			i++
		case strings.HasPrefix(rest[i:], `")"`):
			p.Reset(start + i + len(`")"`))
			return strings.ReplaceAll(rest[:i], `\"`, `"`), true
		}
	}
	return "", false
}

func (c *Streamstats) option(o syntax.Option) (err error) {
	switch o.Name {
	case "current":
		c.Current, err = o.Bool()
	case "window":
		if c.Window, err = o.Int(0); err == nil && c.Window > maxWindow {
			err = diag.At(o.Value.Span, "a window holds at most %d rows", maxWindow)
		}
	case "global":
		c.Global, err = o.Bool()
	case "reset_on_change":
		c.ResetOnChange, err = o.Bool()
	case "allnum":
		c.stats.AllNum, err = o.Bool()
	case "time_window":
		t, terr := splunktime.RelativeTime("+"+o.Value.Text, splunktime.FromEpoch(0))
		if terr != nil {
			return diag.At(o.Value.Span, "%q is not a time span", o.Value.Text).WithHint("use a length such as 30s, 5m or 1h")
		}
		c.TimeWindow, c.span = splunktime.Epoch(t), o.Value.Text
	default:
		return o.Unknown("current", "window", "global", "time_window", "reset_on_change", "reset_before", "reset_after", "allnum")
	}
	return err
}

// Print implements syntax.Command.
func (c *Streamstats) Print() string {
	var b strings.Builder
	b.WriteString("streamstats")
	if !c.Current {
		b.WriteString(" current=false")
	}
	if c.Window > 0 {
		b.WriteString(" window=" + strconv.Itoa(c.Window))
	}
	if !c.Global {
		b.WriteString(" global=false")
	}
	if c.TimeWindow > 0 {
		b.WriteString(" time_window=" + c.span)
	}
	if c.ResetOnChange {
		b.WriteString(" reset_on_change=true")
	}
	if c.Before != nil {
		b.WriteString(" reset_before=(" + syntax.PrintExpr(c.Before) + ")")
	}
	if c.After != nil {
		b.WriteString(" reset_after=(" + syntax.PrintExpr(c.After) + ")")
	}
	b.WriteString(c.stats.print(""))
	return b.String()
}

// Needs implements syntax.Command.
func (c *Streamstats) Needs(out filter.FieldSet) filter.FieldSet {
	for _, a := range c.stats.Aggs {
		if !a.Wild() {
			out = out.Without(a.Name())
		}
	}
	out = c.stats.reads(out)
	if c.TimeWindow > 0 {
		out = out.Add("_time")
	}
	for _, e := range []syntax.Expr{c.Before, c.After} {
		if e != nil {
			out = out.Add(expr.ExprFields(e)...)
		}
	}
	return out
}
