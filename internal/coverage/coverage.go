// Package coverage says of which accounts and regions records come, how often they
// usually come, how late, and where they stopped coming.
package coverage

import (
	"cmp"
	"slices"
	"time"
)

// Window is the event time that coverage looks at, up to now.
const Window = 14 * 24 * time.Hour

// late is how long an hour may be over before its records have to be there: CloudTrail
// delivers within minutes, as a rule.
const late = 30 * time.Minute

// Bounds of a report.
const (
	MaxPairs    = 5000 // accounts and regions
	maxAccounts = 10000
)

// Pair is an account and region.
type Pair struct{ Account, Region string }

// Categories counts records by eventCategory.
type Categories map[string]int64

// Known are the categories that a trail can bring.
var Known = []string{"Management", "Data", "NetworkActivity", "Insight"}

// Row is the coverage of an account and region within Window.
type Row struct {
	Pair
	Events     int64
	Last       time.Time // time of the newest event
	Arrived    time.Time // when the last record came
	Categories Categories
	Delay      Delay
	Rhythm     Rhythm
}

// Delay says how long records that came over the last day took from the event to here.
// Percentiles are up to 5% too high.
type Delay struct {
	Events   int64
	P50, P99 time.Duration
}

// Account is an account with records, or one of the organization that has none.
type Account struct {
	ID, Name   string
	Regions    int
	Events     int64
	Last       time.Time
	Categories Categories
	Silent     int  // regions whose rhythm is broken
	Rhythms    int  // regions that have a rhythm
	Missing    bool // the organization has it, and no record of it came within Window
	Suspended  bool // it is closed or suspended, so it needs no records
}

// Report is the coverage of all accounts and regions.
type Report struct {
	AsOf       time.Time // what silences are measured to
	Live       bool      // AsOf is now: sources bring records
	Rows       []Row     // by account and region
	Accounts   []Account
	Categories Categories
	Delay      Delay
	Left       int    // pairs beyond MaxPairs
	Problem    string // why the organization could not be asked, "" = no problem
}

// Member is an account of the organization.
type Member struct {
	ID, Name  string
	Suspended bool
}

// Silent returns the rows whose rhythm is broken.
func (r *Report) Silent() (list []Row) {
	for i := range r.Rows {
		if r.Rows[i].Rhythm.State == Silent {
			list = append(list, r.Rows[i])
		}
	}
	return list
}

// Missing returns the accounts of the organization that bring no records, without those
// that are suspended.
func (r *Report) Missing() (list []Account) {
	for _, a := range r.Accounts {
		if a.Missing && !a.Suspended {
			list = append(list, a)
		}
	}
	return list
}

// accounts sums rows up, and adds the members that no row has.
func accounts(rows []Row, members []Member) []Account {
	by := map[string]*Account{}
	for i := range rows {
		r := &rows[i]
		a := by[r.Account]
		if a == nil {
			if len(by) >= maxAccounts {
				continue
			}
			a = &Account{ID: r.Account, Categories: Categories{}}
			by[r.Account] = a
		}
		a.Regions++
		a.Events += r.Events
		if r.Last.After(a.Last) {
			a.Last = r.Last
		}
		for c, n := range r.Categories {
			a.Categories[c] += n
		}
		switch r.Rhythm.State {
		case Silent:
			a.Silent++
			a.Rhythms++
		case Fine:
			a.Rhythms++
		}
	}
	for _, m := range members {
		a := by[m.ID]
		if a == nil {
			if len(by) >= maxAccounts {
				continue
			}
			a = &Account{ID: m.ID, Categories: Categories{}, Missing: true}
			by[m.ID] = a
		}
		a.Name, a.Suspended = cmp.Or(a.Name, m.Name), a.Suspended || m.Suspended
	}
	list := make([]Account, 0, len(by))
	for _, a := range by {
		list = append(list, *a)
	}
	slices.SortFunc(list, func(x, y Account) int { return cmp.Compare(x.ID, y.ID) })
	return list
}
