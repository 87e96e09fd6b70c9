package cmd

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Transaction groups events that belong together into one row.
type Transaction struct {
	Fields             []string
	MaxSpan, MaxPause  float64 // seconds, negative = no bound
	MaxEvents          int     // of one transaction, 0 = no bound
	MaxOpen            int     // transactions that may be open at a time
	MaxOpenEvents      int     // their events
	Starts, Ends       Marker
	Connected, Unify   bool
	Orphans, Evicted   bool
	List               bool     // every value in order, instead of the different ones
	ListOf             []string // the same for these fields only
	ListRaw            bool
	Delim, Null        string
	spanText, pauseTxt string

	Type string // a stanza of transactiontypes.conf that the options come from, too
	own  string // the options as they are written, where there is a Type
}

// Marker identifies the events that begin or end a transaction, by a search or an
// expression; it has neither if there is no such condition.
type Marker struct {
	Search filter.Expr
	Expr   syntax.Expr
}

func (m Marker) set() bool { return m.Search != nil || m.Expr != nil }

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "transaction", Kind: syntax.KindSerial,
		Summary: "Group related events into one row each.",
		Syntax:  "transaction [<field-list>] [maxspan=<span>] [maxpause=<span>] [maxevents=<n>] [startswith=<condition>] [endswith=<condition>] [<option> …]",
		Doc: "Events belong together when they share a value of one of the fields and no field contradicts; without fields, all\n" +
			"events do. A condition is a search in quotes or parentheses, or `eval(<expression>)`. The rows must come newest first,\n" +
			"as searches return them. A transaction gets the time of its first event, all distinct values of the other fields, and\n" +
			"`duration`, `eventcount`, `closed_txn`, `field_match_sum` and `linecount`. A transaction without the event that\n" +
			"`startswith` or `endswith` requires is dropped, unless `keepevicted=true`. Events with none of the fields are left\n" +
			"out, unless `keeporphans=true`.",
		Args: []syntax.Arg{
			{Name: "maxspan", Default: "-1", Doc: "Maximum time from the first event to the last; -1 means no limit."},
			{Name: "maxpause", Default: "-1", Doc: "Maximum time between one event and the next; -1 means no limit."},
			{Name: "maxevents", Default: "1000", Doc: "Maximum number of events; -1 means no limit."},
			{Name: "startswith", Doc: "Condition that the first event matches."},
			{Name: "endswith", Doc: "Condition that the last event matches."},
			{Name: "connected", Default: "true", Doc: "Whether an event must share a value with the transaction that it joins; otherwise it only must not contradict it."},
			{Name: "unifyends", Default: "the value of connected", Doc: "Whether events that match startswith or endswith must have one of the fields."},
			{Name: "keeporphans", Default: "false", Doc: "Keep events that are in no transaction, with `_txn_orphan=1`."},
			{Name: "keepevicted", Default: "false", Doc: "Keep incomplete transactions; they have `closed_txn=0`."},
			{Name: "name", Doc: "A stanza of transactiontypes.conf in the knowledge folder whose settings are used as options; options given here take precedence."},
			{Name: "fields", Doc: "The fields as a list; the same as writing them without fields=."},
			{Name: "mvlist", Default: "false", Doc: "Return all values in event order, with nullstr for missing ones; or the fields to return that way."},
			{Name: "delim", Default: "a space", Doc: "The separator for values of a field shown as one text."},
			{Name: "nullstr", Default: "NULL", Doc: "The text for missing values in lists."},
			{Name: "mvraw", Default: "false", Doc: "Return `_raw` as several values instead of one value with several lines."},
			{Name: "maxopentxn", Default: "5000", Doc: "Maximum number of open transactions; the one that has waited longest is closed first."},
			{Name: "maxopenevents", Default: "100000", Doc: "Maximum number of events in open transactions."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="_time,user,a
30,ana,logout
20,bo,login
10,ana,login" | transaction user maxspan=1m | table user a duration eventcount`,
			Want: []string{`{"user":"bo","a":"login","duration":"0","eventcount":"1"}`, `{"user":"ana","a":["login","logout"],"duration":"20","eventcount":"2"}`},
		}, {
			Search: `| makeresults format=csv data="_time,a
30,stop
20,work
10,start" | transaction startswith=(a=start) endswith=eval(a="stop") | table a eventcount closed_txn`,
			Want: []string{`{"a":["start","stop","work"],"eventcount":"3","closed_txn":"1"}`},
		}},
		Parse: parseTransaction,
	})
}

