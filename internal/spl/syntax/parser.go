// Package syntax reads searches: it scans and parses their text, expands
// macros, prints them, and keeps the registry and the manual of commands,
// functions and aggregates.
package syntax

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/diag"
)

// maxDepth bounds how deeply parentheses and subsearches may nest; text is
// hostile input and the parser recurses.
const maxDepth = 200

// MaxNames is how many fields, aggregates or assignments one command takes, and
// how many operators one expression: work grows faster than their number.
const MaxNames = 5000

// MaxText is the longest search that is parsed, in bytes after macros.
const MaxText = 1 << 20

// Parser reads one command's arguments. Every method skips white space and
// comments first.
type Parser struct {
	scanner
	depth    int
	stop     []string              // words that end a search expression
	read     map[int]readSubsearch // by where they begin
	subs     int                   // subsearches read in expressions
	brackets int                   // pipelines and templates in brackets that commands asked for

	operand   func(name Token) (Expr, error) // of ExprOver
	exprs     int                            // expressions that are being read, one inside another
	operators int                            // of the outermost
}

// Parse reads a search in which macros are already expanded. Errors are
// *diag.Error with Src set.
func Parse(text string) (*Query, error) {
	if len(text) > MaxText {
		return nil, diag.At(diag.Span{}, "the search is %d bytes long; the maximum is %d", len(text), MaxText)
	}
	p := newParser(text)
	q, err := p.query(false)
	if err != nil {
		var e *diag.Error
		if errors.As(err, &e) {
			e.Src, e.Name = text, "search"
			e.Span.End = min(e.Span.End, len(text))
			e.Span.Start = min(e.Span.Start, e.Span.End)
		}
		return nil, err
	}
	return q, nil
}

