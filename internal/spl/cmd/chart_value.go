package cmd

import (
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// chartValue is one value that a chart shows for a group: an aggregate, or an
// expression over several aggregates.
type chartValue struct {
	Name string
	Agg  int         // index in Chart.Aggs; with Expr, of the first aggregate it reads
	Expr syntax.Expr // nil = the aggregate itself; reads the fields named by operandName
}

// operandName returns the field under which the expression of a chartValue
// reads an aggregate, given its index in Chart.Aggs.
func operandName(agg int) string { return "\x00agg" + strconv.Itoa(agg) }

// parseValues reads a list of aggregates and eval(…) over aggregates.
func (c *Chart) parseValues(p *syntax.Parser) error {
	for p.Accept(",") {
	}
	if mark := p.Pos(); p.AcceptWord("eval") {
		if p.Accept("(") {
			return c.parseExpression(p, mark)
		}
		p.Reset(mark)
	}
	list, err := op.ParseAggregations(p, "by", "over", "where", "eval")
	for _, a := range list {
		c.Values = append(c.Values, chartValue{Name: a.Name(), Agg: len(c.Aggs)})
		c.Aggs = append(c.Aggs, a)
	}
	return err
}

// parseExpression reads the rest of eval(…) [AS name]. start is the position of
// eval.
func (c *Chart) parseExpression(p *syntax.Parser, start int) error {
	first := len(c.Aggs)
	e, err := p.ExprOver(func(name syntax.Token) (syntax.Expr, error) {
		def, _ := syntax.LookupAggregate(name.Text)
		if def == nil || !def.NoField && !p.Peek().Is("(") {
			return nil, nil
		}
		if !p.Peek().Is("(") { // count, which the lexer of arguments reads up to the next blank
			return c.operand(&op.Aggregation{Def: def, Call: name.Text}, name.Span), nil
		}
		p.Reset(name.Span.Start)
		a, err := op.ParseAggregateCall(p)
		if err != nil {
			if syntax.LookupFunction(name.Text) != nil { // max(x, y) is the function, max(x) the aggregate
				return nil, nil
			}
			return nil, err
		}
		if a.Wild() {
			return nil, diag.At(name.Span, "%s matches several fields, but a single value is needed", a.Call)
		}
		return c.operand(a, diag.Span{Start: name.Span.Start, End: p.Pos()}), nil
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
	for _, f := range expr.ExprFields(e) {
		if !strings.HasPrefix(f, operandName(0)[:4]) {
			return diag.At(at, "%q is a field of events and does not have a single value for a group", f).WithHint("put it into an aggregate, such as max(%s)", f)
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

// operand adds an aggregate that an expression reads and returns the field for
// it.
func (c *Chart) operand(a *op.Aggregation, at diag.Span) *syntax.Field {
	c.Aggs = append(c.Aggs, a)
	return &syntax.Field{Span: at, Name: operandName(len(c.Aggs) - 1)}
}

// printValues prints the list in the syntax that parseValues reads.
func (c *Chart) printValues() string {
	parts := make([]string, len(c.Values))
	for i, v := range c.Values {
		if v.Expr == nil {
			parts[i] = c.Aggs[v.Agg].Print()
			continue
		}
		text := syntax.PrintExpr(v.Expr)
		for n := len(c.Aggs) - 1; n >= 0; n-- {
			text = strings.ReplaceAll(text, syntax.PrintEvalField(operandName(n)), c.Aggs[n].PrintCall())
		}
		parts[i] = "eval(" + text + ") AS " + syntax.PrintField(v.Name)
	}
	return strings.Join(parts, " ")
}

// shownValue is a chartValue after wildcards are expanded to fields.
type shownValue struct {
	name  string
	slot  int            // of the grouper
	prog  *expr.Program  // nil for a plain aggregate
	reads map[string]int // the slots of its fields
}

// shownValues returns the values that a chart shows, in column order.
func (r *chart) shownValues() []shownValue {
	slots := make([][]int, len(r.c.Aggs)+1) // by aggregation
	for _, n := range r.g.SlotOrder() {
		agg, _ := r.g.SlotAggregation(n)
		slots[agg] = append(slots[agg], n)
	}
	var list []shownValue
	for i, v := range r.c.Values {
		switch {
		case v.Expr != nil:
			s := shownValue{name: v.Name, slot: slots[v.Agg][0], prog: r.progs[i], reads: map[string]int{}}
			for _, name := range expr.ExprFields(v.Expr) {
				agg, _ := strconv.Atoi(name[len(operandName(0))-1:])
				s.reads[name] = slots[agg][0]
			}
			list = append(list, s)
		case r.c.Aggs[v.Agg].Wild():
			for _, n := range slots[v.Agg] {
				list = append(list, shownValue{name: r.g.SlotName(n), slot: n})
			}
		default:
			list = append(list, shownValue{name: v.Name, slot: slots[v.Agg][0]})
		}
	}
	return list
}

// compileValues compiles the expressions. Its result has nil for plain
// aggregates.
func (c *Chart) compileValues(env *exec.Env) ([]*expr.Program, error) {
	progs := make([]*expr.Program, len(c.Values))
	for i, v := range c.Values {
		if v.Expr == nil {
			continue
		}
		var err error
		if progs[i], err = expr.Compile(v.Expr, env); err != nil {
			return nil, err
		}
	}
	return progs, nil
}

// value returns what a cell shows. aggs is nil for a cell without events. width
// is the bucket width in seconds, 0 = not a time bucket.
func (g *grid) value(v shownValue, aggs []exec.Aggregate, width float64) vector.Value {
	if v.prog == nil {
		return g.aggregate(v.slot, aggs, width)
	}
	row := &vector.Batch{Len: 1}
	for name, slot := range v.reads {
		row.Cols = append(row.Cols, vector.Constant(name, g.aggregate(slot, aggs, width)))
	}
	return v.prog.Value(row, 0)
}

func (g *grid) aggregate(slot int, aggs []exec.Aggregate, width float64) vector.Value {
	switch name := g.defs[slot].Name; {
	case aggs != nil:
		return scaled(aggs[slot].Result(), name, width)
	case name == "count":
		return vector.Int(0)
	}
	return vector.Value{}
}

// perSeconds maps rate aggregates to their unit in seconds.
var perSeconds = map[string]float64{"per_second": 1, "per_minute": 60, "per_hour": 3600, "per_day": 86400}

// scaled converts the sum of per_hour and similar aggregates to a rate. width
// is the bucket width in seconds, 0 = not a time bucket.
func scaled(v vector.Value, name string, width float64) vector.Value {
	f, ok := v.Num()
	if unit := perSeconds[name]; ok && unit > 0 && width > 0 {
		return vector.Float(f * unit / width)
	}
	return v
}
