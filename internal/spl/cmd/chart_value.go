package cmd

import (
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

// chartValue is what a chart shows of a group: one of its aggregates, or what
// an expression makes of several.
type chartValue struct {
	Name string
	Agg  int      // of Chart.Aggs; the first that Expr reads
	Expr spl.Expr // nil = the aggregate as it is; reads the fields of operandName
}

// operandName is the field under which the expression of a chartValue reads
// the aggregate at a place in Chart.Aggs.
func operandName(agg int) string { return "\x00agg" + strconv.Itoa(agg) }

// parseValues reads a list of aggregates and eval(…) over aggregates.
func (c *Chart) parseValues(p *spl.Parser) error {
	for p.Accept(",") {
	}
	if mark := p.Pos(); p.AcceptWord("eval") {
		if p.Accept("(") {
			return c.parseExpression(p, mark)
		}
		p.Reset(mark)
	}
	list, err := parseAggregations(p, "by", "over", "where", "eval")
	for _, a := range list {
		if a.wild() {
			return diag.At(p.Peek().Span, "%s: a chart takes no wildcards", a.Call)
		}
		c.Values = append(c.Values, chartValue{Name: a.Name(), Agg: len(c.Aggs)})
		c.Aggs = append(c.Aggs, a)
	}
	return err
}

// parseExpression reads the rest of eval(…) [AS name], whose eval begins at
// start.
func (c *Chart) parseExpression(p *spl.Parser, start int) error {
	first := len(c.Aggs)
	e, err := p.ExprOver(func(name spl.Token) (spl.Expr, error) {
		def, _ := spl.LookupAggregate(name.Text)
		if def == nil || !def.NoField && !p.Peek().Is("(") {
			return nil, nil
		}
		p.Reset(name.Span.Start)
		a, err := parseAggregateCall(p)
		if err != nil {
			if spl.LookupFunction(name.Text) != nil { // max(x, y) is the function, max(x) the aggregate
				return nil, nil
			}
			return nil, err
		}
		c.Aggs = append(c.Aggs, a)
		return &spl.Field{Span: diag.Span{Start: name.Span.Start, End: p.Pos()}, Name: operandName(len(c.Aggs) - 1)}, nil
	})
	if err != nil {
		return err
	}
	if err := p.Expect(")"); err != nil {
		return err
	}
	at := diag.Span{Start: start, End: p.Pos()}
	if first == len(c.Aggs) {
		return diag.At(at, "there is no aggregate in this eval").WithHint("write eval(avg(x) * 2), or avg(eval(x * 2)) for an expression over events")
	}
	for _, f := range spl.ExprFields(e) {
		if !strings.HasPrefix(f, operandName(0)[:4]) {
			return diag.At(at, "%q is a field of events, and stands for no one value of a group", f).WithHint("put it into an aggregate, such as max(%s)", f)
		}
	}
	v := chartValue{Name: strings.Join(strings.Fields(p.Text(at)), " "), Agg: first, Expr: e}
	if p.AcceptWord("as") {
		if v.Name, err = p.Field(); err != nil {
			return err
		}
	}
	c.Values = append(c.Values, v)
	return nil
}

// printValues is the list as it is parsed.
func (c *Chart) printValues() string {
	parts := make([]string, len(c.Values))
	for i, v := range c.Values {
		if v.Expr == nil {
			parts[i] = c.Aggs[v.Agg].print()
			continue
		}
		text := spl.PrintExpr(v.Expr)
		for n := len(c.Aggs) - 1; n >= 0; n-- {
			text = strings.ReplaceAll(text, spl.PrintEvalField(operandName(n)), c.Aggs[n].printCall())
		}
		parts[i] = "eval(" + text + ") AS " + spl.PrintField(v.Name)
	}
	return strings.Join(parts, " ")
}

// compileValues makes the expressions ready to run, nil where there is none.
func (c *Chart) compileValues(env *spl.Env) ([]*spl.Program, error) {
	progs := make([]*spl.Program, len(c.Values))
	for i, v := range c.Values {
		if v.Expr == nil {
			continue
		}
		var err error
		if progs[i], err = spl.Compile(v.Expr, env); err != nil {
			return nil, err
		}
	}
	return progs, nil
}

// value returns value n of a cell's aggregates, which are nil in an empty cell;
// width is that of the bucket in seconds, 0 = no bucket of time.
func (g *grid) value(n int, aggs []spl.Aggregate, width float64) vector.Value {
	v := g.c.Values[n]
	if v.Expr == nil {
		return g.aggregate(v.Agg, aggs, width)
	}
	row := &vector.Batch{Len: 1}
	for _, name := range spl.ExprFields(v.Expr) {
		i, _ := strconv.Atoi(name[len(operandName(0))-1:])
		row.Cols = append(row.Cols, vector.Constant(name, g.aggregate(i, aggs, width)))
	}
	return g.progs[n].Value(row, 0)
}

func (g *grid) aggregate(i int, aggs []spl.Aggregate, width float64) vector.Value {
	def := g.c.Aggs[i].Def
	switch {
	case aggs != nil:
		return scaled(aggs[i].Result(), def.Name, width)
	case def.Name == "count":
		return vector.Int(0)
	}
	return vector.Value{}
}
