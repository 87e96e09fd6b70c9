package syntax

import (
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/vector"
)

// binding powers, weakest first
const (
	bindXor = iota + 1
	bindOr
	bindAnd
	bindNot
	bindCompare
	bindConcat
	bindAdd
	bindMul
	bindUnary
)

// Expr reads one eval expression.
func (p *Parser) Expr() (Expr, error) {
	if p.exprs++; p.exprs == 1 {
		p.operators = 0
	}
	defer func() { p.exprs-- }()
	return p.binary(bindXor)
}

// ExprOver is Expr where a name may stand for more than a field or a function:
// operand is shown each and reads it, or returns nil for one that does not.
func (p *Parser) ExprOver(operand func(name Token) (Expr, error)) (Expr, error) {
	p.operand = operand
	defer func() { p.operand = nil }()
	return p.Expr()
}

func (p *Parser) infix() (op string, power int, tok Token, err error) {
	tok, err = p.peek(evalMode)
	if err != nil {
		return "", 0, tok, err
	}
	if (tok.Kind == NumberToken || tok.Kind == Word) && tok.Text[0] == '.' { // the point of "a".1 joins
		tok.Span.End = tok.Span.Start + 1
		return ".", bindConcat, tok, nil
	}
	if tok.Kind == Word {
		switch strings.ToUpper(tok.Text) {
		case "OR":
			return "OR", bindOr, tok, nil
		case "XOR":
			return "XOR", bindXor, tok, nil
		case "AND":
			return "AND", bindAnd, tok, nil
		case "LIKE", "IN", "NOT":
			return strings.ToUpper(tok.Text), bindCompare, tok, nil
		}
		return "", 0, tok, nil
	}
	if tok.Is("|") && strings.HasPrefix(p.src[tok.Span.End:p.end], "|") {
		return "", 0, tok, diag.At(diag.Span{Start: tok.Span.Start, End: tok.Span.End + 1}, "|| is not an operator").WithHint("write OR; a . joins texts")
	}
	if tok.Kind != Op {
		return "", 0, tok, nil
	}
	if at := tok.Span.Start; strings.HasPrefix(p.src[at:p.end], "**") {
		return "", 0, tok, diag.At(diag.Span{Start: at, End: at + 2}, "** is not an operator").WithHint("write pow(x, y)")
	}
	switch tok.Text {
	case "=", "==":
		return "=", bindCompare, tok, nil
	case "!=", "<>":
		return "!=", bindCompare, tok, nil
	case "<", "<=", ">", ">=":
		return tok.Text, bindCompare, tok, nil
	case ".":
		return ".", bindConcat, tok, nil
	case "+", "-":
		return tok.Text, bindAdd, tok, nil
	case "*", "/", "%":
		return tok.Text, bindMul, tok, nil
	}
	return "", 0, tok, diag.At(tok.Span, "unexpected %q in an expression", tok.Text).WithHint("%s", hint(foreignOperators[tok.Text], nameHint))
}

const nameHint = "put names with characters other than letters, digits and _ in single quotes, and text in double quotes"

// foreignOperators are operators of other languages, with what is written here.
var foreignOperators = map[string]string{
	"&": "write AND", "^": "write pow(x, y)", "~": "write match(text, regex)", "!": "write NOT, or != between two values", "?": "write if(test, then, else)",
}

// AfterExpr returns an error when an expression is followed by what does not
// belong there.
func (p *Parser) AfterExpr(expected string) error {
	tok, err := p.peek(evalMode)
	if err != nil || tok.Kind == EOF || tok.Is("|") || tok.Is("]") || tok.Is(",") {
		return err
	}
	e := p.Unexpected(tok, "%s", expected)
	switch {
	case tok.IsWord("is"):
		e.Hint = "write isnull(x) or isnotnull(x)"
	case tok.IsWord("contains"), tok.IsWord("startswith"), tok.IsWord("endswith"):
		e.Hint = `write like(x, "%text%")`
	}
	return e
}

