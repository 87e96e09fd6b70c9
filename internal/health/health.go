// Package health says what is not well with bluetrail itself: outputs that fail, lists
// that are empty or old, sources that went quiet, rules that are off, fail or can find
// nothing. Nothing of that may pass silently.
package health

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/coverage"
	"bluetrail/internal/detect/rule"
)

// Facts are what conditions follow from.
type Facts struct {
	Now      time.Time
	Outputs  []Output
	Lists    []List
	Sources  []Source
	Searches []Search
	Disabled []Disabled
	// Described is what AWS was asked for.
	Described []Described
	Due       int64     // findings that wait to become alerts
	DueSince  time.Time // when the first of them was written
	// Events counts the stored events by eventCategory; nil = it is not known. Records
	// of management events may lack it.
	Events map[string]int64
	Disk   Disk
	// ClockAhead is by how much the wall clock has jumped ahead; 0 = it has not.
	ClockAhead time.Duration
	Rules      []rule.Info // that run
	Unfit      []Unfit     // rules that run and test fields that no record has
	// Digests are the chains of CloudTrail's digests with problems.
	Digests []Digests
	// Coverage is which accounts and regions bring records; nil = it is not known.
	Coverage *coverage.Report
}

// Disk is the space that the data directory has.
type Disk struct {
	Dir        string // "" = unknown
	Free, Need int64  // bytes; below Need nothing is taken in
}

// Output is where alerts are sent.
type Output struct {
	Name    string
	Problem string    // "" = none
	Failing bool      // the last try failed
	Since   time.Time // when the oldest message that waits was queued; zero = none waits
}

// List is a list of addresses.
type List struct {
	Name    string
	Entries int  // 0 = nothing usable
	Stale   bool // it could not be renewed for long
	Of      time.Time
	Pending bool // a lookup that no search has written yet
}

// Source is where a server takes events from: a folder, a queue, an API.
type Source struct {
	Name    string
	Newest  time.Time     // of its files, by their time of change; zero = it never had any
	Quiet   time.Duration // without new files after which something is wrong, 0 = never
	Problem string        // why it cannot be read, "" = it can, or is not known
	Dead    int           // messages that could not be taken in
}

// Search is a scheduled rule.
type Search struct {
	Rule     string
	Failures int // in a row
	Lag      time.Duration
}

// Digests is a chain of CloudTrail's digests with problems.
type Digests struct {
	Name     string // chain and source
	Severity rule.Severity
	Text     string
}

// Unfit is a rule that tests a field that no record has.
type Unfit struct {
	Rule string
	Why  string
}

// Described is an account and region that AWS is asked about.
type Described struct {
	Name    string
	Of      time.Time // the last answer, zero = none
	Problem string    // of the last try, "" = none
	Every   time.Duration
	Pages   int
}

// Disabled is a rule that failed or cost too much.
type Disabled struct {
	Rule   string
	Since  time.Time
	Reason string
}

// Condition is something that is not well.
type Condition struct {
	Key      string // the same for the same thing
	Severity rule.Severity
	Text     string
}

// Bounds of what is put up with.
const (
	nearlyFull  = 8               // times the space that ingest needs
	patience    = 5 * time.Minute // of outputs and of findings that wait
	maxFailures = 3               // runs of a search in a row
	maxLag      = time.Hour       // of a search
)

// Kinds are the words that keys begin with.
var Kinds = []string{"output", "list", "source", "search", "rule", "alerts", "rules", "facts", "coverage", "disk", "clock", "digests"}

