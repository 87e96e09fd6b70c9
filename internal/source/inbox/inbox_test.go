package inbox

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/source"
)

// packed compresses a text.
func packed(t *testing.T, text string, to func(io.Writer) io.WriteCloser) io.Reader {
	t.Helper()
	var b bytes.Buffer
	w := to(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

func gz(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }

// requestOf returns a request with a body.
func requestOf(body io.Reader, encoding string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", body)
	if encoding != "" {
		r.Header.Set("Content-Encoding", encoding)
	}
	return r
}

// TestRead reads bodies in each encoding, and refuses what is too large, too large once
// unpacked, or broken. Nothing of these holds room of the queue afterwards.
func TestRead(t *testing.T) {
	const limit = 200 << 10
	fits, large := strings.Repeat("0123456789abcdef", limit/16), strings.Repeat("x", limit+1)
	deflate := func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }
	endless := func(text string) io.Reader { return io.MultiReader(strings.NewReader(text)) } // its length is not known
	box := New(Options{Queue: 10 * limit})
	for name, tc := range map[string]struct {
		body     io.Reader
		encoding string
		want     string // "" = what fits
	}{
		"plain":                  {strings.NewReader(fits), "", ""},
		"identity":               {strings.NewReader(fits), "Identity", ""},
		"no length":              {endless(fits), "", ""},
		"gzip":                   {packed(t, fits, gz), "gzip", ""},
		"deflate":                {packed(t, fits, deflate), "deflate", ""},
		"too large":              {strings.NewReader(large), "", "Content-Length of 204801 too large (maximum is 204800)"},
		"too large, no length":   {endless(large), "", "Content too large (maximum is 204800)"},
		"too large once gunzip":  {packed(t, large, gz), "gzip", "Content too large (maximum is 204800)"},
		"too large once inflate": {packed(t, large, deflate), "deflate", "Content too large (maximum is 204800)"},
		"no gzip":                {strings.NewReader(fits), "gzip", "cannot unpack the body"},
		"no deflate":             {strings.NewReader(fits), "deflate", "cannot unpack the body"},
		"half a gzip":            {io.LimitReader(packed(t, fits, gz), 300), "gzip", "cannot read the body: unexpected EOF"},
		"other encoding":         {strings.NewReader(fits), "br", ErrEncoding.Error()},
	} {
		body, err := box.Read(requestOf(tc.body, tc.encoding), limit)
		switch {
		case tc.want == "" && (err != nil || string(body.Text) != fits):
			t.Errorf("%s: %v", name, err)
		case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
		if body != nil {
			if held := box.Counts().Bytes; held < int64(len(body.Text)) || held > 4*limit {
				t.Errorf("%s: a body of %d bytes holds %d of the queue", name, len(body.Text), held)
			}
			body.Release()
			body.Release()
		}
		if held := box.Counts().Bytes; held != 0 {
			t.Errorf("%s: %d bytes remain in the queue", name, held)
		}
	}
}

// parts returns a part for each text.
func parts(texts ...string) (list []Part) {
	for _, text := range texts {
		list = append(list, Part{Meta: event.Meta{Index: "aws"}, Pieces: []Piece{{Text: []byte(text), Time: 7}}})
	}
	return list
}

// take reads the next batch to its end.
func take(t *testing.T, box *Inbox) (b *source.Batch, records []event.Record, problems []string) {
	t.Helper()
	b, err := box.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.Open(new(atomic.Int64))
	if err != nil {
		t.Fatal(err)
	}
	for {
		rec, err := r.Next()
		var bad *event.RecordError
		switch {
		case err == nil:
			rec.Raw = bytes.Clone(rec.Raw)
			records = append(records, rec)
			continue
		case errors.As(err, &bad):
			problems = append(problems, bad.Error())
			continue
		case err != io.EOF:
			t.Error(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		return b, records, problems
	}
}

const rec = `{"eventVersion":"1.08","eventID":"00000000-0000-4000-8000-000000000001"}`

// put reads a body of the given size and queues it.
func put(t *testing.T, box *Inbox, size int, list []Part, done func(Outcome)) error {
	t.Helper()
	body, err := box.Read(requestOf(strings.NewReader(strings.Repeat(" ", size)), ""), 1<<20)
	if err != nil {
		return err
	}
	if err = box.Put(body, list, done); err != nil {
		body.Release()
	}
	return err
}

// TestQueue: a queue takes what there is room for and says when it is full; there is
// room again once a request was read, before it is durable. A request is answered once,
// when all its parts are durable.
func TestQueue(t *testing.T) {
	box := New(Options{Name: "in", Queue: 100 << 10})
	var got []Outcome
	done := func(o Outcome) { got = append(got, o) }
	if err := put(t, box, 60<<10, parts(rec, rec+rec), done); err != nil {
		t.Fatal(err)
	}
	if err := put(t, box, 60<<10, parts(rec), done); err != ErrBusy {
		t.Errorf("the queue is full: %v", err)
	}
	if c := box.Counts(); c.Busy != 1 || c.Requests != 1 || c.Pending != 1 || c.Bytes < 60<<10 || c.Bytes > 100<<10 {
		t.Errorf("%+v", c)
	}
	first, records, _ := take(t, box)
	if !first.Passing || first.Meta.Fallback == 0 || !first.Meta.Guessed || len(records) != 1 || records[0].Time != 7 {
		t.Errorf("%+v with %+v", first, records)
	}
	if held := box.Counts().Bytes; held < 60<<10 {
		t.Errorf("the room of a request that is read in part is free: %d bytes are held", held)
	}
	second, records, _ := take(t, box)
	if held := box.Counts().Bytes; len(records) != 2 || held != 0 {
		t.Errorf("%d records; %d bytes are held once all is read", len(records), held)
	}
	second.Ack(source.Result{Events: 2, Problems: 1, Problem: "why"})
	if len(got) != 0 {
		t.Error("a request is answered before all of it is durable")
	}
	first.Ack(source.Result{Events: 1, Problems: 1, Problem: "later"})
	if len(got) != 1 || got[0] != (Outcome{Durable: true, Events: 3, Problems: 2, Problem: "why"}) {
		t.Errorf("%+v", got)
	}
	if c := box.Counts(); c.Pending != 0 || c.Events != 3 || c.Problems != 1 || c.Error != "why" {
		t.Errorf("%+v", c)
	}

	got = nil
	if err := put(t, box, 1, nil, done); err != nil || len(got) != 1 || !got[0].Durable || box.Counts().Bytes != 0 {
		t.Errorf("a request without events: %v, %+v", err, got)
	}
	if err := put(t, box, 1, make([]Part, MaxParts+1), done); err != ErrTooMany {
		t.Error(err)
	}
	for range maxRequests {
		if err := box.Put(&Body{inbox: box}, parts(rec), done); err != nil {
			t.Fatal(err)
		}
	}
	if err := put(t, box, 1, parts(rec), done); err != ErrBusy || !box.Full() || box.Counts().Bytes != 0 {
		t.Errorf("%d requests are not durable yet: %v", box.Counts().Pending, err)
	}
}

// TestAbandon: whoever read requests has failed. Their clients are told so once, also if
// an acknowledgement comes late, and what is queued is gone; others may send.
func TestAbandon(t *testing.T) {
	box := New(Options{Queue: 100 << 10})
	var got []Outcome
	for range 2 {
		if err := put(t, box, 10<<10, parts(rec), func(o Outcome) { got = append(got, o) }); err != nil {
			t.Fatal(err)
		}
	}
	late, err := box.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	box.Abandon()
	if len(got) != 2 || got[0] != (Outcome{}) || got[1] != (Outcome{}) {
		t.Errorf("%+v", got)
	}
	late.Ack(source.Result{Events: 1})
	if c := box.Counts(); len(got) != 2 || c.Pending != 0 || c.Bytes != 0 || c.Events != 0 {
		t.Errorf("after a late acknowledgement: %d answers, %+v", len(got), c)
	}
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	if b, err := box.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%+v, %v of an abandoned queue", b, err)
	}
	if err := put(t, box, 1, parts(rec), func(Outcome) {}); err != nil {
		t.Error(err)
	}
	box.Close()
	if err := put(t, box, 1, parts(rec), func(Outcome) {}); err != ErrClosed || !box.Closed() {
		t.Errorf("a closed inbox: %v", err)
	}
}

// TestPieces: a piece may be packed; one that is broken, or an archive, is a problem of
// its own.
func TestPieces(t *testing.T) {
	bytesOf := func(r io.Reader) []byte { b, _ := io.ReadAll(r); return b }
	whole := bytesOf(packed(t, rec, gz))
	box := New(Options{Queue: 1 << 20})
	list := []Part{{Pieces: []Piece{
		{Text: whole}, {Text: whole[:len(whole)-9]}, {Text: []byte("PK\x03\x04" + strings.Repeat("x", 60))}, {Text: []byte("{]")}, {Text: []byte(fmt.Sprintf(`{"Records":[%s,%[1]s]}`, rec))},
	}}}
	if err := put(t, box, 1, list, func(Outcome) {}); err != nil {
		t.Fatal(err)
	}
	_, records, problems := take(t, box)
	if len(records) < 3 || len(problems) != 3 || string(records[0].Raw) != rec || string(records[len(records)-1].Raw) != rec {
		t.Errorf("%d records, problems %q", len(records), problems)
	}
}
