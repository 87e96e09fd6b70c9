package ingest

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"bluetrail/internal/event"
	"bluetrail/internal/source/inbox"
)

// TestPassing: of a request that a client sends, the state keeps nothing but its events. Sent
// again after a restart, none of them is new, with an eventID or without; what could not be
// read of it is told to the client alone.
func TestPassing(t *testing.T) {
	data := t.TempDir()
	const body = `{"eventVersion":"1.08","eventID":"00000000-0000-4000-8000-000000000001","eventTime":"2026-01-05T10:00:00Z"}
{"line":1}
{]
{"line":1}
`
	send := func(p *Pipeline, stream string) inbox.Outcome {
		t.Helper()
		box := inbox.New(inbox.Options{Name: "hec", Queue: 1 << 20})
		ctx, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { _, err := p.Run(ctx, box, RunOptions{Live: true, Source: "hec"}); ended <- err }()
		in, err := box.Read(httptest.NewRequest("POST", "/", strings.NewReader(body)), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		outcome := make(chan inbox.Outcome, 1)
		part := inbox.Part{Meta: event.Meta{Index: "aws", Source: "http:a", Host: "h"}, Stream: stream, Pieces: []inbox.Piece{{Text: in.Text}}}
		if err := box.Put(in, []inbox.Part{part}, func(o inbox.Outcome) { outcome <- o }); err != nil {
			t.Fatal(err)
		}
		o := <-outcome
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		return o
	}
	for i, want := range []struct {
		stream string
		events int // new ones
		all    int
	}{{"a", 3, 3}, {"a", 0, 3}, {"b", 2, 5}} { // another request has the same lines: they are others
		p := openPipeline(t, Config{Data: data})
		if o := send(p, want.stream); !o.Durable || o.Events != want.events || o.Problems != 1 || !strings.Contains(o.Problem, "line 3") {
			t.Errorf("%d: %+v, want %d new events and a problem in line 3", i, o, want.events)
		}
		if n := counted(t, p.Store()); n != want.all {
			t.Errorf("%d: %d events are stored, want %d", i, n, want.all)
		}
		files, err := p.State().Files()
		_, problems, failed := p.State().Problems(10)
		if err != nil || failed != nil || files != 0 || problems != 0 {
			t.Errorf("%d: the state keeps %d files and %d problems; %v, %v", i, files, problems, err, failed)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
