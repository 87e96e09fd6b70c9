package generate

import (
	"bytes"
	stdcmp "cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var testEnd = time.Date(2025, 6, 6, 15, 20, 0, 0, time.UTC) // a Friday

func small() Config {
	return Config{Seed: 7, Events: 3000, End: testEnd, Days: 8, Accounts: 4, Workers: 1}
}

// tree is a sink in memory: files by object key.
type tree struct {
	mu    sync.Mutex
	files map[string][]byte
}

func (m *tree) put(object string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files[object] = bytes.Clone(data)
	return nil
}

// onDisk reads what lies under dir.
func onDisk(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(rel)], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func BenchmarkWrite(b *testing.B) {
	cfg := Default()
	cfg.End, cfg.Events = testEnd, 1_000_000
	for b.Loop() {
		dir := b.TempDir()
		start := time.Now()
		sum, err := Write(context.Background(), dir, cfg, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(sum.Events)/time.Since(start).Seconds(), "events/s")
		b.ReportMetric(float64(sum.Bytes)/float64(sum.Compressed), "ratio")
		b.ReportMetric(float64(sum.Bytes)/float64(sum.Events+sum.Duplicates), "B/event")
		b.ReportMetric(float64(sum.Files), "files")
		b.ReportMetric(float64(sum.Digests), "digests")
		os.RemoveAll(dir)
	}
}

func BenchmarkStream(b *testing.B) {
	cfg := Default()
	cfg.End = testEnd
	for b.Loop() {
		var bytes, events int64
		start := time.Now()
		if err := Stream(context.Background(), cfg, func(r []byte, _ time.Time) error { bytes += int64(len(r)); events++; return nil }); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(events)/time.Since(start).Seconds(), "events/s")
		b.SetBytes(bytes)
	}
}

// file is one log file of a written trail.
type file struct {
	name    string
	body    []byte
	records []json.RawMessage
}

// logFiles are the log files among files, in the order of delivery.
func logFiles(t *testing.T, files map[string][]byte) []file {
	t.Helper()
	var out []file
	for name, data := range files {
		if !strings.HasSuffix(name, ".json.gz") || strings.Contains(name, "CloudTrail-Digest") {
			continue
		}
		f := file{name: name, body: gunzip(t, name, data)}
		var log struct{ Records []json.RawMessage }
		if err := json.Unmarshal(f.body, &log); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		f.records = log.Records
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b file) int {
		return stdcmp.Or(stdcmp.Compare(delivered(a.name), delivered(b.name)), stdcmp.Compare(a.name, b.name))
	})
	return out
}

// delivered is the part of a log file's name that says when it came.
func delivered(name string) string {
	parts := strings.Split(name, "_")
	return parts[len(parts)-2]
}

func gunzip(t *testing.T, name string, data []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return b
}

// smallTrail is the trail of small(), made once for all tests.
var smallTrail = sync.OnceValues(func() (map[string][]byte, Summary) {
	to := &tree{files: map[string][]byte{}}
	sum, err := write(context.Background(), to, small(), nil)
	if err != nil {
		panic(err)
	}
	return to.files, sum
})

// TestSameConfigSameBytes has one worker write into memory and five on disk.
func TestSameConfigSameBytes(t *testing.T) {
	t.Parallel()
	one, sumOne := smallTrail()
	cfg := small()
	cfg.Workers = 5
	dir := t.TempDir()
	sumFive, err := Write(context.Background(), dir, cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sumOne, sumFive); diff != "" {
		t.Errorf("summaries of one and five workers (-one +five):\n%s", diff)
	}
	five := onDisk(t, dir)
	for name, data := range one {
		if !bytes.Equal(data, five[name]) {
			t.Errorf("%s differs", name)
		}
	}
	if len(one) != len(five) {
		t.Errorf("one worker wrote %d files, five wrote %d", len(one), len(five))
	}
}

