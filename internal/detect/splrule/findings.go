package splrule

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/match"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/splunktime"
	"bluetrail/internal/vector"
)

// shown maps what a finding shows to the fields in which searches return it, the
// first that a row has.
var shown = []struct {
	name   string
	fields []string
}{
	{"actor", []string{"actor", "user_arn", "userIdentity.arn", "user", "src_user"}},
	{"actor_type", []string{"actor_type", "user_type", "userIdentity.type"}},
	{"session_id", []string{"session_id"}},
	{"account", []string{"account", "aws_account_id", "recipientAccountId", "vendor_account"}},
	{"region", []string{"awsRegion", "region", "vendor_region"}},
	{"source_ip", []string{"source_ip", "sourceIPAddress", "src_ip", "src"}},
	{"event_name", []string{"event_name", "eventName", "signature", "command"}},
	{"object", []string{"object"}},
	{"user_agent", []string{"userAgent", "user_agent", "http_user_agent"}},
}

// The fields in which searches return times, counts and ids of events.
var (
	firstFields = []string{"firstTime", "first", "firstSeen", "earliest", "min(_time)", "_time"}
	lastFields  = []string{"lastTime", "last", "lastSeen", "latest", "max(_time)", "_time"}
	countFields = []string{"count", "event_count", "eventcount"}
	idFields    = []string{"eventID", "event_id", "event_ids", "eventIDs"}
)

// mostFields is how many fields of a row a finding shows.
const mostFields = 50

// Findings makes findings of the rows of a window: one for each entity and outcome.
// Events of a stateless search belong to the window that their own time lies in. A
// result without rows, which an alert may ask for, is one finding.
func (s *Search) Findings(w Window, r *Result) []*finding.Finding {
	info := s.Rule.Info()
	var list []*finding.Finding
	byKey := map[finding.Key]*finding.Finding{}
	start := w.Earliest
	if start.IsZero() {
		start = w.Planned
	}
	if r.Count == 0 {
		f := finding.New(&info, finding.Key{Rule: info.ID, Window: start.UnixNano()})
		f.First, f.Last, f.Time = start.UTC(), w.Latest.UTC(), start.UTC()
		f.Message = fmt.Sprintf("%s: no results from %s to %s", info.Title, f.First.Format(time.RFC3339), f.Last.Format(time.RFC3339))
		return []*finding.Finding{f}
	}
	for _, b := range r.Rows {
		for i := range b.Len {
			row := row{b, i, w.Planned.Location()}
			first, last := row.time(firstFields, start), row.time(lastFields, w.Latest.Add(-time.Microsecond))
			if last.Before(first) {
				last = first
			}
			key := finding.Key{Rule: info.ID, Entity: s.entity(row), Outcome: row.outcome(), Window: start.UnixNano()}
			if s.Stateless() {
				key.Window = finding.WindowAt(first.UnixNano(), info.Window)
			}
			f := byKey[key]
			if f == nil {
				f = finding.New(&info, key)
				byKey[key] = f
				list = append(list, f)
			}
			row.add(f, first, last)
		}
	}
	for _, f := range list {
		slices.SortFunc(f.Events, func(a, b finding.Event) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID)) })
		slices.Sort(f.EventIDs)
		f.EventIDs = slices.Compact(f.EventIDs)
		switch {
		case info.Message != "" || len(f.EventName) > 0:
			f.Describe(info.Message)
		default:
			f.Message = plainMessage(info.Title, f)
		}
	}
	slices.SortFunc(list, finding.Compare)
	return list
}

// FindingWindow is how long the window of a finding is, of a search that looks at one
// event at a time.
func FindingWindow(r *Rule) time.Duration {
	info := r.Info()
	return cmp.Or(info.Window, rule.DefaultWindow)
}

// entity says whom a row is about.
func (s *Search) entity(r row) string {
	if len(s.Rule.Entity) > 0 {
		var parts []string
		for _, field := range s.Rule.Entity {
			parts = append(parts, strings.Join(r.all(field), ", "))
		}
		return strings.Join(parts, " / ")
	}
	for _, field := range s.Rule.EntityFields() {
		if v := r.all(field); len(v) > 0 {
			return strings.Join(v, ", ")
		}
	}
	return ""
}