func (p *Parser) binary(least int) (Expr, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, diag.At(diag.Span{Start: p.pos, End: p.pos + 1}, "nested more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()
	left, err := p.unary()
	if err != nil {
		return nil, err
	}
	for {
		op, power, tok, err := p.infix()
		if err != nil {
			return nil, err
		}
		if op == "" || power < least {
			return left, nil
		}
		if p.operators++; p.operators > MaxNames {
			return nil, diag.At(tok.Span, "an expression may have at most %d operators", MaxNames).WithHint("IN accepts a list of any length; split the rest over several fields")
		}
		mark := p.pos
		p.take(evalMode)
		if op == "." {
			p.pos = tok.Span.End
		}
		negated := op == "NOT"
		if negated { // x NOT IN (…), x NOT LIKE y
			next, _ := p.peek(evalMode)
			if !next.IsWord("IN") && !next.IsWord("LIKE") {
				p.pos = mark
				return nil, diag.At(tok.Span, "unexpected NOT after an operand").WithHint("put NOT before the condition it negates, or use NOT IN or NOT LIKE")
			}
			p.take(evalMode)
			op = strings.ToUpper(next.Text)
		}
		if op == "IN" {
			left, err = p.among(left)
		} else {
			var right Expr
			if right, err = p.binary(power + 1); err == nil {
				left = &Binary{Span: left.Place().Join(right.Place()), Op: op, L: left, R: right}
			}
		}
		if err != nil {
			return nil, err
		}
		if negated {
			left = &Unary{Span: left.Place(), Op: "NOT", X: left}
		}
	}
}

func (p *Parser) among(x Expr) (Expr, error) {
	open, err := p.take(evalMode)
	if err != nil {
		return nil, err
	}
	if !open.Is("(") {
		return nil, p.Unexpected(open, "( and a list of values after IN")
	}
	list, end, err := p.exprList(open)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, diag.At(open.Span, "IN needs at least one value")
	}
	return &Among{Span: x.Place().Join(end), X: x, List: list}, nil
}

// exprList reads the rest of ( a, b ) after the parenthesis.
func (p *Parser) exprList(open Token) ([]Expr, diag.Span, error) {
	var list []Expr
	for {
		tok, err := p.peek(evalMode)
		if err != nil {
			return nil, tok.Span, err
		}
		if tok.Is(")") {
			p.take(evalMode)
			return list, tok.Span, nil
		}
		if len(list) > 0 {
			if !tok.Is(",") {
				if tok.Kind == EOF || tok.Is("|") {
					return nil, tok.Span, diag.At(open.Span, "this ( is not closed").WithHint("add a )")
				}
				return nil, tok.Span, p.Unexpected(tok, "a comma or )")
			}
			p.take(evalMode)
		}
		e, err := p.Expr()
		if err != nil {
			return nil, tok.Span, err
		}
		list = append(list, e)
	}
}

func (p *Parser) unary() (Expr, error) {
	tok, err := p.peek(evalMode)
	if err != nil {
		return nil, err
	}
	var op string
	power := bindUnary
	switch {
	case tok.IsWord("NOT"), tok.Is("!"):
		op, power = "NOT", bindNot
	case tok.Is("-"), tok.Is("+"):
		op = tok.Text
	default:
		return p.primary()
	}
	p.take(evalMode)
	x, err := p.binary(power)
	if err != nil {
		return nil, err
	}
	return &Unary{Span: tok.Span.Join(x.Place()), Op: op, X: x}, nil
}

func (p *Parser) primary() (Expr, error) {
	tok, err := p.take(evalMode)
	if err != nil {
		return nil, err
	}
	switch {
	case tok.Kind == Quoted:
		return &Literal{Span: tok.Span, Value: vector.String(tok.Text)}, nil
	case tok.Kind == FieldQuoted:
		return &Field{Span: tok.Span, Name: tok.Text}, nil
	case tok.Kind == NumberToken:
		f, _ := vector.ParseNumber(tok.Text)
		return &Literal{Span: tok.Span, Value: vector.Literal(f, significant(tok.Text)), Text: tok.Text}, nil
	case tok.Is("("):
		e, err := p.Expr()
		if err != nil {
			return nil, err
		}
		end, err := p.take(evalMode)
		if err != nil {
			return nil, err
		}
		if !end.Is(")") {
			if end.Kind == EOF || end.Is("|") {
				return nil, diag.At(tok.Span, "this ( is not closed").WithHint("add a )")
			}
			return nil, p.Unexpected(end, "an operator or )")
		}
		return e, nil
	case tok.Is("["):
		p.pos = tok.Span.Start
		p.subs++
		q, err := p.Subsearch()
		if err != nil {
			return nil, err
		}
		return &Inner{Span: diag.Span{Start: tok.Span.Start, End: p.pos}, Query: q}, nil
	case tok.Kind == Word:
		if p.operand != nil {
			mark, read := p.pos, p.operand
			p.operand = nil // what it reads is an expression of its own
			e, err := read(tok)
			p.operand = read
			if e != nil || err != nil {
				return e, err
			}
			p.pos = mark
		}
		if next, err := p.peek(evalMode); err == nil && next.Is("(") {
			return p.call(tok)
		}
		if isAny(tok.Text, []string{"AND", "OR", "XOR", "LIKE", "IN"}) {
			return nil, diag.At(tok.Span, "%s needs an operand before it", strings.ToUpper(tok.Text))
		}
		return &Field{Span: tok.Span, Name: tok.Text}, nil
	}
	e := p.Unexpected(tok, "an expression")
	if tok.Kind == Op && strings.Contains("@#$:;?{}", tok.Text) {
		e = diag.At(tok.Span, "unexpected %q in an expression", tok.Text).WithHint("%s", nameHint)
	}
	return nil, e
}

