package judge

import (
	"context"
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"bluetrail/internal/detect/finding"
)

// BenchmarkOpenGroups feeds the events of a million users, each of whom opens a group that
// stays open: with the default limits, which give up the oldest, and with room for all of
// them. It shows the memory that is held at the end.
func BenchmarkOpenGroups(b *testing.B) {
	const users = 1_000_000
	for _, c := range []struct {
		name   string
		limits Limits
	}{
		{"default", Limits{}},
		{"all", Limits{Groups: 2 * users, Held: 2 * users}},
	} {
		b.Run(c.name, func(b *testing.B) {
			rules := with(Correlation{Type: ValueCount, Rules: []int32{0}, GroupBy: []string{"user"}, Fields: []string{"src"}, Timespan: 1000 * time.Hour, Holds: gte(20)})
			for b.Loop() {
				runtime.GC()
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				found := 0
				j, faults := New(Options{Rules: rules, Wanted: wanted, Resolve: resolve, Limits: c.limits, Found: func(*finding.Finding) error { found++; return nil }})
				if len(faults) > 0 {
					b.Fatal(faults)
				}
				start := cpu(b)
				for i := range users {
					if err := j.Feed(context.Background(), at(i/10, i, fmt.Sprintf("user%d", i), fmt.Sprintf("s%d", i%7), "", 0)); err != nil {
						b.Fatal(err)
					}
				}
				took := cpu(b) - start
				runtime.GC()
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB")
				b.ReportMetric(float64(len(j.units)), "groups")
				b.ReportMetric(float64(j.Stats().Evicted), "evicted")
				b.ReportMetric(float64(took.Nanoseconds())/users, "cpu-ns/match")
				if err := j.Finish(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// cpu is the processor time of the process.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