// plainMessage describes a finding of rows that are no events.
func plainMessage(title string, f *finding.Finding) string {
	const most = 6
	var parts []string
	for _, x := range f.Fields {
		if len(parts) == most {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, x.Name+"="+strings.Join(x.Values[:min(len(x.Values), most)], ","))
	}
	text := title + ": " + strings.Join(parts, " ")
	if len(text) > finding.MaxText {
		text = strings.ToValidUTF8(text[:finding.MaxText], "") + "…"
	}
	return text
}

// row is a row of a result.
type row struct {
	b    *vector.Batch
	i    int
	zone *time.Location
}

// all returns the values of a field that are not empty.
func (r row) all(field string) []string {
	v := r.b.At(field, r.i)
	if v.IsNull() {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(v.All()), func(s string) bool { return s == "" })
}

// any returns the values of the first field that has some.
func (r row) any(fields []string) []string {
	for _, f := range fields {
		if v := r.all(f); len(v) > 0 {
			return v
		}
	}
	return nil
}

// time reads the first field that holds a time.
func (r row) time(fields []string, other time.Time) time.Time {
	for _, f := range fields {
		v := r.b.At(f, r.i)
		if v.IsNull() || v.Len() != 1 {
			continue
		}
		if n, ok := v.Num(); ok {
			if n > 0 && n < 1e11 {
				return splunktime.FromEpoch(n).UTC()
			}
			continue
		}
		if t, ok := splunktime.AbsoluteTime(v.Text(), r.zone); ok {
			return t.UTC()
		}
	}
	return other.UTC()
}

// outcome says how the calls of a row ended, "" when it does not tell.
func (r row) outcome() string {
	if v := r.all("outcome"); len(v) == 1 {
		return v[0]
	}
	out := ""
	for _, code := range r.any([]string{"errorCode", "error_code"}) {
		one := "error"
		switch lower := strings.ToLower(code); {
		case lower == "success":
			one = "success"
		case strings.Contains(lower, "denied") || strings.Contains(lower, "unauthorized") || strings.Contains(lower, "forbidden"):
			one = "denied"
		}
		if out != "" && out != one {
			return "mixed"
		}
		out = one
	}
	return out
}

// add adds the row to a finding.
func (r row) add(f *finding.Finding, first, last time.Time) {
	if f.Count == 0 || first.Before(f.First) {
		f.First, f.Time = first, first
	}
	if f.Count == 0 || last.After(f.Last) {
		f.Last = last
	}
	n := int64(1)
	for _, field := range countFields {
		if c, ok := r.b.At(field, r.i).Num(); ok && c >= 1 && c < 1e15 {
			n = int64(c)
			break
		}
	}
	f.Count += n
	for _, s := range shown {
		f.Put(s.name, r.any(s.fields)...)
	}
	ids := r.any(idFields)
	for _, id := range ids {
		if len(f.EventIDs) < finding.MaxIDs && len(id) <= finding.MaxText {
			f.EventIDs = append(f.EventIDs, id)
		}
	}
	if len(ids) == 1 && len(f.Events) < finding.MaxEvents {
		one := func(fields ...string) string { return strings.Join(r.any(fields), ", ") }
		f.Events = append(f.Events, finding.Event{Time: first, Event: match.Event{
			ID: ids[0], Name: one("eventName", "signature", "command"), Source: one("eventSource", "dvc"), Account: one("recipientAccountId", "aws_account_id"),
			Region: one("awsRegion", "region"), SourceIP: one("sourceIPAddress", "src_ip", "src"), UserAgent: one("userAgent", "user_agent"),
			User: one("userIdentity.arn", "user_arn", "user"), ErrorCode: one("errorCode"), Outcome: r.outcome(), Object: one("object"), File: "",
		}})
	}
	for _, c := range r.b.Cols {
		if v := r.all(c.Name); len(v) > 0 && !strings.HasPrefix(c.Name, "_") && (len(f.Fields) < mostFields || f.Get(c.Name) != nil) {
			if f.Get(c.Name) == nil || slices.ContainsFunc(f.Fields, func(x finding.Field) bool { return x.Name == c.Name }) {
				f.Put(c.Name, v...)
			}
		}
	}
}