func TestAnotherSeedIsAnotherTrail(t *testing.T) {
	t.Parallel()
	ids := map[string]bool{}
	for seed := range uint64(3) {
		cfg := small()
		cfg.Seed = seed
		err := Stream(context.Background(), cfg, func(r []byte, _ time.Time) error { ids[parse(t, r).EventID] = true; return nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	if want := 3 * small().Events; len(ids) != want {
		t.Errorf("three seeds gave %d different events, want %d", len(ids), want)
	}
}

func TestWriteHoldsWhatStreamYields(t *testing.T) {
	t.Parallel()
	cfg := small()
	tree, sum := smallTrail()
	want := map[string]string{} // eventID to record
	err := Stream(context.Background(), cfg, func(r []byte, _ time.Time) error {
		want[parse(t, r).EventID] = string(r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{} // eventID to file
	duplicates, late, bytes := 0, 0, int64(0)
	files := logFiles(t, tree)
	for _, f := range files {
		bytes += int64(len(f.body))
		for _, raw := range f.records {
			r := parse(t, raw)
			if want[r.EventID] != string(raw) {
				t.Fatalf("%s: record %s is not what Stream yields", f.name, r.EventID)
			}
			if !strings.Contains(f.name, "/"+r.RecipientAccountID+r.AccountID+"/") || !strings.Contains(f.name, "_"+r.AWSRegion+"_") {
				t.Errorf("%s holds an event of %s in %s", f.name, r.RecipientAccountID, r.AWSRegion)
			}
			came, err := time.Parse("20060102T1504Z", delivered(f.name))
			if err != nil {
				t.Fatal(err)
			}
			if r.EventTime.After(came) {
				t.Errorf("%s holds an event of %v", f.name, r.EventTime)
			}
			if earlier, ok := seen[r.EventID]; ok {
				duplicates++
				if delivered(earlier) >= delivered(f.name) {
					t.Errorf("event %s comes again in %s, which is no later than %s", r.EventID, f.name, earlier)
				}
				continue
			}
			seen[r.EventID] = f.name
			if came.Sub(r.EventTime) > 2*slot*time.Second {
				late++
			}
		}
	}
	got := Summary{Events: len(seen), Files: len(files), Duplicates: duplicates, Late: late, Bytes: bytes}
	exp := Summary{Events: sum.Events, Files: sum.Files, Duplicates: sum.Duplicates, Late: sum.Late, Bytes: sum.Bytes}
	if diff := cmp.Diff(exp, got); diff != "" {
		t.Errorf("summary and files (-summary +files):\n%s", diff)
	}
	if len(seen) != cfg.Events || len(want) != cfg.Events {
		t.Errorf("%d events written, %d streamed, want %d", len(seen), len(want), cfg.Events)
	}
	if duplicates == 0 || late == 0 {
		t.Errorf("%d duplicates and %d late events, want some of both", duplicates, late)
	}
}

func TestCancelLeavesWholeFiles(t *testing.T) {
	t.Parallel()
	cfg := Default()
	cfg.End, cfg.Events = testEnd, scaled(100_000)
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var cancelled time.Time
	sum, err := Write(ctx, dir, cfg, func(done, total int) {
		if done > total/50 && cancelled.IsZero() {
			cancelled = time.Now()
			cancel()
		}
	})
	if took := time.Since(cancelled); took > 100*time.Millisecond && !raceDetector {
		t.Errorf("stopped after %v", took)
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want context.Canceled", err)
	}
	left := onDisk(t, dir)
	files := logFiles(t, left) // fails on a half file
	if len(files) != sum.Files || sum.Files == 0 {
		t.Errorf("%d log files, summary says %d", len(files), sum.Files)
	}
	for name := range left {
		if strings.HasSuffix(name, ".part") {
			t.Errorf("%s was left", name)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){
		"no end":       func(c *Config) { c.End = time.Time{} },
		"few events":   func(c *Config) { c.Events = MinEvents - 1 },
		"few days":     func(c *Config) { c.Days = MinDays - 1 },
		"few accounts": func(c *Config) { c.Accounts = MinAccounts - 1 },
		"workers":      func(c *Config) { c.Workers = -1 },
	} {
		cfg := small()
		change(&cfg)
		dir := filepath.Join(t.TempDir(), "out")
		if _, err := Write(context.Background(), dir, cfg, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s: directory was made", name)
		}
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "AWSLogs"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(context.Background(), dir, small(), nil); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("writing over a trail: %v", err)
	}
}

func TestExtremesOfConfig(t *testing.T) {
	t.Parallel()
	for _, cfg := range []Config{
		{Seed: 3, Events: MinEvents, End: testEnd, Days: MinDays, Accounts: MinAccounts},
		{Seed: 4, Events: 4000, End: testEnd, Days: MinDays, Accounts: MaxAccounts},
		{Seed: 5, Events: 5000, End: testEnd, Days: 30, Accounts: 5},
	} {
		n := 0
		if err := Stream(context.Background(), cfg, func([]byte, time.Time) error { n++; return nil }); err != nil || n != cfg.Events {
			t.Errorf("%+v: %d events, error %v", cfg, n, err)
		}
	}
}
