package lookupevents

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"bluetrail/internal/config"
	"bluetrail/internal/event"
	"bluetrail/internal/source"
	"bluetrail/internal/source/file"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
)

// position is how far a walker came. Mark moves when a walk through the events from From
// to To has ended, forward for what comes and backward for the past.
type position struct {
	Mark  time.Time `json:"mark"`
	From  time.Time `json:"from,omitzero"` // of the walk under way; zero = none is
	To    time.Time `json:"to,omitzero"`
	Token string    `json:"token,omitempty"` // of its next page
	Late  time.Time `json:"late,omitzero"`   // when the last hours were read again
	End   time.Time `json:"end,omitzero"`    // of the past
}

// walker reads the events of a region: what comes, or the past.
type walker struct {
	s      *Source
	region string
	past   bool
	api    API
	quota  *quota
	at     position // of the page to ask for next
	pages  int64

	mu      sync.Mutex
	pending []*page  // that are not durable, or come behind one that is not
	durable position // up to where all is
	changed bool     // it is not saved
}

// page is an answer of CloudTrail that was handed out.
type page struct {
	next    position // behind it
	durable bool
}

// part is the name under which the position is kept.
func (w *walker) part() string {
	if w.past {
		return w.region + " past"
	}
	return w.region
}

// resume reads the position, or begins now.
func (w *walker) resume() error {
	text, err := w.s.o.Positions.Resume(w.s.o.Name, w.part())
	if err != nil {
		return err
	}
	now := w.s.o.now().UTC().Truncate(time.Second)
	if text == "" || json.Unmarshal([]byte(text), &w.at) != nil || w.at.Mark.IsZero() {
		w.at = position{Mark: now}
		if w.past {
			w.at.End = now.Add(-w.s.o.Backfill)
		} else {
			w.at.Late = now
		}
		w.changed = true
	}
	w.durable = w.at
	return nil
}

// next begins the next walk; it returns how long there is to wait first, and false when
// there is nothing more to read.
func (w *walker) next() (time.Duration, bool) {
	now := w.s.o.now().UTC().Truncate(time.Second)
	oldest := now.Add(-History + time.Minute)
	if w.past {
		end := w.at.End
		if end.Before(oldest) {
			end = oldest
		}
		if !w.at.Mark.After(end) {
			return 0, false
		}
		w.at.To, w.at.From = w.at.Mark, w.at.Mark.Add(-window)
		if w.at.From.Before(end) {
			w.at.From = end
		}
		return 0, true
	}
	if wait := w.at.Mark.Add(w.s.o.Every).Sub(now); wait > 0 {
		return wait, true
	}
	w.at.To, w.at.From = now, w.at.Mark.Add(-w.s.o.Overlap)
	if now.Sub(w.at.Late) >= lateEvery {
		w.at.Late = now
		if late := now.Add(-lateSpan); late.Before(w.at.From) {
			w.at.From = late
		}
	}
	if w.at.From.Before(oldest) { // the server was away for long
		w.at.From = oldest
	}
	return 0, true
}

// walk reads pages until the source is closed, or the past has ended.
func (w *walker) walk() {
	pause := w.s.o.pause
	for {
		if w.at.From.IsZero() {
			wait, more := w.next()
			if !more {
				return
			}
			if wait > 0 {
				if !w.s.sleep(min(wait, w.s.o.Every)) {
					return
				}
				continue
			}
		}
		if !w.s.sleep(w.quota.wait()) {
			return
		}
		in := &cloudtrail.LookupEventsInput{StartTime: &w.at.From, EndTime: &w.at.To, MaxResults: aws.Int32(50)}
		if w.at.Token != "" {
			in.NextToken = &w.at.Token
		}
		out, err := w.api.LookupEvents(w.s.ctx, in)
		if w.s.ctx.Err() != nil {
			return
		}
		var token *types.InvalidNextTokenException
		switch {
		case errors.As(err, &token) && w.at.Token != "": // it is too old: the walk begins anew
			w.at.Token = ""
			continue
		case err != nil:
			w.s.problem(w.region, err)
			if !w.s.sleep(pause) {
				return
			}
			pause = min(2*pause, maxPause)
			continue
		}
		pause = w.s.o.pause
		w.s.problem(w.region, nil)
		day := w.at.From.Format(time.DateOnly)
		if w.at.Token = aws.ToString(out.NextToken); w.at.Token == "" {
			w.at.Mark = w.at.To
			if w.past {
				w.at.Mark = w.at.From
			}
			w.at.From, w.at.To = time.Time{}, time.Time{}
		}
		p := w.add()
		if len(out.Events) == 0 {
			w.done(p)
			continue
		}
		select {
		case w.s.ready <- w.batch(out.Events, day, p):
		case <-w.s.ctx.Done():
			return
		}
	}
}

// add notes a page that leads to where the walker is.
func (w *walker) add() *page {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := &page{next: w.at}
	w.pending = append(w.pending, p)
	return p
}

// done notes that a page is durable. The position moves once those before are, too.
func (w *walker) done(p *page) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p.durable = true
	for len(w.pending) > 0 && w.pending[0].durable {
		w.durable, w.changed = w.pending[0].next, true
		w.pending[0] = nil
		w.pending = w.pending[1:]
	}
}

// batch makes a batch of a page.
func (w *walker) batch(events []types.Event, day string, p *page) *source.Batch {
	var lines bytes.Buffer
	for i := range events {
		// A line end can only stand between the tokens of JSON.
		lines.WriteString(strings.NewReplacer("\n", " ", "\r", " ").Replace(aws.ToString(events[i].CloudTrailEvent)))
		lines.WriteByte('\n')
	}
	w.pages++
	place := fmt.Sprintf("%s%s/%s", config.HistoryPlace, w.s.o.Name, w.region)
	now := w.s.o.now()
	return &source.Batch{
		Name: place, Key: place + "/" + day, Size: int64(lines.Len()), Changed: now.Add(time.Duration(w.pages)),
		Stream: place,
		Meta: event.Meta{
			Index: cmp.Or(w.s.o.Meta.Index, event.DefaultIndex), Sourcetype: w.s.o.Meta.Sourcetype, Source: place,
			Host: cmp.Or(w.s.o.Meta.Host, event.DefaultHost), Fallback: now.UnixNano(), Guessed: true,
		},
		Ack: func(source.Result) { w.done(p) },
		Open: func(read *atomic.Int64) (source.Records, error) {
			return file.OpenStream(io.NopCloser(&lines), int64(lines.Len()), file.DefaultLimits(), read)
		},
	}
}

// unsaved returns the position, if it changed since it was saved.
func (w *walker) unsaved() (text string, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.changed {
		return "", false
	}
	w.changed = false
	data, err := json.Marshal(w.durable)
	if err != nil {
		panic(err) // times and strings
	}
	return string(data), true
}

// dirty has the position saved again.
func (w *walker) dirty() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changed = true
}
