package hec

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bluetrail/internal/config"
	"bluetrail/internal/event"
	"bluetrail/internal/source"
	"bluetrail/internal/source/inbox"
)

// TestHandler sends requests as clients do, right and wrong ones, and reads what comes
// out of the inbox.
func TestHandler(t *testing.T) {
	t.Setenv("HEC_TEST_TOKEN", "0123456789abcdef")
	t.Setenv("HEC_TEST_ACKS", "fedcba9876543210")
	src := config.Source{Kind: config.KindHEC, Receiver: config.Receiver{MaxBodyMiB: 1, Tokens: []config.Token{
		{Name: "plain", Token: "env:HEC_TEST_TOKEN", Indexes: []string{"network"}}, {Name: "acks", Token: "env:HEC_TEST_ACKS", Ack: true},
	}}}
	src.Receiver = src.Received()
	tokens, err := inbox.NewTokens(src.Receiver.Tokens, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	box := inbox.New(inbox.Options{Name: "hec", Queue: 8 << 20})
	h := &Handler{Source: src, Inbox: box, Tokens: tokens}
	var got []string
	records := func() {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for {
			b, err := box.Next(ctx)
			if err != nil {
				return
			}
			r, err := b.Open(new(atomic.Int64))
			if err != nil {
				t.Error(err)
			}
			res := source.Result{Done: true}
			for {
				rec, err := r.Next()
				var bad *event.RecordError
				if errors.As(err, &bad) {
					res.Problems++
					continue
				}
				if err == io.EOF {
					break
				}
				res.Events++
				got = append(got, b.Meta.Index+" "+b.Meta.Host+" "+string(rec.Raw))
			}
			r.Close()
			b.Ack(res)
		}
	}
	go records()
	const rec = `{"eventVersion":"1.08","eventID":"00000000-0000-4000-8000-000000000001"}`
	for _, tc := range []struct{ auth, path, body, want string }{
		{"", "/event", "x", `401 {"text":"Token is required","code":2}`},
		{"Splunk wrong", "/event", "x", `403 {"text":"Invalid token","code":4}`},
		{"Other wrong", "/event", "x", `401 {"text":"Invalid authorization","code":3}`},
		{"Splunk 0123456789abcdef", "", "", `400 {"text":"No data","code":5}`},
		{"Splunk 0123456789abcdef", "", `{"event":` + rec + `,"fields":{"env":"prod","_raw":"x"}} {"event":"` + strings.ReplaceAll(rec, `"`, `\"`) + `","host":"h","index":"network"}`, `200 {"text":"Success","code":0}`},
		{"Splunk 0123456789abcdef", "/event/1.0", `{"event":"words"}`, `200 {"text":"Success","code":0}`},
		{"Splunk 0123456789abcdef", "/event", `{"event":{"a":1},"index":"_audit"}{"event":{"b":1}}`, `400 {"text":"Incorrect index","code":7,"invalid-event-number":0}`},
		{"Splunk 0123456789abcdef", "/event", `{"event":{"c":1}}{"event":`, `400 {"text":"Invalid data format","code":6,"invalid-event-number":1}`},
		{"Splunk 0123456789abcdef", "/event", strings.Repeat(`{"event":`, 2000), `400 {"text":"Invalid data format","code":6,"invalid-event-number":0}`},
		{"Splunk 0123456789abcdef", "/event", `{"event":{},"fields":{"x":{"y":1}}}`, `400 {"text":"Error in handling indexed fields","code":15,"invalid-event-number":0}`},
		{"Splunk 0123456789abcdef", "/raw", strings.Repeat("x", 2<<20), `413 {"text":"Content-Length of 2097152 too large (maximum is 1048576)","code":27}`},
		{"Splunk fedcba9876543210", "/raw", rec, `400 {"text":"Data channel is missing","code":10}`},
		{"Splunk 0123456789abcdef", "/ack?channel=a", `{"acks":[1]}`, `400 {"text":"ACK is disabled","code":14}`},
	} {
		r := httptest.NewRequest(http.MethodPost, Path+tc.path, strings.NewReader(tc.body))
		if tc.auth != "" {
			r.Header.Set("Authorization", tc.auth)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if answer := http.StatusText(w.Code); answer == "" || strings.TrimSpace(tc.want[4:]) != strings.TrimSpace(w.Body.String()) || tc.want[:3] != w.Result().Status[:3] {
			t.Errorf("%s %.60s: %d %s, want %s", tc.path, tc.body, w.Code, w.Body, tc.want)
		}
	}
	want := []string{
		`aws aws {"eventVersion":"1.08","eventID":"00000000-0000-4000-8000-000000000001","env":"prod"}`, "network h " + rec,
		`aws aws {"event":"words"}`, `aws aws {"b":1}`, `aws aws {"c":1}`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if c := box.Counts(); c.Bytes != 0 || c.Pending != 0 {
		t.Errorf("%d bytes and %d requests are still held", c.Bytes, c.Pending)
	}
}

var clock = time.Unix(1_700_000_000, 0)

// TestAcks: a number is true once its request is durable, and stays unknown to a
// channel that another process numbered.
func TestAcks(t *testing.T) {
	var a, next acks
	n, ok := a.open("c", clock)
	m, _ := a.open("c", clock)
	a.durable("c", m)
	if !ok || a.ask("c", n, clock) || !a.ask("c", m, clock) || a.ask("c", m+1, clock) || a.ask("other", m, clock) {
		t.Error("wrong acknowledgements")
	}
	next.open("c", clock)
	if next.ask("c", m, clock) {
		t.Error("a number of another process is acknowledged")
	}
	for range maxWaiting { // fail
		if n, ok = a.open("c", clock); !ok {
			t.Fatal("no number after requests that failed")
		}
	}
	if a.durable("c", n); !a.ask("c", n, clock) || a.ask("c", m, clock) || len(a.channels["c"].not) > 1 {
		t.Error("wrong acknowledgements after requests that failed")
	}
}
