package folder

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bluetrail/internal/digest"
	"bluetrail/internal/generate"

	"github.com/klauspost/compress/gzip"
)

// BenchmarkVerify verifies a generated trail, and decompresses and hashes the same files
// with the same library and number of workers. It reports processor time.
func BenchmarkVerify(b *testing.B) {
	dir := os.Getenv("BLUETRAIL_BENCH_TRAIL")
	if dir == "" {
		dir = b.TempDir()
		cfg := generate.Config{Seed: seed, Events: 200_000, End: end, Days: 8, Accounts: 4}
		if _, err := generate.Write(context.Background(), dir, cfg, nil); err != nil {
			b.Fatal(err)
		}
	}
	k := keys(b, dir)
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			start := cpu()
			if r := verify(b, dir, digest.Options{Keys: k}); r.Verdict() != digest.Proven {
				b.Fatal(r.Verdict())
			}
			b.ReportMetric((cpu() - start).Seconds(), "cpu-s/op")
		}
	})
	b.Run("plain", func(b *testing.B) {
		for b.Loop() {
			start := cpu()
			names := make(chan string)
			var wait sync.WaitGroup
			for range runtime.GOMAXPROCS(0) {
				wait.Go(func() { plain(b, names) })
			}
			err := New([]string{dir}).List(context.Background(), func(o digest.Object) error {
				if strings.HasSuffix(o.Name, ".json.gz") {
					names <- o.Name
				}
				return nil
			}, nil)
			close(names)
			wait.Wait()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric((cpu() - start).Seconds(), "cpu-s/op")
		}
	})
}

// plain decompresses and hashes files.
func plain(b *testing.B, names chan string) {
	var gz gzip.Reader
	buf := make([]byte, 64<<10)
	for name := range names {
		packed, err := os.ReadFile(name)
		if err != nil {
			b.Error(err)
			continue
		}
		if err := gz.Reset(bytes.NewReader(packed)); err != nil {
			b.Error(err)
			continue
		}
		h := sha256.New()
		if _, err := io.CopyBuffer(struct{ io.Writer }{h}, &gz, buf); err != nil {
			b.Error(err)
		}
	}
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // it cannot fail for oneself
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
