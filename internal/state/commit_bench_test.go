package state

import (
	"fmt"
	"testing"
)

// BenchmarkCommit notes many small files with one checkpoint.
func BenchmarkCommit(b *testing.B) {
	const files = 10_000
	s, err := Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	list := make([]File, files)
	for round := 0; b.Loop(); round++ {
		for i := range list {
			list[i] = File{
				Path: fmt.Sprintf("/trail/AWSLogs/o-abc/123456789012/CloudTrail/eu-central-1/2026/01/%02d/123456789012_CloudTrail_eu-central-1_20260101T0000Z_%016x.json.gz", round%28, i*7919%files),
				Size: 4000, Changed: int64(i), Records: 8, Done: true, First: 20000, Last: 20000, Origin: `{"index":"aws"}`, Again: true, Print: uint64(i),
			}
		}
		if err := s.Commit(Checkpoint{Batch: int64(round + 1)}, list, nil, nil, nil, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/files, "µs/file")
}
