package api

import (
	"net/http"
	"time"

	"bluetrail/internal/coverage"
)

// coverageAge is how old the coverage may be that is shown.
const coverageAge = time.Minute

type coverageDelay struct {
	Events int64   `json:"events"`
	P50    float64 `json:"p50"`
	P99    float64 `json:"p99"`
}

type coverageRow struct {
	Account      string              `json:"account"`
	Region       string              `json:"region"`
	State        coverage.State      `json:"state"`
	Events       int64               `json:"events"`
	Last         time.Time           `json:"last"`
	Arrived      *time.Time          `json:"arrived,omitempty"`
	ExpectedBy   *time.Time          `json:"expected_by,omitempty"`
	ActiveHours  float64             `json:"active_hours"`
	UsualSilence float64             `json:"usual_silence_hours"`
	Categories   coverage.Categories `json:"categories"`
	Delay        *coverageDelay      `json:"delay,omitempty"`
}

type coverageAccount struct {
	Account    string              `json:"account"`
	Name       string              `json:"name,omitempty"`
	State      string              `json:"state"`
	Regions    int                 `json:"regions"`
	Silent     int                 `json:"silent"`
	Events     int64               `json:"events"`
	Last       *time.Time          `json:"last,omitempty"`
	Categories coverage.Categories `json:"categories"`
}

func delayOf(d coverage.Delay) *coverageDelay {
	if d.Events == 0 {
		return nil
	}
	return &coverageDelay{d.Events, d.P50.Seconds(), d.P99.Seconds()}
}

// stateOf says how an account is: silent if all of its regions with a rhythm are.
func stateOf(a *coverage.Account) string {
	switch {
	case a.Missing && a.Suspended:
		return "suspended"
	case a.Missing:
		return "missing"
	case a.Silent > 0 && a.Silent == a.Rhythms:
		return string(coverage.Silent)
	case a.Rhythms == 0:
		return string(coverage.Learning)
	}
	return string(coverage.Fine)
}

func (s *Server) getCoverage(w http.ResponseWriter, r *http.Request) error {
	if s.cfg.Product.Coverage == nil {
		return lacking("knowledge of coverage")
	}
	c, err := s.cfg.Product.Coverage(r.Context(), coverageAge)
	if err != nil {
		return err
	}
	rows, accounts := []coverageRow{}, []coverageAccount{}
	for i := range c.Rows {
		x := &c.Rows[i]
		rows = append(rows, coverageRow{
			x.Account, x.Region, x.Rhythm.State, x.Events, x.Last.UTC(), timeOf(x.Arrived), timeOf(x.Rhythm.Limit.UTC()), x.Rhythm.Active, x.Rhythm.Usual.Hours(), x.Categories, delayOf(x.Delay),
		})
	}
	for i := range c.Accounts {
		a := &c.Accounts[i]
		accounts = append(accounts, coverageAccount{a.ID, a.Name, stateOf(a), a.Regions, a.Silent, a.Events, timeOf(a.Last), a.Categories})
	}
	categories := coverage.Categories{}
	for _, name := range coverage.Known {
		categories[name] = 0
	}
	for name, n := range c.Categories {
		categories[name] = n
	}
	out := map[string]any{
		"as_of": c.AsOf.UTC(), "live": c.Live, "days": int(coverage.Window / (24 * time.Hour)), "items": rows, "total": len(rows) + c.Left, "accounts": accounts,
		"categories": categories, "silent": len(c.Silent()), "missing": len(c.Missing()),
	}
	if d := delayOf(c.Delay); d != nil {
		out["delay"] = d
	}
	if c.Problem != "" {
		out["problem"] = c.Problem
	}
	return ok(w, out)
}