// significant counts the significant digits of a number with a decimal point,
// 0 (not tracked) for one without.
func significant(s string) int {
	mantissa, _, _ := strings.Cut(strings.ToLower(s), "e")
	whole, frac, point := strings.Cut(mantissa, ".")
	if !point {
		return 0
	}
	return max(1, len(strings.TrimLeft(whole+frac, "0")))
}

func (p *Parser) call(name Token) (Expr, error) {
	open, err := p.take(evalMode)
	if err != nil {
		return nil, err
	}
	def := LookupFunction(name.Text)
	if def == nil {
		return nil, unknownFunction(name)
	}
	args, end, err := p.exprList(open)
	if err != nil {
		return nil, err
	}
	span := name.Span.Join(end)
	if len(args) < def.Min || def.Max >= 0 && len(args) > def.Max {
		return nil, diag.At(span, "%s takes %s, not %d", def.Name, arity(def.Min, def.Max), len(args)).WithHint("%s", def.Syntax)
	}
	return &Call{Span: span, Def: def, Args: args}, nil
}

func unknownFunction(name Token) error {
	e := diag.At(name.Span, "unknown function %q", name.Text)
	if e.Hint = foreignFunctions[strings.ToLower(name.Text)]; e.Hint != "" {
		return e
	}
	if def, _ := LookupAggregate(name.Text); def != nil {
		return e.WithHint("%s is an aggregate of stats and similar commands; for the values of one row, use mvcount, sum, avg, min or max", name.Text)
	}
	return e.WithHint("%s", hint(diag.DidYouMean(name.Text, names(functions)), "bluetrail spl commands eval lists them"))
}

// foreignFunctions are functions of other languages, with what does the same here.
var foreignFunctions = map[string]string{
	"length": "write len(text)", "strlen": "write len(text)", "substring": "write substr(text, start, length)",
	"concat": "use a period to concatenate text: a . b", "contains": `write like(text, "%part%") or match(text, regex)`,
	"startswith": `write like(text, "start%")`, "endswith": `write like(text, "%end")`, "ilike": `write like(lower(text), "pattern")`,
	"regexp_like": "write match(text, regex)", "rlike": "write match(text, regex)", "regex": "write match(text, regex), or use the command regex",
	"regex_replace": "write replace(text, regex, replacement)", "regexp_replace": "write replace(text, regex, replacement)",
	"toupper": "write upper(text)", "tolower": "write lower(text)", "isempty": `write isnull(x) OR x=""`, "isblank": `write isnull(x) OR x=""`,
	"iif": "write if(test, then, else)", "to_string": "write tostring(x)", "to_number": "write tonumber(x)", "date_format": "write strftime(time, format)",
	"indexof": "write mvfind(values, regex)", "mvlen": "write mvcount(x)", "mvuniq": "write mvdedup(x)", "mod": "write x % y", "power": "write pow(x, y)",
	"ln10": "write log(x)", "log10": "write log(x)", "log2": "write log(x, 2)", "trunc": "write floor(x), or toint(x)", "md5sum": "write md5(text)",
}

func arity(low, high int) string {
	switch {
	case high < 0:
		return "at least " + plural(low)
	case low == high:
		return plural(low)
	}
	return vector.FormatNumber(float64(low)) + " to " + plural(high)
}

func plural(n int) string {
	if n == 1 {
		return "1 argument"
	}
	return vector.FormatNumber(float64(n)) + " arguments"
}
