// Package ruletest runs the tests that rules bring along.
package ruletest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/detect/engine"
	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/judge"
	"bluetrail/internal/detect/match"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/sigma"
	"bluetrail/internal/event"
	"bluetrail/internal/identity"

	"github.com/klauspost/compress/gzip"
)

// Result is what became of one test.
type Result struct {
	Name string
	Line int  // of the test in the rule's file
	Want bool // the rule must fire
	Got  bool // it fired
	Err  error
}

// Passed reports whether the test ran and found what it wants.
func (r *Result) Passed() bool { return r.Err == nil && r.Got == r.Want }

// Bounds of the events of one test.
const (
	maxEvents = 100_000
	maxBytes  = 64 << 20
)

// Run runs the tests of the rule at a position; nil if it has none. files holds the
// files of events that tests name, relative to the rule's folder; it may be nil.
//
// Events without an eventTime follow the one before by a second, or as the test says,
// and events without an eventID get one.
func Run(ctx context.Context, rs *ruleset.Ruleset, position int, files fs.FS) []Result {
	rule := &rs.Rules[position]
	if len(rule.Tests) == 0 {
		return nil
	}
	useListed()
	alone := without(rs, position)
	test := func(records [][]byte) (bool, error) { return fires(ctx, alone, position, records) }
	if s := rule.Search; s != nil && !s.Stateless() {
		test = func(records [][]byte) (bool, error) { return searchFires(ctx, rs, s, records) }
	}
	out := make([]Result, len(rule.Tests))
	for i := range rule.Tests {
		t := &rule.Tests[i]
		out[i] = Result{Name: t.Name, Line: t.Line, Want: t.Fire}
		if ctx.Err() != nil {
			out[i].Err = ctx.Err()
			continue
		}
		records, err := records(ctx, t, files)
		if err == nil {
			out[i].Got, err = test(records)
		}
		out[i].Err = err
	}
	return out
}

// without returns the rules with all other searches off. The rule under test runs even
// if its status switches it off.
func without(rs *ruleset.Ruleset, position int) *ruleset.Ruleset {
	out := *rs
	out.Rules = slices.Clone(rs.Rules)
	for i := range out.Rules {
		if out.Rules[i].Search != nil {
			out.Rules[i].Off = "another rule is tested"
		}
	}
	out.Rules[position].Off = ""
	return &out
}

// fires reports whether the rule raises a finding of its own on the records.
func fires(ctx context.Context, rs *ruleset.Ruleset, position int, records [][]byte) (fired bool, err error) {
	trail := identity.NewTrail(identity.DefaultLimit)
	scanner, err := engine.NewScanner(ctx, rs, nil, trail)
	if err != nil {
		return false, err
	}
	var matches []*match.Match
	for _, raw := range records {
		id := event.Identify(raw)
		m, err := scanner.Scan(&engine.Record{
			Raw: raw, Meta: &event.Meta{Index: event.DefaultIndex, Sourcetype: event.CloudTrail}, Time: id.Time, ID: id.ID, Given: id.Given, Partial: true,
		})
		if err != nil {
			return false, err
		}
		if m == nil {
			continue
		}
		kept := &match.Match{}
		if err := kept.Decode(m.Append(nil)); err != nil {
			return false, err
		}
		matches = append(matches, kept)
	}
	slices.SortFunc(matches, match.Compare)
	rules := engine.Rules(rs)
	rules[position].Silent = false // a rule that serves correlations is tested by itself
	j, faults := judge.New(judge.Options{
		Rules: rules, Wanted: rs.Wanted, Resolve: engine.FinalResolver(trail),
		Found: func(f *finding.Finding) error {
			fired = fired || f.RuleID == rs.Rules[position].ID
			return nil
		},
	})
	for _, f := range faults {
		if int(f.Rule) == position {
			return false, f.Err
		}
	}
	for _, m := range matches {
		if err := j.Feed(ctx, m); err != nil {
			return false, err
		}
	}
	return fired, j.Finish()
}

// records returns the events of a test, complete.
func records(ctx context.Context, t *sigma.Test, files fs.FS) (out [][]byte, err error) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	size := 0
	add := func(raw []byte, after time.Duration) error {
		if len(out) == maxEvents {
			return fmt.Errorf("the test has more than %d events", maxEvents)
		}
		if size += len(raw); size > maxBytes {
			return fmt.Errorf("the events of the test exceed %d MiB", maxBytes>>20)
		}
		if len(out) > 0 {
			at = at.Add(after)
		}
		var given string
		if _, ok := event.TimeOf(raw); !ok {
			given = fmt.Sprintf(`"eventTime":%q,`, at.Format(time.RFC3339Nano))
		}
		if _, ok := event.ID(raw); !ok {
			given += fmt.Sprintf(`"eventID":"00000000-0000-4000-8000-%012d",`, len(out)+1)
		}
		raw = complete(raw, given)
		if ns, ok := event.TimeOf(raw); ok {
			at = time.Unix(0, ns).UTC()
		}
		out = append(out, raw)
		return nil
	}
	asIs := func(raw []byte) error { return add(raw, time.Second) }
	for i := range t.Events {
		switch e := &t.Events[i]; {
		case e.Example != nil:
			err = e.Example.Each(add)
		case e.File == "":
			err = asIs(e.Record)
		default:
			err = fromFile(ctx, files, e.File, asIs)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// complete puts members before those of an object. As the first ones they count,
// should the record have the same keys with useless values.
func complete(raw []byte, members string) []byte {
	text := strings.TrimSpace(string(raw))
	if members == "" || !strings.HasPrefix(text, "{") {
		return []byte(text)
	}
	rest := strings.TrimSpace(text[1:])
	if strings.HasPrefix(rest, "}") {
		members = strings.TrimSuffix(members, ",")
	}
	return []byte("{" + members + rest)
}

func fromFile(ctx context.Context, files fs.FS, name string, add func(raw []byte) error) error {
	if files == nil {
		return fmt.Errorf("cannot open %q: the rule has no folder", name)
	}
	if name = path.Clean(name); !fs.ValidPath(name) {
		return fmt.Errorf("cannot open events %q: the file must lie in the folder of the rule", name)
	}
	f, err := files.Open(name)
	if err != nil {
		var at *fs.PathError
		if errors.As(err, &at) {
			err = at.Err
		}
		return fmt.Errorf("cannot open events %q: %w", name, err)
	}
	defer f.Close()
	in := bufio.NewReader(f)
	var text io.Reader = in
	if head, _ := in.Peek(2); string(head) == "\x1f\x8b" {
		if text, err = gzip.NewReader(in); err != nil {
			return fmt.Errorf("cannot unpack %q: %w", name, err)
		}
	}
	d := event.NewDecoder(text, event.Limits{})
	for n := 0; ; n++ {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		rec, err := d.Next()
		if err == io.EOF {
			if n == 0 {
				return fmt.Errorf("there are no events in %q", name)
			}
			return nil
		}
		if err == nil {
			err = add(rec.Raw)
		}
		if err != nil {
			return fmt.Errorf("in %q: %w", name, err)
		}
	}
}
