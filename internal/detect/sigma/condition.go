package sigma

import (
	"strings"

	"bluetrail/internal/diag"
)

// expr is a condition over the selections of a rule.
type expr interface {
	// holds evaluates the condition; it asks for selections only when they decide.
	holds(of verdicts) bool
	// uses marks the selections that the condition names.
	uses(used []bool)
}

// verdicts says whether selection i holds.
type verdicts interface{ holds(i int) bool }

type (
	not struct{ of expr }
	and []expr
	or  []expr
	ref int // a selection
	// some is n of the selections: at least one, or all.
	some struct {
		all  bool
		of   []int
		text string // as in 1 of x*
	}
)

func (e not) holds(of verdicts) bool { return !e.of.holds(of) }

func (e and) holds(of verdicts) bool {
	for _, x := range e {
		if !x.holds(of) {
			return false
		}
	}
	return true
}

func (e or) holds(of verdicts) bool {
	for _, x := range e {
		if x.holds(of) {
			return true
		}
	}
	return false
}

func (e ref) holds(of verdicts) bool { return of.holds(int(e)) }

func (e some) holds(of verdicts) bool {
	for _, i := range e.of {
		if of.holds(i) != e.all {
			return !e.all
		}
	}
	return e.all
}

func (e not) uses(used []bool) { e.of.uses(used) }

func (e and) uses(used []bool) {
	for _, x := range e {
		x.uses(used)
	}
}

func (e or) uses(used []bool) {
	for _, x := range e {
		x.uses(used)
	}
}

func (e ref) uses(used []bool) { used[e] = true }

func (e some) uses(used []bool) {
	for _, i := range e.of {
		used[i] = true
	}
}

const (
	maxCondition = 64 << 10 // bytes
	maxNesting   = 200      // of parentheses and nots
)

// conditionParser reads a condition. not binds closer than and, and closer than
// or.
type conditionParser struct {
	text   string
	names  []string // of the selections
	noun   string   // what they are
	tokens []conditionToken
	depth  int
}

type conditionToken struct {
	text string
	at   int
}

// conditionError is a fault in a condition, with the word that it is at.
type conditionError struct {
	at   int
	msg  string
	hint string
}

// parseCondition reads a condition over things of these names; noun is what they
// are, as in selection.
func parseCondition(text string, names []string, noun string) (expr, *conditionError) {
	if len(text) > maxCondition {
		return nil, &conditionError{0, "the condition is longer than 64 KiB", "use 1 of selection* for many selections"}
	}
	p := &conditionParser{text: text, names: names, noun: noun}
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == '(' || c == ')' || c == '|':
			p.tokens = append(p.tokens, conditionToken{text[i : i+1], i})
			i++
		default:
			end := i
			for end < len(text) && strings.IndexByte(" \t\n\r()|", text[end]) < 0 {
				end++
			}
			p.tokens = append(p.tokens, conditionToken{text[i:end], i})
			i = end
		}
	}
	if len(p.tokens) == 0 {
		return nil, &conditionError{0, "the condition is empty", ""}
	}
	e, err := p.or()
	if err == nil && len(p.tokens) > 0 {
		t := p.tokens[0]
		if t.text == "|" {
			return nil, &conditionError{t.at, "aggregations in a condition belong to Sigma 1 and are no longer supported", aggregationHint(p.tokens)}
		}
		return nil, &conditionError{t.at, "expected and, or, or the end, found " + t.text, ""}
	}
	return e, err
}

// aggregationHint names the correlation that replaces an aggregation.
func aggregationHint(tokens []conditionToken) string {
	kind := "event_count"
	for _, t := range tokens {
		switch word := strings.ToLower(t.text); {
		case word == "near":
			kind = "temporal"
		case word == "sum":
			kind = "value_sum"
		case word == "avg":
			kind = "value_avg"
		case word == "count":
			kind = "event_count, or value_count when it counts the values of a field"
		}
	}
	return "write a correlation rule of type " + kind
}

func (p *conditionParser) peek() string {
	if len(p.tokens) == 0 {
		return ""
	}
	return strings.ToLower(p.tokens[0].text)
}

func (p *conditionParser) next() conditionToken {
	if len(p.tokens) == 0 {
		return conditionToken{"", len(p.text)}
	}
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	return t
}

func (p *conditionParser) or() (expr, *conditionError) {
	return p.chain("or", p.and, func(list []expr) expr { return or(list) })
}

func (p *conditionParser) and() (expr, *conditionError) {
	return p.chain("and", p.unary, func(list []expr) expr { return and(list) })
}

func (p *conditionParser) chain(word string, part func() (expr, *conditionError), joined func([]expr) expr) (expr, *conditionError) {
	first, err := part()
	if err != nil {
		return nil, err
	}
	list := []expr{first}
	for p.peek() == word {
		p.next()
		e, err := part()
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	if len(list) == 1 {
		return first, nil
	}
	return joined(list), nil
}

func (p *conditionParser) unary() (expr, *conditionError) {
	if p.depth++; p.depth > maxNesting {
		return nil, &conditionError{p.next().at, "the condition nests deeper than 200 levels", ""}
	}
	defer func() { p.depth-- }()
	t := p.next()
	switch strings.ToLower(t.text) {
	case "":
		return nil, &conditionError{t.at, "the condition ends where a " + p.noun + " is expected", ""}
	case "not":
		e, err := p.unary()
		return not{e}, err
	case "(":
		e, err := p.or()
		if err != nil {
			return nil, err
		}
		if end := p.next(); end.text != ")" {
			return nil, &conditionError{end.at, "expected a closing parenthesis", ""}
		}
		return e, nil
	case ")", "|", "and", "or":
		return nil, &conditionError{t.at, "expected a " + p.noun + ", found " + t.text, ""}
	case "1", "any", "all":
		if p.peek() == "of" {
			p.next()
			return p.some(t, strings.EqualFold(t.text, "all"))
		}
	}
	if p.peek() == "of" {
		return nil, &conditionError{t.at, "cannot count with " + quoteName(t.text), "write 1 of, any of or all of"}
	}
	for i, n := range p.names {
		if n == t.text {
			return ref(i), nil
		}
	}
	return nil, &conditionError{t.at, "there is no " + p.noun + " " + quoteName(t.text), diag.DidYouMean(t.text, p.names)}
}

// some reads what stands behind 1 of or all of.
func (p *conditionParser) some(first conditionToken, all bool) (expr, *conditionError) {
	t := p.next()
	if t.text == "" || t.text == "(" || t.text == ")" {
		return nil, &conditionError{t.at, "expected them, or a pattern such as selection*, after of", ""}
	}
	e := some{all: all, text: first.text + " of " + t.text}
	pat := parsePattern(t.text)
	for i, n := range p.names {
		if strings.EqualFold(t.text, "them") && !strings.HasPrefix(n, "_") || !strings.EqualFold(t.text, "them") && pat.matchText(n) {
			e.of = append(e.of, i)
		}
	}
	if len(e.of) == 0 {
		return nil, &conditionError{first.at, "no " + p.noun + " matches " + quoteName(t.text), diag.Suggest(t.text, p.names, p.noun+"s")}
	}
	return e, nil
}

func quoteName(s string) string { return `"` + s + `"` }
