package files

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"bluetrail/internal/filter"
	"bluetrail/internal/generate"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"

	"github.com/klauspost/compress/gzip"
)

// trail writes n files with each records per file in CloudTrail's form. Every
// file repeats the last record of the previous one.
func trail(t testing.TB, n, each int) string {
	t.Helper()
	dir := t.TempDir()
	for f := range n {
		var text, packed bytes.Buffer
		text.WriteString(`{"Records":[`)
		for i := range each + 1 {
			id := f*each + i - 1
			if id < 0 {
				continue
			}
			if text.Len() > len(`{"Records":[`) {
				text.WriteByte(',')
			}
			name := "DescribeInstances"
			if id%50 == 0 {
				name = "ConsoleLogin"
			}
			fmt.Fprintf(&text, `{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111111111111:user/u%d","userName":"u%d"},"eventTime":"2026-01-01T10:%02d:00Z","eventSource":"ec2.amazonaws.com","eventName":%q,"awsRegion":"us-east-1","sourceIPAddress":"198.51.100.%d","userAgent":"aws-cli/2.0","requestParameters":{"n":%d},"responseElements":null,"eventID":"00000000-0000-4000-8000-%012d"}`, id%9, id%9, id%60, name, id%200, id, id)
		}
		text.WriteString(`]}`)
		w := gzip.NewWriter(&packed)
		w.Write(text.Bytes())
		w.Close()
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("1_CloudTrail_us-east-1_20260101T%02d00Z_%016d.json.gz", f%24, f)), packed.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func prepared(t testing.TB, s *Store, search string, q store.Query) store.Scan {
	t.Helper()
	e, err := syntax.ParseSearchExpr(search)
	if err != nil {
		t.Fatal(err)
	}
	q.Filter, q.Now = e, time.Unix(1767261600, 0)
	if q.Latest == 0 {
		q.Earliest, q.Latest = store.Beginning, store.End
	}
	sc, err := s.Prepare(&q)
	if err != nil {
		t.Fatal(err)
	}
	return sc
}

func TestDuplicatesAreDropped(t *testing.T) {
	s, err := Open([]string{trail(t, 10, 100)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var rows atomic.Int64
	sc := prepared(t, s, "eventName=*", store.Query{Fields: filter.Fields("requestParameters.n")})
	if err := sc.Run(t.Context(), func(_ int, b *vector.Batch) error { rows.Add(int64(b.Len)); return nil }); err != nil {
		t.Fatal(err)
	}
	st := s.Stats()
	if rows.Load() != 999+1 && rows.Load() != 999 || st.Duplicates != 9 || st.Files != 10 || len(st.Skipped) != 0 {
		t.Errorf("%d rows, %+v", rows.Load(), st)
	}
}

// TestFilesBeforeTheRangeStayClosed: a file delivered before the range contains
// no event of it.
func TestFilesBeforeTheRangeStayClosed(t *testing.T) {
	s, err := Open([]string{trail(t, 10, 10)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC).UnixNano()
	sc := prepared(t, s, "*", store.Query{Fields: filter.Fields("eventName"), Earliest: start, Latest: store.End})
	if err := sc.Run(t.Context(), func(int, *vector.Batch) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if got := s.Stats().Files; got != 2 {
		t.Errorf("%d files were read, want those of 08:00 and 09:00", got)
	}
}

func TestCancel(t *testing.T) {
	s, err := Open([]string{trail(t, 40, 2000)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stop := errors.New("enough")
	sc := prepared(t, s, "*", store.Query{Fields: filter.Fields("eventName")})
	if err := sc.Run(ctx, func(int, *vector.Batch) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("an error of emit ended with %v", err)
	}
	cancel()
	if err := sc.Run(ctx, func(int, *vector.Batch) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// generated writes an organisation's trail as CloudTrail delivers it. It
// returns a store of the trail and the unpacked size of its files in bytes.
func generated(b *testing.B) (*Store, int64) {
	dir := b.TempDir()
	cfg := generate.Default()
	cfg.Events, cfg.Days, cfg.Accounts = 500_000, generate.MinDays, generate.MinAccounts // about 40 events per file
	cfg.End = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	if _, err := generate.Write(b.Context(), dir, cfg, nil); err != nil {
		b.Fatal(err)
	}
	s, err := Open([]string{filepath.Join(dir, "AWSLogs", "**", "CloudTrail", "**", "*.json.gz")}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	var raw int64
	var u unpacker
	for _, f := range s.files {
		n, err := u.file(f.Path)
		if err != nil {
			b.Fatal(err)
		}
		raw += n
	}
	return s, raw
}

// unpacker reads files to their end, with one reader for all of them.
type unpacker struct {
	buf *bufio.Reader
	gz  gzip.Reader
}

func (u *unpacker) file(path string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if u.buf == nil {
		u.buf = bufio.NewReaderSize(nil, 64<<10)
	}
	u.buf.Reset(f)
	if err := u.gz.Reset(u.buf); err != nil {
		return 0, err
	}
	return u.gz.WriteTo(discard{})
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// reportCPU reports the CPU time of a run, which is more reliable than wall
// time on a busy machine.
func reportCPU(b *testing.B) func() {
	before := cpuTime(b)
	return func() { b.ReportMetric((cpuTime(b)-before).Seconds()/float64(b.N), "cpu-s/op") }
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkScan reads a generated trail: only unpacked, which is the lower
// bound, for a search that few events match, and for one that needs all.
func BenchmarkScan(b *testing.B) {
	s, raw := generated(b)
	b.Run("gunzip", func(b *testing.B) {
		b.SetBytes(raw)
		defer reportCPU(b)()
		for b.Loop() {
			var wg sync.WaitGroup
			next := make(chan string)
			for range runtime.GOMAXPROCS(0) {
				wg.Go(func() {
					var u unpacker
					for p := range next {
						if _, err := u.file(p); err != nil {
							b.Error(err)
						}
					}
				})
			}
			for _, f := range s.files {
				next <- f.Path
			}
			close(next)
			wg.Wait()
		}
	})
	for _, bc := range []struct{ name, search string }{
		{"selective", `sourcetype="aws:cloudtrail" eventName="ConsoleLogin" "additionalEventData.MFAUsed"=No`},
		{"one name", `eventName=ConsoleLogin`},
		{"every", `index=aws`},
	} {
		b.Run(bc.name, func(b *testing.B) {
			b.SetBytes(raw)
			defer reportCPU(b)()
			for b.Loop() {
				sc := prepared(b, s, bc.search, store.Query{Fields: filter.Fields("eventName")})
				if err := sc.Run(b.Context(), func(int, *vector.Batch) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
