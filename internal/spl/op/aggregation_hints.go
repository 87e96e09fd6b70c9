package op

import (
	"errors"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl/syntax"
)

// unknownAggregate is the answer to a word where an aggregate has to stand.
func unknownAggregate(p *syntax.Parser, tok syntax.Token) error {
	e := diag.At(tok.Span, "unknown aggregate %q", tok.Text)
	base := strings.TrimRight(tok.Text, "0123456789.")
	if strings.EqualFold(base, "percentile") {
		base = "perc"
	}
	switch {
	case syntax.PercentAggregate(base) != nil:
		return e.WithHint("write %s95(field), or another number up to 100", base)
	case strings.EqualFold(tok.Text, "rate_avg"), strings.EqualFold(tok.Text, "rate_sum"):
		return e.WithHint("it is for metric indexes: use stats rate(field) by the series, then stats avg or sum of that")
	case syntax.LookupFunction(tok.Text) != nil && p.Peek().Is("("):
		return e.WithHint("%s is an eval function: inside an aggregate, write sum(eval(%s(…)))", tok.Text, tok.Text)
	case strings.Trim(tok.Text, "+-*/") == "":
		return e.WithHint("to compute with aggregates, name them with AS and use an eval after this command")
	case tok.IsWord("where"):
		return e.WithHint("put | before where: it filters the rows of the result")
	}
	if IsWidth(tok) {
		return e.WithHint("write a time span as span=%s", tok.Text)
	}
	var known []string
	for _, d := range syntax.Aggregates() {
		known = append(append(known, d.Name), d.Aliases...)
	}
	if e = e.WithHint("%s", diag.DidYouMean(tok.Text, known)); e.Hint == "" {
		e.Hint = "the aggregates: bluetrail spl commands stats"
	}
	return e
}

// misplaced adds to the error at tok what the aggregate before it says about it.
func misplaced(p *syntax.Parser, tok syntax.Token, before []*Aggregation, err error) error {
	var e *diag.Error
	if len(before) == 0 || !errors.As(err, &e) || e.Span != tok.Span {
		return err
	}
	last := before[len(before)-1]
	def, _ := syntax.LookupAggregate(tok.Text)
	switch written := p.Text(last.At); {
	case tok.Is(">"), tok.Is("<"), tok.Is("="), tok.Is("!="), tok.Is(">="), tok.Is("<="):
		e.Hint = "put the condition after the command, as in | where '" + last.Name() + "'" + tok.Text + "5"
	case def != nil || tok.Kind != syntax.Word || tok.IsWord("where") || IsWidth(tok) || strings.ContainsAny(written, "() "):
	case last.Def.NoField:
		e.Hint = "write " + written + "(" + tok.Text + "), or " + written + " BY " + tok.Text
	default:
		e.Hint = "write " + written + "(" + tok.Text + ")"
	}
	return e
}

// IsWidth reports whether a word is a span with a number, such as 1h.
func IsWidth(tok syntax.Token) bool {
	_, err := ParseSpan(syntax.Option{Value: tok})
	return err == nil && strings.ContainsAny(tok.Text[:1], "0123456789")
}
