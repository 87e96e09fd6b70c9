package api

import (
	"context"
	"errors"
	"math"
	"net/http"
	"time"

	"bluetrail/internal/alert"
	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/hunt"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/tune"
	"bluetrail/internal/state"
)

// hunting returns a hunt of rules over the stored events of a range of time, both bounds
// may be open.
func (s *Server) hunting(rs *ruleset.Ruleset, earliest, latest time.Time) (o hunt.Options, err error) {
	p := &s.cfg.Product
	if o.Search, err = p.Search(rs.Folders); err != nil {
		return o, err
	}
	if o.Records, err = hunt.FromStore(o.Search.Store, earliest, latest); err != nil {
		return o, err
	}
	if rs.Knowledge != nil {
		o.Search.Macros, o.Search.Knowledge = rs.Knowledge, rs.Knowledge
	}
	o.Rules, o.Space, o.Earliest, o.Latest, o.Search.Store = rs, o.Search.Disk, earliest, latest, nil
	if p.Config != nil {
		o.TempDir, o.Disk = p.Config.Search.TempDir, int64(p.Config.Search.DiskMiB)<<20
	}
	return o, nil
}

type tuneFinding struct {
	ID       string    `json:"id"`
	Time     time.Time `json:"time"`
	Title    string    `json:"title"`
	Entity   string    `json:"entity"`
	Severity string    `json:"severity"`
	Message  string    `json:"message"`
	Count    int64     `json:"count"`
	Status   string    `json:"status,omitempty"`
	Left     *int64    `json:"events_left,omitempty"`
}

func tuneFindingOf(f *finding.Finding) tuneFinding {
	return tuneFinding{ID: f.ID, Time: f.Time, Title: f.Title, Entity: f.Entity, Severity: string(f.Severity), Message: f.Message, Count: f.Count}
}

// Bounds of a proposal.
const (
	tuneTime   = 2 * time.Minute
	mostTuned  = 100 // findings that it shows
	mostMarked = 5000
)

func (s *Server) tuneAlert(w http.ResponseWriter, r *http.Request) error {
	a, err := s.readAlert(r)
	if err != nil {
		return err
	}
	rs := s.rules()
	if rs == nil || s.cfg.Product.Own == nil {
		return lacking("rules")
	}
	if a.RuleID == alert.RiskRule || a.RuleID == alert.HealthRule {
		return unprocessable("not_tunable", "%q is no rule of the trail, so that no filter can be proposed; tune the rules behind it", a.Rule)
	}
	at := rs.Find(a.RuleID)
	if at < 0 {
		return unprocessable("no_rule", "the rule %q is not there any more", a.Rule)
	}
	ctx, cancel := context.WithTimeout(r.Context(), tuneTime)
	defer cancel()
	o := tune.Options{Rules: rs, Position: at}
	of := map[string]bool{}
	ids, err := s.cfg.Product.State.FindingsUnder(a.ID, mostMarked)
	if err != nil {
		return err
	}
	for _, id := range ids {
		of[id] = true
	}
	err = s.cfg.Product.State.Findings(ctx, state.FindingQuery{Earliest: math.MinInt64, Latest: math.MaxInt64, Newest: true}, func(row *state.Finding) error {
		if row.Rule != a.RuleID || row.Status != state.StatusTrue && row.Status != state.StatusFalse && !of[row.ID] || len(o.False)+len(o.True) >= mostMarked {
			return nil
		}
		f, err := readFinding(row)
		if err != nil {
			return err
		}
		m := tune.Marked{ID: f.ID, RuleID: f.RuleID, EventIDs: f.EventIDs}
		if row.Status == state.StatusTrue && !of[row.ID] {
			o.True = append(o.True, m)
		} else {
			o.False = append(o.False, m)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(o.False) == 0 {
		return unprocessable("no_findings", "the findings of the alert are not there any more")
	}
	o.Hunt = func(rs *ruleset.Ruleset, change func(*hunt.Options)) (*hunt.Result, error) {
		h, err := s.hunting(rs, time.Time{}, time.Time{})
		if err != nil {
			return nil, err
		}
		change(&h)
		return hunt.Run(ctx, h)
	}
	o.Reload = func(filter string) (*ruleset.Ruleset, error) {
		rs, _, faults, err := s.cfg.Product.Own.Try(ctx, "", filter)
		if err == nil && len(faults) > 0 {
			err = errors.New("cannot load the filter: " + faults[0].Reason)
		}
		return rs, err
	}
	res, err := tune.Run(o)
	switch {
	case errors.Is(err, tune.ErrSearch):
		return unprocessable("not_tunable", "%v", err)
	case errors.Is(err, context.DeadlineExceeded) && r.Context().Err() == nil:
		return unprocessable("too_long", "looking through all stored events took longer than %s; use bluetrail rules tune with --earliest", tuneTime)
	case err != nil:
		return err
	}
	out := struct {
		RuleID   string        `json:"rule_id"`
		Title    string        `json:"title"`
		Filter   *string       `json:"filter"`
		Why      string        `json:"why,omitempty"`
		Warnings []string      `json:"warnings"`
		False    int           `json:"false_findings"`
		Covered  int           `json:"covered"`
		Others   int           `json:"other_findings"`
		Hides    []tuneFinding `json:"hides"`
		Appears  []tuneFinding `json:"appears"`
	}{a.RuleID, rs.Rules[at].Title, nil, res.Why, texts(res.Warnings), res.False, res.Covered, res.Others, []tuneFinding{}, []tuneFinding{}}
	if res.Filter != nil {
		text := res.Filter.YAML()
		out.Filter = &text
	}
	for _, h := range res.Hides[:min(len(res.Hides), mostTuned)] {
		x := tuneFindingOf(h.Finding)
		x.Status, x.Left = h.Status, &h.Left
		out.Hides = append(out.Hides, x)
	}
	for _, f := range res.Appears[:min(len(res.Appears), mostTuned)] {
		out.Appears = append(out.Appears, tuneFindingOf(f))
	}
	return ok(w, out)
}
