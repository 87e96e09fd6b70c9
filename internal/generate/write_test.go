package generate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var testEnd = time.Date(2025, 6, 6, 15, 20, 0, 0, time.UTC) // a Friday

func small() Config {
	return Config{Seed: 7, Events: 12_000, End: testEnd, Days: 8, Accounts: 4}
}

// treeHash is one hash over the names and bytes of every file under dir.
func treeHash(t *testing.T, dir string) string {
	t.Helper()
	h := sha256.New()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		rel, _ := filepath.Rel(dir, path)
		io.WriteString(h, rel+"\x00")
		_, err = io.Copy(h, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
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
