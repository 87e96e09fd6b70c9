package ingest

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/generate"
	"bluetrail/internal/source/file"
	"bluetrail/internal/store/vlogs"
)

// BenchmarkIngest compares the CPU that an event takes on its way from packed
// files of 50 and of 8 events into the store with what VictoriaLogs' own server
// takes for the same fields, sent to it as JSON lines. All end durable.
// BLUETRAIL_BENCH_EVENTS says how many events there are.
func BenchmarkIngest(b *testing.B) {
	cfg := generate.Default()
	cfg.Events, cfg.Days, cfg.Accounts = 300_000, generate.MinDays, generate.MinAccounts
	if n, err := strconv.Atoi(os.Getenv("BLUETRAIL_BENCH_EVENTS")); err == nil {
		cfg.Events = n
	}
	cfg.End = time.Now().Truncate(time.Hour)
	dir := b.TempDir()
	if _, err := generate.Write(b.Context(), dir, cfg, nil); err != nil {
		b.Fatal(err)
	}
	trail := filepath.Join(dir, "AWSLogs")
	of50, of8 := repack(b, trail, 50), repack(b, trail, 8)
	lines := jsonLines(b, trail)
	for b.Loop() {
		server := serverCPU(b, lines)
		large, size := ingestCPU(b, of50, cfg.Events)
		small, _ := ingestCPU(b, of8, cfg.Events)
		perEvent := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 / float64(cfg.Events) }
		b.ReportMetric(perEvent(server), "server-µs/event")
		b.ReportMetric(perEvent(large), "own-µs/event")
		b.ReportMetric(float64(large)/float64(server), "own/server")
		b.ReportMetric(float64(small)/float64(large), "of8/of50")
		b.ReportMetric(100*size, "stored-%")
	}
}

