package cmd_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"bluetrail/internal/spill"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// statsBatch is a batch as stores give it: columns with a dictionary, columns
// of their own texts, times, a constant.
func statsBatch() *vector.Batch {
	rnd := rand.New(rand.NewPCG(1, 2))
	n := vector.DefaultRows
	column := func(name string, distinct int) (coded, texts *vector.Column) {
		dict, codes, vals := make([]vector.Value, distinct), make([]int32, n), make([]vector.Value, n)
		for i := range dict {
			dict[i] = vector.String(fmt.Sprintf("%s-%d", name, i))
		}
		for i := range codes {
			codes[i] = int32(rnd.IntN(distinct))
			vals[i] = dict[codes[i]]
		}
		return vector.Coded(name, dict, codes), vector.NewColumn(name+"_text", vals)
	}
	user, userText := column("user", 200)
	event, eventText := column("event", 40)
	times := make([]vector.Value, n)
	for i := range times {
		times[i] = vector.Float(1700000000 + float64(i)/10)
	}
	return &vector.Batch{Len: n, Cols: []*vector.Column{
		user, userText, event, eventText, vector.NewColumn("_time", times), vector.Constant("region", vector.String("eu-west-1")),
	}}
}

// BenchmarkStats measures stats on one core; the figure that counts is ns/row.
func BenchmarkStats(b *testing.B) {
	batch := statsBatch()
	for _, search := range []string{
		"stats count",
		"stats count by user",
		"stats count by user_text",
		"stats count by region",
		"stats count by user event",
		"stats count by user_text event_text region",
		"stats count min(_time) max(_time) by user",
		"stats latest(event) by user",
		"stats values(event) dc(event) by user",
		"stats avg(_time) stdev(_time) by user",
		"timechart span=1h count by event",
		"top user",
	} {
		b.Run(search, func(b *testing.B) {
			q, err := syntax.Parse("* | " + search)
			if err != nil {
				b.Fatal(err)
			}
			r, err := q.Stages[1].Cmd.(exec.Transforming).NewReducer(exec.NewEnv(time.Unix(1700000000, 0)))
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := r.Add(context.Background(), batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(batch.Len), "ns/row")
		})
	}
}

// BenchmarkStatsSpill measures groupings of half a million rows of which memory holds a
// part: keys that are all different, that are there twenty times, and of which few
// are most of the rows.
func BenchmarkStatsSpill(b *testing.B) {
	const rows = 512 << 10
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, keys := range []struct {
		name string
		of   func(row int) int
	}{
		{"different", func(row int) int { return row }},
		{"repeated", func(int) int { return rnd.IntN(rows / 20) }},
		{"skewed", func(int) int { return int(math.Pow(rows, rnd.Float64())) }},
	} {
		for _, search := range []string{"stats count sum(n) by k", "stats values(v) by k"} {
			b.Run(keys.name+"/"+search, func(b *testing.B) {
				q, err := syntax.Parse("* | " + search)
				if err != nil {
					b.Fatal(err)
				}
				for b.Loop() {
					env := exec.NewEnv(time.Unix(1700000000, 0))
					env.Limits.Memory = 4 << 20
					env.Memory, env.Disk = exec.NewBudget(4<<20), spill.NewSpace(b.TempDir(), 8<<30)
					r, err := q.Stages[1].Cmd.(exec.Transforming).NewReducer(env)
					if err != nil {
						b.Fatal(err)
					}
					for from := 0; from < rows; from += vector.DefaultRows {
						k, n, v := make([]vector.Value, vector.DefaultRows), make([]vector.Value, vector.DefaultRows), make([]vector.Value, vector.DefaultRows)
						for i := range k {
							k[i] = vector.String(fmt.Sprintf("key-%d", keys.of(from+i)))
							n[i], v[i] = vector.Int(i), vector.String(fmt.Sprintf("value-%d", i%50))
						}
						batch := &vector.Batch{Len: len(k), Cols: []*vector.Column{vector.NewColumn("k", k), vector.NewColumn("n", n), vector.NewColumn("v", v)}}
						if err := r.Add(context.Background(), batch); err != nil {
							b.Fatal(err)
						}
					}
					out, err := r.Results(context.Background())
					if err != nil {
						b.Fatal(err)
					}
					for err == nil {
						_, err = out.Next(context.Background())
					}
					if err != io.EOF || env.Memory.Over() != nil {
						b.Fatal(err, env.Memory.Over())
					}
					out.Close()
					r.Close()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
			})
		}
	}
}
