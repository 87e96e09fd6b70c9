package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/search"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/state"
	"bluetrail/internal/vector"
)

// content is what the events' store knows of an alert. It is gathered before the
// transaction, since searches may take long.
type content struct {
	records  []state.Record
	missing  bool // some were not found
	fresh    bool // the rest was gathered, too
	around   []Around
	unusual  []string
	exposure []string
	first    map[string]bool // addresses that the actor never called from before
}

// draft is what the findings of a group come to.
type draft struct {
	Alert
	users map[string]bool // ARNs of the callers
	calls [][2]string     // eventSource and eventName
}

// searchTime bounds each search for an alert.
const searchTime = 5 * time.Second

// gather asks the store about the findings that raise alerts or add events to them.
func (a *Alerter) gather(ctx context.Context, items []item) map[group]*content {
	if a.cfg.Open == nil {
		return nil
	}
	docs := map[group]*draft{}
	var order []group
	for i := range items {
		it := &items[i]
		if it.f == nil || !it.shown.Alert() {
			continue
		}
		g := group{it.f.RuleID, it.f.Entity}
		doc := docs[g]
		if doc == nil {
			doc = &draft{Alert: Alert{First: it.f.First, Last: it.f.Last}, users: map[string]bool{}}
			docs[g] = doc
			order = append(order, g)
		}
		doc.take(it)
		if it.f.First.Before(doc.First) {
			doc.First = it.f.First
		}
		if it.f.Last.After(doc.Last) {
			doc.Last = it.f.Last
		}
		for _, e := range it.f.Events {
			if call := [2]string{e.Source, e.Name}; len(doc.calls) < finding.MaxValues && !slices.Contains(doc.calls, call) {
				doc.calls = append(doc.calls, call)
			}
			if len(doc.users) < maxUsers && strings.HasPrefix(e.User, "arn:") {
				doc.users[e.User] = true
			}
		}
	}
	all := map[group]*content{}
	for _, g := range order {
		if ctx.Err() != nil {
			return nil
		}
		doc := docs[g]
		c := &content{}
		held, room, fresh := a.held(g, doc)
		if c.fresh = fresh; fresh {
			a.context(ctx, c, doc)
			if a.cfg.Exposure != nil {
				c.exposure = a.cfg.Exposure(ctx, &doc.Alert)
			}
		}
		c.records, c.missing = a.records(ctx, &doc.Alert, held, room)
		all[g] = c
	}
	return all
}

// held returns which records the alert has that findings are going to join, how many it
// may still get, and whether there is no such alert.
func (a *Alerter) held(g group, doc *draft) (ids map[string]bool, room int, fresh bool) {
	near, err := a.cfg.State.AlertsNear(g.rule, g.entity, doc.First.Add(-a.cfg.Window), doc.Last.Add(a.cfg.Window))
	if err != nil || len(near) == 0 {
		return nil, MaxRecords, true // the transaction meets the error, too
	}
	ids, bytes, err := a.cfg.State.RecordsHeld(near[0].ID)
	if err != nil || bytes >= MaxBytes {
		return ids, 0, false
	}
	return ids, MaxRecords - len(ids), false
}

// records looks for the records of an alert's events.
func (a *Alerter) records(ctx context.Context, doc *Alert, held map[string]bool, room int) (list []state.Record, missing bool) {
	var want []string
	for _, id := range doc.EventIDs {
		if len(want) < room && !held[id] {
			want = append(want, id)
		}
	}
	if len(want) == 0 {
		return nil, false
	}
	tests := make([]string, len(want))
	for i, id := range want {
		tests[i] = test("eventID", id)
	}
	text := "index=* (" + strings.Join(tests, " OR ") + ") | fields _time, eventID, _raw"
	size := 0
	found := map[string]bool{}
	err := a.search(ctx, text, doc.First, doc.Last, func(row row) {
		id, raw := row.text("eventID"), row.text("_raw")
		if size += len(raw); raw == "" || found[id] || size > MaxBytes {
			return
		}
		found[id] = true
		list = append(list, state.Record{Event: id, Time: row.time("_time").UnixNano(), Raw: []byte(raw)})
	})
	if err != nil && ctx.Err() == nil {
		a.cfg.Log.Warn("cannot read the records of an alert; trying again later", "err", err)
	}
	slices.SortFunc(list, func(x, y state.Record) int { return strings.Compare(x.Event, y.Event) })
	return list, len(list) < len(want) && size <= MaxBytes
}

