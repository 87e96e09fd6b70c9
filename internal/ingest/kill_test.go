package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"bluetrail/internal/filter"
	"bluetrail/internal/store"
	"bluetrail/internal/store/vlogs"
	"bluetrail/internal/vector"

	"github.com/klauspost/compress/gzip"
)

// TestMain lets the test program be the ingest that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("BLUETRAIL_TEST_INGEST"); dir != "" {
		_, err := Run(context.Background(), childOptions(dir))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func childOptions(dir string) Options {
	// Small batches, so that kills fall between and inside many of them.
	return Options{Data: filepath.Join(dir, "data"), Paths: []string{filepath.Join(dir, "trail")}, Sink: openCounting, batch: limits{events: 700, bytes: 1 << 20, age: time.Second}}
}

// writeTrail writes files of records; every fifth record comes again in the
// next file, and some carry no eventID. It returns how many events there are.
func writeTrail(t *testing.T, dir string, files, each int) map[string]bool {
	t.Helper()
	want := map[string]bool{}
	for f := range files {
		var text bytes.Buffer
		text.WriteString(`{"Records":[`)
		for i := range each {
			if i > 0 {
				text.WriteByte(',')
			}
			id := f*each + i
			if i%5 == 0 && f > 0 {
				id -= each // delivered before
			}
			name := fmt.Sprintf("n%d", id)
			want[name] = true
			if id%97 == 3 && !(i%5 == 0) { // one that has no id; it is not delivered twice
				name = fmt.Sprintf("x%d", id)
				delete(want, fmt.Sprintf("n%d", id))
				want[name] = true
				fmt.Fprintf(&text, `{"eventVersion":"1.08","eventTime":"2026-01-0%dT10:%02d:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","marker":%q}`, 1+f%5, i%60, name)
				continue
			}
			fmt.Fprintf(&text, `{"eventVersion":"1.08","eventTime":"2026-01-0%dT10:%02d:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","eventID":"00000000-0000-4000-8000-%012d","marker":%q}`, 1+(id/each)%5, i%60, id, name)
		}
		text.WriteString(`]}`)
		var packed bytes.Buffer
		zw := gzip.NewWriter(&packed)
		zw.Write(text.Bytes())
		zw.Close()
		path := filepath.Join(dir, fmt.Sprintf("1_CloudTrail_us-east-1_202601%02dT%02d00Z_%016d.json.gz", 1+f%5, f%24, f))
		if err := os.WriteFile(path, packed.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return want
}

// markers reads the markers of all stored events, with how often each is there.
func markers(t *testing.T, data string) map[string]int {
	t.Helper()
	st, err := vlogs.Open(filepath.Join(data, EventsDir), vlogs.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	sc, err := st.Prepare(&store.Query{Filter: &filter.Everything{}, Fields: filter.Fields("marker"), Earliest: store.Beginning, Latest: store.End, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	type row struct{ marker string }
	rows := make(chan row, 1024)
	got := map[string]int{}
	done := make(chan struct{})
	go func() {
		for r := range rows {
			got[r.marker]++
		}
		close(done)
	}()
	err = sc.Run(context.Background(), func(_ int, b *vector.Batch) error {
		for i := range b.Len {
			rows <- row{string([]byte(b.At("marker", i).Text()))}
		}
		return nil
	})
	close(rows)
	<-done
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestKilledAtAnyMoment kills an ingest 50 times at random moments and lets the
// last one end: every event is there once, and the sink saw each once.
func TestKilledAtAnyMoment(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "trail"), 0o700); err != nil {
		t.Fatal(err)
	}
	want := writeTrail(t, filepath.Join(dir, "trail"), 60, 150)
	rnd := rand.New(rand.NewPCG(7, uint64(time.Now().UnixNano())))
	killed := 0
	for try := 0; killed < 50 && try < 400; try++ {
		var out bytes.Buffer
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "BLUETRAIL_TEST_INGEST="+dir)
		cmd.Stderr = &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rnd.IntN(400)) * time.Millisecond)
		cmd.Process.Kill()
		err := cmd.Wait()
		var exit *exec.ExitError
		switch {
		case err == nil: // it was faster: what is taken in goes, and the next begins anew
			check(t, dir, want)
			if err := os.RemoveAll(filepath.Join(dir, "data")); err != nil {
				t.Fatal(err)
			}
		case errors.As(err, &exit) && exit.ExitCode() == -1:
			killed++
		default:
			t.Fatalf("after %d kills the ingest failed: %v\n%s", killed, err, out.String())
		}
	}
	if _, err := Run(context.Background(), childOptions(dir)); err != nil {
		t.Fatalf("after %d kills: %v", killed, err)
	}
	t.Logf("%d kills", killed)
	check(t, dir, want)
	again, err := Run(context.Background(), childOptions(dir))
	if err != nil || again.Events != 0 || again.FilesDone != 60 {
		t.Errorf("a second ingest took in %d events, passed %d files: %v", again.Events, again.FilesDone, err)
	}
}

func check(t *testing.T, dir string, want map[string]bool) {
	t.Helper()
	checkSeen(t, childOptions(dir).Data, want)
	got := markers(t, childOptions(dir).Data)
	bad := 0
	for m := range want {
		if got[m] != 1 {
			if bad++; bad < 5 {
				t.Errorf("event %s is there %d times", m, got[m])
			}
		}
	}
	if len(got) != len(want) || bad > 0 {
		t.Fatalf("%d events, want %d; %d of them wrong", len(got), len(want), bad)
	}
}

// TestBadFiles: what cannot be read is named, counted and kept in the list, and
// stops nothing.
func TestBadFiles(t *testing.T) {
	dir := t.TempDir()
	trail := filepath.Join(dir, "trail")
	if err := os.Mkdir(trail, 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(trail, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var packed bytes.Buffer
	zw := gzip.NewWriter(&packed)
	zw.Write([]byte(`{"Records":[{"eventVersion":"1.08","eventID":"a","eventTime":"2026-01-01T00:00:00Z","marker":"whole"},{"eventVersion":"1.08","eventID":"b","marker":"cut`))
	zw.Close()
	write("truncated.json.gz", packed.Bytes())
	write("half.json.gz", packed.Bytes()[:packed.Len()/2])
	write("nongzip.json.gz", []byte("this is no gzip"))
	write("deep.json", append(append([]byte(`{"eventVersion":"1","x":`), bytes.Repeat([]byte("["), 100000)...), bytes.Repeat([]byte("]"), 100000)...))
	write("empty.json", nil)
	write("good.json", []byte(`{"eventVersion":"1.08","eventID":"c","eventTime":"2026-01-01T00:00:01Z","marker":"good"}`))
	write("old.json", []byte(`{"eventVersion":"1.08","eventID":"d","eventTime":"1901-01-01T00:00:01Z","marker":"old"}`))
	sum, err := Run(context.Background(), childOptions(dir))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, s := range sum.Skipped {
		names[filepath.Base(s.Object)] = true
		if s.Text == "" {
			t.Errorf("%s was skipped without a reason", s.Object)
		}
	}
	for _, n := range []string{"truncated.json.gz", "half.json.gz", "nongzip.json.gz", "deep.json"} {
		if !names[n] {
			t.Errorf("%s is not among %v", n, sum.Skipped)
		}
	}
	got := markers(t, childOptions(dir).Data)
	for _, m := range []string{"whole", "good", "old"} {
		if got[m] != 1 {
			t.Errorf("%s is there %d times", m, got[m])
		}
	}
}
