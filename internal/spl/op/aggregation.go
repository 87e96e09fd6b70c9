package op

import (
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Aggregation is one aggregate of a stats list: count, dc(user) AS n.
type Aggregation struct {
	Def     *syntax.AggregateDef
	Percent float64
	Call    string      // as written, the default name of the column
	Field   string      // "" = none; may hold wildcards
	Expr    syntax.Expr // of eval(…)
	As      string
	AllNum  bool         // allnum=true: no result when a value is no number
	Prefix  bool         // Field stood in PREFIX(…), which tstats reads
	Inner   *Aggregation // of sparkline(…)
	At      diag.Span    // where it is written
	Span    *Span        // of sparkline(…, span); nil = chosen from the range
}

// Name returns the column's name.
func (a *Aggregation) Name() string {
	if a.As != "" {
		return a.As
	}
	return a.Call
}

// Wild reports whether the field is a pattern.
func (a *Aggregation) Wild() bool { return strings.Contains(a.Field, "*") }

// PrintCall returns the call without its AS.
func (a *Aggregation) PrintCall() string {
	name, _, _ := strings.Cut(a.Call, "(")
	switch {
	case name == a.Call:
		return a.Call
	case a.Inner != nil && a.Span != nil:
		return name + "(" + a.Inner.PrintCall() + ", " + a.Span.Text + ")"
	case a.Inner != nil:
		return name + "(" + a.Inner.PrintCall() + ")"
	case a.Expr != nil:
		return name + "(eval(" + syntax.PrintExpr(a.Expr) + "))"
	case a.Prefix:
		return name + "(PREFIX(" + a.Field + "))"
	case a.Field != "":
		return name + "(" + syntax.PrintField(a.Field) + ")"
	}
	return a.Call
}

// Print returns the aggregation as text that parses to the same.
func (a *Aggregation) Print() string {
	s := a.PrintCall()
	if a.As != "" || a.Expr != nil {
		s += " AS " + syntax.PrintField(a.Name())
	}
	return s
}

// Fields returns what the aggregate reads.
func (a *Aggregation) Fields() []string {
	var list []string
	if a.Field != "" {
		list = append(list, a.Field)
	}
	if a.Expr != nil {
		list = append(list, expr.ExprFields(a.Expr)...)
	}
	if a.needTime() {
		list = append(list, "_time")
	}
	return list
}

func (a *Aggregation) needTime() bool { return a.Def.NeedTime }

// make returns an empty aggregate.
func (a *Aggregation) make(env *exec.Env) exec.Aggregate {
	if a.Inner != nil {
		return newSparkline(env, a.Inner, a.Span)
	}
	agg := exec.NewAggregate(a.Def, env, a.Percent)
	if a.AllNum && a.Def.Numeric {
		return &allNumbers{Aggregate: agg}
	}
	return agg
}

// allNumbers has no result when a value was no number.
type allNumbers struct {
	exec.Aggregate
	spoilt bool
}

func (a *allNumbers) Update(v vector.Value, at float64) {
	for i := 0; i < v.Len() && !a.spoilt; i++ {
		if v.Kind() != vector.Number {
			_, ok := vector.ParseNumber(v.At(i))
			a.spoilt = !ok
		}
	}
	a.Aggregate.Update(v, at)
}

func (a *allNumbers) Merge(other exec.Aggregate) {
	o := other.(*allNumbers)
	a.spoilt = a.spoilt || o.spoilt
	a.Aggregate.Merge(o.Aggregate)
}

// Marshal implements exec.Aggregate.
func (a *allNumbers) Marshal(dst []byte) []byte {
	spoilt := byte(0)
	if a.spoilt {
		spoilt = 1
	}
	return a.Aggregate.Marshal(append(dst, exec.StateAllNumbers, spoilt))
}

// Unmarshal implements exec.Aggregate.
func (a *allNumbers) Unmarshal(data []byte) ([]byte, error) {
	d := exec.ReadState(data, exec.StateAllNumbers)
	a.spoilt = d.Byte() != 0
	rest, err := exec.StateRead(d)
	if err != nil {
		return nil, err
	}
	return a.Aggregate.Unmarshal(rest)
}

// Divide implements exec.Divisible.
func (a *allNumbers) Divide(size int) exec.Aggregate {
	inner, ok := a.Aggregate.(exec.Divisible)
	if !ok {
		return nil
	}
	return &allNumbers{inner.Divide(size), a.spoilt}
}

func (a *allNumbers) Result() vector.Value {
	if a.spoilt {
		return vector.Value{}
	}
	return a.Aggregate.Result()
}

// PrintAggregations returns aggregations as text that parses to the same.
func PrintAggregations(list []*Aggregation) string {
	parts := make([]string, len(list))
	for i, a := range list {
		parts[i] = a.Print()
	}
	return strings.Join(parts, " ")
}

// ParseAggregations reads a list of aggregates up to the end or a stop word;
// at least one.
func ParseAggregations(p *syntax.Parser, stop ...string) ([]*Aggregation, error) {
	var list []*Aggregation
	for {
		for p.Accept(",") {
		}
		tok := p.Peek()
		if p.AtEnd() || tok.Kind == syntax.Word && slices.ContainsFunc(stop, func(s string) bool { return strings.EqualFold(s, tok.Text) }) {
			break
		}
		if next := p.Pos(); tok.Kind == syntax.Word {
			_, isOption, err := p.Option()
			p.Reset(next)
			if err == nil && isOption {
				break
			}
		}
		a, err := parseAggregation(p)
		if err != nil {
			return nil, misplaced(p, tok, list, err)
		}
		if list = append(list, a); len(list) > syntax.MaxNames {
			return nil, diag.At(a.At, "a command accepts at most %d aggregates", syntax.MaxNames).WithHint("a field with * matches several fields")
		}
	}
	if len(list) == 0 {
		tok, err := p.Take()
		if err != nil {
			return nil, err
		}
		return nil, p.Unexpected(tok, "an aggregate such as count or dc(field)")
	}
	return list, nil
}

func parseAggregation(p *syntax.Parser) (*Aggregation, error) {
	at := p.Peek().Span
	a, err := ParseAggregateCall(p)
	if err != nil {
		return nil, err
	}
	defer func() { a.At = diag.Span{Start: at.Start, End: p.Pos()} }()
	if p.AcceptWord("as") {
		if a.As, err = p.Field(); err != nil {
			return nil, err
		}
		if a.Wild() && strings.Count(a.As, "*") != strings.Count(a.Field, "*") {
			return nil, diag.At(at, "%q and %q must contain the same number of *", a.Field, a.As).WithHint("with a field, as in %s, no name is needed", a.Def.Syntax)
		}
	}
	return a, nil
}

// ParseAggregateCall reads an aggregate up to its closing parenthesis.
func ParseAggregateCall(p *syntax.Parser) (*Aggregation, error) {
	tok, err := p.Take()
	if err != nil {
		return nil, err
	}
	if tok.Kind != syntax.Word {
		return nil, p.Unexpected(tok, "an aggregate such as count or dc(field)")
	}
	a := &Aggregation{Call: tok.Text}
	if a.Def, a.Percent = syntax.LookupAggregate(tok.Text); a.Def == nil {
		return nil, unknownAggregate(p, tok)
	}
	if p.Accept("(") {
		end, err := a.argument(p)
		if err != nil {
			return nil, err
		}
		switch {
		case a.Field != "" && a.Inner == nil:
			a.Call = tok.Text + "(" + a.Field + ")"
		case a.Expr != nil || a.Inner != nil:
			a.Call = strings.Join(strings.Fields(p.Text(diag.Span{Start: tok.Span.Start, End: end})), " ")
		}
	} else if a.Def.Name == sparklineName {
		count, _ := syntax.LookupAggregate("count")
		a.Inner = &Aggregation{Def: count, Call: "count"}
	} else if !a.Def.NoField {
		a.every(tok.Text)
	}
	if strings.EqualFold(a.Call, "c") {
		a.Call = "count"
	}
	return a, nil
}

// every makes the aggregate one of every field, as avg without a field is.
func (a *Aggregation) every(name string) { a.Field, a.Call = "*", name+"(*)" }

// CheckNames fails when a column would have the name of one of the fields that
// make the groups.
func CheckNames(aggs []*Aggregation, by []string) error {
	for _, a := range aggs {
		if slices.Contains(by, a.Name()) {
			return diag.At(a.At, "the column %q would have the same name as a BY field", a.Name()).WithHint("give it another name with AS")
		}
	}
	return nil
}

// argument reads what stands in the parentheses, and the closing one; it
// returns the offset behind it.
func (a *Aggregation) argument(p *syntax.Parser) (int, error) {
	mark := p.Pos()
	if a.Def.Name == sparklineName {
		return a.sparklineArgument(p)
	}
	if p.AcceptWord("eval") && p.Accept("(") {
		e, err := p.Expr()
		if err != nil {
			return 0, err
		}
		if err := p.Expect(")"); err != nil {
			return 0, err
		}
		a.Expr = e
	} else {
		p.Reset(mark)
		if p.Accept(")") {
			if !a.Def.NoField {
				a.every(a.Call)
			}
			return p.Pos(), nil
		}
		var err error
		if a.Field, a.Prefix, err = ParsePrefix(p); err == nil && !a.Prefix {
			a.Field, err = p.Field()
		}
		if err != nil {
			return 0, err
		}
	}
	if tok := p.Peek(); tok.Is(",") {
		return 0, diag.At(tok.Span, "%s takes one field", a.Call).WithHint("combine several into one: %s(eval(%s.\":\".other))", a.Call, a.Field)
	}
	err := p.Expect(")")
	return p.Pos(), err
}

// ParsePrefix reads PREFIX(text), if that is what stands next.
func ParsePrefix(p *syntax.Parser) (text string, ok bool, err error) {
	mark := p.Pos()
	if !p.AcceptWord("prefix") || !p.Accept("(") {
		p.Reset(mark)
		return "", false, nil
	}
	start := p.Peek().Span.Start
	n := strings.IndexAny(p.Source()[start:], ")|]\n")
	if n <= 0 || p.Source()[start+n] != ')' {
		tok, err := p.Take()
		if err != nil {
			return "", false, err
		}
		return "", false, p.Unexpected(tok, "a prefix of words, such as PREFIX(user=)")
	}
	p.Reset(start + n)
	text = strings.Trim(strings.TrimSpace(p.Source()[start:start+n]), `"`)
	return strings.ToLower(text), true, p.Expect(")")
}
