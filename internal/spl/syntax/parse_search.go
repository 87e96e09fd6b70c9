package syntax

import (
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
)

// SearchExpr reads a search expression up to the end of the command: OR binds
// tighter than AND, NOT takes the next operand only.
func (p *Parser) SearchExpr() (filter.Expr, error) {
	tok, err := p.peek(searchMode)
	if err != nil {
		return nil, err
	}
	if p.endsSearch(tok) {
		return &filter.Everything{Span: diag.Span{Start: p.pos, End: p.pos}}, nil
	}
	e, err := p.searchAnd()
	if err != nil {
		return nil, err
	}
	if tok, err = p.peek(searchMode); err != nil {
		return nil, err
	}
	if tok.Is(")") {
		return nil, diag.At(tok.Span, "this ) closes nothing")
	}
	return e, filter.SettleTimes(e)
}

// SearchExprUntil is SearchExpr for places where one of the stop words, in any
// case, ends the expression too.
func (p *Parser) SearchExprUntil(stop ...string) (filter.Expr, error) {
	p.stop = stop
	defer func() { p.stop = nil }()
	return p.SearchExpr()
}

// SearchOperand reads one term, comparison or expression in parentheses.
func (p *Parser) SearchOperand() (filter.Expr, error) { return p.searchPrimary() }

func (p *Parser) endsSearch(tok Token) bool {
	return tok.Kind == Word && isAny(tok.Text, p.stop) || tok.Kind == EOF || tok.Is("|") || tok.Is("]") || tok.Is(")")
}

func (p *Parser) searchAnd() (filter.Expr, error) {
	var args []filter.Expr
	for {
		tok, err := p.peek(searchMode)
		if err != nil {
			return nil, err
		}
		switch {
		case p.endsSearch(tok):
			if len(args) == 0 {
				return nil, p.Unexpected(tok, "a search term")
			}
			return conjunction(args), nil
		case tok.Is(","): // lists pasted from elsewhere separate terms by commas
			p.take(searchMode)
			continue
		case keyword(tok, "AND"):
			p.take(searchMode)
			if len(args) == 0 {
				return nil, diag.At(tok.Span, "AND needs a term before it").WithHint(`to look for the word, quote it: "AND"`)
			}
			if next, _ := p.peek(searchMode); p.endsSearch(next) {
				return nil, diag.At(tok.Span, "AND needs a term after it").WithHint(`to look for the word, quote it: "AND"`)
			}
			continue
		}
		arg, err := p.searchOr()
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
	}
}

func conjunction(args []filter.Expr) filter.Expr {
	if len(args) == 1 {
		return args[0]
	}
	return &filter.And{Span: args[0].Place().Join(args[len(args)-1].Place()), Args: args}
}

func keyword(tok Token, word string) bool { return tok.Kind == Word && tok.Text == word }

func (p *Parser) searchOr() (filter.Expr, error) {
	var args []filter.Expr
	for {
		arg, err := p.searchNot()
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
		tok, err := p.peek(searchMode)
		if err != nil {
			return nil, err
		}
		if !keyword(tok, "OR") {
			break
		}
		p.take(searchMode)
	}
	if len(args) == 1 {
		return args[0], nil
	}
	return &filter.Or{Span: args[0].Place().Join(args[len(args)-1].Place()), Args: args}, nil
}