func parseTransaction(p *syntax.Parser) (syntax.Command, error) {
	c := &Transaction{MaxSpan: -1, MaxPause: -1, MaxEvents: 1000, MaxOpen: 5000, MaxOpenEvents: 100_000, Connected: true, Delim: " ", Null: "NULL"}
	unify := false
	start := p.Pos()
	for !p.AtEnd() {
		tok := p.Peek()
		if tok.IsWord("startswith") || tok.IsWord("endswith") {
			m, err := parseMarker(p)
			if err != nil {
				return nil, err
			}
			if tok.IsWord("startswith") {
				c.Starts = m
			} else {
				c.Ends = m
			}
			continue
		}
		o, ok, err := p.Option()
		if err != nil {
			return nil, err
		}
		if !ok {
			quoted := p.Peek().Kind == syntax.Quoted
			f, err := p.Field()
			if err != nil {
				return nil, err
			}
			if strings.EqualFold(f, "maxspan") || strings.EqualFold(f, "maxpause") {
				return nil, diag.At(tok.Span, "%s is not a field here", f).WithHint("write %s=5m", f)
			}
			if quoted && strings.Contains(f, ",") {
				c.Fields = append(c.Fields, fieldList(f)...)
			} else {
				c.Fields = append(c.Fields, f)
			}
			p.Accept(",")
			continue
		}
		unify = unify || o.Name == "unifyends"
		if err := c.option(o); err != nil {
			return nil, err
		}
		if o.Name == "mvlist" || o.Name == "fields" {
			list := &c.Fields
			if o.Name == "mvlist" {
				list = &c.ListOf
				if p.Peek().Is(",") { // a field may be called n
					c.List, c.ListOf = false, fieldList(o.Value.Text)
				}
			}
			for p.Accept(",") {
				f, err := p.Field()
				if err != nil {
					return nil, err
				}
				*list = append(*list, f)
			}
		}
	}
	if !unify {
		c.Unify = c.Connected
	}
	if c.Type != "" {
		c.own = strings.TrimSpace(p.Text(diag.Span{Start: start, End: p.Pos()}))
	}
	return c, nil
}

var transactionOptions = strings.Fields("name fields maxspan maxpause maxevents startswith endswith connected unifyends keeporphans keepevicted mvlist delim nullstr mvraw maxopentxn maxopenevents")

