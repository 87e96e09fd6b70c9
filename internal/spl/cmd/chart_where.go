package cmd

import (
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// seriesTest is the WHERE clause of a chart: it decides which columns stay.
type seriesTest struct {
	Agg    string // the aggregate of a column's cells
	Op     string // in, notin, <, >, <= or >=
	N      float64
	Bottom bool
}

// scoreName reads the name of an aggregate over the cells of a column.
func scoreName(tok syntax.Token) (string, error) {
	def, _ := syntax.LookupAggregate(tok.Text)
	if def == nil || def.NeedTime {
		return "", diag.At(tok.Span, "%q is not an aggregate to rank columns by", tok.Text).WithHint("use sum, avg, max, min, count or a similar aggregate")
	}
	return strings.ToLower(tok.Text), nil
}

// parseSeriesTest reads the clause after WHERE. It ignores a field of the
// aggregate: the aggregate always covers the cells of each column.
func parseSeriesTest(p *syntax.Parser) (*seriesTest, error) {
	tok, err := p.Take()
	if err != nil {
		return nil, err
	}
	t := &seriesTest{Op: "in"}
	if t.Agg, err = scoreName(tok); err != nil {
		return nil, err
	}
	if p.Accept("(") {
		if !p.Peek().Is(")") {
			if _, err := p.Field(); err != nil {
				return nil, err
			}
		}
		if err := p.Expect(")"); err != nil {
			return nil, err
		}
	}
	op, err := p.Take()
	if err != nil {
		return nil, err
	}
	switch {
	case op.IsWord("in"), op.IsWord("notin"):
		t.Op = strings.ToLower(op.Text)
		return t, t.rank(p)
	case op.Is(">"), op.Is("<"), op.Is(">="), op.Is("<="):
		num, err := p.Take()
		if err != nil {
			return nil, err
		}
		var ok bool
		if t.N, ok = vector.ParseNumber(num.Text); !ok {
			return nil, p.Unexpected(num, "a number")
		}
		t.Op = op.Text
		return t, nil
	}
	return nil, p.Unexpected(op, "in, notin, < or >")
}

// rank reads top5 or bottom5.
func (t *seriesTest) rank(p *syntax.Parser) error {
	tok, err := p.Take()
	if err != nil {
		return err
	}
	text := strings.ToLower(tok.Text)
	if text == "top" || text == "bottom" { // top 5
		n, err := p.Take()
		if err != nil {
			return err
		}
		text += n.Text
		tok.Span = tok.Span.Join(n.Span)
	}
	t.Bottom = strings.HasPrefix(text, "bottom")
	digits := strings.TrimPrefix(strings.TrimPrefix(text, "top"), "bottom")
	n, nerr := strconv.Atoi(digits)
	if nerr != nil || n < 0 || digits == text {
		return p.Unexpected(tok, "topN or bottomN")
	}
	t.N = float64(n)
	return nil
}

func (t *seriesTest) print() string {
	s := " WHERE " + t.Agg + " " + t.Op + " "
	switch {
	case t.Op != "in" && t.Op != "notin":
	case t.Bottom:
		s += "bottom"
	default:
		s += "top"
	}
	return s + vector.FormatNumber(t.N)
}

// passes reports whether a score satisfies the bound.
func (t *seriesTest) passes(score float64) bool {
	switch t.Op {
	case "<":
		return score < t.N
	case ">":
		return score > t.N
	case "<=":
		return score <= t.N
	}
	return score >= t.N
}
