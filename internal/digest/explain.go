package digest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// count adds how many log files lie in hours without digests.
func (c *chain) count(l *lane) {
	for _, h := range c.holes {
		n := 0
		for _, e := range l.logs {
			if !e.named.Load() && e.kind == "" && e.at.After(h.from) && e.at.Before(h.to.Add(edge)) {
				n++
			}
		}
		if n > 0 && h.problem >= 0 {
			c.Problems[h.problem].Text += fmt.Sprintf("; %s of these hours cannot be checked", number(n, "log file"))
		}
	}
}

// change is a call that starts or stops what digests need.
type change struct {
	at              time.Time
	event, who, key string
}

// changes are the calls after which a chain may end or start anew.
var changes = []string{"StopLogging", "StartLogging", "UpdateTrail", "DeleteTrail", "CreateTrail"}

// How far around the end of a chain the calls are looked for: they are delivered some
// minutes after they were made, and a digest may come an hour later.
const (
	lookBack  = 90 * time.Minute
	lookAhead = 90 * time.Minute
	maxLook   = 2000 // log files
)

// explain looks into the log files for why chains ended or started anew.
func (v *verifier) explain(ctx context.Context, lanes []*lane) error {
	found := map[hours][]change{}
	for _, l := range lanes {
		for _, c := range l.chains {
			for _, h := range c.holes {
				late := h.problem >= 0 && c.Problems[h.problem].Kind == DigestLate
				if h.problem < 0 || !h.restart && !late {
					continue
				}
				list, ok := found[h.hours]
				if !ok {
					var err error
					if list, err = v.changes(ctx, lanes, c.Home, h.hours); err != nil {
						return err
					}
					found[h.hours] = list
				}
				for i, x := range list {
					text := fmt.Sprintf("; %s called %s at %s UTC", x.who, x.event, x.at.UTC().Format("2006-01-02 15:04:05"))
					if i == 4 {
						text = fmt.Sprintf("; and %d more calls that change trails", len(list)-i)
					}
					if i <= 4 {
						c.Problems[h.problem].Text += text
					}
				}
			}
		}
	}
	return nil
}

// changes returns the calls that changed trails around a time without digests. They are
// recorded in the home region of a trail.
func (v *verifier) changes(ctx context.Context, lanes []*lane, home string, h hours) ([]change, error) {
	var list []*entry
	near := func(at, border time.Time) bool {
		return at.After(border.Add(-lookBack)) && at.Before(border.Add(lookAhead))
	}
	for _, l := range lanes {
		if home != "" && l.region != home {
			continue
		}
		for _, e := range l.logs {
			if e.kind == "" && (near(e.at, h.from) || near(e.at, h.to)) && len(list) < maxLook {
				list = append(list, e)
			}
		}
	}
	found := make([][]change, len(list))
	err := v.each(ctx, len(list), func(i int) error {
		var body bytes.Buffer
		if _, _, err := v.read(ctx, &list[i].Object, &body); err == nil {
			found[i] = changesIn(body.Bytes())
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	all := slices.Concat(found...)
	slices.SortStableFunc(all, func(a, b change) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.key, b.key)) })
	return slices.CompactFunc(all, func(a, b change) bool { return a.key == b.key }), nil
}

func changesIn(body []byte) (list []change) {
	if !slices.ContainsFunc(changes, func(name string) bool { return bytes.Contains(body, []byte(`"`+name+`"`)) }) {
		return nil
	}
	var file struct {
		Records []struct {
			EventTime   time.Time       `json:"eventTime"`
			EventName   string          `json:"eventName"`
			EventSource string          `json:"eventSource"`
			EventID     string          `json:"eventID"`
			ErrorCode   string          `json:"errorCode"`
			Identity    json.RawMessage `json:"userIdentity"`
		}
	}
	if json.Unmarshal(body, &file) != nil {
		return nil
	}
	for _, r := range file.Records {
		if r.EventSource != "cloudtrail.amazonaws.com" || r.ErrorCode != "" || !slices.Contains(changes, r.EventName) {
			continue
		}
		var who struct{ ARN, InvokedBy string }
		_ = json.Unmarshal(r.Identity, &who) // another shape has no ARN
		list = append(list, change{r.EventTime, r.EventName, cmp.Or(who.ARN, who.InvokedBy, "somebody"), r.EventID})
	}
	return list
}