// query reads a pipeline up to the end, or to the ] of a subsearch.
func (p *Parser) query(sub bool) (*Query, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, diag.At(diag.Span{Start: p.pos, End: p.pos + 1}, "nested more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()
	q := &Query{Text: p.src, Span: diag.Span{Start: p.pos}}
	first := true
	for {
		tok, err := p.peek(argMode)
		if err != nil {
			return nil, err
		}
		switch {
		case tok.Kind == EOF && sub:
			return nil, diag.At(diag.Span{Start: p.end, End: p.end}, "subsearch is not closed").WithHint("end it with ]")
		case tok.Kind == EOF, tok.Is("]") && sub:
			if len(q.Stages) == 0 {
				st, err := p.implicit()
				if err != nil {
					return nil, err
				}
				q.Stages = append(q.Stages, st)
			}
			q.Span.End = p.pos
			return q, nil
		case tok.Is("|"):
			p.take(argMode)
			if next, _ := p.peek(argMode); next.Is("|") || next.Kind == EOF || next.Is("]") && sub {
				return nil, diag.At(tok.Span, "a command is missing after this |")
			}
			st, err := p.stage()
			if err != nil {
				return nil, err
			}
			q.Stages = append(q.Stages, st)
		case first:
			st, err := p.firstStage(tok, sub)
			if err != nil {
				return nil, err
			}
			q.Stages = append(q.Stages, st)
		default:
			return nil, diag.At(tok.Span, "unexpected %q", tok.Text).WithHint("commands are separated by |")
		}
		first = false
	}
}

// firstStage reads what stands before the first pipe: a search expression,
// unless it begins with the word search and an argument; in a subsearch, which
// is not searched unless it says so, the name of a command that gives rows.
func (p *Parser) firstStage(tok Token, sub bool) (*Stage, error) {
	gives := false
	if sub && tok.Kind == Word {
		def := LookupCommand(tok.Text)
		gives = def != nil && def.Kind == KindGenerating
	}
	if gives || tok.IsWord("search") {
		mark := p.pos
		p.take(argMode)
		next, err := p.peek(argMode)
		if err != nil {
			return nil, err
		}
		if next.Kind != Op {
			p.pos = mark
			return p.stage()
		}
		p.pos = mark
	}
	return p.implicit()
}

func (p *Parser) implicit() (*Stage, error) {
	def := LookupCommand("search")
	start := p.pos
	cmd, err := def.Parse(p)
	if err != nil {
		c, inside := p.pending(def, start, false)
		if c == nil {
			return nil, cmp.Or(inside, err)
		}
		cmd = c
	}
	return &Stage{Span: diag.Span{Start: start, End: p.pos}, Def: def, Cmd: cmd}, nil
}

func (p *Parser) stage() (*Stage, error) {
	tok, err := p.take(argMode)
	if err != nil {
		return nil, err
	}
	if tok.Kind != Word {
		return nil, diag.At(tok.Span, "expected the name of a command, not %q", tok.Text)
	}
	def := LookupCommand(tok.Text)
	if n := len(tok.Text) - 1; def == nil && n > 0 && (tok.Text[n] == '-' || tok.Text[n] == '+') { // fields- a
		if def = LookupCommand(tok.Text[:n]); def != nil {
			p.pos = tok.Span.Start + n
		}
	}
	if def == nil {
		if u, ok := LookupUnsupported(tok.Text); ok {
			e := diag.At(tok.Span, "the command %q is known but not supported: %s", tok.Text, u.Why)
			if u.Instead != "" {
				e.Hint = "instead: " + u.Instead
			}
			return nil, e
		}
		if hint := Foreign(tok.Text); hint != "" {
			return nil, diag.At(tok.Span, "unknown command %q", tok.Text).WithHint("%s", hint)
		}
		return nil, diag.At(tok.Span, "unknown command %q", tok.Text).WithHint("%s", hint(diag.DidYouMean(tok.Text, names(commands)), "bluetrail spl commands lists them"))
	}
	mark, subs, brackets := p.pos, p.subs, p.brackets
	cmd, err := def.Parse(p)
	_, resolves := cmd.(Resolving)
	inExpr := p.subs > subs
	if p.brackets == brackets && (err != nil || inExpr && !resolves || p.Peek().Is("[")) {
		switch c, inside := p.pending(def, mark, inExpr); {
		case c != nil:
			cmd, err = c, nil
		case inside != nil:
			err = inside
		}
	}
	if err != nil {
		return nil, err
	}
	end, err := p.peek(argMode)
	if err != nil {
		return nil, err
	}
	if end.Kind != EOF && !end.Is("|") && !end.Is("]") {
		return nil, diag.At(end.Span, "unexpected %q in the arguments of %s", end.Text, def.Name).WithHint("syntax: %s", def.Syntax)
	}
	return &Stage{Span: diag.Span{Start: tok.Span.Start, End: p.pos}, Def: def, Cmd: cmd}, nil
}

func hint(first, otherwise string) string {
	if first != "" {
		return first
	}
	return otherwise
}

func (p *Parser) peek(m mode) (Token, error) {
	mark := p.pos
	tok, err := p.next(m)
	p.pos = mark
	return tok, err
}

func (p *Parser) take(m mode) (Token, error) { return p.next(m) }

// Pos returns the offset of the next unread byte.
func (p *Parser) Pos() int { return p.pos }

// Reset goes back to an offset that Pos returned.
func (p *Parser) Reset(pos int) { p.pos = pos }

// Peek returns the next token of the arguments without reading it. What cannot
// be read is an empty quoted text here; the error shows up when it is taken.
func (p *Parser) Peek() Token {
	tok, err := p.peek(argMode)
	if err != nil {
		return Token{Kind: Quoted, Span: diag.Span{Start: p.pos, End: p.pos}}
	}
	return tok
}

// Take reads the next token of the arguments.
func (p *Parser) Take() (Token, error) { return p.take(argMode) }

// TakeTarget is Take for a name that may stand in single quotes.
func (p *Parser) TakeTarget() (Token, error) {
	mark := p.pos
	if tok, err := p.take(evalMode); err == nil && tok.Kind == FieldQuoted {
		tok.Kind = Quoted
		return tok, nil
	}
	p.pos = mark
	return p.Take()
}

// AtEnd reports whether the command's arguments are over.
func (p *Parser) AtEnd() bool {
	tok := p.Peek()
	return tok.Kind == EOF || tok.Is("|") || tok.Is("]")
}

// Accept reads the token if it is this punctuation.
func (p *Parser) Accept(punct string) bool {
	if p.Peek().Is(punct) {
		p.take(argMode)
		return true
	}
	return false
}

// AcceptWord reads the token if it is this word, in any case.
func (p *Parser) AcceptWord(word string) bool {
	if p.Peek().IsWord(word) {
		p.take(argMode)
		return true
	}
	return false
}

// Expect reads this punctuation or fails.
func (p *Parser) Expect(punct string) error {
	tok, err := p.take(argMode)
	if err != nil {
		return err
	}
	if !tok.Is(punct) {
		return p.Unexpected(tok, "%q", punct)
	}
	return nil
}

// Unexpected returns the error for a token where something else had to stand.
func (p *Parser) Unexpected(tok Token, expected string, args ...any) *diag.Error {
	what := "unexpected " + strconv.Quote(tok.Text)
	if tok.Kind == EOF {
		what = "the search ends here"
	}
	e := diag.At(tok.Span, "%s, expected ", what)
	e.Msg += diag.At(tok.Span, expected, args...).Msg
	return e
}

// Field reads one field name, bare or in quotes of either kind. A bare name may
// be that of an aggregate, such as sum(bytes).
func (p *Parser) Field() (string, error) {
	tok, err := p.TakeTarget()
	if err != nil {
		return "", err
	}
	if tok.Kind != Word && tok.Kind != Quoted || tok.Text == "" {
		return "", p.Unexpected(tok, "a field name")
	}
	return tok.Text + p.Argument(tok), nil
}

// Argument reads what stands in parentheses right behind the bare name of an
// aggregate, with them; "" when there is nothing.
func (p *Parser) Argument(name Token) string {
	if !namesColumn(name.Text) || name.Kind != Word || p.pos != name.Span.End || p.pos == len(p.src) || p.src[p.pos] != '(' {
		return ""
	}
	depth := 0
	for i := p.pos; i < len(p.src); i++ {
		switch p.src[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				text := p.src[p.pos : i+1]
				p.pos = i + 1
				return text
			}
		case '|', '[', ']', '"':
			return ""
		}
	}
	return ""
}

