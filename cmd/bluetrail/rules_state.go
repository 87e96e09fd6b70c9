package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/detect/judge"
	"bluetrail/internal/detect/judge/seen"
	"bluetrail/internal/detect/live"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/result"
	"bluetrail/internal/state"
	"bluetrail/internal/vector"
)

type rulesStateCmd struct {
	Rule string `arg:"" optional:"" help:"The id, name or title of a first_seen rule: list what it remembers (default: what all rules know, in short)."`
	person
	Forget []string `help:"Forget a tuple, so that it is new again; repeatable. Without values ([[\"alice\"],[]]) the scope learns anew." placeholder:"TUPLE" sep:"none"`
	Add    []string `help:"Remember a tuple as seen now; repeatable." placeholder:"TUPLE" sep:"none"`
	Data   string   `help:"Data directory (default: from the configuration)." placeholder:"DIR" env:"BLUETRAIL_DATA"`
	Output string   `short:"o" help:"Output format: table, json or csv." enum:"table,json,csv" default:"table"`
}

func (c *rulesStateCmd) home(a *app) string { return a.dataDir(c.Data) }

func (c *rulesStateCmd) pages() bool { return c.Output == "table" && len(c.Forget)+len(c.Add) == 0 }

// Help implements kong.HelpProvider.
func (*rulesStateCmd) Help() string {
	return "A TUPLE is JSON: the values of the rule's group-by and those of its fields, as in [[\"alice\"],[\"eu-west-1\"]].\n\n" + examples(
		"bluetrail rules state",
		"bluetrail rules state new_region",
		`bluetrail rules state new_region --add '[["arn:aws:iam::111122223333:user/alice"],["eu-west-1"]]'`,
		`bluetrail rules state new_region --forget '[["arn:aws:iam::111122223333:user/alice"],["eu-west-1"]]'`,
	)
}

