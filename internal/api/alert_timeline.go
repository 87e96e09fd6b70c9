package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/alert"
	"bluetrail/internal/detect/finding"
	"bluetrail/internal/state"
	"bluetrail/internal/vector"
)

type timelineItem struct {
	Kind      string    `json:"kind"`
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
	Count     int64     `json:"count"`
	Source    string    `json:"event_source,omitempty"`
	Name      string    `json:"event_name,omitempty"`
	Outcome   string    `json:"outcome,omitempty"`
	Write     bool      `json:"write,omitempty"`
	ErrorCode string    `json:"error_code,omitempty"`
	Addresses []string  `json:"addresses,omitempty"`
	Regions   []string  `json:"regions,omitempty"`
	Objects   []string  `json:"objects,omitempty"`
	EventID   string    `json:"event_id,omitempty"`
	OfAlert   bool      `json:"of_alert,omitempty"`
	Alert     *alertRow `json:"alert,omitempty"`
}

// Bounds of a timeline.
const (
	timelineCalls = 20_000
	timelineItems = 500
	timelineTime  = 10 * time.Second
	timelineMost  = 24 * time.Hour // of the alert itself
	timelineFew   = 5              // values of a field
)

// callersOf returns who made the calls of an alert, as its first findings have them.
func (s *Server) callersOf(a *alert.Alert) map[string]bool {
	users := map[string]bool{}
	for _, id := range a.Findings[:min(len(a.Findings), 10)] {
		row, err := s.cfg.Product.State.Finding(id)
		if err != nil {
			continue // retention removed it
		}
		var f finding.Finding
		if json.Unmarshal(row.Body, &f) != nil {
			continue
		}
		for _, e := range f.Events {
			if strings.HasPrefix(e.User, "arn:") {
				users[e.User] = true
			}
		}
	}
	return users
}

func (s *Server) alertTimeline(w http.ResponseWriter, r *http.Request) error {
	before, err := number(r, "before", 30, 0, 7*24*60)
	if err != nil {
		return err
	}
	after, err := number(r, "after", 30, 0, 7*24*60)
	if err != nil {
		return err
	}
	a, err := s.readAlert(r)
	if err != nil {
		return err
	}
	out := struct {
		From   time.Time       `json:"from"`
		To     time.Time       `json:"to"`
		Items  []*timelineItem `json:"items"`
		Calls  int             `json:"calls"`
		Search string          `json:"search"`
		Notice string          `json:"notice,omitempty"`
	}{Items: []*timelineItem{}}
	last := a.Last
	if last.Sub(a.First) > timelineMost {
		last = a.First.Add(timelineMost)
		out.Notice = "The alert spans more than a day; this is around its first day. "
	}
	out.From, out.To = a.First.Add(-time.Duration(before)*time.Minute).UTC(), last.Add(time.Duration(after)*time.Minute).UTC().Add(time.Millisecond)
	if who := alert.Condition(a, s.callersOf(a)); who != "" {
		out.Search = "index=* " + who
		of := map[string]bool{}
		for _, id := range a.EventIDs {
			of[id] = true
		}
		var calls []*timelineItem
		notice, err := s.searching(r.Context(), out.Search+` | fields _time eventSource eventName outcome readOnly errorCode sourceIPAddress awsRegion object eventID`, out.From, out.To, timelineTime, nil, func(b *vector.Batch) error {
			for i := range b.Len {
				if len(calls) == timelineCalls {
					out.Notice += fmt.Sprintf("Only %d calls are shown; narrow the time around the alert. ", timelineCalls)
					return errEnough
				}
				x := &timelineItem{
					Kind: "call", First: cellTime(b, "_time", i), Count: 1, Source: strings.Clone(cell(b, "eventSource", i)), Name: strings.Clone(cell(b, "eventName", i)), Outcome: strings.Clone(cell(b, "outcome", i)),
					Write: cell(b, "readOnly", i) == "false", ErrorCode: strings.Clone(cell(b, "errorCode", i)), EventID: strings.Clone(cell(b, "eventID", i)),
				}
				if x.ErrorCode == "success" {
					x.ErrorCode = ""
				}
				x.Last = x.First
				x.OfAlert = of[x.EventID]
				x.Addresses, x.Regions = addText(nil, cell(b, "sourceIPAddress", i), 1), addText(nil, cell(b, "awsRegion", i), 1)
				if c := b.Col("object"); c != nil && !c.At(i).IsNull() {
					for _, o := range c.At(i).All() {
						x.Objects = addText(x.Objects, o, timelineFew)
					}
				}
				calls = append(calls, x)
			}
			return nil
		})
		if err != nil {
			return err
		}
		out.Notice += notice
		out.Calls = len(calls)
		slices.SortStableFunc(calls, func(x, y *timelineItem) int {
			return cmp.Or(x.First.Compare(y.First), strings.Compare(x.EventID, y.EventID))
		})
		out.Items = foldCalls(calls)
	}
	err = s.cfg.Product.State.Alerts(r.Context(), state.AlertQuery{Earliest: out.From.UnixNano(), Latest: out.To.UnixNano()}, func(x *state.Alert) error {
		if x.Entity == a.Entity && x.ID != a.ID && len(out.Items) < 2*timelineItems {
			row := rowOf(x)
			out.Items = append(out.Items, &timelineItem{Kind: "alert", First: row.First, Last: row.Last, Count: row.Count, Alert: &row})
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(out.Items, func(x, y *timelineItem) int { return x.First.Compare(y.First) })
	out.Notice = strings.TrimSpace(out.Notice)
	return ok(w, out)
}

// foldCalls joins calls that are alike and close to each other, more coarsely the more
// there are. The calls are in order of time.
func foldCalls(calls []*timelineItem) []*timelineItem {
	type key struct {
		source, name, outcome, code string
		of                          bool
	}
	for gap := 2 * time.Minute; ; gap *= 8 {
		open := map[key]*timelineItem{}
		out := []*timelineItem{}
		for _, x := range calls {
			k := key{x.Source, x.Name, x.Outcome, x.ErrorCode, x.OfAlert}
			if y := open[k]; y != nil && x.First.Sub(y.Last) <= gap {
				y.Last, y.Count, y.Write = x.First, y.Count+1, y.Write || x.Write
				for _, p := range []struct {
					to   *[]string
					from []string
				}{{&y.Addresses, x.Addresses}, {&y.Regions, x.Regions}, {&y.Objects, x.Objects}} {
					for _, v := range p.from {
						*p.to = addText(*p.to, v, timelineFew)
					}
				}
				continue
			}
			copied := *x
			copied.Addresses, copied.Regions, copied.Objects = slices.Clone(x.Addresses), slices.Clone(x.Regions), slices.Clone(x.Objects)
			open[k] = &copied
			out = append(out, &copied)
		}
		if len(out) <= timelineItems {
			return out
		}
		if gap > 30*24*time.Hour {
			return out[:timelineItems]
		}
	}
}
