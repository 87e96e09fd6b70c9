package alert

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/filter"
	"bluetrail/internal/state"
)

// ErrSeveral says that a text means several alerts.
var ErrSeveral = errors.New("several alerts begin with that")

// Find returns the ID of the alert that a text means: its number, or how its ID begins.
// The error is ErrGone if there is none, or wraps ErrSeveral.
func Find(db *state.DB, text string) (id string, err error) {
	const most = 5
	var ids []string
	if n, bad := strconv.ParseInt(strings.TrimPrefix(text, "#"), 10, 64); bad == nil && n > 0 {
		ids, err = db.AlertIDs("", n, 1)
	}
	if len(ids) == 0 && err == nil && text != "" {
		ids, err = db.AlertIDs(strings.ToLower(text), 0, most)
	}
	switch {
	case err != nil:
		return "", err
	case len(ids) == 0:
		return "", ErrGone
	case len(ids) > 1:
		return "", fmt.Errorf("%w: %s", ErrSeveral, strings.Join(ids, ", "))
	}
	return ids[0], nil
}

// Filter chooses alerts by what state.AlertQuery does not know. The zero value chooses
// all. Of several values, one must match; empty ones are ignored. In Rule, Entity and
// Assignee, * stands for any text.
type Filter struct {
	Rule     []string // ID, name or title
	Entity   []string
	Kind     string // of the entity
	Account  []string
	Assignee []string // none = nobody
	Verdict  string
	Text     string // in title, summary or entity
	Exact    []int  // ranks of severities; nil = any
}

// Match returns what reports whether an alert is chosen.
func (f Filter) Match() func(*state.Alert) bool {
	rule, entity, assignee := AnyOf(f.Rule), AnyOf(f.Entity), AnyOf(f.Assignee)
	accounts := given(f.Account)
	nobody := slices.Contains(f.Assignee, "none")
	text := strings.ToLower(f.Text)
	return func(r *state.Alert) bool {
		switch {
		case !rule(r.Rule) && !rule(r.Name) && !rule(r.Title),
			!entity(r.Entity),
			f.Kind != "" && f.Kind != r.Kind,
			len(accounts) > 0 && !slices.ContainsFunc(accounts, func(a string) bool { return slices.Contains(r.Accounts, a) }),
			!assignee(r.Assignee) && !(nobody && r.Assignee == ""),
			f.Verdict != "" && f.Verdict != r.Verdict,
			len(f.Exact) > 0 && !slices.Contains(f.Exact, r.Severity),
			text != "" && !strings.Contains(strings.ToLower(r.Title+"\n"+r.Summary+"\n"+r.Entity), text):
			return false
		}
		return true
	}
}

// AnyOf returns what reports whether a text matches one of the patterns, in which * stands
// for any text. Without patterns every text does; empty ones are ignored.
func AnyOf(patterns []string) func(string) bool {
	var tests []func(string) bool
	for _, p := range given(patterns) {
		tests = append(tests, filter.Wildcard(p, false))
	}
	if len(tests) == 0 {
		return func(string) bool { return true }
	}
	return func(text string) bool {
		return slices.ContainsFunc(tests, func(test func(string) bool) bool { return test(text) })
	}
}

func given(values []string) []string {
	return slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" })
}