// keep puts what was gathered into an alert.
func (b *work) keep(c *change, m *content) error {
	held, bytes, err := b.tx.RecordsHeld(c.ID)
	if err != nil {
		return err
	}
	of := map[string]bool{}
	for _, id := range c.EventIDs {
		of[id] = true
	}
	var add []state.Record
	for _, r := range m.records {
		if n := int64(len(r.Raw)); of[r.Event] && !held[r.Event] && len(held) < MaxRecords && bytes+n <= MaxBytes {
			add, bytes = append(add, r), bytes+n
			held[r.Event] = true
		}
	}
	if err := b.a.fault("records"); err != nil {
		return err
	}
	if err := b.tx.PutRecords(c.ID, add); err != nil {
		return err
	}
	if m.fresh && len(c.Around) == 0 {
		c.Around, c.Unusual, c.Exposure = m.around, m.unusual, m.exposure
	}
	for i := range c.Sources {
		c.Sources[i].FirstSeen = c.Sources[i].FirstSeen || m.first[c.Sources[i].Address]
	}
	c.RecordsKept = int64(len(held))
	c.RecordsNote = b.note(c, m.missing)
	if m.missing {
		if c.created {
			b.did.Lacking++
		}
		return b.tx.PutWait(state.Wait{Alert: c.ID, Next: b.now.Add(firstRetry).UnixMilli(), Tries: 1})
	}
	return nil
}

// note says why the records of some events are not kept.
func (b *work) note(c *change, missing bool) string {
	switch {
	case c.RecordsKept >= c.Count:
		return ""
	case missing:
		return fmt.Sprintf("%d of %d events are not in the store yet; bluetrail looks again", c.Count-c.RecordsKept, c.Count)
	case c.RecordsKept >= MaxRecords || c.RecordsKept > 0 && len(c.EventIDs) > int(c.RecordsKept):
		return fmt.Sprintf("the records of %d of %d events are kept with the alert", c.RecordsKept, c.Count)
	case len(c.EventIDs) == 0:
		return "the rule does not name its events"
	}
	return fmt.Sprintf("%d of %d events have no ID by which to find them", c.Count-int64(len(c.EventIDs)), c.Count)
}

// Looking again for records.
const (
	firstRetry = 5 * time.Second
	lastRetry  = time.Hour
	mostTries  = 12
)

// retry looks again for records that were missing.
func (a *Alerter) retry(ctx context.Context) error {
	if a.cfg.Open == nil {
		return nil
	}
	now := a.now()
	list, err := a.cfg.State.Waits(now, batch)
	if err != nil {
		return err
	}
	for _, w := range list {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		row, err := a.cfg.State.Alert(w.Alert)
		if err != nil {
			return err
		}
		var m *content
		if row != nil {
			doc, err := Decode(row)
			if err != nil {
				return err
			}
			held, bytes, err := a.cfg.State.RecordsHeld(w.Alert)
			if err != nil {
				return err
			}
			m = &content{}
			if bytes < MaxBytes {
				m.records, m.missing = a.records(ctx, doc, held, MaxRecords-len(held))
			}
		}
		if err := a.cfg.State.Write(func(tx *state.Tx) error { return a.again(tx, w, m, now) }); err != nil {
			return fmt.Errorf("cannot keep records with an alert: %w", err)
		}
	}
	return nil
}

// again puts records that were found later into an alert.
func (a *Alerter) again(tx *state.Tx, w state.Wait, m *content, now time.Time) error {
	b := &work{a: a, tx: tx, now: now, changed: map[string]*change{}}
	c, err := b.load(w.Alert)
	if err != nil {
		return err
	}
	if c == nil {
		return tx.PutWait(state.Wait{Alert: w.Alert})
	}
	if err := b.keep(c, m); err != nil {
		return err
	}
	next := state.Wait{Alert: w.Alert}
	switch {
	case !m.missing:
	case w.Tries >= mostTries:
		c.RecordsNote = fmt.Sprintf("%d of %d events were not found in the store", c.Count-c.RecordsKept, c.Count)
	default:
		next.Tries = w.Tries + 1
		next.Next = now.Add(min(firstRetry<<w.Tries, lastRetry)).UnixMilli()
	}
	if err := tx.PutWait(next); err != nil {
		return err
	}
	body, err := json.Marshal(c.Alert)
	if err != nil {
		return err
	}
	return tx.PutAlertBody(c.ID, body)
}

// row is a row of a search.
type row struct {
	b *vector.Batch
	i int
}

func (r row) text(name string) string {
	if c := r.b.Col(name); c != nil {
		return c.At(r.i).Text()
	}
	return ""
}

func (r row) time(name string) time.Time {
	seconds, err := strconv.ParseFloat(r.text(name), 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMicro(int64(seconds * 1e6)).UTC()
}

// search runs a search over the events of a range of time, both ends included.
func (a *Alerter) search(ctx context.Context, text string, first, last time.Time, each func(row)) error {
	o, err := a.cfg.Open()
	if err != nil {
		return err
	}
	o.Text, o.Unwatched, o.Time = text, true, searchTime
	o.Earliest, o.Latest = strconv.FormatInt(first.Unix(), 10), strconv.FormatInt(last.Unix()+1, 10)
	s, _, err := search.Open(ctx, o)
	if err != nil {
		return err
	}
	defer s.Close()
	err = s.Each(ctx, func(b *vector.Batch) error {
		for i := range b.Len {
			each(row{b, i})
		}
		return nil
	})
	if over := (*exec.OverBudget)(nil); errors.As(err, &over) {
		return errTooLong
	}
	return err
}

var errTooLong = errors.New("the search took too long")
