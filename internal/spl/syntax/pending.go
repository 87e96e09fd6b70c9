package syntax

import (
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
)

// pending is a command with subsearches where it reads none of its own, such
// as eval x=[ … | return $n ]. Their results become part of its text, which is
// read when they are there.
type pending struct {
	name    string   // with a blank
	texts   []string // around the subsearches, one more than these
	queries []*Query
	expr    bool // they stand in an expression
}

// Print implements Command.
func (c *pending) Print() string {
	return c.fill(func(i int) string { return "[" + c.queries[i].String() + "]" })
}

func (c *pending) fill(text func(i int) string) string {
	var b strings.Builder
	b.WriteString(c.name)
	for i, t := range c.texts {
		if i > 0 {
			b.WriteString(text(i - 1))
		}
		b.WriteString(t)
	}
	return strings.TrimSpace(b.String())
}

// Needs implements Command.
func (c *pending) Needs(filter.FieldSet) filter.FieldSet { return filter.AllFields() }

// Subsearches implements Resolving.
func (c *pending) Subsearches() []*Query { return c.queries }

// Resolve implements Resolving.
func (c *pending) Resolve(text func(*Query) (string, error)) (Command, error) {
	var failed error
	src := c.fill(func(i int) string {
		if failed != nil {
			return ""
		}
		t, err := text(c.queries[i])
		if failed = err; c.expr && t == DefaultFormat().Empty {
			return "null()"
		}
		return t
	})
	if failed != nil {
		return nil, failed
	}
	p := newParser(src)
	st, err := p.stage()
	if err = p.finish(err); err != nil {
		return nil, err
	}
	return st.Cmd, nil
}

// standIns are what a subsearch may come to: a value, a name, a pair of names.
var standIns = []string{"1", "a", "a AS b", "a=1", "count", "count BY a", "a=1 b=2", "1h", "\"a\"", `"(?<a>b)"`, "ctime(a) AS b", "a WITH b", "where 1=1"}

// pending reads the arguments from mark on as text with subsearches in it. It
// returns nil, and stays where it is, when that cannot be a command however the
// subsearches come out; the error is that of a subsearch which cannot be read.
func (p *Parser) pending(def *CommandDef, mark int, expr bool) (Command, error) {
	back := p.pos
	p.pos = mark
	if _, err := p.space(); err != nil {
		p.pos = back
		return nil, nil
	}
	c := &pending{name: def.Name + " ", expr: expr}
	from := p.pos
	for {
		tok, err := p.peek(argMode)
		if err != nil {
			p.pos = back
			return nil, nil
		}
		if tok.Kind == EOF || tok.Is("|") || tok.Is("]") {
			c.texts = append(c.texts, p.src[from:p.pos])
			break
		}
		if !tok.Is("[") {
			p.take(argMode)
			continue
		}
		c.texts = append(c.texts, p.src[from:tok.Span.Start])
		p.pos = tok.Span.Start
		q, err := p.Subsearch()
		if !p.saysCommand(tok.Span.End) {
			p.pos = back
			return nil, nil
		}
		if err != nil {
			p.pos = back
			return nil, err
		}
		c.queries = append(c.queries, q)
		from = p.pos
	}
	for _, s := range standIns {
		if len(c.queries) == 0 {
			break
		}
		trial := newParser(c.fill(func(int) string { return s }))
		trial.depth = p.depth
		if _, err := trial.stage(); trial.finish(err) == nil {
			return c, nil
		}
	}
	p.pos = back
	return nil, nil
}

// saysCommand reports whether a subsearch that begins at pos names its first
// command; what does not may be a character class.
func (p *Parser) saysCommand(pos int) bool {
	back := p.pos
	defer func() { p.pos = back }()
	p.pos = pos
	tok, err := p.peek(argMode)
	return err == nil && (tok.Is("|") || tok.Kind == Word && LookupCommand(tok.Text) != nil)
}

// readSubsearch is a subsearch as it was read, so that what looks ahead over it
// costs no second reading.
type readSubsearch struct {
	query *Query
	end   int
	err   error
}

// Subsearch reads [ … ].
func (p *Parser) Subsearch() (*Query, error) {
	open, err := p.take(argMode)
	if err != nil {
		return nil, err
	}
	if !open.Is("[") {
		return nil, p.Unexpected(open, "a subsearch in [ ]")
	}
	r, ok := p.read[open.Span.Start]
	if !ok {
		r = p.subsearch()
		if p.read == nil {
			p.read = map[int]readSubsearch{}
		}
		p.read[open.Span.Start] = r
	}
	p.pos = r.end
	return r.query, r.err
}

func (p *Parser) subsearch() readSubsearch {
	start := p.pos
	stop, operand, subs, brackets := p.stop, p.operand, p.subs, p.brackets
	p.stop, p.operand = nil, nil
	q, err := p.query(true)
	p.stop, p.operand, p.subs, p.brackets = stop, operand, subs, brackets
	if err == nil {
		q.Span = diag.Span{Start: start, End: p.pos}
		err = p.Expect("]")
	}
	if err != nil {
		q = nil
	}
	return readSubsearch{q, p.pos, err}
}