func (c *rulesStateCmd) Run(a *app) error {
	dir := a.dataDir(c.Data)
	db, release, err := a.findings(dir)
	if err != nil {
		return err
	}
	defer release()
	rs := &ruleset.Ruleset{}
	follow, err := a.followRules(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	if follow != nil {
		rs = follow.Rules()
	}
	if len(c.Forget)+len(c.Add) > 0 {
		return c.correct(a, db, rs)
	}
	out := bufio.NewWriterSize(a.out, 64<<10)
	if c.Rule == "" {
		err = c.overview(a, out, db, rs)
	} else {
		err = c.list(a, out, db, c.names(rs))
	}
	if err == nil {
		err = out.Flush()
	}
	return err
}

// names returns the id under which the rule remembers, and that of the parts of a
// correlation with first_seen rules: they have its id, a slash and their own.
func (c *rulesStateCmd) names(rs *ruleset.Ruleset) func(name string) bool {
	id := c.Rule
	if at := rs.Find(c.Rule); at >= 0 {
		id = rs.Rules[at].ID
	}
	return func(name string) bool { return name == id || strings.HasPrefix(name, id+"/") }
}

// knownRule is what a rule knows, in short.
type knownRule struct {
	ID      string     `json:"id"`
	Title   string     `json:"title"`
	Units   int64      `json:"units"`
	Waiting int64      `json:"waiting"`
	Scopes  int64      `json:"scopes"`
	Tuples  int64      `json:"tuples"`
	First   *time.Time `json:"first"`
	Last    *time.Time `json:"last"`
}

// overview writes a row for each rule that knows something.
func (c *rulesStateCmd) overview(a *app, out *bufio.Writer, db *state.DB, rs *ruleset.Ruleset) error {
	all := map[string]*knownRule{}
	of := func(id string) *knownRule {
		k := all[id]
		if k == nil {
			k = &knownRule{ID: id}
			if at := rs.Find(id); at >= 0 {
				k.Title = rs.Rules[at].Title
			}
			all[id] = k
		}
		return k
	}
	units := map[string]bool{}
	ofUnit := func(unit []byte) *knownRule {
		k := of(judge.RuleOf(unit))
		if !units[string(unit)] {
			units[string(unit)] = true
			k.Units++
		}
		return k
	}
	err := db.UnitNames(func(unit []byte) error {
		ofUnit(unit)
		return a.ctx.Err()
	})
	if err != nil {
		return err
	}
	err = db.Waiting(func(x *state.Waiting) error {
		if err := judge.EachWaiting(x.Body, func(unit []byte) { ofUnit(unit).Waiting++ }); err != nil {
			return fmt.Errorf("cannot read waiting matches: %w", err)
		}
		return a.ctx.Err()
	})
	if err != nil {
		return err
	}
	err = db.Seen(func(x *state.Seen) error {
		k := of(x.Rule)
		first, last := time.Unix(x.First, 0).UTC(), time.Unix(x.Last, 0).UTC()
		if strings.HasSuffix(x.Tuple, ",[]]") {
			k.Scopes++
		} else {
			k.Tuples++
		}
		if k.First == nil || first.Before(*k.First) {
			k.First = &first
		}
		if k.Last == nil || last.After(*k.Last) {
			k.Last = &last
		}
		return a.ctx.Err()
	})
	if err != nil {
		return err
	}
	var list []*knownRule
	for _, k := range all {
		list = append(list, k)
	}
	slices.SortFunc(list, func(x, y *knownRule) int {
		return cmp.Or(cmp.Compare(y.Tuples+y.Units, x.Tuples+x.Units), cmp.Compare(x.ID, y.ID))
	})
	if c.Output == "json" {
		for _, k := range list {
			body, err := json.Marshal(k)
			if err == nil {
				err = writeJSON(out, body)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	columns := []string{"id", "title", "units", "waiting", "scopes", "tuples", "first", "last"}
	rows := make([][]string, len(list))
	for i, k := range list {
		n := func(x int64) string { return strconv.FormatInt(x, 10) }
		rows[i] = []string{k.ID, k.Title, n(k.Units), n(k.Waiting), n(k.Scopes), n(k.Tuples), c.when(a, k.First), c.when(a, k.Last)}
	}
	if err := a.textRows(out, c.options(a), columns, rows); err != nil {
		return err
	}
	a.note("%s", count(len(list), "rule"))
	return nil
}

func (c *rulesStateCmd) options(a *app) result.Options {
	return result.Options{Format: c.Output, Width: a.outTerm.Width, Zone: a.zone(), Terminal: a.outTerm.TTY, Colour: a.outTerm.Colour, Cancelled: a.ctx.Err}
}

func (c *rulesStateCmd) when(a *app, t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.In(a.zone()).Format(time.RFC3339)
}

// rememberedTuple is a tuple as rules state -o json has it.
type rememberedTuple struct {
	Rule   string          `json:"rule"`
	Scope  []string        `json:"scope"`
	Values []string        `json:"values"` // none = the scope itself
	First  time.Time       `json:"first"`
	Last   time.Time       `json:"last"`
	Tuple  json.RawMessage `json:"tuple"`
}

// list writes what some rules remember.
func (c *rulesStateCmd) list(a *app, out *bufio.Writer, db *state.DB, wanted func(name string) bool) error {
	w, err := result.New(out, c.options(a))
	if err != nil {
		return err
	}
	n := 0
	err = db.Seen(func(x *state.Seen) error {
		if !wanted(x.Rule) {
			return a.ctx.Err()
		}
		n++
		r := seen.Row{Rule: x.Rule}
		if err := r.ParseTuple(x.Tuple); err != nil {
			return fmt.Errorf("what rule %q remembers is damaged: %w", x.Rule, err)
		}
		first, last := time.Unix(x.First, 0).UTC(), time.Unix(x.Last, 0).UTC()
		if c.Output == "json" {
			body, err := json.Marshal(rememberedTuple{x.Rule, append([]string{}, r.Scope...), append([]string{}, r.Values...), first, last, json.RawMessage(x.Tuple)})
			if err != nil {
				return err
			}
			return writeJSON(out, body)
		}
		b := vector.NewBuilder("rule", "scope", "values", "first", "last", "tuple")
		b.Add()
		for i, text := range []string{x.Rule, strings.Join(r.Scope, ", "), strings.Join(r.Values, ", "), c.when(a, &first), c.when(a, &last), x.Tuple} {
			b.SetAt(i, vector.String(text))
		}
		return w.Write(b.Batch())
	})
	if err != nil {
		return err
	}
	if c.Output != "json" {
		notes, err := w.Close()
		if err != nil {
			return err
		}
		for _, note := range notes {
			a.note("%s", note)
		}
	}
	if n == 0 {
		a.note("no rule of that id, name or title remembers anything; bluetrail rules state lists those that do")
		return nil
	}
	a.note("%s", count(n, "row"))
	return nil
}

// tuples reads tuples of the rule.
func (c *rulesStateCmd) tuples(rs *ruleset.Ruleset, texts []string) ([]seen.Row, error) {
	if c.Rule == "" {
		return nil, usage("--add and --forget need a rule")
	}
	name := c.Rule
	at := rs.Find(c.Rule)
	if at >= 0 {
		name = rs.Rules[at].ID
	}
	for id := range (&seen.Row{Rule: name}).IDs() { // a part of a correlation
		if at < 0 {
			at = rs.Find(id)
		}
	}
	if at < 0 {
		return nil, usage("there is no rule %q in the configuration; bluetrail rules list lists the rules", c.Rule)
	}
	r := &rs.Rules[at]
	if r.Kind != rule.FirstSeen {
		return nil, usage("the rule %q remembers nothing: it is not of type first_seen", c.Rule)
	}
	rows := make([]seen.Row, len(texts))
	for i, text := range texts {
		x := seen.Row{Rule: name}
		d := json.NewDecoder(strings.NewReader(text))
		var lists [][]string
		if err := d.Decode(&lists); err != nil || len(lists) != 2 || d.InputOffset() != int64(len(strings.TrimRight(text, " \n"))) {
			return nil, usage(`%q is not a tuple; write it as JSON: [["alice"],["eu-west-1"]]`, text)
		}
		x.Scope, x.Values = lists[0], lists[1]
		if n := len(r.Correlation.GroupBy); len(x.Scope) != n {
			return nil, usage("the tuple %s has %s for the group-by of the rule, which has %s: %s", text, count(len(x.Scope), "value"), count(n, "field"), strings.Join(r.Correlation.GroupBy, ", "))
		}
		if n := len(r.Correlation.FirstSeen.Fields); len(x.Values) != n && len(x.Values) > 0 {
			return nil, usage("the tuple %s has %s for the fields of the rule, which are %d: %s", text, count(len(x.Values), "value"), n, strings.Join(r.Correlation.FirstSeen.Fields, ", "))
		}
		rows[i] = x
	}
	return rows, nil
}

// correct changes what the rule remembers.
func (c *rulesStateCmd) correct(a *app, db *state.DB, rs *ruleset.Ruleset) error {
	forget, err := c.tuples(rs, c.Forget)
	if err != nil {
		return err
	}
	add, err := c.tuples(rs, c.Add)
	if err != nil {
		return err
	}
	if db.Copied() {
		return fmt.Errorf("cannot correct what rules remember: the data directory %q is read-only", a.dataDir(c.Data))
	}
	forgetRows, addRows := func(rows []seen.Row) (int, error) { return live.Forget(db, rows) }, func(rows []seen.Row, at time.Time) error { return live.Remember(db, rows, at) }
	if a.rules != nil {
		forgetRows, addRows = a.rules.Forget, a.rules.Remember
	}
	if len(forget) > 0 {
		n, err := forgetRows(forget)
		if err != nil {
			return fmt.Errorf("cannot forget: %w", err)
		}
		if err := c.audited(db, "forgotten", c.Forget); err != nil {
			return err
		}
		a.note("%s forgotten", count(n, "tuple"))
		if n < len(forget) {
			a.warn("%s not remembered before", count(len(forget)-n, "tuple"))
		}
	}
	if len(add) > 0 {
		if err := addRows(add, time.Now()); err != nil {
			return fmt.Errorf("cannot remember: %w", err)
		}
		if err := c.audited(db, "remembered", c.Add); err != nil {
			return err
		}
		a.note("%s remembered", count(len(add), "tuple"))
	}
	return nil
}

// audited records who corrected what the rule remembers.
func (c *rulesStateCmd) audited(db *state.DB, action string, tuples []string) error {
	return db.Write(func(tx *state.Tx) error {
		return tx.Audit(state.Action{Who: c.As, Action: action, Kind: "rule", Object: c.Rule, Text: strings.Join(tuples, " ")})
	})
}
