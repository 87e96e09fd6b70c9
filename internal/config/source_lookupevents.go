package config

import (
	"fmt"
	"strings"
	"time"
)

// LookupEvents is CloudTrail's event history of an account. Access says how it is reached.
type LookupEvents struct {
	Regions  []string      `yaml:"regions"`       // whose events are read
	Backfill int           `yaml:"backfill_days"` // how far back to read at first, 0 = 90
	Every    time.Duration `yaml:"every"`         // between looks for new events, 0 = 1m
	Overlap  time.Duration `yaml:"overlap"`       // that each look reads again, 0 = 20m
}

// Bounds of LookupEvents. The event history goes back for 90 days.
const (
	mostHistory = 90
	leastLook   = 10 * time.Second
	mostLook    = 24 * time.Hour
)

func checkLookupEvents(s *Source) error {
	l := &s.LookupEvents
	if len(l.Regions) == 0 {
		return fmt.Errorf("it has no regions; list those whose events are read")
	}
	seen := map[string]bool{}
	for _, r := range l.Regions {
		if !region.MatchString(r) {
			return fmt.Errorf("regions: %q: expected a region such as eu-west-1", r)
		}
		if seen[r] {
			return fmt.Errorf("regions: %q is listed twice", r)
		}
		seen[r] = true
	}
	switch {
	case l.Backfill < 0 || l.Backfill > mostHistory:
		return fmt.Errorf("backfill_days must be between 1 and %d, not %d", mostHistory, l.Backfill)
	case l.Every != 0 && (l.Every < leastLook || l.Every > mostLook):
		return fmt.Errorf("every must be between %s and %s, not %s", leastLook, mostLook, l.Every)
	case l.Overlap < 0 || l.Overlap > mostLook:
		return fmt.Errorf("overlap must be between 1s and %s, not %s", mostLook, l.Overlap)
	}
	return s.Access.Check()
}

// History names the event history that a source reads, whichever its regions are.
func (s *Source) History() string {
	return strings.Join(strings.Fields("account "+s.Access.Profile+" "+s.Access.RoleARN), " ")
}

// HistoryPlace is what the keys of batches from event histories begin with.
const HistoryPlace = "cloudtrail:LookupEvents/"