// Conditions returns what is not well, the worst first.
func Conditions(f *Facts) []Condition {
	var all []Condition
	add := func(severity rule.Severity, key, format string, args ...any) {
		all = append(all, Condition{key, severity, fmt.Sprintf(format, args...)})
	}
	switch d := f.Disk; {
	case d.Dir == "" || d.Free >= nearlyFull*d.Need:
	case d.Free < d.Need:
		add(rule.High, "disk", "the disk of %s is full (%d MiB free): nothing is taken in until it has %d MiB free; nothing is lost meanwhile", d.Dir, d.Free>>20, d.Need>>20)
	default:
		add(rule.Medium, "disk", "the disk of %s is nearly full (%d MiB free); below %d MiB nothing is taken in", d.Dir, d.Free>>20, d.Need>>20)
	}
	if d := f.ClockAhead; d > 0 {
		span := hours(d)
		if d >= 48*time.Hour {
			span = days(d)
		}
		add(rule.Medium, "clock", "the clock jumped ahead by %s; until it is corrected, or the server restarts, retention measures ages without the jump", span)
	}
	for _, o := range f.Outputs {
		switch {
		case o.Problem == "":
		case !o.Failing:
			add(rule.Medium, "output "+o.Name, "output %s: %s", o.Name, o.Problem)
		case !o.Since.IsZero() && f.Now.Sub(o.Since) > patience:
			add(rule.High, "output "+o.Name, "output %s fails, and alerts have been waiting since %s: %s", o.Name, clock(o.Since), o.Problem)
		}
	}
	for _, l := range f.Lists {
		switch {
		case l.Pending:
		case l.Entries == 0:
			add(rule.Medium, "list "+l.Name, "list %s has no usable entry, so rules that use it find nothing", l.Name)
		case l.Stale:
			add(rule.Medium, "list "+l.Name, "list %s dates from %s and could not be renewed since", l.Name, clock(l.Of))
		}
	}
	for _, s := range f.Sources {
		if s.Problem != "" {
			add(rule.High, "source "+s.Name+" fails", "source %s: %s", s.Name, s.Problem)
		}
		if s.Dead > 0 {
			add(rule.Medium, "source "+s.Name+" dead letters", "source %s: %s; see bluetrail dead-letters", s.Name, letters(s.Dead))
		}
		if s.Quiet > 0 && !s.Newest.IsZero() && f.Now.Sub(s.Newest) > s.Quiet {
			add(rule.High, "source "+s.Name, "source %s went quiet: its newest file dates from %s", s.Name, clock(s.Newest))
		}
	}
	for _, s := range f.Searches {
		switch {
		case s.Failures >= maxFailures:
			add(rule.Medium, "search "+s.Rule, "scheduled rule %s fails: the last %d runs did", s.Rule, s.Failures)
		case s.Lag > maxLag:
			add(rule.Medium, "search "+s.Rule, "scheduled rule %s is behind by %s", s.Rule, s.Lag.Round(time.Minute))
		}
	}
	for _, d := range f.Disabled {
		add(rule.Medium, "rule "+d.Rule, "rule %s is off since %s: %s", d.Rule, clock(d.Since), d.Reason)
	}
	for _, d := range f.Described {
		if d.Problem != "" {
			add(rule.Low, "facts "+d.Name, "what AWS has cannot be learned, so exposure may say unknown: %s", d.Problem)
		}
	}
	all = append(all, uncovered(f.Coverage)...)
	for _, d := range f.Digests {
		add(d.Severity, "digests "+d.Name, "the trail %s: %s", d.Name, d.Text)
	}
	if f.Due > 0 && f.Now.Sub(f.DueSince) > patience {
		add(rule.High, "alerts", "%d findings have been waiting to become alerts since %s", f.Due, clock(f.DueSince))
	}
	if without := WithoutData(f); len(without) > 0 {
		names := make([]string, 0, maxNamed)
		for _, r := range without[:min(len(without), maxNamed)] {
			names = append(names, r.Name)
		}
		text := strings.Join(names, ", ")
		if more := len(without) - len(names); more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		add(rule.Low, "rules without data", "%d of %d rules can find nothing, because the trail brings none of the events that they need (%s): %s", len(without), len(f.Rules), needs(without), text)
	}
	if n := len(f.Unfit); n > 0 {
		parts := make([]string, 0, maxNamed)
		for _, u := range f.Unfit[:min(n, maxNamed)] {
			parts = append(parts, u.Rule+": "+u.Why)
		}
		text := strings.Join(parts, "; ")
		if more := n - len(parts); more > 0 {
			text += fmt.Sprintf("; and %d more", more)
		}
		add(rule.Low, "rules with unknown fields", "%d of the rules that run test fields that no record has: %s", n, text)
	}
	slices.SortStableFunc(all, func(a, b Condition) int { return b.Severity.Rank() - a.Severity.Rank() })
	return all
}

// maxNamed is how many rules a condition names.
const maxNamed = 3

// categories are the words of eventCategory for what rules say that they need.
var categories = map[string]string{"data": "Data", "network-activity": "NetworkActivity", "management": "Management"}

// WithoutData returns the rules that can find nothing, because the store has no event of
// the categories that they need. Without any event nothing is known.
func WithoutData(f *Facts) []rule.Info {
	total := int64(0)
	for _, n := range f.Events {
		total += n
	}
	if total == 0 {
		return nil
	}
	var without []rule.Info
	for _, r := range f.Rules {
		if len(r.Data) > 0 && !slices.ContainsFunc(r.Data, func(need string) bool { return need == "management" || f.Events[categories[need]] > 0 }) {
			without = append(without, r)
		}
	}
	return without
}

// needs names what rules need, each once.
func needs(rules []rule.Info) string {
	var list []string
	for _, r := range rules {
		for _, d := range r.Data {
			if text := d + " events"; !slices.Contains(list, text) {
				list = append(list, text)
			}
		}
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

// letters counts messages that could not be taken in.
func letters(n int) string {
	if n == 1 {
		return "1 message could not be ingested and is kept as a dead letter"
	}
	return fmt.Sprintf("%d messages could not be ingested and are kept as dead letters", n)
}