// What commands call columns after a field, beside aggregates: delta(x), and
// with a number sma5(x) or upper95(prediction(x)).
var (
	columnNames     = []string{"delta", "prediction", "anomaly_score_num", "anomaly_score_cat"}
	numberedColumns = []string{"sma", "ema", "wma", "upper", "lower"}
)

// namesColumn reports whether columns are called by a name with an argument in
// parentheses.
func namesColumn(name string) bool {
	name = strings.ToLower(name)
	def, _ := LookupAggregate(name)
	base := strings.TrimRight(name, "0123456789")
	return def != nil || slices.Contains(columnNames, name) || base != name && slices.Contains(numberedColumns, base)
}

// Fields reads field names separated by commas, blanks or both, until the end
// of the command or one of the stop words. A word before = is an option, and
// ends the list too. At least one name is required.
func (p *Parser) Fields(stop ...string) ([]string, error) {
	var list []string
	for {
		for p.Accept(",") {
		}
		tok := p.Peek()
		if p.AtEnd() || tok.Kind == Word && (isAny(tok.Text, stop) || p.optionAhead()) || tok.Kind != Word && tok.Kind != Quoted {
			break
		}
		name, err := p.Field()
		if err != nil {
			return nil, err
		}
		if list = append(list, name); len(list) > MaxNames {
			return nil, diag.At(tok.Span, "a command accepts at most %d fields", MaxNames).WithHint("a name with * matches several fields")
		}
	}
	if len(list) == 0 {
		tok, err := p.take(argMode)
		if err != nil {
			return nil, err
		}
		return nil, p.Unexpected(tok, "a field name")
	}
	return list, nil
}

func isAny(word string, list []string) bool {
	for _, w := range list {
		if strings.EqualFold(w, word) {
			return true
		}
	}
	return false
}

// Subpipeline reads [ command | command … ], in which the first command needs
// no | before it and works on rows that are given to it.
func (p *Parser) Subpipeline() (*Query, error) {
	p.brackets++
	open, err := p.take(argMode)
	if err != nil {
		return nil, err
	}
	if !open.Is("[") {
		return nil, p.Unexpected(open, "a pipeline in [ ]")
	}
	mark := p.pos
	if !p.Accept("|") {
		p.pos = mark
	}
	q := &Query{Text: p.src, Span: diag.Span{Start: mark}}
	if p.depth++; p.depth > maxDepth {
		return nil, diag.At(open.Span, "nested more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()
	for {
		st, err := p.stage()
		if err != nil {
			return nil, err
		}
		q.Stages = append(q.Stages, st)
		q.Span.End = p.pos
		if p.Accept("]") {
			return q, nil
		}
		if !p.Accept("|") {
			return nil, diag.At(open.Span, "[ is not closed").WithHint("end it with ]")
		}
	}
}

// Bracketed reads [ … ] as text, for templates that are parsed later; quotes
// and nested brackets are respected. The result is without the brackets.
func (p *Parser) Bracketed() (string, diag.Span, error) {
	p.brackets++
	open, err := p.take(argMode)
	if err != nil {
		return "", diag.Span{}, err
	}
	if !open.Is("[") {
		return "", open.Span, p.Unexpected(open, "[")
	}
	start, depth := p.pos, 1
	for p.pos < p.end {
		switch p.src[p.pos] {
		case '"':
			if _, err := p.quoted('"', argMode); err != nil {
				return "", open.Span, err
			}
			continue
		case '[':
			depth++
		case ']':
			if depth--; depth == 0 {
				p.pos++
				return p.src[start : p.pos-1], diag.Span{Start: start, End: p.pos - 1}, nil
			}
		}
		p.pos++
	}
	return "", open.Span, diag.At(open.Span, "[ is not closed").WithHint("end it with ]")
}

// Text returns the source of a span.
func (p *Parser) Text(s diag.Span) string { return p.src[s.Start:s.End] }

// Source returns the whole search, in which Pos is an offset.
func (p *Parser) Source() string { return p.src }

// Rest reads the arguments up to the end of the command and returns them as
// they are written.
func (p *Parser) Rest() (string, error) {
	start, end := p.pos, p.pos
	for !p.AtEnd() {
		tok, err := p.Take()
		if err != nil {
			return "", err
		}
		if end == start {
			start = tok.Span.Start
		}
		end = tok.Span.End
	}
	return p.src[start:end], nil
}
