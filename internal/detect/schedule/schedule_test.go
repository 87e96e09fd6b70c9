package schedule

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/splrule"
	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/search"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/state"
	"bluetrail/internal/store"
	"bluetrail/internal/store/memory"
	"bluetrail/internal/vector"

	"github.com/VictoriaMetrics/metrics"
)

// slow is a store whose scans take their time and may fail.
type slow struct {
	store.Store
	takes func(q *store.Query) (time.Duration, error)

	mu       sync.Mutex
	now, top int // scans under way, and the most of them
	log      []string
}

type slowScan struct {
	store.Scan
	s *slow
	q *store.Query
}

func (s *slow) Prepare(q *store.Query) (store.Scan, error) {
	sc, err := s.Store.Prepare(q)
	return &slowScan{sc, s, q}, err
}

func (sc *slowScan) Run(ctx context.Context, emit func(int, *vector.Batch) error) error {
	s := sc.s
	s.mu.Lock()
	s.now++
	s.top = max(s.top, s.now)
	s.log = append(s.log, fmt.Sprintf("%s %s", time.Now().UTC().Format("15:04:05"), filter.Print(sc.q.Filter)))
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.now--
		s.mu.Unlock()
	}()
	d, err := s.takes(sc.q)
	select {
	case <-time.After(d):
	case <-ctx.Done():
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	return sc.Scan.Run(ctx, emit)
}

func rulesOf(t *testing.T, searches ...string) (rules []splrule.Rule) {
	t.Helper()
	for i, text := range searches {
		rules = append(rules, splrule.Rule{File: "f.yml", Line: 1, ID: fmt.Sprintf("r%d", i), Name: fmt.Sprintf("Rule %d", i), Kind: splrule.SPL, Search: text, Schedule: splrule.Schedule{Every: 10 * time.Minute}})
	}
	return rules
}

// setRules gives rules to a scheduler.
func setRules(t *testing.T, s *Scheduler, know splrule.Knowledge, rules ...splrule.Rule) {
	t.Helper()
	rs := &ruleset.Ruleset{}
	for i := range rules {
		if rules[i].Kind != splrule.SPL || rules[i].Disabled {
			continue
		}
		search, err := splrule.Compile(&rules[i], know)
		if err != nil {
			t.Fatal(err)
		}
		rs.Rules = append(rs.Rules, ruleset.Rule{Info: rules[i].Info(), Search: search, Print: rules[i].Search})
	}
	if err := s.SetRules(rs); err != nil {
		t.Fatal(err)
	}
}

func openState(t *testing.T, dir string) *state.DB {
	t.Helper()
	db, err := state.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// TestRun lets three rules run for a while, one of them slow: none runs twice at once,
// no more than two run at a time, and a rule whose turns were missed makes up for them.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) { // which begins at midnight
		db := openState(t, dir)
		mem := memory.New()
		for i := range 60 {
			raw := fmt.Appendf(nil, `{"eventVersion":"1.08","eventID":"00000000-0000-4000-8000-%012d","eventTime":%q,"eventName":"E%d","eventSource":"s"}`, i, time.Now().UTC().Add(time.Duration(i)*time.Minute).Format(time.RFC3339), i%3)
			if _, err := mem.Add(raw, &event.Meta{Index: "aws", Sourcetype: event.CloudTrail, IndexTime: 1}); err != nil {
				t.Fatal(err)
			}
		}
		st := &slow{Store: mem, takes: func(q *store.Query) (time.Duration, error) {
			if strings.Contains(filter.Print(q.Filter), "E0") && time.Now().Minute() == 20 {
				return 25 * time.Minute, nil
			}
			return time.Second, nil
		}}
		s := New(Config{State: db, Emit: Keep{}, AtOnce: 2, Arrived: func() (int64, error) { return 5000, nil }, Open: func([]string) (search.Options, error) { return search.Options{Store: st}, nil }})
		rules := rulesOf(t, "eventName=E0 | stats count by eventName", "eventName=E1 | stats count by eventName", "eventName=E2 | stats count by eventName")
		setRules(t, s, nil, rules...)
		set := metrics.NewSet()
		s.Measure(set)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		time.Sleep(61 * time.Minute)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if st.top != 2 {
			t.Errorf("%d scans at once", st.top)
		}
		for key, want := range map[string]string{
			"r0": "00:00 due, 00:10 due, 00:20 due, 00:30 missed, 00:40 due, 00:50 due, 01:00 due",
			"r1": "00:00 due, 00:10 due, 00:20 due, 00:30 due, 00:40 due, 00:50 due, 01:00 due",
		} {
			runs, err := db.Runs(key, 100)
			if err != nil {
				t.Fatal(err)
			}
			slices.Reverse(runs)
			var got []string
			for _, r := range runs {
				got = append(got, r.Planned.Format("15:04")+" "+r.Reason)
				if r.Status != state.RunDone || r.Findings != int(min(1, r.Rows)) || (r.Rows == 0) != (r.Planned.Minute() == 0 && r.Planned.Hour() == 0) {
					t.Errorf("%s: %+v", key, r)
				}
			}
			if text := strings.Join(got, ", "); text != want {
				t.Errorf("%s ran at %s, want %s", key, text, want)
			}
		}
		var out bytes.Buffer
		set.WritePrometheus(&out)
		for _, want := range []string{"bluetrail_scheduled_rules 3", `bluetrail_rule_runs_total{rule="r0"} 7`, `bluetrail_rule_failures_total{rule="r1"} 0`, `bluetrail_rule_findings_total{rule="r2"} 6`, `bluetrail_rule_seconds_total{rule="r0"} `, `bluetrail_rule_lag_seconds{rule="r0"} 0`} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%q is not in the metrics:\n%s", want, out.String())
			}
		}
	})
}