// ingestCPU takes a trail in and returns the CPU that took and what share of the
// records' bytes the data directory has.
func ingestCPU(b *testing.B, trail string, events int) (time.Duration, float64) {
	b.Helper()
	data := b.TempDir()
	before := ownCPU(b)
	done, err := Run(b.Context(), Options{Data: data, Paths: []string{trail}})
	if err != nil || done.Events != events {
		b.Fatal(done.Events, events, err)
	}
	took := ownCPU(b) - before
	size := int64(0)
	err = filepath.WalkDir(data, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		size += info.Size()
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return took, float64(size) / float64(done.Bytes)
}

// repack writes the events of a trail into packed files of n events, in folders
// and with names like theirs, and returns where.
func repack(b *testing.B, trail string, n int) string {
	b.Helper()
	to := b.TempDir()
	found, err := file.List([]string{trail})
	if err != nil {
		b.Fatal(err)
	}
	type open struct {
		name    string
		records []string
	}
	folders := map[string]*open{}
	files := 0
	flush := func(folder string, o *open) {
		files++
		var packed bytes.Buffer
		gz := gzip.NewWriter(&packed)
		fmt.Fprintf(gz, `{"Records":[%s]}`, strings.Join(o.records, ","))
		name := fmt.Sprintf("%s-%d.json.gz", strings.TrimSuffix(o.name, ".json.gz"), files)
		if err := errors.Join(gz.Close(), os.MkdirAll(folder, 0o700), os.WriteFile(filepath.Join(folder, name), packed.Bytes(), 0o600)); err != nil {
			b.Fatal(err)
		}
		o.records = o.records[:0]
	}
	for _, in := range found.Files {
		if in.Digest {
			continue
		}
		rel, err := filepath.Rel(trail, filepath.Dir(in.Path))
		if err != nil {
			b.Fatal(err)
		}
		folder := filepath.Join(to, rel)
		if folders[folder] == nil {
			folders[folder] = &open{}
		}
		o := folders[folder]
		r, err := file.Open(in, file.DefaultLimits(), nil)
		if err != nil {
			b.Fatal(err)
		}
		for rec, err := r.Next(); err == nil; rec, err = r.Next() {
			if len(o.records) == 0 {
				o.name = filepath.Base(in.Path)
			}
			if o.records = append(o.records, string(rec.Raw)); len(o.records) == n {
				flush(folder, o)
			}
		}
		r.Close()
	}
	for folder, o := range folders {
		if len(o.records) > 0 {
			flush(folder, o)
		}
	}
	return to
}

// jsonLines writes the events of a trail with their text and the fields that the
// store keeps in columns, cut into requests, and returns the files.
func jsonLines(b *testing.B, trail string) []string {
	b.Helper()
	dir := b.TempDir()
	var files []string
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	flush := func() {
		files = append(files, filepath.Join(dir, strconv.Itoa(len(files))))
		if err := os.WriteFile(files[len(files)-1], body.Bytes(), 0o600); err != nil {
			b.Fatal(err)
		}
		body.Reset()
	}
	found, err := file.List([]string{trail})
	if err != nil {
		b.Fatal(err)
	}
	seen := map[[16]byte]bool{}
	for _, in := range found.Files {
		r, err := file.Open(in, file.DefaultLimits(), nil)
		if err != nil {
			b.Fatal(err)
		}
		m := in.Meta("", event.CloudTrail)
		for rec, err := r.Next(); err == nil; rec, err = r.Next() {
			id := event.Identify(rec.Raw)
			if rec.Kind == event.Digest || seen[id.ID] {
				continue
			}
			seen[id.ID] = true
			line := map[string]string{
				"_time": time.Unix(0, id.Time).UTC().Format(time.RFC3339), "_msg": string(rec.Raw),
				"_seq": strconv.Itoa(len(seen)), "_indextime": strconv.FormatInt(id.Time/1e6, 10),
			}
			err := event.Flatten(context.Background(), rec.Raw, &m, func(name string, c event.Cell) {
				if vlogs.HasColumn(name) {
					line[name] = cmp.Or(strings.Join(c.Many, ","), c.Text)
				}
			})
			if err != nil {
				b.Fatal(err)
			}
			if err := enc.Encode(line); err != nil {
				b.Fatal(err)
			}
		}
		r.Close()
		if body.Len() > 8<<20 {
			flush()
		}
	}
	flush()
	return files
}

// serverCPU starts VictoriaLogs' server, sends it the lines by two connections,
// stops it and returns the CPU time it took.
func serverCPU(b *testing.B, files []string) time.Duration {
	b.Helper()
	bin := filepath.Join(b.TempDir(), "victoria-logs")
	if out, err := exec.Command("go", "build", "-o", bin, "github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	server := exec.Command(bin, "-httpListenAddr="+addr, "-storageDataPath="+b.TempDir(), "-retentionPeriod=10y", "-loggerLevel=ERROR")
	server.Stderr = os.Stderr
	if err := server.Start(); err != nil {
		b.Fatal(err)
	}
	for range 200 {
		if resp, err := http.Get("http://" + addr + "/health"); err == nil {
			resp.Body.Close()
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	url := "http://" + addr + "/insert/jsonline?_time_field=_time&_msg_field=_msg&_stream_fields=" + strings.Join([]string{"index", "sourcetype", "eventSource", "eventName"}, ",")
	next := make(chan string)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for name := range next {
				body, err := os.Open(name)
				if err != nil {
					b.Error(err)
					continue
				}
				resp, err := http.Post(url, "application/stream+json", body)
				if err != nil || resp.StatusCode != http.StatusOK {
					b.Error(resp, err)
					continue
				}
				resp.Body.Close()
			}
		})
	}
	for _, name := range files {
		next <- name
	}
	close(next)
	wg.Wait()
	if err := server.Process.Signal(syscall.SIGINT); err != nil {
		b.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		b.Fatal(fmt.Errorf("the server ended with %w", err))
	}
	return server.ProcessState.UserTime() + server.ProcessState.SystemTime()
}

func ownCPU(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
