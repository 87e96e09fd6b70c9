package actors

import (
	"testing"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/generate"
	"bluetrail/internal/identity"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"
)

// TestTelling: a store is asked for every record from which a trail learns, and not for
// all of the others.
func TestTelling(t *testing.T) {
	type asked struct {
		windows       bool
		m             *filter.Matcher
		read          *store.FieldReader
		learnt, total int
	}
	var list []*asked
	for _, windows := range []bool{false, true} {
		e := telling(windows)
		m, err := filter.NewMatcher(e, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, &asked{windows: windows, m: m, read: store.NewFieldReader(t.Context(), filter.Fields(filter.FieldsOf(e)...))})
	}
	records := 0
	var f identity.Facts
	check := func(raw []byte) error {
		records++
		if err := identity.Read(raw, &f); err != nil {
			return err
		}
		trail := identity.NewTrail(0)
		trail.Add(&f)
		kinds := map[identity.Kind]bool{}
		for r := range trail.Rows() {
			kinds[r.Kind] = true
		}
		for _, a := range list {
			b := vector.NewBuilder()
			b.Add()
			if err := a.read.Read(b, raw, &event.Meta{Sourcetype: event.Detect(raw)}); err != nil {
				return err
			}
			matches := a.m.Filter(b.Batch()).Len == 1
			if matches {
				a.total++
			}
			learns := len(kinds) > 0
			if !a.windows && kinds[identity.Windowed] {
				learns = len(kinds) > 1
			}
			if learns {
				a.learnt++
			}
			if learns && !matches {
				t.Errorf("windows %v: %v are learnt from %.500s", a.windows, kinds, raw)
			}
		}
		return nil
	}
	cfg := generate.Config{Seed: 5, Events: generate.MinEvents, End: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), Days: generate.MinDays, Accounts: generate.MinAccounts, Sessions: true}
	if err := generate.Stream(t.Context(), cfg, func(raw []byte, _ time.Time) error { return check(raw) }); err != nil {
		t.Fatal(err)
	}
	for _, raw := range []string{
		`{"eventSource":"aws-mcp.amazonaws.com","eventName":"CallTool","eventTime":"2026-03-02T09:00:00Z","additionalEventData":{"downstreamRequests":[{"requestId":"r"}]}}`,
		`{"eventName":"X","eventTime":"2026-03-02T09:00:00Z","userIdentity":{"type":"IAMUser","accessKeyId":"asiaLOWER00000000001"}}`,
		`{"eventName":"X","eventTime":"2026-03-02T09:00:00Z","userIdentity":{"type":"IAMUser"}}`,
	} {
		if err := check([]byte(raw)); err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range list {
		if a.learnt == 0 || a.total == records {
			t.Errorf("windows %v: %d of %d records are asked for, %d tell something", a.windows, a.total, records, a.learnt)
		}
	}
}