// TestPeopleFirst holds runs back while people search, for a minute at most.
func TestPeopleFirst(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		db := openState(t, dir)
		st := &slow{Store: memory.New(), takes: func(*store.Query) (time.Duration, error) { return 0, nil }}
		busy := time.Now().Add(20 * time.Second)
		s := New(Config{
			State: db, Emit: Keep{}, Arrived: func() (int64, error) { return 1, nil }, Open: func([]string) (search.Options, error) { return search.Options{Store: st}, nil },
			Busy: func() bool { return time.Now().Before(busy) || time.Now().Hour() > 0 },
		})
		setRules(t, s, nil, rulesOf(t, "eventName=E0 | stats count by eventName")...)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		time.Sleep(66 * time.Minute)
		cancel()
		<-done
		first, last := st.log[0], st.log[len(st.log)-1]
		if !strings.HasPrefix(first, "00:00:20 ") || !strings.HasPrefix(last, "01:01:00 ") {
			t.Errorf("the first run is %s, the last %s", first, last)
		}
	})
}

// TestDisable runs a rule that fails: it is tried with every planned time, then
// disabled, also for the next start, until its text changes. The others go on.
func TestDisable(t *testing.T) {
	db := openState(t, t.TempDir())
	now := midnight
	var alarms []string
	fails := errors.New("the disk is on fire")
	st := &slow{Store: memory.New(), takes: func(q *store.Query) (time.Duration, error) {
		if strings.Contains(filter.Print(q.Filter), "E0") {
			return 0, fails
		}
		return 0, nil
	}}
	open := func() *Scheduler {
		return New(Config{
			State: db, Emit: Keep{}, Clock: func() time.Time { return now }, Arrived: func() (int64, error) { return 1, nil },
			Open:  func([]string) (search.Options, error) { return search.Options{Store: st}, nil },
			Alarm: func(rule, reason string) { alarms = append(alarms, rule+": "+reason) },
		})
	}
	rules := rulesOf(t, "eventName=E0 | stats count by eventName", "eventName=E1 | stats count by eventName")
	s := open()
	step := func(n int) {
		t.Helper()
		for range n {
			now = now.Add(10 * time.Minute)
			for range 3 { // a failed run is not repeated before its next planned time
				if err := s.RunDue(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	ran := func(key string, status state.RunStatus) (n int) {
		runs, err := db.Runs(key, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range runs {
			if r.Status == status {
				n++
			}
		}
		return n
	}
	setRules(t, s, nil, rules...)
	step(2)
	if n := ran("r0", state.RunFailed); n != 2 || len(alarms) != 0 {
		t.Errorf("%d failures, alarms %q", n, alarms)
	}
	st.takes = func(*store.Query) (time.Duration, error) { return 0, nil }
	step(1) // it recovers, and makes up for what failed
	if n := ran("r0", state.RunDone); n != 1 {
		t.Errorf("%d runs after the rule recovered", n)
	}
	st.takes = func(q *store.Query) (time.Duration, error) {
		if strings.Contains(filter.Print(q.Filter), "E0") {
			return 0, fails
		}
		return 0, nil
	}
	step(6)
	if n := ran("r0", state.RunFailed); n != 2+mostFailures || len(alarms) != 1 || !strings.Contains(alarms[0], "on fire") {
		t.Errorf("%d failures, alarms %q", n, alarms)
	}
	if n := ran("r1", state.RunDone); n != 9 {
		t.Errorf("the other rule ran %d times", n)
	}
	s = open()
	setRules(t, s, nil, rules...)
	step(1)
	if got := s.Status()[0]; got.Disabled == "" || ran("r0", state.RunFailed) != 2+mostFailures {
		t.Errorf("the rule is back after a restart: %+v", got)
	}
	rules[0].Search = "eventName=E7 | stats count by eventName"
	setRules(t, s, nil, rules...)
	before := ran("r0", state.RunDone)
	step(1)
	if got := s.Status()[0]; got.Disabled != "" || ran("r0", state.RunDone) == before {
		t.Errorf("the changed rule does not run: %+v", got)
	}
	if list, err := db.Disabled(); len(list) != 0 || err != nil {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestBudget runs a search that needs more memory than it may: nothing of it is told.
func TestBudget(t *testing.T) {
	db := openState(t, t.TempDir())
	mem := memory.New()
	for i := range 20_000 {
		raw := fmt.Appendf(nil, `{"eventVersion":"1.08","eventTime":%q,"eventName":"E","userAgent":"%0200d"}`, midnight.Add(-time.Minute).Format(time.RFC3339), i)
		if _, err := mem.Add(raw, &event.Meta{Index: "aws", Sourcetype: event.CloudTrail}); err != nil {
			t.Fatal(err)
		}
	}
	limits := exec.DefaultLimits()
	limits.Memory = 1 << 20
	s := New(Config{
		State: db, Emit: Keep{}, Clock: func() time.Time { return midnight }, Arrived: func() (int64, error) { return 1, nil },
		Open: func([]string) (search.Options, error) { return search.Options{Store: mem, Limits: limits}, nil },
	})
	setRules(t, s, nil, rulesOf(t, "eventName=E | stats count by userAgent")...)
	if err := s.RunDue(context.Background()); err != nil {
		t.Fatal(err)
	}
	runs, err := db.Runs("r0", 10)
	if err != nil || len(runs) != 1 || runs[0].Status != state.RunFailed || !strings.Contains(runs[0].Said, "memory budget") {
		t.Errorf("%+v, %v", runs, err)
	}
	if n, err := db.CountFindings(); n != 0 || err != nil {
		t.Errorf("%d findings of a part of the rows: %v", n, err)
	}
}

// broken is an Emitter that fails when told.
type broken struct{ fails bool }

func (b *broken) Emit(ctx context.Context, t *state.Tx, run *state.Run, list []*finding.Finding, gone []string) error {
	if err := (Keep{}).Emit(ctx, t, run, list, gone); err != nil || !b.fails {
		return err
	}
	return errors.New("not now")
}

// TestEmitFails loses neither the findings nor the run.
func TestEmitFails(t *testing.T) {
	db := openState(t, t.TempDir())
	now := midnight
	mem := memory.New()
	raw := fmt.Appendf(nil, `{"eventVersion":"1.08","eventTime":%q,"eventName":"E"}`, midnight.Add(-time.Minute).Format(time.RFC3339))
	if _, err := mem.Add(raw, &event.Meta{Index: "aws", Sourcetype: event.CloudTrail, IndexTime: 0.001}); err != nil {
		t.Fatal(err)
	}
	b := &broken{fails: true}
	s := New(Config{State: db, Emit: b, Clock: func() time.Time { return now }, Arrived: func() (int64, error) { return 1, nil }, Open: func([]string) (search.Options, error) { return search.Options{Store: mem}, nil }})
	rules := rulesOf(t, "eventName=E | stats count by eventName", "eventName=E")
	setRules(t, s, nil, rules...)
	for range 2 {
		if err := s.RunDue(context.Background()); err != nil {
			t.Fatal(err)
		}
		n, err := db.CountFindings()
		runs, err2 := db.Runs("", 10)
		if want := map[bool]int64{true: 0, false: 2}[b.fails]; n != want || len(runs) != int(want) || err != nil || err2 != nil {
			t.Errorf("%d findings, %d runs: %v %v", n, len(runs), err, err2)
		}
		b.fails = false
		setRules(t, s, nil) // forgets when to try again
		setRules(t, s, nil, rules...)
	}
}

// TestSetRules takes the searches of a ruleset that are on.
func TestSetRules(t *testing.T) {
	db := openState(t, t.TempDir())
	s := New(Config{State: db, Emit: Keep{}})
	rs := &ruleset.Ruleset{Rules: []ruleset.Rule{{Info: rule.Info{ID: "event"}}}}
	rules := rulesOf(t, "eventName=A", "eventName=B | stats count")
	for i := range rules {
		search, err := splrule.Compile(&rules[i], nil)
		if err != nil {
			t.Fatal(err)
		}
		rs.Rules = append(rs.Rules, ruleset.Rule{Info: rules[i].Info(), Search: search})
	}
	rs.Rules[2].Off = "rules.off names it"
	if err := s.SetRules(rs); err != nil || len(s.Status()) != 1 || s.Status()[0].Rule.ID != "r0" {
		t.Errorf("%v, %+v", err, s.Status())
	}
	s = New(Config{State: db, Emit: Keep{}, Streaming: true})
	rs.Rules[2].Off = ""
	if err := s.SetRules(rs); err != nil || len(s.Status()) != 1 || s.Status()[0].Rule.ID != "r1" {
		t.Errorf("a search that streams is scheduled: %v, %+v", err, s.Status())
	}
}

func meta() *event.Meta {
	return &event.Meta{Index: "aws", Sourcetype: event.CloudTrail, IndexTime: 0.001}
}