func (p *Parser) searchNot() (filter.Expr, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, diag.At(diag.Span{Start: p.pos, End: p.pos + 1}, "nested more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()
	tok, err := p.peek(searchMode)
	if err != nil {
		return nil, err
	}
	if keyword(tok, "NOT") {
		p.take(searchMode)
		arg, err := p.searchNot()
		if err != nil {
			return nil, err
		}
		return &filter.Not{Span: tok.Span.Join(arg.Place()), Arg: arg}, nil
	}
	return p.searchPrimary()
}

func (p *Parser) searchPrimary() (filter.Expr, error) {
	tok, err := p.peek(searchMode)
	if err != nil {
		return nil, err
	}
	switch {
	case tok.Is("("):
		p.take(searchMode)
		if next, _ := p.peek(searchMode); next.Is(")") {
			// ( ) is what format writes for "no rows": it matches everything,
			// so that NOT ( ) matches nothing.
			end, _ := p.take(searchMode)
			return &filter.Everything{Span: tok.Span.Join(end.Span)}, nil
		}
		e, err := p.searchAnd()
		if err != nil {
			return nil, err
		}
		end, err := p.take(searchMode)
		if err != nil {
			return nil, err
		}
		if !end.Is(")") {
			return nil, diag.At(tok.Span, "this ( is not closed").WithHint("add a )")
		}
		return e, nil
	case tok.Is("["):
		q, err := p.Subsearch()
		if err != nil {
			return nil, err
		}
		return &filter.Sub{Span: diag.Span{Start: tok.Span.Start, End: p.pos}, Query: q}, nil
	case tok.Kind == Op:
		return nil, diag.At(tok.Span, "%s needs the name of a field before it", tok.Text)
	case tok.Kind == Word && (tok.Text == "OR" || tok.Text == "AND"), tok.Kind != Word && tok.Kind != Quoted:
		return nil, p.Unexpected(tok, "a search term")
	}
	p.take(searchMode)
	op, err := p.peek(searchMode)
	if err != nil {
		return nil, err
	}
	switch {
	case op.Kind == Op:
		p.take(searchMode)
		return p.comparison(tok, op)
	case op.IsWord("IN") && (tok.Kind == Quoted || !filter.IsOperator(tok.Text)):
		if in, ok, err := p.membership(tok); ok || err != nil {
			return in, err
		}
	case keyword(op, "NOT"):
		mark := p.pos
		p.take(searchMode)
		if next, err := p.peek(searchMode); err == nil && keyword(next, "IN") {
			if in, ok, err := p.membership(tok); ok || err != nil {
				if err != nil {
					return nil, err
				}
				return &filter.Not{Span: in.Place(), Arg: in}, nil
			}
		}
		p.pos = mark
	case op.Is("(") && !op.Spaced && tok.Kind == Word && (strings.EqualFold(tok.Text, "CASE") || strings.EqualFold(tok.Text, "TERM")):
		return p.directive(tok)
	}
	if tok.Kind == Word && tok.Text == "*" {
		return &filter.Everything{Span: tok.Span}, nil
	}
	if tok.Kind == Word {
		if field, value, ok := strings.Cut(tok.Text, "::"); ok && field != "" && value != "" && fieldLike(field) {
			if filter.IsTimeModifier(field) {
				return &filter.TimeBound{Span: tok.Span, Name: strings.ToLower(field), Value: unescapeTerm(value)}, nil
			}
			return &filter.Compare{Span: tok.Span, Field: field, Op: "=", Value: unescapeTerm(value)}, nil
		}
		return &filter.Term{Span: tok.Span, Text: unescapeTerm(tok.Text)}, nil
	}
	return &filter.Term{Span: tok.Span, Text: tok.Text, Phrase: true}, nil
}

func fieldLike(s string) bool {
	for i := range len(s) {
		if !isNameByte(s[i]) && s[i] != '.' {
			return false
		}
	}
	return true
}

// unescapeTerm undoes \" \\ and \| of an unquoted word.
func unescapeTerm(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && strings.IndexByte(`"\|`, s[i+1]) >= 0 {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func (p *Parser) comparison(field, op Token) (filter.Expr, error) {
	symbol := op.Text
	switch symbol {
	case "==":
		symbol = "="
	case "<>":
		symbol = "!="
	}
	val, err := p.take(valueMode)
	if err != nil {
		return nil, err
	}
	field.Text = tagField(field)
	c := &filter.Compare{Field: field.Text, Op: symbol, Value: val.Text, Span: field.Span.Join(val.Span)}
	switch {
	case val.Is("(") && symbol == "=":
		return p.alternatives(field, val)
	case val.Is("["):
		p.pos = val.Span.Start
		if c.Sub, err = p.Subsearch(); err != nil {
			return nil, err
		}
		c.Value = ""
		c.Span.End = p.pos
		return c, nil
	case val.Kind == Word && strings.EqualFold(val.Text, "CASE"):
		if next, _ := p.peek(searchMode); next.Is("(") && !next.Spaced {
			t, err := p.directive(val)
			if err != nil {
				return nil, err
			}
			c.Value, c.Case = t.Text, true
			c.Span.End = p.pos
			return c, nil
		}
	case val.Kind == Word:
		c.Value = unescapeTerm(val.Text)
		if val.Text == "now" || strings.HasPrefix(val.Text, "now") {
			p.callParens(c)
		}
	case val.Kind != Quoted:
		return nil, diag.At(field.Span.Join(op.Span), "a value is missing after %s", op.Text).WithHint(`for an empty value write %s%s""`, field.Text, op.Text)
	}
	if filter.IsTimeModifier(field.Text) && c.Op == "=" {
		return &filter.TimeBound{Span: c.Span, Name: strings.ToLower(field.Text), Value: c.Value}, nil
	}
	return c, nil
}

// tagField returns the name of the field of a test; eventtypetag and hosttag are
// other words for the tags of eventtype and host.
func tagField(name Token) string {
	if name.Kind == Word {
		switch strings.ToLower(name.Text) {
		case "eventtypetag":
			return "tag::eventtype"
		case "hosttag":
			return "tag::host"
		}
	}
	return name.Text
}

// alternatives reads the rest of field=(a OR b), which is what field IN (a, b)
// says.
func (p *Parser) alternatives(field, open Token) (filter.Expr, error) {
	in := &filter.In{Field: field.Text}
	for {
		tok, err := p.take(valueMode)
		if err != nil {
			return nil, err
		}
		switch tok.Kind {
		case Quoted:
			in.Values = append(in.Values, tok.Text)
		case Word:
			in.Values = append(in.Values, unescapeTerm(tok.Text))
		case EOF:
			return nil, diag.At(open.Span, "this ( is not closed").WithHint("add a )")
		default:
			return nil, p.Unexpected(tok, "a value of %s", field.Text)
		}
		if tok, err = p.take(valueMode); err != nil {
			return nil, err
		}
		switch {
		case tok.Is(")"):
			in.Span = field.Span.Join(tok.Span)
			return in, nil
		case tok.Kind == EOF:
			return nil, diag.At(open.Span, "this ( is not closed").WithHint("add a )")
		case !keyword(tok, "OR") && !tok.Is(","):
			return nil, p.Unexpected(tok, "OR and another value of %s", field.Text)
		}
	}
}

// callParens takes the () of now().
func (p *Parser) callParens(c *filter.Compare) {
	mark := p.pos
	if next, err := p.next(searchMode); err == nil && next.Is("(") && !next.Spaced {
		if next, err = p.next(searchMode); err == nil && next.Is(")") {
			c.Span.End = p.pos
			return
		}
	}
	p.pos = mark
}

func (p *Parser) membership(field Token) (filter.Expr, bool, error) {
	mark := p.pos
	p.take(searchMode) // IN
	open, err := p.peek(searchMode)
	if err != nil || !open.Is("(") {
		p.pos = mark
		return nil, false, err
	}
	p.take(searchMode)
	in := &filter.In{Field: tagField(field)}
	for {
		tok, err := p.take(valueMode)
		if err != nil {
			return nil, false, err
		}
		switch {
		case tok.Is(","):
		case tok.Is(")"):
			if len(in.Values) == 0 {
				return nil, false, diag.At(tok.Span, "IN needs at least one value")
			}
			in.Span = field.Span.Join(tok.Span)
			return in, true, nil
		case tok.Kind == Quoted:
			in.Values = append(in.Values, tok.Text)
		case tok.Kind == Word:
			in.Values = append(in.Values, unescapeTerm(tok.Text))
		default:
			return nil, false, diag.At(open.Span, "the list of IN is not closed").WithHint("add a )")
		}
	}
}

// directive reads the (x) of CASE(x) and TERM(x).
func (p *Parser) directive(name Token) (*filter.Term, error) {
	p.take(searchMode)
	t := &filter.Term{}
	for {
		tok, err := p.take(valueMode)
		if err != nil {
			return nil, err
		}
		if tok.Is(")") {
			t.Span = name.Span.Join(tok.Span)
			break
		}
		if tok.Kind != Word && tok.Kind != Quoted {
			return nil, diag.At(name.Span, "%s( is not closed", name.Text).WithHint("add a )")
		}
		if t.Text != "" && tok.Spaced {
			t.Text += " "
		}
		t.Text += tok.Text
	}
	if t.Text == "" {
		return nil, diag.At(t.Span, "%s() needs a term", name.Text)
	}
	t.Case = strings.EqualFold(name.Text, "CASE")
	t.Exact = !t.Case
	return t, nil
}
