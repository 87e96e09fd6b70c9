// Package sourcetest checks that a source keeps the contract of source.Source: every
// record once, an acknowledgement is what moves it on, a broken batch stops nothing, the
// end of a context ends Next, and a run that was killed is gone on with.
package sourcetest

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"bluetrail/internal/event"
	"bluetrail/internal/source"
)

// Case is a source with what lies in it.
type Case struct {
	// Open opens the source as a new process would, over the same input and state. Close may
	// be nil.
	Open func(t *testing.T) (src source.Source, close func() error)
	// Put puts a piece of input into the place that the source reads: records, one a line.
	// Names may be hostile.
	Put func(t *testing.T, name string, records []string)
	// Break puts a piece that cannot be read; nil = there is none.
	Break func(t *testing.T, name string)
	// Endless says that the source goes on when all was handed out.
	Endless bool
	// Forgets says that the source hands out everything again in a new process, and leaves
	// it to the state to know it.
	Forgets bool
}

// patience is how long Next may take while there is something.
const patience = 20 * time.Second

// names are of pieces; some as an attacker would choose them.
var names = []string{
	"a.json", "b c.json", "ü-\u202e.json", "new\nline.json", "%2e%2e%2f.json", "quote'\".json", "semi;colon&amp.json", strings.Repeat("n", 200) + ".json", "-rf.json", "$(id).json",
}

// Run runs the suite.
func Run(t *testing.T, open func(t *testing.T) Case) {
	t.Run("once", func(t *testing.T) { once(t, open(t)) })
	t.Run("broken", func(t *testing.T) { broken(t, open(t)) })
	t.Run("cancel", func(t *testing.T) { cancel(t, open(t)) })
	t.Run("killed", func(t *testing.T) { killed(t, open(t)) })
}

func records(name string) []string {
	return []string{`{"eventVersion":"1.08","n":1,"of":` + quoted(name) + `}`, `{"eventVersion":"1.08","n":2,"of":` + quoted(name) + `}`}
}

func quoted(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == '"' || r == '\\' || r < ' ' {
			r = '_'
		}
		b.WriteRune(r)
	}
	return `"` + b.String() + `"`
}

// taken is what was read of a source.
type taken struct {
	records  []string
	problems int
	keys     []string
}

// take takes batches until want records were read, most batches at most.
func take(t *testing.T, src source.Source, want, most int, ack bool) (got taken) {
	t.Helper()
	for len(got.records) < want && most > 0 {
		ctx, stop := context.WithTimeout(t.Context(), patience)
		b, err := src.Next(ctx)
		stop()
		if err == io.EOF {
			return got
		}
		if err != nil {
			t.Fatalf("Next, with %d of %d records read: %v", len(got.records), want, err)
		}
		most--
		got.keys = append(got.keys, b.Key)
		if b.Name == "" || b.Key == "" || !utf8.ValidString(b.Key) {
			t.Errorf("name %q and key %q", b.Name, b.Key)
		}
		result, err := read(b, &got)
		if err != nil {
			got.problems++
		}
		if ack && b.Ack != nil {
			b.Ack(result)
		}
	}
	return got
}

func read(b *source.Batch, got *taken) (result source.Result, err error) {
	var n atomic.Int64
	r, err := b.Open(&n)
	if err != nil {
		return result, err
	}
	defer r.Close()
	for {
		rec, err := r.Next()
		var one *event.RecordError
		switch {
		case err == io.EOF:
			result.Done = true
			return result, nil
		case errors.As(err, &one):
			result.Problems++
		case err != nil:
			return result, err
		default:
			result.Records++
			result.Events++
			got.records = append(got.records, string(rec.Raw))
		}
	}
}

func check(t *testing.T, got []string, names []string) {
	t.Helper()
	var want []string
	for _, name := range names {
		want = append(want, records(name)...)
	}
	slices.Sort(want)
	got = slices.Clone(got)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%d records, want %d, each once:\n%.2000q\nwant\n%.2000q", len(got), len(want), got, want)
	}
}

// opened opens the source and returns how to close it.
func opened(t *testing.T, c Case) (source.Source, func()) {
	t.Helper()
	src, end := c.Open(t)
	return src, func() {
		t.Helper()
		if end != nil {
			if err := end(); err != nil {
				t.Error(err)
			}
		}
	}
}

// once: every record comes once, whatever the name, and keys are told apart.
func once(t *testing.T, c Case) {
	for _, name := range names {
		c.Put(t, name, records(name))
	}
	src, end := opened(t, c)
	defer end()
	got := take(t, src, 2*len(names), 10*len(names), true)
	check(t, got.records, names)
	slices.Sort(got.keys)
	if n := len(slices.Compact(slices.Clone(got.keys))); n != len(got.keys) {
		t.Errorf("%d batches have %d keys", len(got.keys), n)
	}
	if !c.Endless {
		if _, err := src.Next(t.Context()); err != io.EOF {
			t.Errorf("at the end: %v", err)
		}
	}
}

// broken: a piece that cannot be read is a problem of its own.
func broken(t *testing.T, c Case) {
	if c.Break == nil {
		t.Skip("nothing in it can be broken")
	}
	c.Put(t, names[0], records(names[0]))
	c.Break(t, "broken.json.gz")
	c.Put(t, "z.json", records("z.json"))
	src, end := opened(t, c)
	defer end()
	got := take(t, src, 5, 3, true)
	check(t, got.records, []string{names[0], "z.json"})
	if got.problems != 1 {
		t.Errorf("%d problems", got.problems)
	}
}

// cancel: the end of its context ends Next, also while there is nothing.
func cancel(t *testing.T, c Case) {
	c.Put(t, names[0], records(names[0]))
	src, end := opened(t, c)
	defer end()
	take(t, src, 2, 10, true)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { _, err := src.Next(ctx); done <- err }()
	stop()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) && (c.Endless || err != io.EOF) {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("Next does not end with its context")
	}
}

// killed: what was not acknowledged comes again, under the same keys.
func killed(t *testing.T, c Case) {
	for _, name := range names[:4] {
		c.Put(t, name, records(name))
	}
	src, end := opened(t, c)
	first := take(t, src, 8, 2, true)
	lost := take(t, src, 2, 1, false)
	end()
	src, end = opened(t, c)
	defer end()
	want := 8 - len(first.records)
	if c.Forgets {
		want = 8
	}
	rest := take(t, src, want, 20, true)
	if !c.Forgets {
		rest.records = append(rest.records, first.records...)
	}
	check(t, rest.records, names[:4])
	for _, key := range lost.keys {
		if !slices.Contains(rest.keys, key) {
			t.Errorf("%q was handed out and not acknowledged; it did not come again", key)
		}
	}
}
