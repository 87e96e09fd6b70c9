package judge

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// BenchmarkReplay feeds matches of a thousand users, in commits of a thousand, in order and
// up to five minutes late.
func BenchmarkReplay(b *testing.B) {
	rules := with(Correlation{Type: ValueCount, Rules: []int32{0}, GroupBy: []string{"user"}, Fields: []string{"src"}, Timespan: 10 * time.Minute, Holds: gte(20)})
	rules[0].Silent = false
	for _, late := range []int{0, 300} {
		b.Run(fmt.Sprintf("late=%ds", late), func(b *testing.B) {
			rd := rand.New(rand.NewPCG(1, 1))
			r, _ := NewReplayer(ReplayOptions{Options: Options{Rules: rules, Wanted: wanted, Resolve: resolve}, Lateness: time.Hour})
			bytes := 0
			for i := range b.N {
				second := i / 50
				m := at(second, i, fmt.Sprintf("u%d", rd.IntN(1000)), fmt.Sprintf("s%d", rd.IntN(100)), "", 0)
				m.Arrival = m.Time
				if late > 0 {
					m.Time -= rd.Int64N(int64(late)) * int64(time.Second)
				}
				r.Add(m)
				if i%1000 == 999 {
					d, err := r.Judge(context.Background(), time.Unix(0, m.Arrival))
					if err != nil {
						b.Fatal(err)
					}
					for _, u := range d.Units {
						bytes += len(u.Body)
					}
					for _, x := range d.Waiting {
						bytes += len(x.Body)
					}
					for _, f := range d.Findings {
						bytes += len(f.Body)
					}
				}
			}
			_, n := r.Size()
			b.ReportMetric(float64(bytes)/float64(b.N), "rowbytes/op")
			b.ReportMetric(float64(n), "in-tails")
		})
	}
}