// fieldList parses several field names in a single string.
func fieldList(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

func (c *Transaction) option(o syntax.Option) (err error) {
	switch o.Name {
	case "maxspan":
		c.MaxSpan, c.spanText, err = boundedTime(o)
	case "maxpause":
		c.MaxPause, c.pauseTxt, err = boundedTime(o)
	case "maxevents":
		if c.MaxEvents, err = o.Int(-1); c.MaxEvents < 0 {
			c.MaxEvents = 0
		}
	case "maxopentxn":
		c.MaxOpen, err = o.Int(1)
	case "maxopenevents":
		c.MaxOpenEvents, err = o.Int(1)
	case "connected":
		c.Connected, err = o.Bool()
	case "unifyends":
		c.Unify, err = o.Bool()
	case "keeporphans":
		c.Orphans, err = o.Bool()
	case "keepevicted":
		c.Evicted, err = o.Bool()
	case "mvraw":
		c.ListRaw, err = o.Bool()
	case "delim":
		c.Delim = o.Value.Text
	case "nullstr":
		c.Null = o.Value.Text
	case "mvlist":
		if c.List, err = o.Bool(); err != nil {
			err = nil
			c.ListOf = fieldList(o.Value.Text)
		}
	case "fields":
		c.Fields = append(c.Fields, fieldList(o.Value.Text)...)
	case "name":
		c.Type = o.Value.Text
	default:
		return o.Unknown(transactionOptions...)
	}
	return err
}

// boundedTime parses a duration in seconds; -1 means no limit.
func boundedTime(o syntax.Option) (seconds float64, text string, err error) {
	if strings.HasPrefix(o.Value.Text, "-1") {
		return -1, "", nil
	}
	s, err := op.ParsePause(o)
	if err != nil {
		return 0, "", err
	}
	if s.Unit == "log" {
		return 0, "", diag.At(o.Value.Span, "%s needs a duration such as 5m", o.Name)
	}
	return s.Seconds(), s.Text, nil
}

// parseMarker reads startswith= or endswith= and its condition.
func parseMarker(p *syntax.Parser) (m Marker, err error) {
	name, err := p.Take()
	if err != nil {
		return m, err
	}
	if err := p.Expect("="); err != nil {
		return m, err
	}
	switch tok := p.Peek(); {
	case tok.IsWord("eval"):
		p.Take()
		if err := p.Expect("("); err != nil {
			return m, err
		}
		if m.Expr, err = p.Expr(); err != nil {
			return m, err
		}
		return m, p.Expect(")")
	case tok.Kind == syntax.Quoted:
		p.Take()
		if m.Search, err = syntax.ParseSearchExpr(tok.Text); err != nil {
			return m, diag.At(tok.Span, "%s is not a valid search: %s", name.Text, err).WithHint(`use a form such as %s="login" or %s=(eventName=ConsoleLogin)`, name.Text, name.Text)
		}
		return m, nil
	case tok.Kind == syntax.Word || tok.Is("("):
		m.Search, err = p.SearchOperand()
		return m, err
	}
	tok, err := p.Take()
	if err != nil {
		return m, err
	}
	return m, p.Unexpected(tok, "a search in quotes or parentheses, or eval(…)")
}

func (m Marker) print(name string) string {
	switch {
	case m.Expr != nil:
		return " " + name + "=eval(" + syntax.PrintExpr(m.Expr) + ")"
	case m.Search != nil:
		return " " + name + "=(" + filter.Print(m.Search) + ")"
	}
	return ""
}

func (m Marker) fields() []string {
	switch {
	case m.Expr != nil:
		return expr.ExprFields(m.Expr)
	case m.Search != nil:
		return filter.FieldsOf(m.Search)
	}
	return nil
}

// Print implements syntax.Command.
func (c *Transaction) Print() string {
	if c.Type != "" {
		return "transaction " + c.own
	}
	var b strings.Builder
	b.WriteString("transaction")
	if len(c.Fields) > 0 {
		b.WriteString(" " + syntax.PrintFields(c.Fields))
	}
	text := func(name, value, usual string) {
		if value != usual {
			b.WriteString(" " + name + "=" + syntax.PrintOption(value))
		}
	}
	text("maxspan", c.spanText, "")
	text("maxpause", c.pauseTxt, "")
	events := strconv.Itoa(c.MaxEvents)
	if c.MaxEvents == 0 {
		events = "-1"
	}
	text("maxevents", events, "1000")
	b.WriteString(c.Starts.print("startswith") + c.Ends.print("endswith"))
	text("connected", strconv.FormatBool(c.Connected), "true")
	text("unifyends", strconv.FormatBool(c.Unify), strconv.FormatBool(c.Connected))
	text("keeporphans", strconv.FormatBool(c.Orphans), "false")
	text("keepevicted", strconv.FormatBool(c.Evicted), "false")
	text("mvlist", strconv.FormatBool(c.List), "false")
	text("mvlist", strings.Join(c.ListOf, ","), "")
	text("delim", c.Delim, " ")
	text("nullstr", c.Null, "NULL")
	text("mvraw", strconv.FormatBool(c.ListRaw), "false")
	text("maxopentxn", strconv.Itoa(c.MaxOpen), "5000")
	text("maxopenevents", strconv.Itoa(c.MaxOpenEvents), "100000")
	return b.String()
}

// transactionFields are the fields that transactions add to those of their events.
var transactionFields = []string{"duration", "eventcount", "closed_txn", "field_match_sum", "linecount"}

// Needs implements syntax.Command.
func (c *Transaction) Needs(out filter.FieldSet) filter.FieldSet {
	if c.Type != "" { // which fields it names is not known yet
		return out.Union(filter.AllFields())
	}
	return out.Without(transactionFields...).Add(slices.Concat(c.Fields, c.Starts.fields(), c.Ends.fields(), []string{"_time"})...)
}

// lists reports whether a field lists every value, including duplicates.
func (c *Transaction) lists(field string) bool {
	return field != "_raw" && (c.List || slices.Contains(c.ListOf, field)) || field == "_raw" && c.ListRaw
}

// Open implements exec.Serial.
func (c *Transaction) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	t := &transactions{c: c, env: env, held: env.Memory.Hold(), in: in, index: map[tie]*txn{}, out: vector.NewBuilder(), made: op.NewSorted(env, txnOrder(), 0, 8)}
	var err error
	if t.starts, err = c.Starts.test(env); err != nil {
		return nil, err
	}
	t.ends, err = c.Ends.test(env)
	return t, err
}

// test compiles the marker into a row filter, nil without a condition.
func (m Marker) test(env *exec.Env) (func(*vector.Batch) []int32, error) {
	switch {
	case m.Expr != nil:
		p, err := expr.CompileTest(m.Expr, env)
		if err != nil {
			return nil, err
		}
		return p.Select, nil
	case m.Search != nil:
		s, err := filter.NewMatcher(m.Search, env.Now)
		if err != nil {
			return nil, err
		}
		return s.Select, nil
	}
	return nil, nil
}
