package health

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"bluetrail/internal/coverage"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/diag"
)

// Bounds of the conditions about coverage.
const (
	maxSilent  = 50 // of accounts, and of regions
	maxMissing = 10 // named
)

// uncovered returns what accounts and regions lack. What all regions of an account, or
// all accounts, have in common is one condition. Without sources nothing is expected to
// come, so no silence counts.
func uncovered(r *coverage.Report) (all []Condition) {
	if r == nil {
		return nil
	}
	add := func(severity rule.Severity, key, format string, args ...any) {
		all = append(all, Condition{"coverage " + diag.Printable(key), severity, fmt.Sprintf(format, args...)})
	}
	if r.Problem != "" {
		add(rule.Low, "organization", "the accounts of the organization cannot be listed, so accounts without records may go unnoticed: %s", r.Problem)
	}
	if missing := r.Missing(); len(missing) > 0 {
		var names []string
		for _, a := range missing[:min(len(missing), maxMissing)] {
			names = append(names, accountText(a.ID, a.Name))
		}
		text := strings.Join(names, ", ")
		if more := len(missing) - len(names); more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		add(rule.Medium, "missing", "no records came within %s from %s of the organization: %s", days(coverage.Window), counted(len(missing), "account"), text)
	}
	if !r.Live {
		return all
	}
	silent := r.Silent()
	rhythms := 0
	accounts := map[string]*coverage.Account{}
	for i := range r.Accounts {
		rhythms += r.Accounts[i].Rhythms
		accounts[r.Accounts[i].ID] = &r.Accounts[i]
	}
	if len(silent) > 1 && len(silent) == rhythms {
		add(rule.High, "all", "no records come any more, of any of %d accounts and regions that brought some regularly; the newest is of %s", rhythms, clock(newest(silent)))
		return all
	}
	told := map[string]bool{}
	left := 0
	for i := range silent {
		s := &silent[i]
		a := accounts[s.Account]
		if a == nil {
			a = &coverage.Account{ID: s.Account}
		}
		whole := a.Silent > 1 && a.Silent == a.Rhythms
		switch {
		case whole && told[a.ID]:
		case len(told) == maxSilent:
			left++
		case whole:
			told[a.ID] = true
			add(rule.High, a.ID, "no records come any more from account %s, in any of its %d regions that brought some regularly; the newest is of %s", accountText(a.ID, a.Name), a.Rhythms, clock(a.Last))
		default:
			told[a.ID+" "+s.Region] = true
			usual := "less than an hour"
			if s.Rhythm.Usual > 0 {
				usual = hours(s.Rhythm.Usual)
			}
			add(rule.Medium, a.ID+" "+s.Region, "no records come any more from account %s in %s; the newest is of %s, and silences usually last %s at most",
				accountText(a.ID, a.Name), diag.Printable(cmp.Or(s.Region, "no region")), clock(s.Last), usual)
		}
	}
	if left > 0 {
		add(rule.High, "more", "no records come any more from %d further accounts and regions; see the page Sources", left)
	}
	return all
}

func newest(rows []coverage.Row) (t time.Time) {
	for i := range rows {
		if rows[i].Last.After(t) {
			t = rows[i].Last
		}
	}
	return t
}

func accountText(id, name string) string {
	if name != "" {
		return diag.Printable(id + " (" + name + ")")
	}
	return diag.Printable(cmp.Or(id, "without ID"))
}

func days(d time.Duration) string  { return counted(int(d/(24*time.Hour)), "day") }
func hours(d time.Duration) string { return counted(int(d/time.Hour), "hour") }

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
